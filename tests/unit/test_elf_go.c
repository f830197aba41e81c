/* SPDX-License-Identifier: Apache-2.0 */
/* Go's table in its four formats, in programs of every kind, and broken. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/elf.h"
#include "tests/unit/elf_build.h"

#define HOOK "crypto/tls.(*Config).writeKeyLog"

static bool find(const struct image *m, const char *name, uint64_t *file_offset, enum elf_abi *abi)
{
	struct elf elf;

	assert_true(elf_open(bytes_of(m->data, sizeof(m->data)), &elf));
	return elf_go_function(&elf, name, file_offset, abi);
}

struct format_case {
	uint32_t pclntab;
	enum elf_abi x86, aarch64;
};

static const struct format_case formats[] = {
	{ 0xfffffffb, ELF_ABI_GO_STACK, ELF_ABI_GO_STACK },
	{ 0xfffffffa, ELF_ABI_GO_REGISTERS, ELF_ABI_GO_STACK },
	{ 0xfffffff0, ELF_ABI_GO_REGISTERS, ELF_ABI_GO_REGISTERS },
	{ 0xfffffff1, ELF_ABI_GO_REGISTERS, ELF_ABI_GO_REGISTERS },
};

static void check_format(const struct format_case *format, bool fixed, bool aarch64, bool sections)
{
	uint64_t file_offset;
	enum elf_abi abi;
	struct image m;

	image_make(&m, (struct image_options){ .fixed = fixed, .aarch64 = aarch64,
					       .sections = sections, .pclntab = format->pclntab });
	assert_true(find(&m, HOOK, &file_offset, &abi));
	assert_int_equal(file_offset, image_code(1));
	assert_int_equal(abi, aarch64 ? format->aarch64 : format->x86);
	assert_true(find(&m, "main.main", &file_offset, &abi));
	assert_int_equal(file_offset, image_code(0));
	/* A name that is in the text but is no function's; only a part of one; none. */
	assert_false(find(&m, "net/" HOOK, &file_offset, &abi));
	assert_false(find(&m, "main.mai", &file_offset, &abi));
	assert_false(find(&m, "Config).writeKeyLog", &file_offset, &abi));
	assert_false(find(&m, "main.absent", &file_offset, &abi));
}

static void test_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		for (unsigned int way = 0; way < 8; way++)
			check_format(&formats[i], way & 1, way & 2, way & 4);
}

/* Go 1.16 and 1.17 have one format; a function that only 1.17 has tells them apart. */
static void test_go_1_16(void **state)
{
	uint64_t file_offset;
	enum elf_abi abi;
	struct image m;

	(void)state;
	image_make(&m, (struct image_options){ .fixed = true, .pclntab = 0xfffffffa });
	m.data[IMAGE_PCLNTAB + 0x180 + 81] = 'R';
	assert_true(find(&m, HOOK, &file_offset, &abi));
	assert_int_equal(abi, ELF_ABI_GO_STACK);
}

/* Go 1.26: the start of the text is in moduledata only. */
static void test_no_text_start(void **state)
{
	struct image_options with = { .fixed = true, .pclntab = 0xfffffff1, .no_text_start = true };
	uint64_t file_offset;
	enum elf_abi abi;
	struct image m;

	(void)state;
	image_make(&m, with);
	assert_true(find(&m, HOOK, &file_offset, &abi));
	assert_int_equal(file_offset, image_code(1));
	put64(&m, IMAGE_MODULE + 21 * 8, image_vaddr(IMAGE_CODE + 47));   /* maxpc disagrees */
	assert_false(find(&m, HOOK, &file_offset, &abi));

	/* Relocated: the pointers to the table, minpc, maxpc and text by RELR. */
	with.fixed = false;
	with.relr = true;
	image_make(&m, with);
	put64(&m, IMAGE_RELR, image_vaddr(IMAGE_MODULE));
	put64(&m, IMAGE_RELR + 8, 1 | UINT64_C(7) << 20);
	assert_true(find(&m, HOOK, &file_offset, &abi));
	assert_int_equal(file_offset, image_code(1));
	put64(&m, IMAGE_RELR + 8, 1 | UINT64_C(3) << 20);
	assert_false(find(&m, HOOK, &file_offset, &abi));
}

/* Sections that name no table, without a note: not Go, and not searched. With a note: searched. */
static void test_search(void **state)
{
	struct image_options with = { .fixed = true, .sections = true, .pclntab = 0xfffffff1 };
	uint64_t file_offset;
	enum elf_abi abi;
	struct image m;

	(void)state;
	image_make(&m, with);
	m.data[IMAGE_SECTION_NAMES + 27] = 'G';
	assert_false(find(&m, HOOK, &file_offset, &abi));
	with.go_note = true;
	image_make(&m, with);
	m.data[IMAGE_SECTION_NAMES + 27] = 'G';
	assert_true(find(&m, HOOK, &file_offset, &abi));
	assert_int_equal(file_offset, image_code(1));
	/* What looks like a header lies before the real one, and is not valid. */
	put32(&m, IMAGE_VECTOR + 64, 0xfffffff1);
	m.data[IMAGE_VECTOR + 64 + 6] = 1;
	m.data[IMAGE_VECTOR + 64 + 7] = 8;
	put64(&m, IMAGE_VECTOR + 72, UINT64_MAX);
	assert_true(find(&m, HOOK, &file_offset, &abi));
	assert_int_equal(file_offset, image_code(1));
}

static void test_broken_header(void **state)
{
	static const struct { size_t at; uint64_t value; } wrong[] = {
		{ 0, 0x0801000012345678 }, { 0, 0x08010001fffffff1 }, { 0, 0x08020000fffffff1 },
		{ 0, 0x04010000fffffff1 }, { 8, 0 }, { 8, UINT64_MAX }, { 8, UINT64_MAX / 8 + 1 },
		{ 8, 104 }, { 32, UINT64_MAX }, { 40, 0 }, { 40, UINT64_MAX }, { 64, UINT64_MAX },
		{ 64, 0x3bc },
	};
	uint64_t file_offset;
	enum elf_abi abi;
	struct image m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		image_make(&m, (struct image_options){ .fixed = true, .sections = true,
						       .pclntab = 0xfffffff1 });
		put64(&m, IMAGE_PCLNTAB + wrong[i].at, wrong[i].value);
		if (find(&m, HOOK, &file_offset, &abi))
			fail_msg("number %zu is taken", i);
	}
}

/* The function's address outside the code. */
static void test_broken_pair(void **state)
{
	uint64_t file_offset;
	enum elf_abi abi;
	struct image m;

	(void)state;
	image_make(&m, (struct image_options){ .fixed = true, .pclntab = 0xfffffff1 });
	put32(&m, IMAGE_PCLNTAB + 0x80 + 8, 0x7fffffff);
	assert_false(find(&m, HOOK, &file_offset, &abi));
	image_make(&m, (struct image_options){ .fixed = true, .pclntab = 0xfffffff1 });
	put32(&m, IMAGE_PCLNTAB + 0x80 + 8 + 4, 0x7fffffff);
	assert_false(find(&m, HOOK, &file_offset, &abi));
	assert_true(find(&m, "main.main", &file_offset, &abi));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),
		cmocka_unit_test(test_go_1_16),
		cmocka_unit_test(test_no_text_start),
		cmocka_unit_test(test_search),
		cmocka_unit_test(test_broken_header),
		cmocka_unit_test(test_broken_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

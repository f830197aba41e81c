/* SPDX-License-Identifier: Apache-2.0 */
/* ELF files cut at every length, and with every byte wrong. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "parsers/elf.h"
#include "parsers/probe_instruction.h"
#include "tests/unit/elf_build.h"

/* Asks all there is to ask; whatever is found must be code inside the file. */
static void ask(struct bytes file)
{
	const char *const parts[] = { "Expander", "block" };
	struct elf_place places[4];
	uint64_t offset = 0, vaddr;
	struct probe_place probe;
	struct bytes part;
	enum elf_abi abi;
	struct elf elf;
	size_t num;

	if (!elf_open(file, &elf))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(image_functions); i++) {
		if (elf_symbol(&elf, image_functions[i], &offset, &vaddr))
			assert_true(elf_code_at(&elf, offset, &part));
		if (elf_static_symbol(&elf, image_functions[i], &offset, &vaddr))
			assert_true(probe_instruction(&elf, offset, ELF_ABI_C, &probe));
	}
	num = elf_static_symbols_with(&elf, parts, 2, places, ARRAY_SIZE(places));
	for (size_t i = 0; i < num; i++)
		assert_true(elf_code_at(&elf, places[i].file_offset, &part));
	for (size_t i = 0; i < num; i++)
		if (elf_returns(&elf, &places[i], &places[num - 1 - i], &offset, 1))
			assert_true(elf_code_at(&elf, offset, &part));
	for (unsigned int i = 3; i <= 5; i += 2)
		if (elf_freebl_function(&elf, i, &offset))
			assert_true(elf_code_at(&elf, offset, &part));
	if (elf_go_function(&elf, "crypto/tls.(*Config).writeKeyLog", &offset, &abi))
		assert_true(elf_code_at(&elf, offset, &part));
	if (elf_build_id(&elf, &part))
		assert_true(part.data >= file.data && part.data + part.len <= file.data + file.len);
	if (elf_soname(&elf, &part))
		assert_true(part.data >= file.data && part.data + part.len <= file.data + file.len);
}

static const struct image_options subjects[] = {
	{ .gnu_hash = true, .sections = true, .pclntab = 0xfffffff1 },
	{ .hash = true, .relr = true, .pclntab = 0xfffffffa },
	{ .fixed = true, .sections = true, .pclntab = 0xfffffff1, .no_text_start = true },
	{ .gnu_hash = true, .aarch64 = true, .symbolic = true, .pclntab = 0xfffffffb },
};

static void test_every_prefix(void **state)
{
	struct image m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		image_make(&m, subjects[i]);
		for (size_t len = 0; len <= IMAGE_LEN; len++) {
			uint8_t *copy = malloc(len ? len : 1);

			assert_non_null(copy);
			memcpy(copy, m.data, len);
			ask(bytes_of(copy, len));
			free(copy);
		}
	}
}

static void test_every_byte_wrong(void **state)
{
	uint8_t *copy = malloc(IMAGE_LEN);

	(void)state;
	assert_non_null(copy);
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++) {
		struct image m;

		image_make(&m, subjects[i]);
		memcpy(copy, m.data, IMAGE_LEN);
		for (size_t at = 0; at < IMAGE_LEN; at++) {
			const uint8_t values[] = { 0, 0xff, copy[at] ^ 1, copy[at] ^ 0x80 };

			for (size_t j = 0; j < sizeof(values); j++) {
				copy[at] = values[j];
				ask(bytes_of(copy, IMAGE_LEN));
			}
			copy[at] = m.data[at];
		}
	}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_prefix),
		cmocka_unit_test(test_every_byte_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

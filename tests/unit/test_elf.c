/* SPDX-License-Identifier: Apache-2.0 */
/* ELF files made by hand: what is found in them, and what is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/elf.h"
#include "tests/unit/elf_build.h"

static const struct image_options whole = { .gnu_hash = true, .hash = true, .sections = true };

static struct elf open_image(const struct image *m)
{
	struct elf elf;

	assert_true(elf_open(bytes_of(m->data, sizeof(m->data)), &elf));
	return elf;
}

static void assert_function(const struct elf *elf, const char *name, unsigned int index)
{
	uint64_t file_offset, vaddr;

	assert_true(elf_symbol(elf, name, &file_offset, &vaddr));
	assert_int_equal(file_offset, image_code(index));
	assert_int_equal(vaddr, image_vaddr(image_code(index)));
}

static void test_not_an_elf(void **state)
{
	static const struct { size_t at; uint8_t value; } wrong[] = {
		{ 0, 0x7e }, { 4, 1 }, { 5, 2 }, { 6, 0 }, { 16, 1 }, { 16, 4 }, { 18, 3 },
		{ 18, 40 }, { 54, 32 }, { 33, 0xff }, { 56, 0 }, { 39, 0x80 },
	};
	struct image m;
	struct elf elf;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		image_make(&m, whole);
		m.data[wrong[i].at] = wrong[i].value;
		if (elf_open(bytes_of(m.data, sizeof(m.data)), &elf))
			fail_msg("byte %zu as %u is taken", wrong[i].at, wrong[i].value);
	}
	assert_false(elf_open(bytes_of("", 0), &elf));
}

static void test_addresses(void **state)
{
	uint64_t offset, vaddr;
	struct bytes code;
	struct image m;
	struct elf elf;

	(void)state;
	image_make(&m, whole);
	elf = open_image(&m);
	assert_int_equal(elf.num_loads, 2);
	assert_true(elf_vaddr_to_offset(&elf, IMAGE_BASE, &offset) && offset == 0);
	assert_true(elf_vaddr_to_offset(&elf, image_vaddr(IMAGE_LEN - 1), &offset));
	assert_int_equal(offset, IMAGE_LEN - 1);
	assert_true(elf_offset_to_vaddr(&elf, IMAGE_DATA, &vaddr));
	assert_int_equal(vaddr, image_vaddr(IMAGE_DATA));
	assert_false(elf_vaddr_to_offset(&elf, IMAGE_BASE - 1, &offset));
	assert_false(elf_vaddr_to_offset(&elf, IMAGE_BASE + IMAGE_TEXT_LEN, &offset));
	assert_false(elf_vaddr_to_offset(&elf, image_vaddr(IMAGE_LEN - 1) + 1, &offset));
	assert_false(elf_offset_to_vaddr(&elf, IMAGE_LEN, &vaddr));
	assert_true(elf_code_at(&elf, IMAGE_CODE, &code));
	assert_ptr_equal(code.data, m.data + IMAGE_CODE);
	assert_int_equal(code.len, IMAGE_TEXT_LEN - IMAGE_CODE);
	assert_false(elf_code_at(&elf, IMAGE_DATA, &code));
}

/* By each of the three ways, in files of both kinds. */
static void test_symbols(void **state)
{
	static const char *const refused[] = { "elsewhere", "an_object", "indirect", "in_data", "",
					       "first_functio", "first_function2", "absent",
					       "_ZN3one8Expander5block17h0123E" };
	const char *const one[] = { "absent", "second_function" };
	uint64_t file_offset, vaddr;
	struct image m;
	struct elf elf;

	(void)state;
	for (unsigned int way = 0; way < 6; way++) {
		image_make(&m, (struct image_options){ .gnu_hash = way / 2 == 0,
						       .hash = way / 2 == 1,
						       .sections = way / 2 == 2,
						       .fixed = way % 2 });
		elf = open_image(&m);
		assert_int_equal(elf.fixed, way % 2);
		for (unsigned int i = 0; i < ARRAY_SIZE(image_functions); i++)
			assert_function(&elf, image_functions[i], i);
		for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
			if (elf_symbol(&elf, refused[i], &file_offset, &vaddr))
				fail_msg("%s is found by way %u", refused[i], way);
		assert_true(elf_has_any(&elf, one, 2));
		assert_false(elf_has_any(&elf, one, 1));
		assert_false(elf_has_any(&elf, refused, ARRAY_SIZE(refused)));
	}
	image_make(&m, (struct image_options){ 0 });
	elf = open_image(&m);
	assert_false(elf_has_any(&elf, image_functions, ARRAY_SIZE(image_functions)));
}

/* A Bloom filter that lacks the name's bits says no, whatever the chain has. */
static void test_bloom(void **state)
{
	uint32_t hash = image_gnu_hash("first_function");
	uint64_t file_offset, vaddr;
	struct image m;
	struct elf elf;

	(void)state;
	image_make(&m, whole);
	put64(&m, IMAGE_GNU_HASH + 16, UINT64_C(1) << hash % 64 | UINT64_C(1) << (hash >> 6) % 64);
	elf = open_image(&m);
	assert_function(&elf, "first_function", 0);
	put64(&m, IMAGE_GNU_HASH + 16, ~(UINT64_C(1) << (hash >> 6) % 64));
	assert_false(elf_symbol(&elf, "first_function", &file_offset, &vaddr));
}

/* Chains without an end, in a circle, or out of the file. */
static void test_broken_hashes(void **state)
{
	uint64_t file_offset, vaddr;
	struct image m;
	struct elf elf;

	(void)state;
	image_make(&m, (struct image_options){ .hash = true });
	elf = open_image(&m);
	put32(&m, IMAGE_HASH + 12 + 4 * 3, 2);                 /* 2 -> 3 -> 2 */
	assert_false(elf_symbol(&elf, "FREEBL_GetVector", &file_offset, &vaddr));
	put32(&m, IMAGE_HASH + 12 + 4 * 3, 4);
	assert_function(&elf, "FREEBL_GetVector", 2);
	put32(&m, IMAGE_HASH + 4, 4);                          /* fewer chains than that */
	assert_function(&elf, "second_function", 1);
	assert_false(elf_symbol(&elf, "FREEBL_GetVector", &file_offset, &vaddr));
	put32(&m, IMAGE_HASH, UINT32_MAX);
	assert_false(elf_symbol(&elf, "first_function", &file_offset, &vaddr));

	image_make(&m, whole);
	elf = open_image(&m);
	m.data[IMAGE_GNU_HASH + 28 + 4] |= 1;                  /* ends at the second function */
	assert_function(&elf, "second_function", 1);
	assert_false(elf_symbol(&elf, "FREEBL_GetVector", &file_offset, &vaddr));
	for (unsigned int i = 0; i < 7; i++)
		put32(&m, IMAGE_GNU_HASH + 28 + 4 * i, 0);
	assert_false(elf_symbol(&elf, "first_function", &file_offset, &vaddr));
	for (unsigned int field = 0; field < 3; field++) {
		image_make(&m, whole);
		put32(&m, IMAGE_GNU_HASH + 4 * field, field == 1 ? 3 : 0);
		assert_false(elf_symbol(&elf, "first_function", &file_offset, &vaddr));
		put32(&m, IMAGE_GNU_HASH + 4 * field, UINT32_MAX);
		assert_false(elf_symbol(&elf, "first_function", &file_offset, &vaddr));
	}
}

static size_t with_parts(const struct elf *elf, const char *first, const char *second,
			 struct elf_place *out)
{
	const char *const parts[] = { first, second };

	return elf_static_symbols_with(elf, parts, second ? 2 : 1, out, 4);
}

static void test_static_symbols(void **state)
{
	struct elf_place places[4];
	uint64_t file_offset, vaddr;
	struct image m;
	struct elf elf;

	(void)state;
	image_make(&m, whole);
	elf = open_image(&m);
	assert_true(elf_static_symbol(&elf, "_ZN3one8Expander5block17h0123E", &file_offset,
				      &vaddr));
	assert_int_equal(file_offset, image_code(1));
	assert_false(elf_static_symbol(&elf, "elsewhere", &file_offset, &vaddr));
	assert_int_equal(with_parts(&elf, "Expander", "5block", places), 1);
	assert_int_equal(places[0].file_offset, image_code(1));
	assert_int_equal(places[0].vaddr, image_vaddr(image_code(1)));
	assert_int_equal(with_parts(&elf, "block", "Expander", places), 0);
	assert_int_equal(with_parts(&elf, "Expander", "Expander", places), 0);
	assert_int_equal(with_parts(&elf, "Expander", "nothing", places), 0);
	/* Two functions; the local one has the second's place, which is told once. */
	assert_int_equal(with_parts(&elf, "_function", NULL, places), 2);
	assert_int_equal(with_parts(&elf, "o", NULL, places), 3);
	assert_int_equal(elf_static_symbols_with(&elf, (const char *const[]){ "_function" }, 1,
						 places, 1), 1);
	assert_int_equal(elf_static_symbols_with(&elf, NULL, 0, places, 4), 0);
	/* A name that begins inside the string: "pander5block..." holds block, but not Expander. */
	put32(&m, IMAGE_SYMBOLS + 24 * 8, 86 + 10);
	assert_int_equal(with_parts(&elf, "block", NULL, places), 1);
	assert_int_equal(with_parts(&elf, "Expander", NULL, places), 0);
	/* The same between two strings that do hold it: "nction" of the first function's name. */
	put32(&m, IMAGE_SYMBOLS + 24 * 8, 11 + 8);
	put64(&m, IMAGE_SYMBOLS + 24 * 8 + 8, image_vaddr(image_code(2)));
	assert_int_equal(with_parts(&elf, "_function", NULL, places), 2);

	image_make(&m, (struct image_options){ .gnu_hash = true });
	elf = open_image(&m);
	assert_false(elf_static_symbol(&elf, "first_function", &file_offset, &vaddr));
	assert_int_equal(with_parts(&elf, "Expander", NULL, places), 0);
}

static void expect_return(const struct elf *elf, const struct elf_place *caller, size_t expected)
{
	const struct elf_place second = { image_code(1), image_vaddr(image_code(1)), 16 };
	const struct elf_place other = { image_code(2), image_vaddr(image_code(2)), 16 };
	uint64_t at[3];

	assert_int_equal(elf_returns(elf, caller, &second, at, 3), expected != 0);
	if (expected)
		assert_int_equal(at[0], image_code(0) + expected);
	assert_int_equal(elf_returns(elf, caller, &second, at, 0), 0);
	assert_int_equal(elf_returns(elf, caller, &other, at, 3), 0);
}

static void test_returns(void **state)
{
	static const uint8_t direct[] = { 0x90, 0xe8, 16 - 6, 0, 0, 0 };
	struct elf_place first = { image_code(0), image_vaddr(image_code(0)), 16 };
	struct image m;
	struct elf elf;

	(void)state;
	image_make(&m, whole);
	elf = open_image(&m);
	expect_return(&elf, &first, 0);
	put_bytes(&m, image_code(0), direct, sizeof(direct));
	expect_return(&elf, &first, 6);
	first.size = 6;
	expect_return(&elf, &first, 0);              /* nothing of it is behind the call */
	first.size = UINT64_MAX;
	expect_return(&elf, &first, 6);

	/* By a word that is relocated, and by one that is not. */
	image_make(&m, whole);
	elf = open_image(&m);
	put16(&m, image_code(0) + 2, 0x15ff);
	put32(&m, image_code(0) + 4,
	      (uint32_t)(image_vaddr(IMAGE_VECTOR + 40) - image_vaddr(image_code(0) + 8)));
	first.size = 16;
	expect_return(&elf, &first, 8);
	put32(&m, image_code(0) + 4,
	      (uint32_t)(image_vaddr(IMAGE_VECTOR + 32) - image_vaddr(image_code(0) + 8)));
	expect_return(&elf, &first, 0);

	image_make(&m, (struct image_options){ .gnu_hash = true, .aarch64 = true });
	elf = open_image(&m);
	put32(&m, image_code(0) + 4, 0x94000000 | (16 - 4) / 4);
	expect_return(&elf, &first, 8);
	/* Backwards, from the third to the second. */
	put32(&m, image_code(2) + 8, 0x97fffffa);
	first = (struct elf_place){ image_code(2), image_vaddr(image_code(2)), 16 };
	expect_return(&elf, &first, 2 * 16 + 12);
}

static void test_freebl(void **state)
{
	uint64_t file_offset;
	struct image m;
	struct elf elf;

	(void)state;
	for (unsigned int way = 0; way < 8; way++) {
		image_make(&m, (struct image_options){ .gnu_hash = true, .aarch64 = way & 1,
						       .fixed = way / 2 == 1, .relr = way / 2 == 2,
						       .symbolic = way / 2 == 3 });
		elf = open_image(&m);
		assert_true(elf_freebl_function(&elf, 3, &file_offset));
		assert_int_equal(file_offset, image_code(0));
		assert_true(elf_freebl_function(&elf, 5, &file_offset));
		assert_int_equal(file_offset, image_code(1));
		assert_false(elf_freebl_function(&elf, 0, &file_offset));
		assert_false(elf_freebl_function(&elf, 4, &file_offset));
		assert_false(elf_freebl_function(&elf, 16, &file_offset));
		assert_false(elf_freebl_function(&elf, UINT32_MAX, &file_offset));
		put16(&m, IMAGE_VECTOR, 5 * 8);                /* an older, shorter vector */
		assert_true(elf_freebl_function(&elf, 3, &file_offset));
		assert_false(elf_freebl_function(&elf, 5, &file_offset));
		put16(&m, IMAGE_VECTOR + 2, 0x0412);           /* another major version */
		assert_false(elf_freebl_function(&elf, 3, &file_offset));
	}
	image_make(&m, (struct image_options){ .gnu_hash = true, .symbolic = true });
	m.data[IMAGE_RELA + 12] = 1;                           /* a symbol of another file */
	elf = open_image(&m);
	assert_false(elf_freebl_function(&elf, 3, &file_offset));
	assert_true(elf_freebl_function(&elf, 5, &file_offset));
	image_make(&m, (struct image_options){ .sections = true });
	put64(&m, IMAGE_RELA + 16, image_vaddr(IMAGE_VECTOR)); /* an entry that is no code */
	elf = open_image(&m);
	assert_false(elf_freebl_function(&elf, 3, &file_offset));
	assert_true(elf_freebl_function(&elf, 5, &file_offset));
}

/* The data before the code: the distance between their pages is negative. */
static void test_freebl_behind(void **state)
{
	uint64_t data = 0x300000, vector = data + IMAGE_VECTOR - IMAGE_DATA, page, file_offset;
	struct image m;
	struct elf elf;

	(void)state;
	for (unsigned int aarch64 = 0; aarch64 < 2; aarch64++) {
		image_make(&m, (struct image_options){ .gnu_hash = true, .fixed = true,
						       .aarch64 = aarch64 });
		put64(&m, IMAGE_HEADERS + 56 + 16, data);
		page = (vector >> 12) - (image_vaddr(image_code(2)) >> 12);
		if (aarch64) {
			put32(&m, image_code(2), 0x90000001 | (uint32_t)(page & 3) << 29 |
						 (uint32_t)(page >> 2 & 0x7ffff) << 5);
			put32(&m, image_code(2) + 4,
			      0x91000021 | (uint32_t)(vector & 0xfff) << 10);
		} else {
			put32(&m, image_code(2) + 7,
			      (uint32_t)(vector - image_vaddr(image_code(2) + 11)));
		}
		elf = open_image(&m);
		assert_true(elf_freebl_function(&elf, 3, &file_offset));
		assert_int_equal(file_offset, image_code(0));
	}
}

static void test_notes_and_name(void **state)
{
	struct bytes part;
	struct image m;
	struct elf elf;

	(void)state;
	image_make(&m, whole);
	elf = open_image(&m);
	assert_true(elf_build_id(&elf, &part));
	assert_int_equal(part.len, 20);
	assert_memory_equal(part.data, "\xde\xad\x01\x02", 4);
	put32(&m, IMAGE_NOTES + 20 + 4, 0);                    /* an empty one is none */
	assert_false(elf_build_id(&elf, &part));
	put32(&m, IMAGE_NOTES + 20 + 4, UINT32_MAX);
	assert_false(elf_build_id(&elf, &part));
	assert_true(elf_soname(&elf, &part));
	assert_true(bytes_equal(part, bytes_of("libimage.so.1", 13)));
	put64(&m, IMAGE_DYNAMIC + 3 * 16, 0x6ffffff0);
	elf = open_image(&m);
	assert_false(elf_soname(&elf, &part));
	assert_true(elf_section(&elf, ".strings", &part));
	assert_ptr_equal(part.data, m.data + IMAGE_STRINGS);
	assert_false(elf_section(&elf, ".bss", &part));
	assert_false(elf_section(&elf, ".absent", &part));
}

/* No dynamic section, no sections: every table is absent, every answer no. */
static void test_bare(void **state)
{
	uint64_t file_offset, vaddr;
	struct bytes part;
	struct image m;
	enum elf_abi abi;
	struct elf elf;

	(void)state;
	image_make(&m, (struct image_options){ 0 });
	put32(&m, IMAGE_HEADERS + 2 * 56, 0);
	put32(&m, IMAGE_HEADERS + 3 * 56, 0);
	elf = open_image(&m);
	assert_false(elf_symbol(&elf, "first_function", &file_offset, &vaddr));
	assert_false(elf_static_symbol(&elf, "first_function", &file_offset, &vaddr));
	assert_false(elf_freebl_function(&elf, 3, &file_offset));
	assert_false(elf_go_function(&elf, "main.main", &file_offset, &abi));
	assert_false(elf_pointer_at(&elf, image_vaddr(IMAGE_VECTOR + 24), &vaddr));
	assert_false(elf_build_id(&elf, &part));
	assert_false(elf_soname(&elf, &part));
	assert_false(elf_section(&elf, ".strings", &part));
	/* A name at the start of a table of strings that is not there. */
	image_make(&m, whole);
	put64(&m, IMAGE_DYNAMIC, 0x6ffffff0);
	put64(&m, IMAGE_DYNAMIC + 3 * 16 + 8, 0);
	elf = open_image(&m);
	assert_false(elf_soname(&elf, &part));
	assert_false(elf_symbol(&elf, "", &file_offset, &vaddr));
}

static void test_many_segments(void **state)
{
	enum { NUM = 40 };
	static uint8_t data[64 + 56 * NUM];
	struct image m;
	struct elf elf;

	(void)state;
	image_make(&m, whole);
	memcpy(data, m.data, 64 + 56);
	data[56] = NUM;
	for (size_t i = 1; i < NUM; i++)
		memcpy(data + 64 + 56 * i, data + 64, 56);
	assert_true(elf_open(bytes_of(data, sizeof(data)), &elf));
	assert_int_equal(elf.num_loads, ELF_LOADS_MAX);
	assert_int_equal(elf.loads_dropped, NUM - ELF_LOADS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_not_an_elf),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_bloom),
		cmocka_unit_test(test_broken_hashes),
		cmocka_unit_test(test_static_symbols),
		cmocka_unit_test(test_returns),
		cmocka_unit_test(test_freebl),
		cmocka_unit_test(test_freebl_behind),
		cmocka_unit_test(test_notes_and_name),
		cmocka_unit_test(test_bare),
		cmocka_unit_test(test_many_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

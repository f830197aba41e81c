/* SPDX-License-Identifier: Apache-2.0 */
/* The files that this very program runs from, against what the loader made of them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <fcntl.h>
#include <openssl/kdf.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/elf.h"

static struct bytes map_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *data;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(data, MAP_FAILED);
	close(fd);
	return bytes_of(data, (size_t)st.st_size);
}

/* The running libcrypto: each address, and the bytes there, as the loader has them. */
static void test_live_library(void **state)
{
	static const char *const names[] = { "EVP_KDF_derive", "EVP_PKEY_derive",
					     "EVP_PKEY_CTX_ctrl", "EVP_DigestInit_ex" };
	void *derive = dlsym(RTLD_DEFAULT, "EVP_KDF_derive");
	uint64_t file_offset, vaddr;
	struct bytes file, part;
	struct elf elf;
	Dl_info info;

	(void)state;
	assert_ptr_equal(derive, EVP_KDF_derive);
	assert_int_not_equal(dladdr(derive, &info), 0);
	file = map_file(info.dli_fname);
	assert_true(elf_open(file, &elf));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const uint8_t *real = dlsym(RTLD_DEFAULT, names[i]);

		assert_true(elf_symbol(&elf, names[i], &file_offset, &vaddr));
		assert_ptr_equal((uint8_t *)info.dli_fbase + vaddr, real);
		assert_memory_equal(file.data + file_offset, real, 16);
		assert_true(elf_vaddr_to_offset(&elf, vaddr, &vaddr) && vaddr == file_offset);
	}
	assert_true(elf_has_any(&elf, names, ARRAY_SIZE(names)));
	assert_false(elf_symbol(&elf, "no_such_function", &file_offset, &vaddr));
	assert_true(elf_soname(&elf, &part));
	assert_true(part.len > 9 && memcmp(part.data, "libcrypto", 9) == 0);
	munmap((void *)(uintptr_t)file.data, file.len);
}

/* A pointer that the loader has to set. */
static struct bytes (*const volatile relocated)(const char *path) = map_file;

/* This program: a local function by .symtab, and a relocated pointer. */
static void test_live_program(void **state)
{
	struct bytes file = map_file("/proc/self/exe");
	uint64_t file_offset, vaddr, pointer;
	uintptr_t base;
	struct elf elf;
	Dl_info info;

	(void)state;
	assert_true(elf_open(file, &elf));
	assert_int_not_equal(dladdr((void *)(uintptr_t)map_file, &info), 0);
	base = elf.fixed ? 0 : (uintptr_t)info.dli_fbase;
	assert_true(elf_static_symbol(&elf, "test_live_program", &file_offset, &vaddr));
	assert_int_equal(base + vaddr, (uintptr_t)test_live_program);
	assert_true(elf_pointer_at(&elf, (uintptr_t)&relocated - base, &pointer));
	assert_int_equal(base + pointer, (uintptr_t)relocated);
	assert_memory_equal(file.data + file_offset, (void *)(uintptr_t)test_live_program, 16);
	munmap((void *)(uintptr_t)file.data, file.len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live_library),
		cmocka_unit_test(test_live_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

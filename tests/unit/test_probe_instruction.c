/* SPDX-License-Identifier: Apache-2.0 */
/* Starts of functions as compilers write them, with their places for a probe; every prefix. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "parsers/probe_instruction.h"

#define C ELF_ABI_C
#define STACK ELF_ABI_GO_STACK
#define REGISTERS ELF_ABI_GO_REGISTERS
#define NONE UINT32_MAX

struct probe_case {
	const char *name;
	const char *hex;
	enum elf_abi abi;
	uint32_t at;            /* bytes from the start; NONE: no emulated instruction is found */
	uint32_t stack_adjust;
};

static const struct probe_case x86_cases[] = {
	{ "endbr64; push rbp", "f30f1efa 55", C, 4, 0 },
	{ "push r15", "4157", C, 0, 0 },
	{ "test; je, as in EVP_KDF_derive", "4885c9 7407", C, 3, 0 },
	{ "test; je of 32 bits", "4885c9 0f8426010000", C, 3, 0 },
	{ "sub, 8 and 32 bits; call", "4883ec18 4881ec48020000 e85e000000", C, 11, 0x260 },
	{ "add -128, rsp; jmp", "4883c480 eb61", C, 4, 128 },
	{ "Go: cmp; jbe", "493b6610 7661", REGISTERS, 4, 0 },
	{ "Go: lea r12; cmp; jbe", "4c8d6424d8 4d3b6610 7661", REGISTERS, 9, 0 },
	{ "r12 is to be kept in C", "4c8d6424d8 4d3b6610 7661", C, NONE, 0 },
	{ "Go 1.15: mov fs:-8, rcx; cmp; jbe", "64488b0c25f8ffffff 483b6110 7661", STACK, 13, 0 },
	{ "rcx is an argument", "64488b0c25f8ffffff 483b6110 7661", REGISTERS, NONE, 0 },
	{ "rcx is an argument in C", "64488b0c25f8ffffff 483b6110 7661", C, NONE, 0 },
	{ "mov fs:40, rax", "64488b042528000000 53", C, 9, 0 },
	{ "mov rdi, r10", "4989fa 53", C, 3, 0 },
	{ "r10 is an argument in Go", "4989fa 53", REGISTERS, NONE, 0 },
	{ "mov rdi, rsi", "4889fe 53", C, NONE, 0 },
	{ "mov rsi, 8(rdi)", "48897708 53", C, NONE, 0 },
	{ "xor eax, eax", "31c0 53", C, 2, 0 },
	{ "rax is an argument in Go", "31c0 53", REGISTERS, NONE, 0 },
	{ "cmpl, SIB and 32 bits", "81bc984433221178563412 7502", C, 11, 0 },
	{ "testb of rip", "f6050000000001 7502", C, 7, 0 },
	{ "cmpq, SIB without a base", "48833cfd0000000005 7702", C, 9, 0 },
	{ "nop of 4 bytes; nop", "0f1f0400 90", C, 4, 0 },
	{ "nop of 2 bytes", "6690 50", C, 2, 0 },
	{ "nop with prefixes", "662e0f1f0400 50", C, 6, 0 },
	{ "lea 8(rsp), r10", "4c8d542408 53", C, 5, 0 },
	{ "call of 16 bits", "66e80400 53", C, NONE, 0 },
	{ "push of a number", "6a05", C, NONE, 0 },
	{ "push of memory", "ff7008", C, NONE, 0 },
	{ "jmp of a register", "ffe0", C, NONE, 0 },
	{ "push fs", "0fa0", C, NONE, 0 },
	{ "sub rax, rsp", "4829c4 53", C, NONE, 0 },
	{ "sub of 305 MB", "4881ec78563412 53", C, NONE, 0 },
	{ "sub of nothing", "4883ec00 53", C, NONE, 0 },
	{ "sub of less than nothing", "4883ecf8 53", C, NONE, 0 },
	{ "sub of the smallest number", "4881c400000080 53", C, NONE, 0 },
	{ "sub of esp", "83ec18 53", C, NONE, 0 },
	{ "sub of r12", "4983ec18 53", C, NONE, 0 },
	{ "add to rsp", "4883c408 53", C, NONE, 0 },
	{ "not after eight", "4885c9 4885c9 4885c9 4885c9 4885c9 4885c9 4885c9 4885c9 4885c9 53",
	  C, NONE, 0 },
	{ "after eight", "4885c9 4885c9 4885c9 4885c9 4885c9 4885c9 4885c9 4885c9 53", C, 24, 0 },
	{ "ret", "c3", C, NONE, 0 },
};

static const struct probe_case aarch64_cases[] = {
	{ "bti c; paciasp; cbz", "5f2403d5 3f2303d5 800000b4", C, 8, 0 },
	{ "nop; b", "1f2003d5 02000014", C, 4, 0 },
	{ "sub sp; adrp", "ff0301d1 03000090", C, 4, 0x40 },
	{ "sub sp, lsl 12; bl", "ff0740d1 02000094", C, 4, 0x1000 },
	{ "Go: ldr x16; cmp sp; b.ls", "900b40f9 ff6330eb 09020054", REGISTERS, 8, 0 },
	{ "Go: sub x17, sp; cmp; b.ls", "f18301d1 3f0210eb 09020054", REGISTERS, 8, 0 },
	{ "Go 1.15: ldr x1; mov x2, sp", "810b40f9 e2030091 5f0001eb 09020054", STACK, 12, 0 },
	{ "x1 is an argument", "810b40f9 e2030091 5f0001eb 09020054", REGISTERS, NONE, 0 },
	{ "stp is not emulated", "fd7bbea9 400000b4", C, NONE, 0 },
	{ "mov x2, x0", "e20300aa 400000b4", C, NONE, 0 },
	{ "tbnz", "41001837", C, 0, 0 },
	{ "ldr of a literal", "83000058", C, 0, 0 },
	{ "prfm of a literal", "800000d8", C, NONE, 0 },
	{ "tst; b.eq", "1f0840f2 40000054", C, 4, 0 },
	{ "pacibsp; tst; ret", "7f2303d5 3f00026a c0035fd6", C, 8, 0 },
	{ "cmp; br", "3f140071 00021fd6", C, 4, 0 },
	{ "yield", "3f2003d5 c0035fd6", C, NONE, 0 },
	{ "bti jc; autiasp", "df2403d5 bf2303d5 c0035fd6", C, NONE, 0 },
};

/* A file of nothing but one executable segment; `lead` bytes of it come before the function. */
static struct elf file_of(struct bytes file, enum elf_machine machine)
{
	return (struct elf){
		.file = file,
		.machine = machine,
		.num_loads = 1,
		.loads = { { .vaddr = 0x1000, .file_len = file.len, .executable = true } },
	};
}

static size_t read_code(const char *hex, uint8_t *out, size_t size)
{
	unsigned int octet;
	size_t len = 0;
	int taken;

	for (; sscanf(hex, " %2x%n", &octet, &taken) == 1; hex += taken) {
		assert_true(len < size);
		out[len++] = (uint8_t)octet;
	}
	assert_int_equal(*hex, '\0');
	return len;
}

/* With the function at offset 3 of a file that ends where the code does. */
static struct probe_place probe(const struct probe_case *c, enum elf_machine machine,
				const uint8_t *code, size_t len)
{
	uint8_t *file = malloc(3 + len);
	struct probe_place place;
	struct elf elf;

	assert_non_null(file);
	memset(file, 0x90, 3);
	memcpy(file + 3, code, len);
	elf = file_of(bytes_of(file, 3 + len), machine);
	assert_true(probe_instruction(&elf, 3, c->abi, &place));
	free(file);
	return place;
}

static void check_case(const struct probe_case *c, enum elf_machine machine)
{
	bool found = c->at != NONE;
	uint8_t code[64];
	size_t len = read_code(c->hex, code, sizeof(code));
	struct probe_place place = probe(c, machine, code, len);

	if (place.emulated != found || place.file_offset != 3 + (found ? c->at : 0) ||
	    place.stack_adjust != c->stack_adjust)
		fail_msg("%s: %s at %d, stack %u", c->name, place.emulated ? "found" : "none",
			 (int)place.file_offset - 3, place.stack_adjust);
	/* All that are found end with that instruction: cut anywhere, there is none. */
	while (--len > 0) {
		place = probe(c, machine, code, len);
		if (place.emulated || place.file_offset != 3 || place.stack_adjust != 0)
			fail_msg("%s: found in %zu bytes", c->name, len);
	}
}

static void test_x86(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(x86_cases); i++)
		check_case(&x86_cases[i], ELF_X86_64);
}

static void test_aarch64(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(aarch64_cases); i++)
		check_case(&aarch64_cases[i], ELF_AARCH64);
}

static void test_not_code(void **state)
{
	static const uint8_t code[] = { 0x55, 0xc3 };
	struct elf elf = file_of(bytes_of(code, sizeof(code)), ELF_X86_64);
	struct probe_place place;

	(void)state;
	assert_true(probe_instruction(&elf, 1, C, &place));
	assert_false(place.emulated);
	assert_false(probe_instruction(&elf, 2, C, &place));
	assert_false(probe_instruction(&elf, UINT64_MAX, C, &place));
	elf.loads[0].executable = false;
	assert_false(probe_instruction(&elf, 0, C, &place));
}

/* Every two first bytes, with zeros behind: those that the kernel emulates, and no others. */
static void test_all_opcodes(void **state)
{
	struct probe_place place;
	size_t emulated = 0;

	(void)state;
	for (unsigned int i = 0; i < 0x10000; i++) {
		uint8_t code[] = { (uint8_t)i, (uint8_t)(i >> 8), 0, 0, 0, 0, 0, 0, 0x55 };
		struct elf elf = file_of(bytes_of(code, sizeof(code)), ELF_X86_64);

		assert_true(probe_instruction(&elf, 0, C, &place));
		assert_true(place.file_offset < sizeof(code));
		emulated += place.emulated && place.file_offset == 0;
	}
	/* push 8, jcc 16, jmp and call 3, nop: 28 of one byte; 0f 8x 16; 41 5x 8. */
	assert_int_equal(emulated, 28 * 256 + 16 + 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_x86),
		cmocka_unit_test(test_aarch64),
		cmocka_unit_test(test_not_code),
		cmocka_unit_test(test_all_opcodes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where one function calls another: `call rel32` and `call *disp32(%rip)`, through a word that the
 * loader sets, of x86-64; `bl` of aarch64. Looked for at each byte of x86-64, not instruction by
 * instruction: that all 40 or 48 bits fit by accident, among the few hundred bytes of one function,
 * is not to be expected.
 */
#include "parsers/elf_parts.h"

#define CALLER_SIZE_MAX 4096        /* bytes of one function looked at; real ones have some 200 */
#define POINTERS_MAX 16             /* words looked up for one: each walks the relocations */

struct search {
	const struct elf *elf;
	uint64_t vaddr;             /* of the byte at hand */
	uint64_t callee;
	unsigned int num_pointers;
};

/* Is the word at `vaddr` set to the function that is searched for? */
static bool points_to_callee(struct search *s, uint64_t vaddr)
{
	uint64_t pointer;

	return s->num_pointers++ < POINTERS_MAX && elf_pointer_at(s->elf, vaddr, &pointer) &&
	       pointer == s->callee;
}

static uint64_t displaced(uint64_t from, const uint8_t *by)
{
	return from + (uint64_t)(int64_t)(int32_t)elf_u32(by);
}

/* The length of a call to it that `code` begins with, else 0. */
static size_t x86_call(struct search *s, struct bytes code)
{
	if (code.len >= 5 && code.data[0] == 0xe8 &&
	    displaced(s->vaddr + 5, code.data + 1) == s->callee)
		return 5;
	if (code.len >= 6 && code.data[0] == 0xff && code.data[1] == 0x15 &&
	    points_to_callee(s, displaced(s->vaddr + 6, code.data + 2)))
		return 6;
	return 0;
}

static size_t arm_call(const struct search *s, struct bytes code)
{
	uint32_t word;

	if (code.len < 4)
		return 0;
	word = elf_u32(code.data);
	if ((word & 0xfc000000) != 0x94000000)
		return 0;
	/* 26 bits with a sign, in words. */
	return s->vaddr + (uint64_t)(int64_t)((int32_t)(word << 6) >> 4) == s->callee ? 4 : 0;
}

size_t elf_returns(const struct elf *elf, const struct elf_place *caller,
		   const struct elf_place *callee, uint64_t *file_offsets, size_t max)
{
	struct search s = { elf, caller->vaddr, callee->vaddr, 0 };
	size_t num = 0, step = elf->machine == ELF_X86_64 ? 1 : 4, len;
	struct bytes code;

	if (!elf_code_at(elf, caller->file_offset, &code))
		return 0;
	if (code.len > CALLER_SIZE_MAX)
		code.len = CALLER_SIZE_MAX;
	if (code.len > caller->size)
		code.len = (size_t)caller->size;
	for (; num < max && code.len > 0; s.vaddr += step) {
		len = elf->machine == ELF_X86_64 ? x86_call(&s, code) : arm_call(&s, code);
		/* What calls it at its very end does not expect it back. */
		if (len && len < code.len)
			file_offsets[num++] = caller->file_offset + (s.vaddr - caller->vaddr) + len;
		if (!bytes_skip(&code, step))
			break;
	}
	return num;
}

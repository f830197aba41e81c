/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NSS keeps its cryptography behind one exported function, FREEBL_GetVector, which returns the
 * address of a static table of functions: nss, lib/freebl/loader.h, struct FREEBLVectorStr. Its
 * first word holds two 16-bit numbers, the length in bytes and the version (3 in the high byte).
 * The function's code says where the table is, relocations say what is in it.
 */
#include "parsers/elf_parts.h"

#define FREEBL_CODE_MAX 256        /* bytes of FREEBL_GetVector looked at; real ones have 50 */
#define FREEBL_ENTRIES_MAX 8192

/* A stranger's number may be anything: the word must be in the table by the table's own length. */
static bool is_vector(const struct elf *elf, uint64_t vaddr, unsigned int index)
{
	struct bytes view;
	uint16_t len;

	if (!elf_view(elf, vaddr, &view) || view.len < 8)
		return false;
	len = elf_u16(view.data);
	return elf_u16(view.data + 2) >> 8 == 3 && len % 8 == 0 && index < len / 8u;
}

static bool entry_in(const struct elf *elf, uint64_t vector, unsigned int index,
		     uint64_t *file_offset)
{
	uint64_t function;

	return is_vector(elf, vector, index) &&
	       elf_pointer_at(elf, vector + (uint64_t)index * 8, &function) &&
	       elf_code_offset(elf, function, file_offset);
}

/* lea distance(%rip), any register: 32 bits that count from the next instruction. */
static bool by_lea(const struct elf *elf, struct bytes code, uint64_t vaddr, unsigned int index,
		   uint64_t *file_offset)
{
	for (size_t i = 0; i + 7 <= code.len; i++) {
		const uint8_t *at = code.data + i;
		int32_t distance;

		if ((at[0] != 0x48 && at[0] != 0x4c) || at[1] != 0x8d || (at[2] & 0xc7) != 5)
			continue;
		distance = (int32_t)elf_u32(at + 3);
		if (entry_in(elf, vaddr + i + 7 + (uint64_t)(int64_t)distance, index, file_offset))
			return true;
	}
	return false;
}

/* adrp xN, page; later add xM, xN, #low. */
static bool by_adrp(const struct elf *elf, struct bytes code, uint64_t vaddr, unsigned int index,
		    uint64_t *file_offset)
{
	uint64_t page[32] = { 0 };

	for (size_t i = 0; i + 4 <= code.len; i += 4) {
		uint32_t word = elf_u32(code.data + i);
		uint64_t pages = (uint64_t)(word >> 5 & 0x7ffff) << 2 | (word >> 29 & 3);

		if ((word & 0x9f000000) == 0x90000000) {
			pages = (pages ^ 0x100000) - 0x100000;     /* 21 bits, signed */
			page[word & 31] = ((vaddr + i) & ~UINT64_C(0xfff)) + (pages << 12);
		}
		if ((word & 0xffc00000) == 0x91000000 &&
		    entry_in(elf, page[word >> 5 & 31] + (word >> 10 & 0xfff), index, file_offset))
			return true;
	}
	return false;
}

bool elf_freebl_function(const struct elf *elf, unsigned int vector_index, uint64_t *file_offset)
{
	uint64_t start, vaddr;
	struct bytes code;

	if (vector_index == 0 || vector_index >= FREEBL_ENTRIES_MAX ||
	    !elf_symbol(elf, "FREEBL_GetVector", &start, &vaddr) ||
	    !elf_code_at(elf, start, &code))
		return false;
	if (code.len > FREEBL_CODE_MAX)
		code.len = FREEBL_CODE_MAX;
	if (elf->machine == ELF_X86_64)
		return by_lea(elf, code, vaddr, vector_index, file_offset);
	return by_adrp(elf, code, vaddr, vector_index, file_offset);
}

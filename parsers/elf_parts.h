/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the ELF reader share; for nobody else. */
#ifndef CERTTAP_ELF_PARTS_H
#define CERTTAP_ELF_PARTS_H

#include <endian.h>

#include "parsers/elf.h"

#define ELF_PHDR_SIZE 56
#define ELF_SHDR_SIZE 64
#define ELF_SYMBOL_SIZE 24

enum { ELF_PT_LOAD = 1, ELF_PT_DYNAMIC = 2, ELF_PT_NOTE = 4 };
enum { ELF_SHT_SYMTAB = 2, ELF_SHT_STRTAB = 3, ELF_SHT_NOBITS = 8, ELF_SHT_DYNSYM = 11 };

/*
 * Little-endian numbers, fetched once: the empty asm keeps the compiler from reading the (perhaps
 * changing) file again after the value was checked. The caller has checked the bounds.
 */
static inline uint16_t elf_u16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	__asm__ volatile("" : "+r"(value));
	return le16toh(value);
}

static inline uint32_t elf_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	__asm__ volatile("" : "+r"(value));
	return le32toh(value);
}

static inline uint64_t elf_u64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	__asm__ volatile("" : "+r"(value));
	return le64toh(value);
}

/* `len` bytes at `offset` of `whole`; bytes_from: all from there on. */
static inline MUST_CHECK bool elf_slice(struct bytes whole, uint64_t offset, uint64_t len,
					struct bytes *out)
{
	if (offset > whole.len || len > whole.len - offset)
		return false;
	/* An absent table is NULL and empty: nothing may be added to that, not even 0. */
	*out = bytes_of(offset ? whole.data + offset : whole.data, (size_t)len);
	return true;
}

static inline MUST_CHECK bool elf_tail(struct bytes whole, uint64_t offset, struct bytes *out)
{
	return offset <= whole.len && elf_slice(whole, offset, whole.len - offset, out);
}

/* The bytes loaded at `vaddr`, up to the end of that segment's part of the file. */
MUST_CHECK bool elf_view(const struct elf *elf, uint64_t vaddr, struct bytes *out);

/* The file offset of a function at `vaddr`, only inside an executable segment. */
MUST_CHECK bool elf_code_offset(const struct elf *elf, uint64_t vaddr, uint64_t *file_offset);

/* A table of symbols by its section's type, with the strings that its link names. */
MUST_CHECK bool elf_symbol_section(const struct elf *elf, uint32_t type, struct bytes *symbols,
				   struct bytes *strings);

/* The first note of that owner and type in the PT_NOTE segments. */
MUST_CHECK bool elf_note(const struct elf *elf, const char *owner, uint32_t type,
			 struct bytes *description);

/*
 * Where a word is that the loader sets to `pointer`: calls `visit` with its address, for every
 * relocation of RELA with a matching addend and every word of the file with that value, until one
 * returns true.
 */
MUST_CHECK bool elf_find_pointer(const struct elf *elf, uint64_t pointer,
				 bool (*visit)(void *context, uint64_t vaddr), void *context);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the loader will write into a word. RELA entries: place, type and symbol, addend. RELR: an
 * even word is the address of one pointer, an odd one a bitmap of the 63 words that follow the
 * last; the pointer itself is in the file (gABI, "Relative Relocation Table").
 */
#include "parsers/elf_parts.h"

enum { ELF_RELA_SIZE = 24 };
enum { ELF_X86_64_64 = 1, ELF_X86_64_GLOB_DAT = 6, ELF_X86_64_RELATIVE = 8 };
enum { ELF_AARCH64_ABS64 = 257, ELF_AARCH64_GLOB_DAT = 1025, ELF_AARCH64_RELATIVE = 1027 };

static bool is_relative(const struct elf *elf, uint32_t type)
{
	return type == (elf->machine == ELF_X86_64 ? ELF_X86_64_RELATIVE : ELF_AARCH64_RELATIVE);
}

static bool is_symbolic(const struct elf *elf, uint32_t type)
{
	if (elf->machine == ELF_X86_64)
		return type == ELF_X86_64_64 || type == ELF_X86_64_GLOB_DAT;
	return type == ELF_AARCH64_ABS64 || type == ELF_AARCH64_GLOB_DAT;
}

static const uint8_t *rela_at(const struct elf *elf, size_t index)
{
	if (index >= ELF_RELOCATIONS_MAX || index >= elf->rela.len / ELF_RELA_SIZE)
		return NULL;
	return elf->rela.data + index * ELF_RELA_SIZE;
}

static bool resolve(const struct elf *elf, const uint8_t *entry, uint64_t *pointer)
{
	uint64_t info = elf_u64(entry + 8), addend = elf_u64(entry + 16);
	struct bytes symbol;

	if (is_relative(elf, (uint32_t)info)) {
		*pointer = addend;
		return true;
	}
	/* A symbol that this file does not define is some other file's to place. */
	if (!is_symbolic(elf, (uint32_t)info) ||
	    !elf_slice(elf->dynamic_symbols, (info >> 32) * ELF_SYMBOL_SIZE, ELF_SYMBOL_SIZE,
		       &symbol) ||
	    elf_u16(symbol.data + 6) == 0)
		return false;
	*pointer = elf_u64(symbol.data + 8) + addend;
	return true;
}

static bool in_relr(const struct elf *elf, uint64_t vaddr)
{
	uint64_t next = 0, word;

	for (size_t i = 0; i < ELF_RELOCATIONS_MAX && (i + 1) * 8 <= elf->relr.len; i++) {
		word = elf_u64(elf->relr.data + i * 8);
		if (!(word & 1)) {
			if (word == vaddr)
				return true;
			next = word + 8;
			continue;
		}
		if (vaddr >= next && vaddr - next < UINT64_C(63) * 8 && (vaddr - next) % 8 == 0 &&
		    word >> ((vaddr - next) / 8 + 1) & 1)
			return true;
		next += UINT64_C(63) * 8;
	}
	return false;
}

bool elf_pointer_at(const struct elf *elf, uint64_t vaddr, uint64_t *pointer)
{
	const uint8_t *entry;
	struct bytes view;

	if (!elf->fixed) {
		for (size_t i = 0; (entry = rela_at(elf, i)) != NULL; i++)
			if (elf_u64(entry) == vaddr)
				return resolve(elf, entry, pointer);
		if (!in_relr(elf, vaddr))
			return false;
	}
	if (!elf_view(elf, vaddr, &view) || view.len < 8)
		return false;
	*pointer = elf_u64(view.data);
	return true;
}

static bool find_in_rela(const struct elf *elf, uint64_t pointer,
			 bool (*visit)(void *context, uint64_t vaddr), void *context)
{
	const uint8_t *entry;

	for (size_t i = 0; (entry = rela_at(elf, i)) != NULL; i++)
		if (elf_u64(entry + 16) == pointer &&
		    is_relative(elf, (uint32_t)elf_u64(entry + 8)) &&
		    visit(context, elf_u64(entry)))
			return true;
	return false;
}

bool elf_find_pointer(const struct elf *elf, uint64_t pointer,
		      bool (*visit)(void *context, uint64_t vaddr), void *context)
{
	struct bytes view;

	if (!elf->fixed && find_in_rela(elf, pointer, visit, context))
		return true;
	for (unsigned int i = 0; i < elf->num_loads; i++) {
		const struct elf_load *load = &elf->loads[i];

		if (load->executable || !elf_view(elf, load->vaddr, &view))
			continue;
		for (size_t at = (size_t)(-load->vaddr & 7); at + 8 <= view.len; at += 8)
			if (elf_u64(view.data + at) == pointer && visit(context, load->vaddr + at))
				return true;
	}
	return false;
}

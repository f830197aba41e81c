/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a program or library a function begins, found by the file's content: 64-bit
 * little-endian ELF of x86-64 and aarch64 (System V gABI chapters 4 and 5, the psABI of either).
 *
 * The files belong to strangers' processes: every offset, count and index in them is checked, every
 * walk has a cap, and nothing is allocated or copied. The file may even change while it is read (a
 * mapping of it can): a number is fetched once and then checked, so the answer may be wrong but no
 * read leaves `file`. A mapping whose file is cut short raises SIGBUS: that is the caller's to
 * prevent.
 *
 * "File offset" is what a uprobe wants; "vaddr" is the address in the file's own numbering. A
 * function is only ever reported at an offset that an executable segment loads.
 */
#ifndef CERTTAP_ELF_H
#define CERTTAP_ELF_H

#include "parsers/bytes.h"

#define ELF_LOADS_MAX 16            /* segments looked at; real files have 2 to 8 */
#define ELF_HEADERS_MAX 256         /* program headers looked at */
#define ELF_SECTIONS_MAX 65536      /* section headers looked at; real files have 30 to 100 */
#define ELF_DYNAMIC_MAX 1024        /* entries of the dynamic section looked at */
#define ELF_CHAIN_MAX 65536         /* symbols looked at in one hash chain */
#define ELF_SYMBOLS_MAX (4u << 20)  /* symbols looked at in one table without a hash */
#define ELF_NAME_MAX 4096           /* bytes of one symbol's name */
#define ELF_NAMES_MAX 64            /* places of a searched part in the names of .symtab */
#define ELF_RELOCATIONS_MAX (2u << 20)
#define ELF_BUILD_ID_MAX 64

enum elf_machine { ELF_X86_64 = 62, ELF_AARCH64 = 183 };   /* e_machine */

/* How a function gets its arguments. */
enum elf_abi {
	ELF_ABI_C,              /* the psABI: rdi, rsi, rdx, rcx, r8, r9; x0 to x7 */
	ELF_ABI_GO_STACK,       /* Go before 1.17 (aarch64: 1.18): above the return address */
	ELF_ABI_GO_REGISTERS,   /* ABIInternal: rax, rbx, rcx, rdi, rsi, r8 to r11; x0 to x15 */
};

struct elf_load {
	uint64_t vaddr;
	uint64_t offset;
	uint64_t file_len;      /* the part that is really in the file */
	bool executable;
};

/* Read-only for users; the views point into `file`. An absent table is empty. */
struct elf {
	struct bytes file;
	enum elf_machine machine;
	bool fixed;                      /* ET_EXEC: addresses are final, nothing is relocated */
	unsigned int num_loads;
	unsigned int loads_dropped;      /* segments beyond ELF_LOADS_MAX */
	struct elf_load loads[ELF_LOADS_MAX];
	struct bytes headers;            /* program headers, 56 bytes each */
	struct bytes sections;           /* section headers, 64 bytes each */
	unsigned int section_names;      /* index of the section with their names */
	struct bytes dynamic_symbols;    /* this and the hashes: up to the segment's end */
	struct bytes dynamic_strings;
	struct bytes gnu_hash, hash;
	struct bytes rela, relr;
	bool has_soname;
	uint64_t soname;                 /* offset in dynamic_strings */
};

/* False: not such a file, or no segment of it is in the file. `file` must outlive `out`. */
MUST_CHECK bool elf_open(struct bytes file, struct elf *out);

MUST_CHECK bool elf_vaddr_to_offset(const struct elf *elf, uint64_t vaddr, uint64_t *file_offset);
MUST_CHECK bool elf_offset_to_vaddr(const struct elf *elf, uint64_t file_offset, uint64_t *vaddr);

/* The file's bytes from that offset to the end of the executable segment that loads them. */
MUST_CHECK bool elf_code_at(const struct elf *elf, uint64_t file_offset, struct bytes *code);

/* A section that has bytes in the file. */
MUST_CHECK bool elf_section(const struct elf *elf, const char *name, struct bytes *content);

/*
 * A function that the file defines in its dynamic symbols, of any version: by DT_GNU_HASH, else
 * DT_HASH, else the section .dynsym. Not an indirect function (ifunc): it has no one address.
 */
MUST_CHECK bool elf_symbol(const struct elf *elf, const char *name, uint64_t *file_offset,
			   uint64_t *vaddr);

/* Does it define any of these? The quick question to put to each mapped file first. */
MUST_CHECK bool elf_has_any(const struct elf *elf, const char *const names[], size_t num_names);

/* The same in .symtab, local functions too: only a file that is not stripped has it. */
MUST_CHECK bool elf_static_symbol(const struct elf *elf, const char *name, uint64_t *file_offset,
				  uint64_t *vaddr);

struct elf_place {
	uint64_t file_offset;
	uint64_t vaddr;
	uint64_t size;          /* as the symbol tells; may be anything */
};

/*
 * Functions in .symtab whose names hold every one of `parts`, in that order and apart: for mangled
 * names ("RingHkdfExpander", "12expand_block"). The first part should be the rare one: its first
 * ELF_NAMES_MAX places are looked at. Writes up to `max` places, each once, and returns their
 * number.
 */
size_t elf_static_symbols_with(const struct elf *elf, const char *const parts[], size_t num_parts,
			       struct elf_place *out, size_t max);

/*
 * Where `caller` goes on after it has called `callee`, directly or through a word that the loader
 * sets (GOT). Writes up to `max` file offsets and returns their number. Where a call is made in
 * another way, or not at all any more, there is none.
 */
size_t elf_returns(const struct elf *elf, const struct elf_place *caller,
		   const struct elf_place *callee, uint64_t *file_offsets, size_t max);

/*
 * A Go function, "crypto/tls.(*Config).writeKeyLog", by the table that Go's own runtime walks (the
 * pclntab of Go 1.2, 1.16, 1.18 and 1.20 and later): there in stripped files too. Not in those
 * that garble has renamed.
 */
MUST_CHECK bool elf_go_function(const struct elf *elf, const char *name, uint64_t *file_offset,
				enum elf_abi *abi);

/*
 * NSS: the function in word `vector_index` (the struct's first word, length and version, is 0) of
 * the FREEBLVector that the exported FREEBL_GetVector returns. The vector is append-only.
 */
MUST_CHECK bool elf_freebl_function(const struct elf *elf, unsigned int vector_index,
				    uint64_t *file_offset);

/*
 * The address that the loader leaves in the word at `vaddr`, in the file's own numbering: from a
 * RELATIVE or plain symbol relocation, from RELR, or as it is where the file is `fixed`.
 */
MUST_CHECK bool elf_pointer_at(const struct elf *elf, uint64_t vaddr, uint64_t *pointer);

/* GNU build id, 1 to ELF_BUILD_ID_MAX bytes. */
MUST_CHECK bool elf_build_id(const struct elf *elf, struct bytes *id);

/* DT_SONAME without its NUL: a stranger's text, may be empty. */
MUST_CHECK bool elf_soname(const struct elf *elf, struct bytes *name);

#endif

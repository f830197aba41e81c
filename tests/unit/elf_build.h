/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small ELF file, put together by hand: a segment of code and tables, a segment of data that is
 * loaded elsewhere than where it lies, and in them one of everything that parsers/elf.h reads.
 */
#ifndef CERTTAP_TESTS_ELF_BUILD_H
#define CERTTAP_TESTS_ELF_BUILD_H

#include <assert.h>

#include "parsers/elf.h"

enum {
	IMAGE_TEXT_LEN = 0x700,
	IMAGE_DATA = 0x700,            /* offset of the data segment */
	IMAGE_DATA_LEN = 0x600,
	IMAGE_LEN = IMAGE_DATA + IMAGE_DATA_LEN,
	IMAGE_BASE = 0x400000,         /* vaddr of offset 0 */
	IMAGE_DATA_SHIFT = 0x402000,   /* vaddr - offset in the data segment */

	IMAGE_HEADERS = 0x40,
	IMAGE_NOTES = 0x140,
	IMAGE_SYMBOLS = 0x1a8,
	IMAGE_STRINGS = 0x280,
	IMAGE_GNU_HASH = 0x340,
	IMAGE_HASH = 0x3a0,
	IMAGE_RELA = 0x3f0,
	IMAGE_RELR = 0x450,
	IMAGE_CODE = 0x480,            /* 16 bytes a function */
	IMAGE_SECTIONS = 0x500,
	IMAGE_SECTION_NAMES = 0x6c0,

	IMAGE_DYNAMIC = 0x700,
	IMAGE_VECTOR = 0x7c0,          /* 16 words */
	IMAGE_PCLNTAB = 0x840,
	IMAGE_MODULE = 0xc00,
};

struct image_options {
	bool fixed, aarch64;
	bool gnu_hash, hash, sections;
	bool relr, symbolic;           /* how the vector is relocated; else RELATIVE */
	uint32_t pclntab;              /* its first four bytes; 0: none */
	bool no_text_start;            /* as Go 1.26 */
	bool go_note;
};

struct image {
	uint8_t data[IMAGE_LEN];
	struct image_options with;
};

/* In the order of their places in code: IMAGE_CODE + 16 * index. */
static const char *const image_functions[] = { "first_function", "second_function",
					       "FREEBL_GetVector" };

static inline void put16(struct image *m, size_t at, uint16_t value)
{
	assert(at + 2 <= IMAGE_LEN);
	m->data[at] = (uint8_t)value;
	m->data[at + 1] = (uint8_t)(value >> 8);
}

static inline void put32(struct image *m, size_t at, uint32_t value)
{
	put16(m, at, (uint16_t)value);
	put16(m, at + 2, (uint16_t)(value >> 16));
}

static inline void put64(struct image *m, size_t at, uint64_t value)
{
	put32(m, at, (uint32_t)value);
	put32(m, at + 4, (uint32_t)(value >> 32));
}

static inline void put_bytes(struct image *m, size_t at, const void *data, size_t len)
{
	assert(at + len <= IMAGE_LEN);
	memcpy(m->data + at, data, len);
}

static inline uint64_t image_vaddr(size_t offset)
{
	return offset + (offset < IMAGE_DATA ? IMAGE_BASE : IMAGE_DATA_SHIFT);
}

static inline size_t image_code(unsigned int index)
{
	return IMAGE_CODE + 16 * (size_t)index;
}

static inline void put_header(struct image *m, unsigned int index, uint32_t type, uint32_t flags,
			      size_t offset, size_t len, uint64_t align)
{
	size_t at = IMAGE_HEADERS + 56 * (size_t)index;

	put32(m, at, type);
	put32(m, at + 4, flags);
	put64(m, at + 8, offset);
	put64(m, at + 16, image_vaddr(offset));
	put64(m, at + 24, image_vaddr(offset));
	put64(m, at + 32, len);
	put64(m, at + 40, len);
	put64(m, at + 48, align);
}

static inline void put_headers(struct image *m)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };

	put_bytes(m, 0, ident, sizeof(ident));
	put16(m, 16, m->with.fixed ? 2 : 3);
	put16(m, 18, m->with.aarch64 ? 183 : 62);
	put32(m, 20, 1);
	put64(m, 32, IMAGE_HEADERS);
	put16(m, 52, 64);
	put16(m, 54, 56);
	put16(m, 56, 4);
	put16(m, 58, 64);
	put_header(m, 0, 1, 5, 0, IMAGE_TEXT_LEN, 0x1000);
	put_header(m, 1, 1, 6, IMAGE_DATA, IMAGE_DATA_LEN, 0x1000);
	put_header(m, 2, 2, 6, IMAGE_DYNAMIC, 12 * 16, 8);
	put_header(m, 3, 4, 4, IMAGE_NOTES, 0x4c, 4);
}

static inline size_t put_note(struct image *m, size_t at, uint32_t type, const char owner[4],
			      const void *content, size_t len)
{
	put32(m, at, 4);
	put32(m, at + 4, (uint32_t)len);
	put32(m, at + 8, type);
	put_bytes(m, at + 12, owner, 4);
	put_bytes(m, at + 16, content, len);
	return at + 16 + (len + 3) / 4 * 4;
}

static inline void put_notes(struct image *m)
{
	static const uint8_t id[20] = { 0xde, 0xad, 1, 2, 3, 4, 5, 6, 7, 8, 9 };
	size_t at = put_note(m, IMAGE_NOTES, 1, "Any", "odd", 3);

	at = put_note(m, at, 3, "GNU", id, sizeof(id));
	put_note(m, at, m->with.go_note ? 4 : 99, "Go\0", "x", 1);
}

/* Adds the string and returns its offset. */
static inline uint32_t put_string(struct image *m, size_t *at, const char *string)
{
	size_t start = *at;

	put_bytes(m, start, string, strlen(string) + 1);
	*at += strlen(string) + 1;
	return (uint32_t)(start - IMAGE_STRINGS);
}

static inline void put_symbol(struct image *m, unsigned int index, uint32_t name, uint8_t info,
			      uint16_t section, uint64_t value)
{
	size_t at = IMAGE_SYMBOLS + 24 * (size_t)index;

	put32(m, at, name);
	m->data[at + 4] = info;
	put16(m, at + 6, section);
	put64(m, at + 8, value);
	put64(m, at + 16, 16);
}

/*
 * Nine symbols: nothing, one undefined, three functions, an object, an indirect function, one that
 * would be in data, a local one with a mangled name. One bucket and a Bloom filter that lets
 * all through: what matters is the walk.
 */
static inline void put_symbols(struct image *m)
{
	size_t at = IMAGE_STRINGS + 1;
	unsigned int i;

	put_symbol(m, 1, put_string(m, &at, "elsewhere"), 0x12, 0, image_vaddr(image_code(0)));
	for (i = 0; i < 3; i++)
		put_symbol(m, 2 + i, put_string(m, &at, image_functions[i]), 0x12, 1,
			   image_vaddr(image_code(i)));
	put_symbol(m, 5, put_string(m, &at, "an_object"), 0x11, 1, image_vaddr(image_code(0)));
	put_symbol(m, 6, put_string(m, &at, "indirect"), 0x1a, 1, image_vaddr(image_code(1)));
	put_symbol(m, 7, put_string(m, &at, "in_data"), 0x12, 2, image_vaddr(IMAGE_VECTOR));
	put_symbol(m, 8, put_string(m, &at, "_ZN3one8Expander5block17h0123E"), 2, 1,
		   image_vaddr(image_code(1)));
	put_string(m, &at, "libimage.so.1");
	assert(at <= IMAGE_GNU_HASH);
}

static inline uint32_t image_gnu_hash(const char *name)
{
	uint32_t hash = 5381;

	while (*name)
		hash = hash * 33 + (uint8_t)*name++;
	return hash;
}

static inline void put_hashes(struct image *m)
{
	put32(m, IMAGE_GNU_HASH, 1);
	put32(m, IMAGE_GNU_HASH + 4, 2);
	put32(m, IMAGE_GNU_HASH + 8, 1);
	put32(m, IMAGE_GNU_HASH + 12, 6);
	put64(m, IMAGE_GNU_HASH + 16, UINT64_MAX);
	put32(m, IMAGE_GNU_HASH + 24, 2);
	put32(m, IMAGE_HASH, 1);
	put32(m, IMAGE_HASH + 4, 9);
	put32(m, IMAGE_HASH + 8, 1);
	for (unsigned int i = 1; i < 9; i++) {
		const uint8_t *symbol = m->data + IMAGE_SYMBOLS + 24 * (size_t)i;
		const char *name = (const char *)m->data + IMAGE_STRINGS + symbol[0];
		uint32_t hash = image_gnu_hash(name);

		if (i >= 2)
			put32(m, IMAGE_GNU_HASH + 28 + 4 * (i - 2),
			      i == 8 ? hash | 1 : hash & ~UINT32_C(1));
		put32(m, IMAGE_HASH + 12 + 4 * (size_t)i, i == 8 ? 0 : i + 1);
	}
}

static inline void put_rela(struct image *m, unsigned int index, uint64_t place, uint64_t info,
			    uint64_t addend)
{
	size_t at = IMAGE_RELA + 24 * (size_t)index;

	put64(m, at, place);
	put64(m, at + 8, info);
	put64(m, at + 16, addend);
}

/* Words 3 and 5 of the vector: the first and the second function. */
static inline void put_vector(struct image *m)
{
	uint64_t word3 = image_vaddr(IMAGE_VECTOR + 24), word5 = image_vaddr(IMAGE_VECTOR + 40);
	uint64_t first = image_vaddr(image_code(0)), second = image_vaddr(image_code(1));
	uint32_t relative = m->with.aarch64 ? 1027 : 8, symbolic = m->with.aarch64 ? 257 : 1;

	put16(m, IMAGE_VECTOR, 16 * 8);
	put16(m, IMAGE_VECTOR + 2, 0x0312);
	if (m->with.fixed || m->with.relr) {
		put64(m, IMAGE_VECTOR + 24, first);
		put64(m, IMAGE_VECTOR + 40, second);
	}
	if (m->with.fixed)
		return;
	if (m->with.relr) {
		put64(m, IMAGE_VECTOR + 32, second);   /* not relocated: not an address */
		put64(m, IMAGE_RELR, word3);       /* then bit 1 of the bitmap: two words on */
		put64(m, IMAGE_RELR + 8, 1 | 1 << 2);
	} else if (m->with.symbolic) {
		put_rela(m, 0, word3, UINT64_C(2) << 32 | symbolic, 0);
		put_rela(m, 1, word5, UINT64_C(2) << 32 | symbolic, 16);
	} else {
		put_rela(m, 0, word3, relative, first);
		put_rela(m, 1, word5, relative, second);
	}
}

static inline void put_code(struct image *m)
{
	static const uint8_t x86[3][16] = {
		{ 0x48, 0x85, 0xc9, 0x74, 0x01, 0xc3 },     /* test rcx, rcx; je; ret */
		{ 0x55, 0xc3 },                             /* push rbp; ret */
		{ 0xf3, 0x0f, 0x1e, 0xfa, 0x48, 0x8d, 0x05, 0, 0, 0, 0, 0xc3 },
	};
	size_t getter = image_code(2);
	uint64_t page = (image_vaddr(IMAGE_VECTOR) >> 12) - (image_vaddr(getter) >> 12);

	if (!m->with.aarch64) {
		put_bytes(m, IMAGE_CODE, x86, sizeof(x86));
		put32(m, getter + 7,
		      (uint32_t)(image_vaddr(IMAGE_VECTOR) - image_vaddr(getter + 11)));
		return;
	}
	for (unsigned int i = 0; i < 3; i++)
		put32(m, image_code(i), 0xd65f03c0);        /* ret */
	/* adrp x1, page; add x1, x1, #low; mov x0, x1; ret */
	put32(m, getter, 0x90000001 | (uint32_t)(page & 3) << 29 | (uint32_t)(page >> 2) << 5);
	put32(m, getter + 4, 0x91000021 | (uint32_t)(image_vaddr(IMAGE_VECTOR) & 0xfff) << 10);
	put32(m, getter + 8, 0xaa0103e0);
	put32(m, getter + 12, 0xd65f03c0);
}

static inline void put_dynamic(struct image *m)
{
	size_t at = IMAGE_DYNAMIC;
	const uint64_t entries[][2] = {
		{ 5, image_vaddr(IMAGE_STRINGS) }, { 10, IMAGE_GNU_HASH - IMAGE_STRINGS },
		{ 6, image_vaddr(IMAGE_SYMBOLS) }, { 14, 1 + 10 + 15 + 16 + 17 + 10 + 9 + 8 + 31 },
		{ m->with.gnu_hash ? 0x6ffffef5 : 0x6ffffff0, image_vaddr(IMAGE_GNU_HASH) },
		{ m->with.hash ? 4 : 0x6ffffff0, image_vaddr(IMAGE_HASH) },
		{ 7, image_vaddr(IMAGE_RELA) }, { 8, 4 * 24 },
		{ 36, image_vaddr(IMAGE_RELR) }, { 35, m->with.relr ? 16 : 0 },
		{ 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++, at += 16) {
		put64(m, at, entries[i][0]);
		put64(m, at + 8, entries[i][1]);
	}
}

static inline void put_section(struct image *m, unsigned int index, uint32_t name, uint32_t type,
			       size_t offset, size_t len, uint32_t link)
{
	size_t at = IMAGE_SECTIONS + 64 * (size_t)index;

	put32(m, at, name);
	put32(m, at + 4, type);
	put64(m, at + 16, image_vaddr(offset));
	put64(m, at + 24, offset);
	put64(m, at + 32, len);
	put32(m, at + 40, link);
}

static inline void put_sections(struct image *m)
{
	static const char names[] = "\0.dynsym\0.symtab\0.strings\0.gopclntab\0.bss";

	put64(m, 40, IMAGE_SECTIONS);
	put16(m, 60, 7);
	put16(m, 62, 6);
	put_bytes(m, IMAGE_SECTION_NAMES, names, sizeof(names));
	put_section(m, 1, 1, 11, IMAGE_SYMBOLS, 9 * 24, 3);
	put_section(m, 2, 9, 2, IMAGE_SYMBOLS, 9 * 24, 3);
	put_section(m, 3, 17, 3, IMAGE_STRINGS, IMAGE_GNU_HASH - IMAGE_STRINGS, 0);
	put_section(m, 4, m->with.pclntab ? 26 : 0, 1, IMAGE_PCLNTAB,
		    IMAGE_MODULE - IMAGE_PCLNTAB, 0);
	put_section(m, 5, 37, 8, 0, 0x100, 0);
	put_section(m, 6, 0, 3, IMAGE_SECTION_NAMES, sizeof(names), 0);
}

#define IMAGE_GO_NAMES                                            \
	"\0net/crypto/tls.(*Config).writeKeyLog\0main.main\0"    \
	"crypto/tls.(*Config).writeKeyLog\0runtime.spillArgs"

enum { IMAGE_GO_NAMES_AT = 0x180, IMAGE_GO_RECORDS_AT = 0x100 };

/* From Go 1.16 on: offsets of the parts. Pairs at 0x80. */
static inline void put_pclntab_parts(struct image *m, bool wide)
{
	size_t word = IMAGE_PCLNTAB + 16;

	put64(m, word, 1);
	if (!wide)
		put64(m, word += 8, m->with.no_text_start ? 0 : image_vaddr(IMAGE_CODE));
	put64(m, word += 8, IMAGE_GO_NAMES_AT);
	put64(m, word += 8, IMAGE_GO_NAMES_AT + sizeof(IMAGE_GO_NAMES));
	put64(m, word += 8, 0x300);
	put64(m, word += 8, 0x300);
	put64(m, word += 8, 0x80);
}

/* Three functions, whose names lie in another order; then the end of the last. */
static inline void put_pairs(struct image *m, size_t pairs, size_t half, uint64_t text,
			     bool one_blob)
{
	static const uint32_t name_of[3] = { 38, 48, 81 };

	for (unsigned int i = 0; i <= 3; i++) {
		size_t pair = IMAGE_PCLNTAB + pairs + i * 2 * half;
		size_t record = IMAGE_GO_RECORDS_AT + 0x20 * (size_t)i;

		put32(m, pair, (uint32_t)(text + 16 * i));
		if (i == 3)
			return;
		put32(m, pair + half, (uint32_t)(record - (one_blob ? 0 : pairs)));
		put32(m, IMAGE_PCLNTAB + record, (uint32_t)(text + 16 * i));
		put32(m, IMAGE_PCLNTAB + record + half,
		      name_of[i] + (one_blob ? IMAGE_GO_NAMES_AT : 0));
		if (!m->with.fixed && half == 8)
			put_rela(m, 1 + i, image_vaddr(pair), m->with.aarch64 ? 1027 : 8,
				 text + 16 * i);
	}
}

/* The text of the program starts at IMAGE_CODE. */
static inline void put_pclntab(struct image *m)
{
	bool wide = m->with.pclntab == 0xfffffffa || m->with.pclntab == 0xfffffffb;
	bool one_blob = m->with.pclntab == 0xfffffffb;

	put32(m, IMAGE_PCLNTAB, m->with.pclntab);
	m->data[IMAGE_PCLNTAB + 6] = m->with.aarch64 ? 4 : 1;
	m->data[IMAGE_PCLNTAB + 7] = 8;
	put64(m, IMAGE_PCLNTAB + 8, 3);
	if (!one_blob)
		put_pclntab_parts(m, wide);
	put_bytes(m, IMAGE_PCLNTAB + IMAGE_GO_NAMES_AT, IMAGE_GO_NAMES, sizeof(IMAGE_GO_NAMES));
	put_pairs(m, one_blob ? 16 : 0x80, wide ? 8 : 4, wide ? image_vaddr(IMAGE_CODE) : 0,
		  one_blob);
	if (!m->with.fixed && !wide)
		put_rela(m, 2, image_vaddr(IMAGE_PCLNTAB + 24), m->with.aarch64 ? 1027 : 8,
			 m->with.no_text_start ? 0 : image_vaddr(IMAGE_CODE));
}

/* The start of Go's moduledata, which says where the text is: final addresses, as in `fixed`. */
static inline void put_module(struct image *m)
{
	put64(m, IMAGE_MODULE, image_vaddr(IMAGE_PCLNTAB));
	put64(m, IMAGE_MODULE + 20 * 8, image_vaddr(IMAGE_CODE));
	put64(m, IMAGE_MODULE + 21 * 8, image_vaddr(IMAGE_CODE + 48));
	put64(m, IMAGE_MODULE + 22 * 8, image_vaddr(IMAGE_CODE));
}

static inline void image_make(struct image *m, struct image_options with)
{
	*m = (struct image){ .with = with };
	put_headers(m);
	put_notes(m);
	put_symbols(m);
	put_hashes(m);
	put_vector(m);
	put_code(m);
	put_dynamic(m);
	if (with.sections)
		put_sections(m);
	if (with.pclntab) {
		put_pclntab(m);
		put_module(m);
	}
}

#endif

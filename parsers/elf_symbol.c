/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symbols by name. DT_GNU_HASH: a Bloom filter of 64-bit words refuses most absent names after one
 * read; then a bucket, and a chain of hashes (lowest bit: the last one) that runs beside the
 * symbols. DT_HASH: gABI chapter 5.
 */
#include "parsers/elf_parts.h"

enum { ELF_STT_FUNC = 2, ELF_STB_LOCAL = 0, ELF_SHN_UNDEF = 0, ELF_SHN_RESERVED = 0xff00,
       ELF_SHN_XINDEX = 0xffff };

struct table {
	struct bytes symbols;
	struct bytes strings;
};

static bool symbol_at(const struct table *table, uint64_t index, const uint8_t **symbol)
{
	if (index >= table->symbols.len / ELF_SYMBOL_SIZE)
		return false;
	*symbol = table->symbols.data + index * ELF_SYMBOL_SIZE;
	return true;
}

static bool is_named(const struct table *table, const uint8_t *symbol, const char *name, size_t len)
{
	struct bytes at;

	return elf_slice(table->strings, elf_u32(symbol), len + 1, &at) &&
	       memcmp(at.data, name, len + 1) == 0;
}

/* Is it a function, defined here, in code? */
static bool function_at(const struct elf *elf, const uint8_t *symbol, struct elf_place *place)
{
	uint16_t section = elf_u16(symbol + 6);
	uint64_t vaddr = elf_u64(symbol + 8);

	if ((symbol[4] & 15) != ELF_STT_FUNC || section == ELF_SHN_UNDEF)
		return false;
	if (section >= ELF_SHN_RESERVED && section != ELF_SHN_XINDEX)
		return false;
	if (!elf_code_offset(elf, vaddr, &place->file_offset))
		return false;
	place->vaddr = vaddr;
	place->size = elf_u64(symbol + 16);
	return true;
}

static bool is_global(const uint8_t *symbol)
{
	return symbol[4] >> 4 != ELF_STB_LOCAL;
}

static uint32_t gnu_hash_of(const char *name)
{
	uint32_t hash = 5381;

	for (; *name; name++)
		hash = hash * 33 + (uint8_t)*name;
	return hash;
}

static uint32_t hash_of(const char *name)
{
	uint32_t hash = 0;

	for (; *name; name++) {
		hash = (hash << 4) + (uint8_t)*name;
		hash ^= (hash & 0xf0000000) >> 24;
		hash &= 0x0fffffff;
	}
	return hash;
}

/* The chain that `hash` is in, after the Bloom filter: its first symbol, and the hashes from it. */
static bool gnu_chain(struct bytes table, uint32_t hash, uint64_t *index, struct bytes *hashes)
{
	uint64_t num_buckets, first, num_words, word, buckets;
	uint32_t shift;
	struct bytes head;

	if (!elf_slice(table, 0, 16, &head))
		return false;
	num_buckets = elf_u32(head.data);
	first = elf_u32(head.data + 4);
	num_words = elf_u32(head.data + 8);
	shift = elf_u32(head.data + 12) & 31;
	buckets = 16 + num_words * 8;
	if (num_buckets == 0 || num_words == 0 || buckets + num_buckets * 4 > table.len)
		return false;
	word = elf_u64(table.data + 16 + hash / 64 % num_words * 8);
	if (!(word >> hash % 64 & word >> (hash >> shift) % 64 & 1))
		return false;
	*index = elf_u32(table.data + buckets + hash % num_buckets * 4);
	return *index >= first &&
	       elf_tail(table, buckets + (num_buckets + *index - first) * 4, hashes);
}

static bool by_gnu_hash(const struct elf *elf, const struct table *table, const char *name,
			struct elf_place *place)
{
	uint32_t hash = gnu_hash_of(name), chained;
	size_t len = strlen(name);
	struct bytes hashes;
	const uint8_t *symbol;
	uint64_t index;

	if (!gnu_chain(elf->gnu_hash, hash, &index, &hashes))
		return false;
	for (size_t i = 0; i < ELF_CHAIN_MAX && (i + 1) * 4 <= hashes.len; i++) {
		if (!symbol_at(table, index + i, &symbol))
			return false;
		chained = elf_u32(hashes.data + i * 4);
		if ((chained | 1) == (hash | 1) && is_named(table, symbol, name, len) &&
		    is_global(symbol) && function_at(elf, symbol, place))
			return true;
		if (chained & 1)
			return false;
	}
	return false;
}

static bool by_hash(const struct elf *elf, const struct table *table, const char *name,
		    struct elf_place *place)
{
	uint64_t num_buckets, num_chains, index;
	size_t len = strlen(name);
	const uint8_t *symbol;
	struct bytes head;

	if (!elf_slice(elf->hash, 0, 8, &head))
		return false;
	num_buckets = elf_u32(head.data);
	num_chains = elf_u32(head.data + 4);
	if (num_buckets == 0 || 8 + (num_buckets + num_chains) * 4 > elf->hash.len)
		return false;
	index = elf_u32(elf->hash.data + 8 + hash_of(name) % num_buckets * 4);
	for (size_t i = 0; i < ELF_CHAIN_MAX && index != 0 && index < num_chains; i++) {
		if (!symbol_at(table, index, &symbol))
			return false;
		if (is_named(table, symbol, name, len) && is_global(symbol) &&
		    function_at(elf, symbol, place))
			return true;
		index = elf_u32(elf->hash.data + 8 + (num_buckets + index) * 4);
	}
	return false;
}

static bool by_search(const struct elf *elf, const struct table *table, const char *name,
		      bool locals_too, struct elf_place *place)
{
	size_t len = strlen(name);
	const uint8_t *symbol;

	for (size_t i = 0; i < ELF_SYMBOLS_MAX && symbol_at(table, i, &symbol); i++)
		if ((locals_too || is_global(symbol)) && is_named(table, symbol, name, len) &&
		    function_at(elf, symbol, place))
			return true;
	return false;
}

bool elf_symbol(const struct elf *elf, const char *name, uint64_t *file_offset, uint64_t *vaddr)
{
	struct table table = { elf->dynamic_symbols, elf->dynamic_strings };
	struct elf_place place;
	bool found;

	if (elf->gnu_hash.len > 0)
		found = by_gnu_hash(elf, &table, name, &place);
	else if (elf->hash.len > 0)
		found = by_hash(elf, &table, name, &place);
	else
		found = elf_symbol_section(elf, ELF_SHT_DYNSYM, &table.symbols, &table.strings) &&
			by_search(elf, &table, name, false, &place);
	if (!found)
		return false;
	*file_offset = place.file_offset;
	*vaddr = place.vaddr;
	return true;
}

bool elf_has_any(const struct elf *elf, const char *const names[], size_t num_names)
{
	uint64_t file_offset, vaddr;

	for (size_t i = 0; i < num_names; i++)
		if (elf_symbol(elf, names[i], &file_offset, &vaddr))
			return true;
	return false;
}

bool elf_static_symbol(const struct elf *elf, const char *name, uint64_t *file_offset,
		       uint64_t *vaddr)
{
	struct elf_place place;
	struct table table;

	if (!elf_symbol_section(elf, ELF_SHT_SYMTAB, &table.symbols, &table.strings) ||
	    !by_search(elf, &table, name, true, &place))
		return false;
	*file_offset = place.file_offset;
	*vaddr = place.vaddr;
	return true;
}

/* A string of the table that holds the parts: a symbol's name may also start inside it. */
struct holder {
	size_t start;
	size_t part;    /* where the first part is: a name that starts behind it does not hold it */
};

static bool holds_rest(struct bytes rest, const char *const parts[], size_t num_parts)
{
	for (size_t i = 0; i < num_parts; i++) {
		const uint8_t *at = memmem(rest.data, rest.len, parts[i], strlen(parts[i]));

		if (!at || !elf_tail(rest, (size_t)(at - rest.data) + strlen(parts[i]), &rest))
			return false;
	}
	return true;
}

/* Goes through the strings, not the symbols: linear, whatever a stranger put there. */
static size_t find_holders(struct bytes strings, const char *const parts[], size_t num_parts,
			   struct holder *holders)
{
	size_t num = 0, part_len = strlen(parts[0]);
	struct bytes rest = strings;

	for (int i = 0; i < ELF_NAMES_MAX; i++) {
		const uint8_t *at = memmem(rest.data, rest.len, parts[0], part_len);
		const uint8_t *end, *start;
		size_t left, before;

		if (!at)
			break;
		left = (size_t)(strings.data + strings.len - at);
		before = (size_t)(at - strings.data);
		end = memchr(at, '\0', left < ELF_NAME_MAX ? left : ELF_NAME_MAX);
		if (!end || end < at + part_len) {
			rest = bytes_of(at + part_len, left - part_len);
			continue;
		}
		start = memrchr(before < ELF_NAME_MAX ? strings.data : at - ELF_NAME_MAX, '\0',
				before < ELF_NAME_MAX ? before : ELF_NAME_MAX);
		if (start && holds_rest(bytes_of(at + part_len, (size_t)(end - at) - part_len),
					parts + 1, num_parts - 1))
			holders[num++] = (struct holder){ (size_t)(start + 1 - strings.data),
							  before };
		rest = bytes_of(end, (size_t)(strings.data + strings.len - end));
	}
	return num;
}

static bool is_held(const struct holder *holders, size_t num, size_t name)
{
	for (size_t i = 0; i < num; i++)
		if (name >= holders[i].start && name <= holders[i].part)
			return true;
	return false;
}

static bool is_new(const struct elf_place *places, size_t num, uint64_t vaddr)
{
	for (size_t i = 0; i < num; i++)
		if (places[i].vaddr == vaddr)
			return false;
	return true;
}

size_t elf_static_symbols_with(const struct elf *elf, const char *const parts[], size_t num_parts,
			       struct elf_place *out, size_t max)
{
	struct holder holders[ELF_NAMES_MAX];
	size_t num_holders, num = 0, name;
	struct elf_place place;
	const uint8_t *symbol;
	struct table table;

	if (num_parts == 0 ||
	    !elf_symbol_section(elf, ELF_SHT_SYMTAB, &table.symbols, &table.strings))
		return 0;
	num_holders = find_holders(table.strings, parts, num_parts, holders);
	if (num_holders == 0)
		return 0;
	for (size_t i = 0; i < ELF_SYMBOLS_MAX && num < max && symbol_at(&table, i, &symbol); i++) {
		name = elf_u32(symbol);
		if (name >= holders[0].start && name <= holders[num_holders - 1].part &&
		    is_held(holders, num_holders, name) && function_at(elf, symbol, &place) &&
		    is_new(out, num, place.vaddr))
			out[num++] = place;
	}
	return num;
}

bool elf_soname(const struct elf *elf, struct bytes *name)
{
	struct bytes rest;
	const uint8_t *end;

	if (!elf->has_soname || !elf_tail(elf->dynamic_strings, elf->soname, &rest) ||
	    rest.len == 0)
		return false;
	end = memchr(rest.data, '\0', rest.len < ELF_NAME_MAX ? rest.len : ELF_NAME_MAX);
	if (!end)
		return false;
	*name = bytes_of(rest.data, (size_t)(end - rest.data));
	return true;
}

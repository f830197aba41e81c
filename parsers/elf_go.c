/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's pclntab: the table from code to names that the Go runtime itself walks, so that no program
 * can be without it. Four formats (Go, src/debug/gosym/pclntab.go, cmd/link/internal/ld/pcln.go),
 * told by the first four bytes:
 *
 *   1.2   fffffffb  one blob: pairs (address, offset of the record), names anywhere in it
 *   1.16  fffffffa  a header with the offsets of the names and of the pairs
 *   1.18  fffffff0  the pairs are 32 bits wide, addresses count from the start of the text
 *   1.20  fffffff1  as 1.18
 *
 * From Go 1.26 the header no longer says where the text starts; moduledata does, which points to
 * the header.
 */
#include "parsers/elf_parts.h"

enum go_format { GO_1_2, GO_1_16, GO_1_18 };

#define GO_NAMES_MAX 16        /* places of the searched name; all but one are other text */
#define GO_MODULES_MAX 4       /* words looked at that point to the table; real files have one */
#define GO_MODULE_WORD_MIN 18  /* where in moduledata minpc is looked for; real: 20 */
#define GO_MODULE_WORD_MAX 24
#define GO_NOTE_BUILD_ID 4

struct pclntab {
	const struct elf *elf;
	enum go_format format;
	struct bytes all;
	uint64_t vaddr;
	uint64_t num_functions;
	struct bytes names;
	struct bytes functions;      /* the pairs, then the records; from Go 1.16 the records'
					offsets count from here */
	uint64_t pairs_vaddr;
	size_t pair_len;             /* the two halves are equal */
};

static bool read_format(const uint8_t *head, enum go_format *format)
{
	uint8_t quantum = head[6];

	if (head[4] != 0 || head[5] != 0 || (quantum != 1 && quantum != 4) || head[7] != 8)
		return false;
	switch (elf_u32(head)) {
	case 0xfffffffb:
		*format = GO_1_2;
		return true;
	case 0xfffffffa:
		*format = GO_1_16;
		return true;
	case 0xfffffff0:
	case 0xfffffff1:
		*format = GO_1_18;
		return true;
	}
	return false;
}

/* Words of the header, after the first eight bytes: see cmd/link's (*pclntab).generatePCHeader. */
static bool read_parts(struct pclntab *t)
{
	size_t extra = t->format == GO_1_18 ? 1 : 0;    /* the text's start, third word */
	struct bytes words;
	uint64_t names, names_end, pairs;

	if (t->format == GO_1_2) {
		t->names = t->all;
		return elf_tail(t->all, 16, &t->functions);
	}
	if (!elf_slice(t->all, 8, (7 + extra) * 8, &words))
		return false;
	names = elf_u64(words.data + (2 + extra) * 8);
	names_end = elf_u64(words.data + (3 + extra) * 8);
	pairs = elf_u64(words.data + (6 + extra) * 8);
	/* An end before the start is a length beyond all. */
	return elf_slice(t->all, names, names_end - names, &t->names) &&
	       elf_tail(t->all, pairs, &t->functions);
}

static bool open_table(const struct elf *elf, struct bytes bytes, struct pclntab *out)
{
	struct pclntab t = { .elf = elf, .all = bytes };

	if (bytes.len < 16 || !read_format(bytes.data, &t.format) || !read_parts(&t) ||
	    !elf_offset_to_vaddr(elf, (uint64_t)(bytes.data - elf->file.data), &t.vaddr))
		return false;
	t.num_functions = elf_u64(bytes.data + 8);
	t.pair_len = t.format == GO_1_18 ? 8 : 16;
	t.pairs_vaddr = t.vaddr + (uint64_t)(t.functions.data - bytes.data);
	/* Half a pair more: the end of the last function. */
	if (t.num_functions == 0 || t.num_functions >= t.functions.len / t.pair_len)
		return false;
	*out = t;
	return true;
}

/* Without sections: the header's eight bytes on a multiple of eight, outside code, and valid. */
static bool scan_for_table(const struct elf *elf, struct pclntab *out)
{
	enum go_format format;

	for (unsigned int i = 0; i < elf->num_loads; i++) {
		struct bytes view;

		if (elf->loads[i].executable || !elf_view(elf, elf->loads[i].vaddr, &view))
			continue;
		for (size_t at = (size_t)(-elf->loads[i].vaddr & 7); at + 16 <= view.len; at += 8)
			if (view.data[at + 3] == 0xff && read_format(view.data + at, &format) &&
			    open_table(elf, bytes_of(view.data + at, view.len - at), out))
				return true;
	}
	return false;
}

static bool find_table(const struct elf *elf, struct pclntab *out)
{
	struct bytes content;

	if (elf_section(elf, ".gopclntab", &content) ||
	    elf_section(elf, ".data.rel.ro.gopclntab", &content))
		return open_table(elf, content, out);
	/* The search reads the whole file: only where sections are gone, or a note says Go. */
	if (elf->sections.len > 0 && !elf_note(elf, "Go", GO_NOTE_BUILD_ID, &content))
		return false;
	return scan_for_table(elf, out);
}

/* Number `which` of the words of a pair; both halves are as wide. */
static uint64_t pair_word(const struct pclntab *t, uint64_t index, unsigned int which)
{
	const uint8_t *at = t->functions.data + index * t->pair_len + which * (t->pair_len / 2);

	return t->format == GO_1_18 ? elf_u32(at) : elf_u64(at);
}

/* The function's record: its address, as wide as in the pair, then the offset of its name. */
static bool name_of(const struct pclntab *t, uint64_t index, uint32_t *name)
{
	struct bytes record;
	struct bytes base = t->format == GO_1_2 ? t->all : t->functions;

	if (!elf_slice(base, pair_word(t, index, 1), t->pair_len / 2 + 4, &record))
		return false;
	*name = elf_u32(record.data + t->pair_len / 2);
	return true;
}

/* Finds the text of the name first, then the function whose record points at it. */
static bool find_function(const struct pclntab *t, const char *name, uint64_t *index)
{
	size_t num = 0, len = strlen(name) + 1, places[GO_NAMES_MAX];
	struct bytes rest = t->names;
	uint32_t at_name;

	while (num < GO_NAMES_MAX) {
		const uint8_t *at = memmem(rest.data, rest.len, name, len);

		if (!at)
			break;
		places[num++] = (size_t)(at - t->names.data);
		rest = bytes_of(at + 1, rest.len - (size_t)(at + 1 - rest.data));
	}
	for (uint64_t i = 0; num > 0 && i < t->num_functions; i++) {
		if (!name_of(t, i, &at_name))
			continue;
		for (size_t j = 0; j < num; j++) {
			if (places[j] == at_name) {
				*index = i;
				return true;
			}
		}
	}
	return false;
}

struct module_search {
	const struct pclntab *table;
	int left;
	uint64_t text;
};

/*
 * Is this word the first of moduledata? Then, behind six slices and a pointer, come minpc, maxpc
 * and text, which agree with the first and last pair (runtime/symtab.go; some versions may put
 * a word more before them).
 */
static bool visit_module(void *context, uint64_t vaddr)
{
	struct module_search *search = context;
	const struct pclntab *t = search->table;
	uint64_t min, max, text, last = pair_word(t, t->num_functions, 0);

	if (search->left-- <= 0)
		return true;
	for (uint64_t word = GO_MODULE_WORD_MIN; word <= GO_MODULE_WORD_MAX; word++) {
		if (elf_pointer_at(t->elf, vaddr + word * 8, &min) &&
		    elf_pointer_at(t->elf, vaddr + word * 8 + 8, &max) &&
		    elf_pointer_at(t->elf, vaddr + word * 8 + 16, &text) &&
		    min == text + pair_word(t, 0, 0) && max == text + last && max > min) {
			search->text = text;
			return true;
		}
	}
	return false;
}

static bool text_start(const struct pclntab *t, uint64_t *text)
{
	struct module_search search = { .table = t, .left = GO_MODULES_MAX };
	uint64_t offset;

	if (elf_pointer_at(t->elf, t->vaddr + 24, text) && *text != 0 &&
	    elf_code_offset(t->elf, *text, &offset))
		return true;
	if (!elf_find_pointer(t->elf, t->vaddr, visit_module, &search) || search.text == 0)
		return false;
	*text = search.text;
	return true;
}

/*
 * Go passes arguments in registers from 1.17 (x86-64) and 1.18 (aarch64), but the format of 1.17
 * is that of 1.16. What 1.17 brought along tells: runtime.spillArgs, which reflect calls need.
 */
static enum elf_abi abi_of(const struct pclntab *t)
{
	uint64_t index;

	if (t->format == GO_1_18)
		return ELF_ABI_GO_REGISTERS;
	if (t->format == GO_1_16 && t->elf->machine == ELF_X86_64 &&
	    find_function(t, "runtime.spillArgs", &index))
		return ELF_ABI_GO_REGISTERS;
	return ELF_ABI_GO_STACK;
}

bool elf_go_function(const struct elf *elf, const char *name, uint64_t *file_offset,
		     enum elf_abi *abi)
{
	uint64_t index, vaddr, text;
	struct pclntab table;

	if (!find_table(elf, &table) || !find_function(&table, name, &index))
		return false;
	if (table.format == GO_1_18) {
		if (!text_start(&table, &text))
			return false;
		vaddr = text + pair_word(&table, index, 0);
	} else if (!elf_pointer_at(elf, table.pairs_vaddr + index * table.pair_len, &vaddr)) {
		return false;
	}
	if (!elf_code_offset(elf, vaddr, file_offset))
		return false;
	*abi = abi_of(&table);
	return true;
}

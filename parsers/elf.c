/* SPDX-License-Identifier: Apache-2.0 */
/* Headers: program headers to segments, the dynamic section to tables, sections by name or type. */
#include "parsers/elf_parts.h"

enum { ELF_EHDR_SIZE = 64, ELF_ET_EXEC = 2, ELF_ET_DYN = 3, ELF_PF_X = 1 };

enum {
	ELF_DT_NULL = 0, ELF_DT_HASH = 4, ELF_DT_STRTAB = 5, ELF_DT_SYMTAB = 6, ELF_DT_RELA = 7,
	ELF_DT_RELASZ = 8, ELF_DT_STRSZ = 10, ELF_DT_SONAME = 14, ELF_DT_RELRSZ = 35,
	ELF_DT_RELR = 36,
	ELF_DT_KNOWN,                  /* one more than the last tag that fits the array below */
	ELF_DT_GNU_HASH = 0x6ffffef5,
};

static bool segment_of(const struct elf *elf, uint64_t vaddr, const struct elf_load **out)
{
	for (unsigned int i = 0; i < elf->num_loads; i++) {
		const struct elf_load *load = &elf->loads[i];

		if (vaddr >= load->vaddr && vaddr - load->vaddr < load->file_len) {
			*out = load;
			return true;
		}
	}
	return false;
}

bool elf_vaddr_to_offset(const struct elf *elf, uint64_t vaddr, uint64_t *file_offset)
{
	const struct elf_load *load;

	if (!segment_of(elf, vaddr, &load))
		return false;
	*file_offset = vaddr - load->vaddr + load->offset;
	return true;
}

bool elf_code_offset(const struct elf *elf, uint64_t vaddr, uint64_t *file_offset)
{
	const struct elf_load *load;

	if (!segment_of(elf, vaddr, &load) || !load->executable)
		return false;
	*file_offset = vaddr - load->vaddr + load->offset;
	return true;
}

bool elf_offset_to_vaddr(const struct elf *elf, uint64_t file_offset, uint64_t *vaddr)
{
	for (unsigned int i = 0; i < elf->num_loads; i++) {
		const struct elf_load *load = &elf->loads[i];

		if (file_offset >= load->offset && file_offset - load->offset < load->file_len) {
			*vaddr = file_offset - load->offset + load->vaddr;
			return true;
		}
	}
	return false;
}

bool elf_code_at(const struct elf *elf, uint64_t file_offset, struct bytes *code)
{
	for (unsigned int i = 0; i < elf->num_loads; i++) {
		const struct elf_load *load = &elf->loads[i];
		uint64_t inside = file_offset - load->offset;

		if (load->executable && file_offset >= load->offset && inside < load->file_len)
			return elf_slice(elf->file, file_offset, load->file_len - inside, code);
	}
	return false;
}

bool elf_view(const struct elf *elf, uint64_t vaddr, struct bytes *out)
{
	const struct elf_load *load;
	uint64_t inside;

	if (!segment_of(elf, vaddr, &load))
		return false;
	inside = vaddr - load->vaddr;
	return elf_slice(elf->file, load->offset + inside, load->file_len - inside, out);
}

static void add_load(struct elf *elf, const uint8_t *header)
{
	uint32_t flags = elf_u32(header + 4);
	uint64_t offset = elf_u64(header + 8), vaddr = elf_u64(header + 16);
	uint64_t file_len = elf_u64(header + 32);

	/* Of a file that was cut short the rest is of use; none of it is read beyond the end. */
	if (offset >= elf->file.len)
		return;
	if (file_len > elf->file.len - offset)
		file_len = elf->file.len - offset;
	if (file_len == 0 || vaddr > UINT64_MAX - file_len)
		return;
	if (elf->num_loads == ELF_LOADS_MAX) {
		elf->loads_dropped++;
		return;
	}
	elf->loads[elf->num_loads++] = (struct elf_load){
		.vaddr = vaddr,
		.offset = offset,
		.file_len = file_len,
		.executable = flags & ELF_PF_X,
	};
}

/* A table of the dynamic section; one that is not there, or starts outside the file, is empty. */
static void set_table(const struct elf *elf, uint64_t vaddr, uint64_t len, struct bytes *out)
{
	struct bytes view;

	if (vaddr == 0 || !elf_view(elf, vaddr, &view))
		return;
	if (view.len > len)
		view.len = (size_t)len;
	*out = view;
}

static void read_dynamic(struct elf *elf, struct bytes dynamic)
{
	uint64_t value[ELF_DT_KNOWN] = { 0 }, gnu_hash = 0;

	for (size_t i = 0; i < ELF_DYNAMIC_MAX && (i + 1) * 16 <= dynamic.len; i++) {
		uint64_t tag = elf_u64(dynamic.data + i * 16);
		uint64_t content = elf_u64(dynamic.data + i * 16 + 8);

		if (tag == ELF_DT_NULL)
			break;
		if (tag < ELF_DT_KNOWN)
			value[tag] = content;
		if (tag == ELF_DT_GNU_HASH)
			gnu_hash = content;
		if (tag == ELF_DT_SONAME)
			elf->has_soname = true;
	}
	set_table(elf, value[ELF_DT_SYMTAB], UINT64_MAX, &elf->dynamic_symbols);
	set_table(elf, value[ELF_DT_STRTAB], value[ELF_DT_STRSZ], &elf->dynamic_strings);
	set_table(elf, gnu_hash, UINT64_MAX, &elf->gnu_hash);
	set_table(elf, value[ELF_DT_HASH], UINT64_MAX, &elf->hash);
	set_table(elf, value[ELF_DT_RELA], value[ELF_DT_RELASZ], &elf->rela);
	set_table(elf, value[ELF_DT_RELR], value[ELF_DT_RELRSZ], &elf->relr);
	elf->soname = value[ELF_DT_SONAME];
}

static void read_segments(struct elf *elf)
{
	const uint8_t *header = elf->headers.data;
	const uint8_t *end = header + elf->headers.len;
	struct bytes dynamic;

	for (; header < end; header += ELF_PHDR_SIZE)
		if (elf_u32(header) == ELF_PT_LOAD)
			add_load(elf, header);
	for (header = elf->headers.data; header < end; header += ELF_PHDR_SIZE) {
		if (elf_u32(header) != ELF_PT_DYNAMIC)
			continue;
		if (elf_slice(elf->file, elf_u64(header + 8), elf_u64(header + 32), &dynamic))
			read_dynamic(elf, dynamic);
		break;
	}
}

bool elf_open(struct bytes file, struct elf *out)
{
	static const uint8_t ident[] = { 0x7f, 'E', 'L', 'F', 2, 1, 1 };
	struct elf elf = { .file = file };
	uint16_t type, machine, num_headers, num_sections;

	if (file.len < ELF_EHDR_SIZE || memcmp(file.data, ident, sizeof(ident)) != 0)
		return false;
	type = elf_u16(file.data + 16);
	machine = elf_u16(file.data + 18);
	if (type != ELF_ET_EXEC && type != ELF_ET_DYN)
		return false;
	if (machine != ELF_X86_64 && machine != ELF_AARCH64)
		return false;
	elf.machine = machine;
	elf.fixed = type == ELF_ET_EXEC;

	num_headers = elf_u16(file.data + 56);
	if (num_headers > ELF_HEADERS_MAX)
		num_headers = ELF_HEADERS_MAX;
	if (elf_u16(file.data + 54) != ELF_PHDR_SIZE ||
	    !elf_slice(file, elf_u64(file.data + 32), num_headers * ELF_PHDR_SIZE, &elf.headers))
		return false;
	/* Sections may be stripped, or cut off with the end of the file. */
	num_sections = elf_u16(file.data + 60);
	elf.section_names = elf_u16(file.data + 62);
	if (elf_u16(file.data + 58) != ELF_SHDR_SIZE ||
	    !elf_slice(file, elf_u64(file.data + 40), num_sections * ELF_SHDR_SIZE, &elf.sections))
		elf.sections = bytes_of(NULL, 0);

	read_segments(&elf);
	if (elf.num_loads == 0)
		return false;
	*out = elf;
	return true;
}

static bool section_header(const struct elf *elf, size_t index, const uint8_t **header)
{
	if (index >= elf->sections.len / ELF_SHDR_SIZE)
		return false;
	*header = elf->sections.data + index * ELF_SHDR_SIZE;
	return true;
}

static bool section_content(const struct elf *elf, const uint8_t *header, struct bytes *out)
{
	return elf_u32(header + 4) != ELF_SHT_NOBITS &&
	       elf_slice(elf->file, elf_u64(header + 24), elf_u64(header + 32), out);
}

bool elf_section(const struct elf *elf, const char *name, struct bytes *content)
{
	size_t len = strlen(name) + 1;
	const uint8_t *header;
	struct bytes names, at;

	if (!section_header(elf, elf->section_names, &header) ||
	    !section_content(elf, header, &names))
		return false;
	for (size_t i = 0; section_header(elf, i, &header); i++)
		if (elf_slice(names, elf_u32(header), len, &at) && memcmp(at.data, name, len) == 0)
			return section_content(elf, header, content);
	return false;
}

bool elf_symbol_section(const struct elf *elf, uint32_t type, struct bytes *symbols,
			struct bytes *strings)
{
	const uint8_t *header, *linked;

	for (size_t i = 0; section_header(elf, i, &header); i++)
		if (elf_u32(header + 4) == type)
			return section_header(elf, elf_u32(header + 40), &linked) &&
			       elf_u32(linked + 4) == ELF_SHT_STRTAB &&
			       section_content(elf, header, symbols) &&
			       section_content(elf, linked, strings);
	return false;
}

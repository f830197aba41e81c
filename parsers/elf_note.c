/* SPDX-License-Identifier: Apache-2.0 */
/* Notes (gABI chapter 5): name size, description size, type; name and description, padded. */
#include "parsers/elf_parts.h"

enum { ELF_NT_GNU_BUILD_ID = 3 };

#define ELF_NOTES_MAX 64   /* in one segment */

/* Takes one note; `align` is 4, or 8 in segments of GNU properties. */
static bool take_note(struct bytes *in, uint64_t align, struct bytes *name, uint32_t *type,
		      struct bytes *description)
{
	uint64_t name_len, description_len, start, end;

	if (in->len < 12)
		return false;
	name_len = elf_u32(in->data);
	description_len = elf_u32(in->data + 4);
	*type = elf_u32(in->data + 8);
	start = (12 + name_len + align - 1) / align * align;
	end = (start + description_len + align - 1) / align * align;
	if (!elf_slice(*in, 12, name_len, name) ||
	    !elf_slice(*in, start, description_len, description))
		return false;
	return bytes_skip(in, end < in->len ? (size_t)end : in->len);
}

bool elf_note(const struct elf *elf, const char *owner, uint32_t type, struct bytes *description)
{
	struct bytes notes, name, content, wanted = bytes_of(owner, strlen(owner) + 1);
	uint32_t this_type;

	for (size_t at = 0; at < elf->headers.len; at += ELF_PHDR_SIZE) {
		const uint8_t *header = elf->headers.data + at;
		uint64_t align = elf_u64(header + 48) == 8 ? 8 : 4;

		if (elf_u32(header) != ELF_PT_NOTE ||
		    !elf_slice(elf->file, elf_u64(header + 8), elf_u64(header + 32), &notes))
			continue;
		for (int i = 0; i < ELF_NOTES_MAX; i++) {
			if (!take_note(&notes, align, &name, &this_type, &content))
				break;
			if (this_type == type && name.len >= wanted.len &&
			    memcmp(name.data, wanted.data, wanted.len) == 0) {
				*description = content;
				return true;
			}
		}
	}
	return false;
}

bool elf_build_id(const struct elf *elf, struct bytes *id)
{
	struct bytes content;

	if (!elf_note(elf, "GNU", ELF_NT_GNU_BUILD_ID, &content) || content.len == 0 ||
	    content.len > ELF_BUILD_ID_MAX)
		return false;
	*id = content;
	return true;
}

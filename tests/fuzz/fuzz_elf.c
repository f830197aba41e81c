/* SPDX-License-Identifier: Apache-2.0 */
/* Every question about a stranger's file: what is found lies in the file, and is found again. */
#include <stdlib.h>

#include "parsers/elf.h"
#include "parsers/probe_instruction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_inside(struct bytes outer, struct bytes inner)
{
	CHECK(inner.len == 0 || (inner.data >= outer.data && inner.len <= outer.len &&
				 inner.data - outer.data <= (ptrdiff_t)(outer.len - inner.len)));
}

static void check_place(const struct elf *elf, uint64_t file_offset, enum elf_abi abi)
{
	struct probe_place place;
	struct bytes code;

	CHECK(file_offset < elf->file.len && elf_code_at(elf, file_offset, &code) && code.len > 0);
	check_inside(elf->file, code);
	CHECK(probe_instruction(elf, file_offset, abi, &place));
	CHECK(place.file_offset >= file_offset && place.file_offset - file_offset < code.len);
	CHECK(place.emulated || (place.file_offset == file_offset && place.stack_adjust == 0));
}

static void check_symbols(const struct elf *elf)
{
	static const char *const names[] = { "first_function", "FREEBL_GetVector", "an_object" };
	static const char *const parts[] = { "Expander", "block" };
	struct elf_place places[4];
	uint64_t file_offset, vaddr, again;
	bool any = false;
	size_t num;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (elf_symbol(elf, names[i], &file_offset, &vaddr)) {
			any = true;
			CHECK(elf_vaddr_to_offset(elf, vaddr, &again) && again == file_offset);
			check_place(elf, file_offset, ELF_ABI_C);
		}
		if (elf_static_symbol(elf, names[i], &file_offset, &vaddr))
			check_place(elf, file_offset, ELF_ABI_C);
	}
	CHECK(elf_has_any(elf, names, ARRAY_SIZE(names)) == any);
	num = elf_static_symbols_with(elf, parts, ARRAY_SIZE(parts), places, ARRAY_SIZE(places));
	CHECK(num <= ARRAY_SIZE(places));
	for (size_t i = 0; i < num; i++) {
		check_place(elf, places[i].file_offset, ELF_ABI_C);
		if (elf_returns(elf, &places[i], &places[num - 1 - i], &file_offset, 1))
			check_place(elf, file_offset, ELF_ABI_C);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes file = bytes_of(data, size), part;
	uint64_t file_offset;
	enum elf_abi abi;
	struct elf elf;

	if (!elf_open(file, &elf))
		return 0;
	CHECK(elf.num_loads > 0 && elf.num_loads <= ELF_LOADS_MAX);
	for (unsigned int i = 0; i < elf.num_loads; i++)
		CHECK(elf.loads[i].file_len <= size &&
		      elf.loads[i].offset <= size - elf.loads[i].file_len);
	check_symbols(&elf);
	for (unsigned int index = 1; index < 160; index += 2)
		if (elf_freebl_function(&elf, index, &file_offset))
			check_place(&elf, file_offset, ELF_ABI_C);
	if (elf_go_function(&elf, "crypto/tls.(*Config).writeKeyLog", &file_offset, &abi))
		check_place(&elf, file_offset, abi);
	if (elf_build_id(&elf, &part)) {
		check_inside(file, part);
		CHECK(part.len > 0 && part.len <= ELF_BUILD_ID_MAX);
	}
	if (elf_soname(&elf, &part))
		check_inside(file, part);
	if (elf_section(&elf, ".gopclntab", &part))
		check_inside(file, part);
	return 0;
}

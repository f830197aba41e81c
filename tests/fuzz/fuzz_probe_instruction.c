/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stranger's code: the first byte tells machine and ABI, the rest is the function. The place
 * found is in the code, and the rest of the code, looked at on its own, begins with it.
 */
#include <stdlib.h>

#include "parsers/probe_instruction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

/* A file of nothing but one executable segment. */
static struct elf file_of(struct bytes code, uint8_t kind)
{
	return (struct elf){
		.file = code,
		.machine = kind & 4 ? ELF_AARCH64 : ELF_X86_64,
		.num_loads = 1,
		.loads = { { .file_len = code.len, .executable = true } },
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum elf_abi abi;
	struct bytes code;
	struct probe_place place, again;
	struct elf elf;

	if (size < 2)
		return 0;
	abi = (enum elf_abi)(data[0] % 4 % 3);
	code = bytes_of(data + 1, size - 1);
	elf = file_of(code, data[0]);
	CHECK(probe_instruction(&elf, 0, abi, &place));
	CHECK(!probe_instruction(&elf, code.len, abi, &again));
	CHECK(place.file_offset < code.len && place.file_offset <= PROBE_INSTRUCTIONS_MAX * 15);
	if (!place.emulated) {
		CHECK(place.file_offset == 0 && place.stack_adjust == 0);
		return 0;
	}
	CHECK(probe_instruction(&elf, place.file_offset, abi, &again));
	CHECK(again.emulated && again.file_offset == place.file_offset && again.stack_adjust == 0);
	return 0;
}

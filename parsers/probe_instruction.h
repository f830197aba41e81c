/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which instruction of a function to put a uprobe on. The kernel emulates a few instructions and
 * single-steps all others out of line: 1 to 2 us a hit against 12 (measured in a virtual machine).
 * From the start of the function this skips what leaves the arguments alone (endbr64, compares,
 * sub $n,%rsp, Go's stack check) and stops at the first emulated one:
 *  - x86-64 (arch/x86/kernel/uprobes.c, branch_setup_xol_ops and push_setup_xol_ops): push of a
 *    register, call and jmp relative, jcc, nop of one byte. Longer nops: by recent kernels only,
 *    so they are skipped.
 *  - aarch64 (arch/arm64/kernel/probes/decode-insn.c): branches, adr, adrp, ldr of a literal. A nop
 *    is simulated by recent kernels only, bti and paciasp by none (older kernels even refuse a
 *    probe on them): skipped. What it saves there is not measured.
 */
#ifndef CERTTAP_PROBE_INSTRUCTION_H
#define CERTTAP_PROBE_INSTRUCTION_H

#include "parsers/elf.h"

#define PROBE_INSTRUCTIONS_MAX 8   /* skipped at most */

struct probe_place {
	uint64_t file_offset;
	uint32_t stack_adjust;   /* the stack pointer is that much lower than at the function's start:
				    add it to reach arguments on the stack */
	bool emulated;           /* false: none found, file_offset is the function's start */
};

/*
 * `abi` tells which registers hold arguments. Every argument register and stack argument still
 * has its value at the place found. False only where no executable segment has that offset.
 */
MUST_CHECK bool probe_instruction(const struct elf *elf, uint64_t function_offset, enum elf_abi abi,
				  struct probe_place *out);

#endif

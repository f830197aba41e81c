/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two small decoders. Each knows only the instructions that compilers put in front of a function's
 * first branch or push, and calls every other one a stop.
 */
#include "parsers/elf_parts.h"
#include "parsers/probe_instruction.h"

#define PROBE_STACK_MAX (1u << 20)   /* of one sub; more is no function's start */

enum step { STEP_SKIP, STEP_EMULATED, STEP_STOP };

struct instruction {
	size_t len;
	uint32_t stack;    /* it moves the stack pointer down by that much */
};

enum { RAX = 0, RDX = 2, RSP = 4, R10 = 10, R11 = 11, R12 = 12, R13 = 13 };

/* May a skipped instruction write this register? It holds no argument and no context then. */
static bool x86_scratch(enum elf_abi abi, unsigned int reg)
{
	switch (abi) {
	case ELF_ABI_C:
		return reg == RAX || reg == R10 || reg == R11;
	case ELF_ABI_GO_STACK:
		return reg != RSP && reg != RDX;
	case ELF_ABI_GO_REGISTERS:
		return reg == R12 || reg == R13;
	}
	return false;
}

struct modrm {
	unsigned int mode, reg, rm;    /* reg and rm with the bits of REX */
	size_t len;                    /* with SIB and displacement */
};

static bool read_modrm(struct bytes in, uint8_t rex, struct modrm *out)
{
	unsigned int low;
	struct modrm m;

	if (in.len < 1)
		return false;
	m.mode = in.data[0] >> 6;
	low = in.data[0] & 7;
	m.reg = (in.data[0] >> 3 & 7) | (rex & 4 ? 8 : 0);
	m.rm = low | (rex & 1 ? 8 : 0);
	m.len = 1;
	if (m.mode != 3 && low == 4) {
		if (in.len < 2)
			return false;
		m.len = 2;
		if (m.mode == 0 && (in.data[1] & 7) == 5)
			m.len += 4;
	}
	if (m.mode == 1)
		m.len += 1;
	if (m.mode == 2 || (m.mode == 0 && low == 5))
		m.len += 4;
	if (m.len > in.len)
		return false;
	*out = m;
	return true;
}

/* What the kernel emulates; no prefix but REX.B of a push (66 e8 and older ones 66 90: refused). */
static bool x86_emulated(struct bytes in)
{
	uint8_t first = in.data[0];

	if (first >= 0x50 && first <= 0x57)
		return true;                             /* push */
	if (first == 0x41)
		return in.len >= 2 && in.data[1] >= 0x50 && in.data[1] <= 0x57;
	if ((first >= 0x70 && first <= 0x7f) || first == 0xeb)
		return in.len >= 2;                      /* jcc, jmp, 8 bits */
	if (first == 0xe8 || first == 0xe9)
		return in.len >= 5;                      /* call, jmp, 32 bits */
	if (first == 0x0f)
		return in.len >= 6 && in.data[1] >= 0x80 && in.data[1] <= 0x8f;
	return first == 0x90;
}

/* endbr64, 66 90, 0f 1f /0 with any 66 and 2e in front. */
static bool x86_nop(struct bytes in, size_t *len)
{
	static const uint8_t endbr64[] = { 0xf3, 0x0f, 0x1e, 0xfa };
	struct bytes rest = in;
	struct modrm m;

	if (in.len >= sizeof(endbr64) && memcmp(in.data, endbr64, sizeof(endbr64)) == 0) {
		*len = sizeof(endbr64);
		return true;
	}
	while (rest.len > 0 && in.len - rest.len < 6 &&
	       (rest.data[0] == 0x66 || rest.data[0] == 0x2e))
		rest = bytes_of(rest.data + 1, rest.len - 1);
	if (rest.len >= 1 && rest.data[0] == 0x90 && in.len - rest.len == 1) {
		*len = 2;
		return true;
	}
	if (!bytes_skip(&rest, 2) || rest.data[-2] != 0x0f || rest.data[-1] != 0x1f ||
	    !read_modrm(rest, 0, &m) || m.reg != 0)
		return false;
	*len = in.len - rest.len + m.len;
	return true;
}

/* sub $n, %rsp, or add $-n, which is shorter for 128; bytes from the opcode on. */
static bool x86_lowers_stack(struct bytes in, uint8_t rex, struct instruction *out)
{
	bool wide = in.data[0] == 0x81;
	int32_t by;

	if (rex != 0x48 || in.len < (wide ? 6u : 3u) || (in.data[0] != 0x83 && !wide))
		return false;
	by = wide ? (int32_t)elf_u32(in.data + 2) : (int8_t)in.data[2];
	if (in.data[1] == 0xc4 && by > INT32_MIN)
		by = -by;
	else if (in.data[1] != 0xec)
		return false;
	if (by <= 0 || (uint32_t)by > PROBE_STACK_MAX)
		return false;
	*out = (struct instruction){ wide ? 6 : 3, (uint32_t)by };
	return true;
}

/* Compares and tests, of registers or memory, change the flags alone. Length from the opcode on. */
static bool x86_compares(uint8_t opcode, const struct modrm *m, size_t *len)
{
	switch (opcode) {
	case 0x38: case 0x39: case 0x3a: case 0x3b: case 0x84: case 0x85:
		*len = 1 + m->len;
		return true;
	case 0x80: case 0x83:
		*len = 1 + m->len + 1;
		return (m->reg & 7) == 7;
	case 0x81:
		*len = 1 + m->len + 4;
		return (m->reg & 7) == 7;
	case 0xf6:
		*len = 1 + m->len + 1;
		return (m->reg & 7) == 0;
	case 0xf7:
		*len = 1 + m->len + 4;
		return (m->reg & 7) == 0;
	}
	return false;
}

/* mov, lea, xor into a register that holds no argument. */
static bool x86_sets_scratch(uint8_t opcode, const struct modrm *m, enum elf_abi abi)
{
	switch (opcode) {
	case 0x8b:
		return x86_scratch(abi, m->reg);
	case 0x8d:
		return m->mode != 3 && x86_scratch(abi, m->reg);
	case 0x31: case 0x89:
		return m->mode == 3 && x86_scratch(abi, m->rm);
	}
	return false;
}

static enum step x86_step(struct bytes code, enum elf_abi abi, struct instruction *out)
{
	struct bytes in = code;
	struct modrm m;
	uint8_t rex = 0;
	size_t len;

	if (code.len == 0)
		return STEP_STOP;
	if (x86_emulated(code))
		return STEP_EMULATED;
	*out = (struct instruction){ 0 };
	if (x86_nop(code, &out->len))
		return STEP_SKIP;
	if (in.data[0] == 0x64)                          /* %fs: the thread's block */
		in = bytes_of(in.data + 1, in.len - 1);
	if (in.len > 0 && in.data[0] >= 0x40 && in.data[0] <= 0x4f) {
		rex = in.data[0];
		in = bytes_of(in.data + 1, in.len - 1);
	}
	if (in.len == 0)
		return STEP_STOP;
	if (in.len == code.len - 1 && x86_lowers_stack(in, rex, out)) {
		out->len += 1;
		return STEP_SKIP;
	}
	if (!read_modrm(bytes_of(in.data + 1, in.len - 1), rex, &m))
		return STEP_STOP;
	len = 1 + m.len;
	if (!x86_compares(in.data[0], &m, &len) && !x86_sets_scratch(in.data[0], &m, abi))
		return STEP_STOP;
	out->len = code.len - in.len + len;
	return STEP_SKIP;
}

static bool arm_scratch(enum elf_abi abi, unsigned int reg)
{
	if (abi == ELF_ABI_GO_STACK)
		return reg < 26;                         /* x26 context, x28 goroutine, x29.. */
	return reg == 16 || reg == 17;                   /* never arguments: the linker's own */
}

static bool arm_emulated(uint32_t word)
{
	return (word & 0xff000010) == 0x54000000 ||      /* b.cond */
	       (word & 0x7c000000) == 0x34000000 ||      /* cbz, cbnz, tbz, tbnz */
	       (word & 0x7c000000) == 0x14000000 ||      /* b, bl */
	       (word & 0x1f000000) == 0x10000000 ||      /* adr, adrp */
	       (word & 0xbf000000) == 0x18000000 ||      /* ldr of a literal */
	       (word & 0xff000000) == 0x98000000 ||      /* ldrsw of a literal */
	       (word & 0xff9ffc1f) == 0xd61f0000;        /* br, blr, ret */
}

static bool arm_skips(uint32_t word, enum elf_abi abi)
{
	unsigned int target = word & 31;

	if (word == 0xd503201f || (word & 0xffffff3f) == 0xd503241f ||   /* nop, bti */
	    (word & 0xffffffbf) == 0xd503233f)                           /* paciasp, pacibsp */
		return true;
	if ((word & 0x7f20001f) == 0x6b00001f || (word & 0x7fe0001f) == 0x6b20001f ||
	    (word & 0x7f80001f) == 0x7100001f ||                         /* cmp */
	    (word & 0x7f20001f) == 0x6a00001f || (word & 0x7f80001f) == 0x7200001f)   /* tst */
		return true;
	/* ldr x, [x, #n]; sub x, sp, #n; mov x, sp: how Go checks its stack. */
	return ((word & 0xffc00000) == 0xf9400000 || (word & 0xff8003e0) == 0xd10003e0 ||
		(word & 0xffffffe0) == 0x910003e0) && arm_scratch(abi, target);
}

static enum step arm_step(struct bytes code, enum elf_abi abi, struct instruction *out)
{
	uint32_t word;

	if (code.len < 4)
		return STEP_STOP;
	word = elf_u32(code.data);
	if (arm_emulated(word))
		return STEP_EMULATED;
	*out = (struct instruction){ .len = 4 };
	if ((word & 0xff8003ff) == 0xd10003ff) {         /* sub sp, sp, #n */
		out->stack = (word >> 10 & 0xfff) << (word >> 22 & 1 ? 12 : 0);
		return out->stack <= PROBE_STACK_MAX ? STEP_SKIP : STEP_STOP;
	}
	return arm_skips(word, abi) ? STEP_SKIP : STEP_STOP;
}

bool probe_instruction(const struct elf *elf, uint64_t function_offset, enum elf_abi abi,
		       struct probe_place *out)
{
	struct probe_place place = { .file_offset = function_offset };
	struct instruction skipped;
	enum step step = STEP_SKIP;
	struct bytes code;

	if (!elf_code_at(elf, function_offset, &code))
		return false;
	for (int i = 0; i <= PROBE_INSTRUCTIONS_MAX; i++) {
		step = elf->machine == ELF_X86_64 ? x86_step(code, abi, &skipped) :
						    arm_step(code, abi, &skipped);
		if (step != STEP_SKIP || !bytes_skip(&code, skipped.len))
			break;
		place.file_offset += skipped.len;
		place.stack_adjust += skipped.stack;
	}
	place.emulated = step == STEP_EMULATED;
	if (!place.emulated)
		place = (struct probe_place){ .file_offset = function_offset };
	*out = place;
	return true;
}

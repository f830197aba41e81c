/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of hooks, and how a file's content tells which of them it has. A new library is one row here
 * and one small program in bpf/secrets.bpf.c.
 */
#include <string.h>

#include "parsers/elf.h"
#include "parsers/probe_instruction.h"
#include "userspace/probes/probes_parts.h"

enum locator { LOCATE_SYMBOL, LOCATE_GO, LOCATE_FREEBL, LOCATE_RUST };

#define PROGRAMS_MAX 3       /* probes that work together in one hook */
#define SPELLINGS_MAX 3      /* of one function's name, of which a library may have several */

struct row {
	enum secret_hook hook;
	const char *library;
	enum locator locator;
	/* Forks define each other's symbols: of a family the first row that fits counts. */
	enum { ALONE, OPENSSL } family;
	const char *only_with;       /* a further symbol that must be there, or NULL */
	unsigned int num_programs;
	struct {
		enum probes_program program;
		const char *spellings[SPELLINGS_MAX];
		unsigned int index;      /* LOCATE_FREEBL: word of the vector */
	} programs[PROGRAMS_MAX];    /* all of them are needed */
};

static const struct row rows[] = {
	{ SECRET_HOOK_OPENSSL3, "OpenSSL 3", LOCATE_SYMBOL, OPENSSL, NULL, 1,
	  { { PROBES_OPENSSL3, { "EVP_KDF_derive" }, 0 } } },
	{ SECRET_HOOK_BORINGSSL, "BoringSSL or AWS-LC", LOCATE_SYMBOL, OPENSSL, NULL, 1,
	  { { PROBES_BORINGSSL, { "CRYPTO_tls13_hkdf_expand_label" }, 0 } } },
	{ SECRET_HOOK_LIBRESSL, "LibreSSL or BoringSSL", LOCATE_SYMBOL, OPENSSL, NULL, 1,
	  { { PROBES_LIBRESSL, { "HKDF_expand" }, 0 } } },
	/* RAND_DRBG_new came and went with 1.1.1: neither 1.1.0, without TLS 1.3, nor 3.0 have it. */
	{ SECRET_HOOK_OPENSSL1, "OpenSSL 1.1.1", LOCATE_SYMBOL, OPENSSL, "RAND_DRBG_new", 2,
	  { { PROBES_OPENSSL1_CTRL, { "EVP_PKEY_CTX_ctrl" }, 0 },
	    { PROBES_OPENSSL1_DERIVE, { "EVP_PKEY_derive" }, 0 } } },
	{ SECRET_HOOK_GNUTLS, "GnuTLS (nettle)", LOCATE_SYMBOL, ALONE, NULL, 1,
	  { { PROBES_GNUTLS, { "nettle_hkdf_expand" }, 0 } } },
	/* struct FREEBLVectorStr of NSS's freebl/loader.h, complete since its version 3.008. */
	{ SECRET_HOOK_NSS, "NSS (freebl)", LOCATE_FREEBL, ALONE, NULL, 3,
	  { { PROBES_NSS_UPDATE, { "HMAC_Update" }, 142 },
	    { PROBES_NSS_FINISH, { "HMAC_Finish" }, 144 },
	    { PROBES_NSS_DESTROY, { "HMAC_Destroy" }, 145 } } },
	{ SECRET_HOOK_GO, "Go crypto/tls", LOCATE_GO, ALONE, NULL, 1,
	  { { PROBES_GO, { "crypto/tls.(*Config).writeKeyLog" }, 0 } } },
	{ SECRET_HOOK_WOLFSSL, "wolfSSL", LOCATE_SYMBOL, ALONE, NULL, 1,
	  { { PROBES_WOLFSSL, { "wc_Tls13_HKDF_Expand_Label", "wc_Tls13_HKDF_Expand_Label_ex",
				"wc_Tls13_HKDF_Expand_Label_Alloc" }, 0 } } },
	/* Where symbols remain, as cargo leaves them: nothing is exported. See add_rust_row(). */
	{ SECRET_HOOK_RUSTLS, "rustls (ring)", LOCATE_RUST, ALONE, NULL, 2,
	  { { PROBES_RING_FILL, { "ring::hkdf::fill_okm" }, 0 },
	    { PROBES_RING_FILLED, { "its return" }, 0 } } },
	{ SECRET_HOOK_MBEDTLS, "mbedTLS 3", LOCATE_SYMBOL, ALONE, NULL, 1,
	  { { PROBES_MBEDTLS, { "mbedtls_ssl_tls13_hkdf_expand_label" }, 0 } } },
};

#define NUM_ROWS (sizeof(rows) / sizeof(rows[0]))

static const struct row *row_of(enum secret_hook hook)
{
	for (size_t i = 0; i < NUM_ROWS; i++)
		if (rows[i].hook == hook)
			return &rows[i];
	return NULL;
}

const char *probes_hook_library(enum secret_hook hook)
{
	const struct row *row = row_of(hook);

	return row ? row->library : "?";
}

const char *probes_hook_symbol(enum secret_hook hook)
{
	const struct row *row = row_of(hook);

	return row ? row->programs[0].spellings[0] : "?";
}

/* A file that is not stripped tells more than it exports: programs that are linked statically. */
static bool find_symbol(const struct elf *elf, const char *name, uint64_t *offset)
{
	uint64_t vaddr;

	return elf_symbol(elf, name, offset, &vaddr) || elf_static_symbol(elf, name, offset, &vaddr);
}

static bool locate(const struct elf *elf, const struct row *row, unsigned int program,
		   unsigned int spelling, uint64_t *offset, enum elf_abi *abi)
{
	const char *name = row->programs[program].spellings[spelling];

	*abi = ELF_ABI_C;
	switch (row->locator) {
	case LOCATE_SYMBOL:
		return find_symbol(elf, name, offset);
	case LOCATE_GO:
		return elf_go_function(elf, name, offset, abi);
	case LOCATE_FREEBL:
		return elf_freebl_function(elf, row->programs[program].index, offset);
	case LOCATE_RUST:
		break;           /* add_rust_row() */
	}
	return false;
}

/* False: an argument on the stack would be out of the cookie's reach. */
static bool add_place(const struct elf *elf, const struct row *row, enum probes_program program,
		      uint64_t offset, enum elf_abi abi, struct probes_finding *out)
{
	struct probes_place *place = &out->places[out->num_places];
	struct probe_place at;

	if (out->num_places == PROBES_PLACES_MAX || !probe_instruction(elf, offset, abi, &at) ||
	    at.stack_adjust > SECRET_COOKIE_STACK)
		return false;
	*place = (struct probes_place){
		.file_offset = at.file_offset,
		.cookie = at.stack_adjust | (uint64_t)row->hook << SECRET_COOKIE_HOOK_SHIFT |
			  (abi == ELF_ABI_GO_STACK ? SECRET_COOKIE_GO_STACK : 0),
		.program = (uint8_t)program,
		.hook = (uint8_t)row->hook,
		.emulated = at.emulated,
	};
	out->num_places++;
	return true;
}

#define RUST_SAME_MAX 2      /* versions of ring or rustls in one program */
#define RUST_RETURNS_MAX 2

/* Behind each call in each of the functions so named. */
static bool add_returns(const struct elf *elf, const struct row *row,
			const struct elf_place *callee, const char *const parts[2],
			struct probes_finding *out)
{
	struct elf_place callers[RUST_SAME_MAX];
	size_t num = elf_static_symbols_with(elf, parts, 2, callers, RUST_SAME_MAX);
	bool found = false;

	for (size_t i = 0; i < num; i++) {
		uint64_t at[RUST_RETURNS_MAX];
		size_t num_at = elf_returns(elf, &callers[i], callee, at, RUST_RETURNS_MAX);

		for (size_t j = 0; j < num_at; j++)
			found |= add_place(elf, row, PROBES_RING_FILLED, at[j], ELF_ABI_C, out);
	}
	return found;
}

/*
 * Rust's names carry hashes and its functions move with each compiler, so: ring's one function that
 * fills an output, by the part of its name that old and new mangling share, and the functions
 * through which rustls gets at it, if it is called there. Seen in what rustc 1.63, 1.85 and 1.95
 * made of rustls 0.20 and 0.23, with LTO too. A call that goes another way, as in builds that are
 * not optimised, is not found: then there is no hook. aws-lc-rs, which rustls can use in ring's
 * place since 0.22, has none yet.
 */
static bool add_rust_row(const struct elf *elf, const struct row *row, struct probes_finding *out)
{
	static const char *const fill[] = { "4ring4hkdf8fill_okm" };
	static const char *const callers[][2] = {
		{ "RingHkdfExpander", "12expand_block" },                 /* rustls 0.22 and later */
		{ "ring..hmac..Key$u20$as", "From$LT$ring..hkdf..Okm" },  /* 0.20 and 0.21 */
		{ "ring..hkdf..Prk$u20$as", "From$LT$ring..hkdf..Okm" },
	};
	struct elf_place fills[RUST_SAME_MAX];
	size_t num = elf_static_symbols_with(elf, fill, 1, fills, RUST_SAME_MAX);
	bool found = false;

	for (size_t i = 0; i < num; i++) {
		uint8_t before = out->num_places;
		bool returns = false;

		for (size_t j = 0; j < sizeof(callers) / sizeof(callers[0]); j++)
			returns |= add_returns(elf, row, &fills[i], callers[j], out);
		if (returns && add_place(elf, row, PROBES_RING_FILL, fills[i].file_offset,
					 ELF_ABI_C, out))
			found = true;
		else
			out->num_places = before;
	}
	return found;
}

/* All of a row's probes, or none. */
static bool add_row(const struct elf *elf, const struct row *row, struct probes_finding *out)
{
	uint8_t before = out->num_places;
	uint64_t offset;
	enum elf_abi abi;

	if (row->locator == LOCATE_RUST)
		return add_rust_row(elf, row, out);
	if (row->only_with && !find_symbol(elf, row->only_with, &offset))
		return false;
	for (unsigned int i = 0; i < row->num_programs; i++) {
		bool found = false;

		for (unsigned int j = 0; j < SPELLINGS_MAX && row->programs[i].spellings[j]; j++)
			if (locate(elf, row, i, j, &offset, &abi))
				found |= add_place(elf, row, row->programs[i].program, offset, abi,
						   out);
		if (!found) {
			out->num_places = before;
			return false;
		}
	}
	return true;
}

static bool holds(struct bytes file, const char *text)
{
	return memmem(file.data, file.len, text, strlen(text)) != NULL;
}

struct no_hook {
	const char *library, *reason;
	const char *marker;          /* text that tells it in a file with TLS 1.3 code */
};

static const struct no_hook no_hooks[PROBES_NUM_NO_HOOKS] = {
	[PROBES_NOT_TLS] = { "", "", NULL },
	[PROBES_SOME_TLS] = { "TLS 1.3 code", "of no library that has a hook", "" },
	[PROBES_AWS_LC_STRIPPED] = { "AWS-LC", "linked in without its symbols", "AWS-LC" },
	[PROBES_BORINGSSL_STRIPPED] = { "BoringSSL", "linked in without its symbols", "BoringSSL" },
	[PROBES_RUSTLS] = { "rustls", "without its symbols, not optimised, or not with ring",
			    "rustls" },
	[PROBES_OPENSSL_STRIPPED] = { "OpenSSL", "linked in without its symbols", "OpenSSL 3." },
	[PROBES_GO_GARBLED] = { "Go", "crypto/tls without its function names", "crypto/tls." },
	[PROBES_JAVA] = { "Java", "its TLS is compiled while it runs", NULL },
};

const char *probes_no_hook_library(enum probes_no_hook what)
{
	return what < PROBES_NUM_NO_HOOKS ? no_hooks[what].library : "?";
}

const char *probes_no_hook_reason(enum probes_no_hook what)
{
	return what < PROBES_NUM_NO_HOOKS ? no_hooks[what].reason : "?";
}

/* The most telling first. */
static enum probes_no_hook judge_content(struct bytes file)
{
	static const enum probes_no_hook order[] = {
		PROBES_AWS_LC_STRIPPED, PROBES_BORINGSSL_STRIPPED, PROBES_RUSTLS,
		PROBES_OPENSSL_STRIPPED, PROBES_GO_GARBLED, PROBES_SOME_TLS,
	};

	/* The end of both labels: compilers keep it in one piece. */
	if (!holds(file, "hs traffic"))
		return PROBES_NOT_TLS;
	/* This very table: a certtap, of whatever build. */
	if (holds(file, no_hooks[PROBES_SOME_TLS].reason))
		return PROBES_NOT_TLS;
	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (holds(file, no_hooks[order[i]].marker))
			return order[i];
	return PROBES_NOT_TLS;
}

void probes_look(struct bytes file, bool thorough, struct probes_finding *out)
{
	bool have_openssl = false;
	struct bytes id;
	struct elf elf;
	uint64_t at, vaddr;

	memset(out, 0, sizeof(*out));
	if (!elf_open(file, &elf))
		return;
	if (elf_build_id(&elf, &id)) {
		out->build_id_len = (uint8_t)(id.len < sizeof(out->build_id) ? id.len :
					      sizeof(out->build_id));
		memcpy(out->build_id, id.data, out->build_id_len);
	}
	for (size_t i = 0; i < NUM_ROWS; i++)
		if (rows[i].family != OPENSSL)
			add_row(&elf, &rows[i], out);
		else if (!have_openssl)
			have_openssl = add_row(&elf, &rows[i], out);
	if (out->num_places || !thorough)
		return;
	if (elf_symbol(&elf, "JNI_CreateJavaVM", &at, &vaddr))
		out->no_hook = PROBES_JAVA;
	else
		out->no_hook = (uint8_t)judge_content(file);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expectations: what may be presented where, written by an operator in YAML (`check --expect FILE`).
 *
 *     undeclared: warning              # an endpoint that no `where` covers: critical, warning, ok (default)
 *     expect:
 *       - where: {name: pool.example, port: [443, 4443, 5061, 9808]}
 *         present:
 *           issuer: "*Issuing CA*"
 *           min-days: 14
 *       - present: {key: [rsa 2048, ec 256, ed25519], not-signed-with: [md5, sha1]}    # without `where`: everywhere
 *     deny:
 *       - present: {spki: "sha256/..."}
 *         reason: the key was in a public repository
 *
 * `where`: all of it must hold, and of a list any. name (asked for; where none was, the names in the certificate), port
 * (443 or 8000-8099), address (10.0.0.5 or 10.0.0.0/8), transport (tcp, udp), unit, process, container, carrier. In
 * all texts * and ? stand for any characters and for one, and case does not count.
 *
 * `present` in `expect`: all of it must hold.
 *     fingerprint      SHA-256 of the first certificate, hex with or without colons: one of these
 *     spki             SHA-256 of its public key, hex or base64: one of these
 *     issuer           its issuer, as CN=Issuing CA,O=Example or the common name alone: one of these
 *     names            it has all of these names; a wildcard in the certificate counts
 *     min-days         it is valid for at least so many more days
 *     key              kinds that are allowed in the chain, with their least size: rsa 2048, ec 256, ed25519
 *     not-signed-with  hashes that are not allowed in the chain (on roots they do not count): md5, sha1
 * In `deny`, a chain of which all holds is a violation: fingerprint, spki, issuer (of any certificate in it), names,
 * signed-with. Without `present`: nothing may be presented there.
 *
 * Beside them: `severity`, critical (default) or warning, and `reason`, a text that is shown.
 *
 * Unknown and repeated keys are errors, as are aliases, anchors and tags. An error is one line, as compilers write it:
 *     expect.yaml:12: unknown key "fingerprnt" (did you mean "fingerprint"?)
 */
#ifndef CERTTAP_EXPECT_H
#define CERTTAP_EXPECT_H

#include "parsers/x509.h"
#include "userspace/check/severity.h"

#define EXPECT_FILE_MAX (1u << 20)
#define EXPECT_TEXT_MAX 512              /* of a violation */

struct expect;

/*
 * Returns 0, the caller frees with expect_free(). -EINVAL: the file is wrong, -EFBIG, -ENOMEM, or what open() and
 * read() say; `why` is the line for the user.
 */
int expect_read(const char *path, struct expect **out, char *why, size_t why_size);
/* The same from memory; `name` stands for the file in errors and violations. */
int expect_parse(struct bytes text, const char *name, struct expect **out, char *why, size_t why_size);
void expect_free(struct expect *e);

/* How many rules, of `expect` and `deny`. */
size_t expect_num_rules(const struct expect *e);

/* One certificate as the rules see it. Texts are safe text and never NULL. */
struct expect_certificate {
	const uint8_t *sha256;           /* 32 bytes */
	const uint8_t *spki_sha256;      /* 32 bytes; NULL: not known */
	const char *issuer, *issuer_cn;
	const struct bytes *names;       /* DNS names as they are, addresses as text */
	size_t num_names;
	bool not_after_known;
	int64_t not_after_s;
	enum x509_key key;
	unsigned int key_bits;           /* 0: not known */
	const char *signature_algorithm;
	bool signature_weak;
	bool self_issued;
};

/*
 * The chain as the rules see it, in one piece of memory; free() it. It borrows from the certificates, which must stay.
 * NULL: no memory, or no certificate.
 */
struct expect_certificate *expect_chain(const struct x509 *const *certs, size_t num);

/* One endpoint and what it last presented. NULL where something is not known. */
struct expect_endpoint {
	const uint8_t *address;          /* 16 octets, IPv4 mapped */
	uint16_t port;
	const char *transport, *server_name, *unit, *process, *container, *carrier;
	const struct expect_certificate *chain;      /* the first one first */
	size_t num;                      /* 0: no certificate was seen; then: */
	const char *reason;              /* "encrypted" ... */
	int64_t now_s;
};

/* Lives until the function that is given it returns. */
struct expect_violation {
	enum severity severity;
	const char *rule;                /* the key that was violated, "deny", "undeclared" or "unmatched" */
	const char *file;
	unsigned int line;               /* of that key, or of the rule */
	const char *text;                /* one sentence, safe text */
};

typedef void expect_violation_fn(void *context, const struct expect_violation *violation);

/*
 * Tells what this endpoint violates. One that a rule is for but whose certificate was not seen is told as unknown.
 * Remembers which rules were for something.
 */
void expect_judge(struct expect *e, const struct expect_endpoint *endpoint, expect_violation_fn *tell, void *context);

/* After all endpoints: the rules of `expect` that were for none of them, as unknown. */
void expect_unmatched(const struct expect *e, expect_violation_fn *tell, void *context);

#endif

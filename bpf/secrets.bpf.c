// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TLS 1.3 and QUIC: the server's handshake traffic secret, as the TLS library of either end derives it.
 *
 * The rule:
 *  - All that leaves the kernel is one label ("s hs traffic"; "c hs traffic" only when asked for),
 *    the hash of the hellos or the client random, and the secret that the label names. Every other
 *    label ends in judge_label() or go_label().
 *  - The key of the derivation that makes this secret is never read: it is the Handshake Secret,
 *    from which all later secrets follow. Of a key only the address is looked at. The secret itself is
 *    read when its place becomes the key of the next derivation, or where rustls' derivation
 *    returns (secrets_pending.bpf.h).
 *  - It opens EncryptedExtensions, CertificateRequest, Certificate, CertificateVerify and Finished of
 *    the server (the client's secret: its Certificate, CertificateVerify and Finished). It cannot open
 *    application data, 0-RTT data or session tickets: their keys come from the Master Secret or the
 *    Early Secret, and HKDF-Expand has no way back to those (RFC 8446 section 7.1).
 *
 *  - What was read of the ring is written over with zeros within seconds (certtap_wipe).
 *
 * Entry probes, one small program a function, and for rustls one behind a call: a return probe
 * would change the stack of programs that look at it. Nothing of a process is ever written.
 * <linux/bpf.h> and <linux/ptrace.h> alone: loads on kernels without BTF. Needs CAP_BPF and
 * CAP_PERFMON.
 */
#include "bpf/secrets_label.bpf.h"

/* <openssl/core.h>, part of OpenSSL 3's ABI. */
struct ossl_param {
	__u64 key;               /* its name; 0 ends the list */
	__u32 data_type;
	__u32 pad;
	__u64 data;
	__u64 data_size;
	__u64 return_size;
};

#define OSSL_PARAM_OCTET_STRING 5
#define OSSL_PARAMS 6            /* as many as libssl passes, but for the end */

static __always_inline _Bool is_octets(const struct ossl_param *p)
{
	return p->key && p->data_type == OSSL_PARAM_OCTET_STRING;
}

/* The label among the parameters, if it is one that is asked for. */
static __always_inline __u8 ossl_label(const struct ossl_param list[OSSL_PARAMS])
{
	__u8 text[LABEL_LEN];
	char name[6];

#pragma unroll
	for (int i = 0; i < OSSL_PARAMS; i++) {
		if (!list[i].key)
			return 0;
		if (!is_octets(&list[i]) || list[i].data_size != LABEL_LEN)
			continue;
		if (read_user(name, sizeof(name), list[i].key) || name[0] != 'l' || name[1] != 'a' ||
		    name[2] != 'b' || name[3] != 'e' || name[4] != 'l' || name[5])
			continue;
		if (!read_user(text, sizeof(text), list[i].data))
			return judge_label(text);
	}
	return 0;
}

/* Where the hash is, by name: the key is as long as it, and is not to be read. */
static __always_inline __u64 ossl_hash(const struct ossl_param list[OSSL_PARAMS], __u64 len)
{
	char name[5];

#pragma unroll
	for (int i = 0; i < OSSL_PARAMS; i++) {
		if (!list[i].key)
			return 0;
		if (!is_octets(&list[i]) || list[i].data_size != len)
			continue;
		if (!read_user(name, sizeof(name), list[i].key) && name[0] == 'd' && name[1] == 'a' &&
		    name[2] == 't' && name[3] == 'a' && !name[4])
			return list[i].data;
	}
	return 0;
}

static __always_inline void ossl_settle(__u8 label, const struct ossl_param list[OSSL_PARAMS],
					__u64 out, __u64 out_len)
{
	struct pending *p = pending_of(label);
	_Bool used = 0;

	if (!p)
		return;
#pragma unroll
	for (int i = 0; i < OSSL_PARAMS; i++) {
		if (!list[i].key)
			break;
		used |= is_octets(&list[i]) && list[i].data == p->out;
	}
	settle(p, used, out, out_len);
}

static __always_inline _Bool is_waiting(void)
{
	return pending_of(SECRET_SERVER_HANDSHAKE) || pending_of(SECRET_CLIENT_HANDSHAKE);
}

/* OpenSSL 3: EVP_KDF_derive(ctx, out, out_len, params) */
SEC("uprobe")
int certtap_openssl3(void *ctx)
{
	__u64 out = argument(ctx, 2), out_len = argument(ctx, 3), params = argument(ctx, 4), hash;
	struct ossl_param list[OSSL_PARAMS];
	struct pending p = { .out = out };
	__u8 label;

	count(hits);
	if (!params || (!is_hash_len(out_len) && !is_waiting()) ||
	    read_user(list, sizeof(list), params))
		return 0;
	ossl_settle(SECRET_SERVER_HANDSHAKE, list, out, out_len);
	ossl_settle(SECRET_CLIENT_HANDSHAKE, list, out, out_len);
	label = is_hash_len(out_len) ? ossl_label(list) : 0;
	hash = label ? ossl_hash(list, out_len) : 0;
	if (hash && read_hash(p.join_key, out_len, hash))
		count(unreadable);
	else if (hash)
		remember(&p, label, hook_of(ctx), out_len);
	return 0;
}

/* <openssl/kdf.h> of OpenSSL 1.1.1 */
#define EVP_PKEY_CTRL_HKDF_KEY 0x1005
#define EVP_PKEY_CTRL_HKDF_INFO 0x1006

/* OpenSSL 1.1.1: EVP_PKEY_CTX_ctrl(ctx, type, operation, cmd, p1, p2) sets key and HkdfLabel ... */
SEC("uprobe")
int certtap_openssl1_ctrl(void *ctx)
{
	__u32 cmd = argument(ctx, 4), len = argument(ctx, 5);
	struct pending p = { .context = argument(ctx, 1) };

	count(hits);
	if (cmd == EVP_PKEY_CTRL_HKDF_KEY)
		settle_key(argument(ctx, 6), 0, 0);
	else if (cmd == EVP_PKEY_CTRL_HKDF_INFO)
		note_hkdf_label(&p, hook_of(ctx), argument(ctx, 6), len);
	return 0;
}

/* A result's place becomes known; what waited already must not be written over. */
static __always_inline void place(__u8 label, __u64 context, __u64 out)
{
	struct pending *p = pending_of(label);

	if (!p)
		return;
	if (!p->out && p->context == context)
		p->out = out;
	else
		settle(p, 0, out, p->len);
}

/* ... and EVP_PKEY_derive(ctx, out, out_len) does it. */
SEC("uprobe")
int certtap_openssl1_derive(void *ctx)
{
	count(hits);
	place(SECRET_SERVER_HANDSHAKE, argument(ctx, 1), argument(ctx, 2));
	place(SECRET_CLIENT_HANDSHAKE, argument(ctx, 1), argument(ctx, 2));
	return 0;
}

/*
 * nettle is not told where the key was. So the next derivation of the thread must be one that follows
 * at once in GnuTLS: the traffic keys (also those of QUIC), the Finished key, the other side's secret.
 */
static __always_inline _Bool is_successor(__u64 info, __u64 info_len)
{
	__u8 text[3 + PREFIX_LEN + 3];   /* length, label's length, prefix, three letters */
	const __u8 *l = text + 3 + PREFIX_LEN;

	if (info_len < sizeof(text) || read_user(text, sizeof(text), info) || !is_prefix(text + 3))
		return 0;
	return (l[0] == 'k' && l[1] == 'e' && l[2] == 'y') || (l[0] == 'i' && l[1] == 'v') ||
	       (l[0] == 'q' && l[1] == 'u' && l[2] == 'i') ||
	       (l[0] == 'f' && l[1] == 'i' && l[2] == 'n') ||
	       ((l[0] == 's' || l[0] == 'c') && l[1] == ' ' && l[2] == 'h');
}

static __always_inline void settle_next(__u8 label, _Bool successor, __u64 out)
{
	struct pending *p = pending_of(label);

	if (!p)
		return;
	/* Not used at this very call: never. */
	p->calls_left = 1;
	settle(p, successor && out != p->out, out, 0);
}

/* GnuTLS: nettle_hkdf_expand(mac, update, digest, digest_len, info_len, info, len, out) */
SEC("uprobe")
int certtap_gnutls(void *ctx)
{
	__u64 info_len = argument(ctx, 5), info = argument(ctx, 6);
	struct pending p = { 0 };
	_Bool successor;

	count(hits);
	p.out = argument(ctx, 8);
	if (is_waiting()) {
		successor = is_successor(info, info_len);
		settle_next(SECRET_SERVER_HANDSHAKE, successor, p.out);
		settle_next(SECRET_CLIENT_HANDSHAKE, successor, p.out);
	}
	note_hkdf_label(&p, hook_of(ctx), info, info_len);
	return 0;
}

/* NSS: HMAC_Update(hmac, data, len): HKDF feeds it the HkdfLabel ... */
SEC("uprobe")
int certtap_nss_update(void *ctx)
{
	struct pending p = { .context = argument(ctx, 1) };

	count(hits);
	note_hkdf_label(&p, hook_of(ctx), argument(ctx, 2), (__u32)argument(ctx, 3));
	return 0;
}

/* ... HMAC_Finish(hmac, out, out_len, max) writes the secret ... */
SEC("uprobe")
int certtap_nss_finish(void *ctx)
{
	count(hits);
	place(SECRET_SERVER_HANDSHAKE, argument(ctx, 1), argument(ctx, 2));
	place(SECRET_CLIENT_HANDSHAKE, argument(ctx, 1), argument(ctx, 2));
	return 0;
}

static __always_inline void settle_context(__u8 label, __u64 context)
{
	struct pending *p = pending_of(label);

	if (p && p->context == context)
		settle(p, 1, 0, 0);
}

/* ... and HMAC_Destroy(hmac, free) ends this object before anything else is derived. */
SEC("uprobe")
int certtap_nss_destroy(void *ctx)
{
	count(hits);
	settle_context(SECRET_SERVER_HANDSHAKE, argument(ctx, 1));
	settle_context(SECRET_CLIENT_HANDSHAKE, argument(ctx, 1));
	return 0;
}

/*
 * wolfSSL: wc_Tls13_HKDF_Expand_Label(out, out_len, key, key_len, protocol, len, label, len, hash, len,
 * md), and its variants with more behind
 */
SEC("uprobe")
int certtap_wolfssl(void *ctx)
{
	struct pending p = { .out = argument(ctx, 1) };
	__u32 out_len = argument(ctx, 2);

	count(hits);
	settle_key(argument(ctx, 3), p.out, out_len);
	if (is_hash_len(out_len) && (__u32)argument(ctx, 10) == out_len)
		note_bare(&p, hook_of(ctx), argument(ctx, 7), (__u32)argument(ctx, 8),
			  argument(ctx, 9), out_len);
	return 0;
}

/* mbedTLS 3: mbedtls_ssl_tls13_hkdf_expand_label(md, key, len, label, len, hash, len, out, out_len) */
SEC("uprobe")
int certtap_mbedtls(void *ctx)
{
	struct pending p = { .out = argument(ctx, 8) };
	__u64 out_len = argument(ctx, 9);

	count(hits);
	settle_key(argument(ctx, 2), p.out, out_len);
	if (is_hash_len(out_len) && argument(ctx, 7) == out_len)
		note_bare(&p, hook_of(ctx), argument(ctx, 4), argument(ctx, 5), argument(ctx, 6),
			  out_len);
	return 0;
}

/*
 * BoringSSL, AWS-LC: CRYPTO_tls13_hkdf_expand_label(out, out_len, md, key, len, label, len, hash, len)
 */
SEC("uprobe")
int certtap_boringssl(void *ctx)
{
	struct pending p = { .out = argument(ctx, 1) };
	__u64 out_len = argument(ctx, 2);

	count(hits);
	settle_key(argument(ctx, 4), p.out, out_len);
	if (is_hash_len(out_len) && argument(ctx, 9) == out_len)
		note_bare(&p, hook_of(ctx), argument(ctx, 6), argument(ctx, 7), argument(ctx, 8),
			  out_len);
	return 0;
}

/* LibreSSL, older BoringSSL: HKDF_expand(out, out_len, md, key, len, info, info_len) */
SEC("uprobe")
int certtap_libressl(void *ctx)
{
	struct pending p = { .out = argument(ctx, 1) };
	__u64 out_len = argument(ctx, 2);

	count(hits);
	settle_key(argument(ctx, 4), p.out, out_len);
	if (is_hash_len(out_len))
		note_hkdf_label(&p, hook_of(ctx), argument(ctx, 6), argument(ctx, 7));
	return 0;
}

#define RUST_PARTS 6                /* of the HkdfLabel: each of its fields by itself */

struct rust_slice {
	__u64 at, len;
};

static __always_inline _Bool is_label_in_parts(const struct rust_slice part[RUST_PARTS],
					       __u64 hash_len)
{
	return part[0].len == 2 && part[1].len == 1 && part[2].len == PREFIX_LEN &&
	       part[3].len == LABEL_LEN && part[4].len == 1 && part[5].len == hash_len;
}

static __always_inline long read_parts(struct hkdf_label *l,
				       const struct rust_slice part[RUST_PARTS], __u64 hash_len)
{
	return read_user(l->length, sizeof(l->length), part[0].at) ||
	       read_user(&l->label_len, sizeof(l->label_len), part[1].at) ||
	       read_user(l->prefix, sizeof(l->prefix), part[2].at) ||
	       read_user(l->label, sizeof(l->label), part[3].at) ||
	       read_user(&l->context_len, sizeof(l->context_len), part[4].at) ||
	       read_hash(l->context, hash_len, part[5].at);
}

/* It must return next, to the frame that called it; else never. */
static __always_inline void settle_return(__u8 label, __u64 stack)
{
	struct pending *p = pending_of(label);

	if (!p)
		return;
	p->calls_left = 1;
	settle(p, stack && p->context == stack, 0, 0);
}

/*
 * rustls with ring: ring::hkdf::fill_okm(key, parts, num, out, out_len, len). How Rust hands over
 * arguments is nowhere promised, so nothing is taken for granted: each length and each byte of the
 * HkdfLabel must be where it is expected, or nothing is noted ...
 */
SEC("uprobe")
int certtap_ring_fill(void *ctx)
{
	__u64 parts = argument(ctx, 2), out_len = argument(ctx, 5);
	struct pending p = { .out = argument(ctx, 4), .context = caller_stack(ctx) };
	struct rust_slice part[RUST_PARTS];
	struct hkdf_label l = { 0 };

	count(hits);
	settle_return(SECRET_SERVER_HANDSHAKE, 0);
	settle_return(SECRET_CLIENT_HANDSHAKE, 0);
	if (argument(ctx, 3) != RUST_PARTS || !is_hash_len(out_len) || argument(ctx, 6) != out_len ||
	    read_user(part, sizeof(part), parts) || !is_label_in_parts(part, out_len) ||
	    read_parts(&l, part, out_len))
		return 0;
	note_label(&p, hook_of(ctx), &l, out_len);
	return 0;
}

/*
 * ... and the instruction that it returns to, in the function of ring or rustls that called it: the
 * secret is in its place now, and moves on from there at once.
 */
SEC("uprobe")
int certtap_ring_filled(void *ctx)
{
	count(hits);
	settle_return(SECRET_SERVER_HANDSHAKE, own_stack(ctx));
	settle_return(SECRET_CLIENT_HANDSHAKE, own_stack(ctx));
	return 0;
}

#define GO_LABEL_LEN 31             /* "SERVER_HANDSHAKE_TRAFFIC_SECRET" */
#define GO_RANDOM_LEN 32

/* Go names the secret as a key log does; the names differ in their first part only. */
static __always_inline __u8 go_label(__u64 at, __u64 len)
{
	static const char tail[] = "_HANDSHAKE_TRAFFIC_SECRET";
	__u8 text[GO_LABEL_LEN];

	if (len != GO_LABEL_LEN || read_user(text, sizeof(text), at))
		return 0;
#pragma unroll
	for (int i = 0; i < (int)sizeof(tail) - 1; i++)
		if (text[6 + i] != tail[i])
			return 0;
	if (text[0] == 'S' && text[1] == 'E' && text[2] == 'R' && text[3] == 'V' && text[4] == 'E' &&
	    text[5] == 'R')
		return SECRET_SERVER_HANDSHAKE;
	if (text[0] == 'C' && text[1] == 'L' && text[2] == 'I' && text[3] == 'E' && text[4] == 'N' &&
	    text[5] == 'T' && want_client)
		return SECRET_CLIENT_HANDSHAKE;
	return 0;
}

static __always_inline void go_take(__u8 label, __u8 hook, __u64 random, __u64 secret, __u32 len)
{
	struct secret_event e = { .label = label, .hook = hook, .join = SECRET_JOIN_CLIENT_RANDOM,
				  .join_len = GO_RANDOM_LEN, .secret_len = len };

	count(wanted);
	if (!is_listed())
		count(unlisted);
	else if (read_user(e.join_key, GO_RANDOM_LEN, random) || read_hash(e.secret, len, secret))
		count(unreadable);
	else
		send(&e);
}

/* Go: crypto/tls.(*Config).writeKeyLog(label, random, secret), called without a key log too. */
SEC("uprobe")
int certtap_go(void *ctx)
{
	_Bool stack = bpf_get_attach_cookie(ctx) & SECRET_COOKIE_GO_STACK;
	__u64 at = stack ? go_stack_argument(ctx, 2) : go_argument(ctx, 2);
	__u64 len = stack ? go_stack_argument(ctx, 3) : go_argument(ctx, 3);
	__u64 random = stack ? go_stack_argument(ctx, 4) : go_argument(ctx, 4);
	__u64 random_len = stack ? go_stack_argument(ctx, 5) : go_argument(ctx, 5);
	__u64 secret = stack ? go_stack_argument(ctx, 7) : go_argument(ctx, 7);
	__u64 secret_len = stack ? go_stack_argument(ctx, 8) : go_argument(ctx, 8);
	__u8 label = go_label(at, len);

	count(hits);
	if (label && random_len == GO_RANDOM_LEN && is_hash_len(secret_len))
		go_take(label, hook_of(ctx), random, secret, secret_len);
	return 0;
}

/*
 * Nothing stays in the ring: a piece of it is taken like a record, filled with zeros and given back, which the reader
 * passes over. The monitor runs this SECRET_WIPE_PIECES times after the last secret was caught
 * (userspace/probes/probes_wipe.c). Only where nearly all is read: what is wiped is no room for secrets until the
 * reader comes by. Returns 0, or 1 for later.
 */
SEC("syscall")
int certtap_wipe(void *ctx)
{
	volatile __u64 *piece;
	__u32 i;

	if (bpf_ringbuf_query(&secrets, BPF_RB_AVAIL_DATA) > wipe_len / 2)
		return 1;
	piece = bpf_ringbuf_reserve(&secrets, wipe_len, 0);
	if (!piece)
		return 1;
	for (i = 0; i < wipe_len / sizeof(*piece); i++)
		piece[i] = 0;
	bpf_ringbuf_discard((void *)piece, BPF_RB_FORCE_WAKEUP);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";

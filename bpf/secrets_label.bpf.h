/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Labels of TLS 1.3's key schedule (RFC 8446 section 7.1), as the libraries hand them over: bare, or
 * inside an HkdfLabel.
 */
#ifndef CERTTAP_SECRETS_LABEL_BPF_H
#define CERTTAP_SECRETS_LABEL_BPF_H

#include "bpf/secrets_pending.bpf.h"

#define LABEL_LEN 12                /* "s hs traffic" */
#define PREFIX_LEN 6                /* "tls13 " */
#define HKDF_LABEL_LEN(hash_len) (2 + 1 + PREFIX_LEN + LABEL_LEN + 1 + (hash_len))

/* struct { uint16 length; opaque label<7..255>; opaque context<0..255>; } HkdfLabel; */
struct hkdf_label {
	__u8 length[2];
	__u8 label_len;
	__u8 prefix[PREFIX_LEN];
	__u8 label[LABEL_LEN];
	__u8 context_len;
	__u8 context[SECRET_LEN_MAX];
};

_Static_assert(sizeof(struct hkdf_label) == HKDF_LABEL_LEN(SECRET_LEN_MAX), "bytes only");

/* The label if it is one of those asked for, else 0: this is where all others end. */
static __always_inline __u8 judge_label(const __u8 text[LABEL_LEN])
{
	if (text[1] != ' ' || text[2] != 'h' || text[3] != 's' || text[4] != ' ' ||
	    text[5] != 't' || text[6] != 'r' || text[7] != 'a' || text[8] != 'f' ||
	    text[9] != 'f' || text[10] != 'i' || text[11] != 'c')
		return 0;
	if (text[0] == 's')
		return SECRET_SERVER_HANDSHAKE;
	return text[0] == 'c' && want_client ? SECRET_CLIENT_HANDSHAKE : 0;
}

static __always_inline _Bool is_prefix(const __u8 text[PREFIX_LEN])
{
	return text[0] == 't' && text[1] == 'l' && text[2] == 's' && text[3] == '1' &&
	       text[4] == '3' && text[5] == ' ';
}

/* For functions that take label and hash as they are. `p` has its out and context. */
static __always_inline void note_bare(struct pending *p, __u8 hook, __u64 label_at,
				      __u64 label_len, __u64 hash_at, __u64 hash_len)
{
	__u8 text[LABEL_LEN], label;

	if (label_len != LABEL_LEN || !is_hash_len(hash_len) ||
	    read_user(text, sizeof(text), label_at))
		return;
	label = judge_label(text);
	if (!label)
		return;
	if (read_hash(p->join_key, hash_len, hash_at))
		count(unreadable);
	else
		remember(p, label, hook, hash_len);
}

/* The HkdfLabel as a whole: each of its bytes but the hash is looked at. */
static __always_inline void note_label(struct pending *p, __u8 hook, const struct hkdf_label *l,
				       __u32 hash_len)
{
	__u8 label;

	if (l->length[0] || l->length[1] != hash_len || l->context_len != hash_len ||
	    l->label_len != PREFIX_LEN + LABEL_LEN || !is_prefix(l->prefix))
		return;
	label = judge_label(l->label);
	if (!label)
		return;
	__builtin_memcpy(p->join_key, l->context, sizeof(p->join_key));
	remember(p, label, hook, hash_len);
}

/* For functions that take the HkdfLabel. Its length tells nearly everything else apart. */
static __always_inline void note_hkdf_label(struct pending *p, __u8 hook, __u64 at, __u64 len)
{
	struct hkdf_label l = { 0 };
	long err;

	if (len == HKDF_LABEL_LEN(HASH_LEN_SHORT))
		err = read_user(&l, HKDF_LABEL_LEN(HASH_LEN_SHORT), at);
	else if (len == HKDF_LABEL_LEN(HASH_LEN_LONG))
		err = read_user(&l, HKDF_LABEL_LEN(HASH_LEN_LONG), at);
	else
		return;
	if (!err)
		note_label(p, hook, &l, len - HKDF_LABEL_LEN(0));
}

#endif

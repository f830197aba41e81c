/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does this payload begin a handshake? Judged by its first bytes, on any port and at any place in a
 * connection (STARTTLS), so the tests are strict: about one random segment in 10^9 passes.
 */
#ifndef CERTTAP_HELLO_BPF_H
#define CERTTAP_HELLO_BPF_H

#include "bpf/carrier.bpf.h"
#include "bpf/packet.bpf.h"
#include "bpf/upgrade.bpf.h"

#define RECORD_CIPHER_SPEC 20
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22
#define RECORD_APPLICATION_DATA 23
#define RECORD_HEADER_LEN 5
#define RECORD_BODY_MAX (16384 + 2048)   /* RFC 5246 section 6.2.3 */

#define MESSAGE_CLIENT_HELLO 1
#define MESSAGE_SERVER_HELLO 2
#define MESSAGE_CERTIFICATE 11
#define MESSAGE_LEN_HIGH_MAX 16          /* a message of up to 1 MiB */

#define HELLO_LEN UPGRADE_HEAD_LEN       /* bytes that the tests need */

enum hello {
	HELLO_NONE,
	HELLO_CLIENT,
	HELLO_CLIENT_V2,     /* TLS offered in an SSLv2 hello (RFC 5246 appendix E.2) */
	HELLO_CLIENT_SSL2,   /* SSLv2 itself: its server answers without TLS records */
	HELLO_SERVER,
	HELLO_CERTIFICATE,   /* we came too late for the hello */
	HELLO_TINY,          /* too short to tell, and nothing speaks against it */
	HELLO_ASKED,         /* none yet: a request to go over to TLS */
	HELLO_ANSWERED,      /* such a request, of which only the answer goes up */
	HELLO_SAID,          /* such a request, to which there is no answer */
	HELLO_TDS,           /* TLS will come inside a framing: in the order of enum framing */
	HELLO_OPENVPN,
	HELLO_FTP_TOKENS,
};

/* SSL 3.0 to TLS 1.3, or TLCP (GB/T 38636). */
static __always_inline _Bool is_version(__u8 major, __u8 minor)
{
	return (major == 3 && minor <= 4) || (major == 1 && minor == 1);
}

static __always_inline _Bool is_message(__u8 type)
{
	return type == MESSAGE_CLIENT_HELLO || type == MESSAGE_SERVER_HELLO ||
	       type == MESSAGE_CERTIFICATE;
}

/* 16 | version | length | type, length | version, or the length of the list of certificates */
static __always_inline enum hello judge_record(const __u8 h[HELLO_LEN])
{
	__u32 record = h[3] << 8 | h[4];
	__u32 message = h[6] << 16 | h[7] << 8 | h[8];

	if (!is_version(h[1], h[2]) || record < 4 || record > RECORD_BODY_MAX)
		return HELLO_NONE;
	if (h[5] == MESSAGE_CERTIFICATE && h[6] < MESSAGE_LEN_HIGH_MAX && message >= 3 &&
	    (message - 3) >> 8 == (__u32)(h[9] << 8 | h[10]))
		return HELLO_CERTIFICATE;
	if (h[6] || !is_version(h[9], h[10]))
		return HELLO_NONE;
	if (h[5] == MESSAGE_CLIENT_HELLO)
		return HELLO_CLIENT;
	return h[5] == MESSAGE_SERVER_HELLO ? HELLO_SERVER : HELLO_NONE;
}

/* 8x xx | 01 | version | lengths of ciphers, session and challenge, which add up */
static __always_inline enum hello judge_v2(const __u8 h[HELLO_LEN])
{
	__u32 length = (h[0] & 0x7f) << 8 | h[1];
	__u32 ciphers = h[5] << 8 | h[6], session = h[7] << 8 | h[8];
	__u32 challenge = h[9] << 8 | h[10];

	if (h[2] != MESSAGE_CLIENT_HELLO || !ciphers || ciphers % 3 || challenge < 16 ||
	    challenge > 32 || length != 9 + ciphers + session + challenge)
		return HELLO_NONE;
	if (h[3] == 3 && h[4] <= 4)
		return HELLO_CLIENT_V2;
	return h[3] == 0 && h[4] == 2 ? HELLO_CLIENT_SSL2 : HELLO_NONE;
}

/* The first packet of a protocol that carries TLS in a framing. */
static __always_inline enum hello judge_framed(struct __sk_buff *skb, const struct packet *p,
					       const __u8 h[HELLO_LEN])
{
	__u32 len = p->head.wire_len;

	if (h[0] == TDS_PRELOGIN)
		return len >= HELLO_LEN && is_tds_prelogin(h) ? HELLO_TDS : HELLO_NONE;
	/* A length of 16 bits, then a reset, which is short. */
	if (!h[0] && (__u32)h[1] + 2 == len && is_openvpn_reset(skb, p->payload_off + 2, h[1]))
		return HELLO_OPENVPN;
	/* RFC 2228: the mechanisms whose tokens are TLS. */
	if (h[0] == 'A' && ((len == 13 && head_is(h, "AUTH GSSAPI")) || (len == 10 && head_is(h, "AUTH GSI\r\n"))))
		return HELLO_FTP_TOKENS;
	return HELLO_NONE;
}

/* Begins otherwise: is it a request to go over to TLS, perhaps with the hello behind it? */
static __always_inline enum hello judge_other(struct __sk_buff *skb, struct packet *p,
					      const __u8 h[HELLO_LEN])
{
	__u32 len;
	enum upgrade upgrade = judge_upgrade(skb, p, h, &len);
	__u8 behind[HELLO_LEN];

	if (upgrade == UPGRADE_NONE)
		return judge_framed(skb, p, h);
	if (len >= p->head.wire_len) {
		if (upgrade == UPGRADE_ASKED)
			return HELLO_ASKED;
		return upgrade == UPGRADE_SAID ? HELLO_SAID : HELLO_ANSWERED;
	}
	if (p->head.wire_len - len < HELLO_LEN ||
	    bpf_skb_load_bytes(skb, p->payload_off + len, behind, sizeof(behind)) ||
	    behind[0] != RECORD_HANDSHAKE || judge_record(behind) != HELLO_CLIENT)
		return HELLO_NONE;
	p->hello_off = len;
	return HELLO_CLIENT;
}

/* Fewer bytes than HELLO_LEN: peers with a tiny MSS, or that write byte by byte. */
static __always_inline enum hello judge_tiny(struct __sk_buff *skb, struct packet *p)
{
	__u8 h[HELLO_LEN] = { RECORD_HANDSHAKE, 3, 0, 0, 4, MESSAGE_CLIENT_HELLO };
	__u32 len = p->head.wire_len;

	if (len < 1)
		return HELLO_NONE;
	if (len > HELLO_LEN)
		len = HELLO_LEN;
	if (bpf_skb_load_bytes(skb, p->payload_off, h, len))
		return HELLO_NONE;
	if (h[0] != RECORD_HANDSHAKE)
		return judge_other(skb, p, h);
	if (!is_version(h[1], h[2]) || !is_message(h[5]))
		return HELLO_NONE;
	return HELLO_TINY;
}

static __always_inline enum hello judge_hello(struct __sk_buff *skb, struct packet *p)
{
	__u8 h[HELLO_LEN];

	if (p->head.wire_len < HELLO_LEN)
		return judge_tiny(skb, p);
	if (bpf_skb_load_bytes(skb, p->payload_off, h, HELLO_LEN))
		return HELLO_NONE;
	if (h[0] == RECORD_HANDSHAKE)
		return judge_record(h);
	return h[0] & 0x80 ? judge_v2(h) : judge_other(skb, p, h);
}

/*
 * QUIC: long headers are those of the handshake. Handshake packets go up too: with a key they open. Not 0-RTT, which
 * is data.
 */
#define QUIC_V1 0x00000001
#define QUIC_V2 0x6b3343cf
#define QUIC_DRAFT_29 0xff00001d
#define QUIC_LONG_HEADER 0x80
#define QUIC_TYPE_BITS 0x30
#define QUIC_0RTT_V1 0x10            /* RFC 9000 section 17.2.3 */
#define QUIC_0RTT_V2 0x20            /* RFC 9369 section 3.2 */

static __always_inline enum datagram judge_datagram(struct __sk_buff *skb, __u32 off, __u32 len)
{
	__u8 h[DTLS_HEADER_LEN];
	__u32 version;

	if (len <= DTLS_HEADER_LEN || bpf_skb_load_bytes(skb, off, h, sizeof(h)))
		return DATAGRAM_NONE;
	if (h[0] >= RECORD_CIPHER_SPEC && h[0] <= RECORD_HANDSHAKE)
		return is_dtls(h) ? DATAGRAM_HANDSHAKE : DATAGRAM_NONE;
	if (!(h[0] & QUIC_LONG_HEADER))
		return judge_carried(skb, off, len, h);
	version = get32(h + 1);
	if (version == QUIC_V1 || version == QUIC_DRAFT_29)
		return (h[0] & QUIC_TYPE_BITS) != QUIC_0RTT_V1 ? DATAGRAM_HANDSHAKE : DATAGRAM_NONE;
	return version == QUIC_V2 && (h[0] & QUIC_TYPE_BITS) != QUIC_0RTT_V2 ? DATAGRAM_HANDSHAKE : DATAGRAM_NONE;
}

#endif

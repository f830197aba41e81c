/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does this payload belong to a protocol that wraps TLS or DTLS in a framing of its own? User space takes the framing
 * off (parsers/carrier.h); here it is only known by its first packet, on any port, and on TCP followed to its end
 * (walk.bpf.h). As strict as the tests of hello.bpf.h: what other protocols say on UDP must not go up.
 */
#ifndef CERTTAP_CARRIER_BPF_H
#define CERTTAP_CARRIER_BPF_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

enum framing {
	FRAMING_NONE,        /* TLS records, perhaps behind words */
	FRAMING_TDS,
	FRAMING_OPENVPN,     /* over TCP */
	FRAMING_FTP_TOKENS,  /* RFC 2228: ADAT */
};

static __always_inline __u32 get16(const __u8 *bytes)
{
	return bytes[0] << 8 | bytes[1];
}

static __always_inline __u32 get32(const __u8 *bytes)
{
	return (__u32)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

/* ---- TDS (MS-TDS sections 2.2.3.1 and 2.2.6.5) ---- */

#define TDS_RESPONSE 0x04
#define TDS_PRELOGIN 0x12
#define TDS_HEADER_LEN 8
#define TDS_PACKET_MAX 32767
#define TDS_PRELOGIN_MIN 20        /* header, one option, its end, and the version */
#define TDS_OPTIONS_MAX 16

/* A PRELOGIN: its first option is the version, right behind the options. `h`: the first 11 bytes. */
static __always_inline _Bool is_tds_prelogin(const __u8 *h)
{
	__u32 len = get16(h + 2), offset = get16(h + 9);

	return h[0] == TDS_PRELOGIN && h[1] <= 1 && len >= TDS_PRELOGIN_MIN && len <= TDS_PACKET_MAX && h[6] <= 1 &&
	       !h[7] && !h[8] && offset > 5 && offset <= 5 * TDS_OPTIONS_MAX + 1 && offset % 5 == 1;
}

/* ---- OpenVPN (see parsers/openvpn.h) ---- */

#define OPENVPN_SOFT_RESET 3
#define OPENVPN_CONTROL 4
#define OPENVPN_ACK 5
#define OPENVPN_RESET_MIN 14       /* opcode, session, no acknowledgement, message number */
#define OPENVPN_RESET_MAX (OPENVPN_RESET_MIN + 64 + 8 + OPENVPN_ACKS_MAX * 4 + 8)
#define OPENVPN_ACKS_MAX 8
#define OPENVPN_ACKS_AT 9          /* without an HMAC */
#define OPENVPN_PACKET_ID_MAX 0xffff

static __always_inline _Bool is_openvpn_hard_reset(__u8 opcode)
{
	return opcode == 1 || opcode == 2 || opcode == 7 || opcode == 8;
}

/* Is this a reset with an HMAC of such a length? Every field has its place, and fills the packet. */
__noinline int openvpn_resets_with(struct __sk_buff *skb, __u32 off, __u32 len, __u32 hmac_len)
{
	__u32 acks_at = OPENVPN_ACKS_AT + (hmac_len ? hmac_len + 8 : 0), id;
	__u8 num_acks, h[8];

	if (bpf_skb_load_bytes(skb, off + acks_at, &num_acks, 1) || num_acks > OPENVPN_ACKS_MAX ||
	    len != acks_at + 1 + (num_acks ? num_acks * 4 + 8 : 0) + 4)
		return 0;
	if (bpf_skb_load_bytes(skb, off + len - 4, h, 4) || get32(h))
		return 0;
	if (!hmac_len)
		return 1;
	/* Against replay: a packet number, and the time. */
	if (bpf_skb_load_bytes(skb, off + OPENVPN_ACKS_AT + hmac_len, h, 8))
		return 0;
	id = get32(h);
	return id && id <= OPENVPN_PACKET_ID_MAX && get32(h + 4);
}

/* A reset, which begins a session or a new key: with --tls-auth or without. */
__noinline int is_openvpn_reset(struct __sk_buff *skb, __u32 off, __u32 len)
{
	__u8 h[9];

	if (len < OPENVPN_RESET_MIN || len > OPENVPN_RESET_MAX || bpf_skb_load_bytes(skb, off, h, sizeof(h)))
		return 0;
	if (!(is_openvpn_hard_reset(h[0] >> 3) && !(h[0] & 7)) && h[0] >> 3 != OPENVPN_SOFT_RESET)
		return 0;
	if (!get32(h + 1) && !get32(h + 5))
		return 0;
	/* None; MD5, SHA-1, SHA-224, SHA-256, SHA-384, SHA-512. */
	return openvpn_resets_with(skb, off, len, 0) || openvpn_resets_with(skb, off, len, 16) ||
	       openvpn_resets_with(skb, off, len, 20) || openvpn_resets_with(skb, off, len, 28) ||
	       openvpn_resets_with(skb, off, len, 32) || openvpn_resets_with(skb, off, len, 48) ||
	       openvpn_resets_with(skb, off, len, 64);
}

/* ---- DTLS in TURN, STUN and CAPWAP ---- */

#define DTLS_HEADER_LEN 13
#define DTLS_EPOCH_END 5           /* bytes that is_dtls() needs */

/* DTLS (1.0, 1.2, and 1.3's hello, which says 1.2): change of ciphers, alert or handshake, of epoch 0. */
static __always_inline _Bool is_dtls(const __u8 *h)
{
	return h[0] >= 20 && h[0] <= 22 && h[1] == 0xfe && (h[2] == 0xff || h[2] == 0xfd) && !h[3] && !h[4];
}

#define STUN_HEADER_LEN 20
#define STUN_MAGIC 0x2112a442
#define STUN_ATTRIBUTES_MAX 16
#define STUN_DATA 0x0013
#define STUN_DTLS 0xc070

/* The attribute that may hold DTLS in a message of this type; 0: none. */
static __always_inline __u32 stun_wanted(__u32 type)
{
	if (type == 0x0016 || type == 0x0017)           /* Send and Data indication (RFC 8656) */
		return STUN_DATA;
	return type == 0x0001 || type == 0x0101 ? STUN_DTLS : 0;
}

/* Does that attribute hold a DTLS record? */
__noinline int stun_holds_dtls(struct __sk_buff *skb, __u32 off, __u32 len, __u32 wanted)
{
	__u32 at = STUN_HEADER_LEN, value_len, i;
	__u8 h[4], value[DTLS_EPOCH_END];

	for (i = 0; i < STUN_ATTRIBUTES_MAX; i++) {
		if (at + sizeof(h) > len || bpf_skb_load_bytes(skb, off + at, h, sizeof(h)))
			return 0;
		value_len = get16(h + 2);
		if (get16(h) == wanted)
			return value_len >= DTLS_HEADER_LEN && at + 4 + value_len <= len &&
			       !bpf_skb_load_bytes(skb, off + at + 4, value, sizeof(value)) && is_dtls(value);
		at += 4 + ((value_len + 3) & ~3);
	}
	return 0;
}

/* ---- EAP in RADIUS (RFC 3579) ---- */

#define RADIUS_HEADER_LEN 20
#define RADIUS_PACKET_MAX 4096
#define RADIUS_ATTRIBUTES_MAX 128
#define RADIUS_EAP_MESSAGE 79
#define RADIUS_MESSAGE_AUTHENTICATOR 80

/* All attributes fit exactly; one holds EAP, and one authenticates it (section 3.2). */
__noinline int radius_holds_eap(struct __sk_buff *skb, __u32 off, __u32 len)
{
	_Bool eap = 0, authenticated = 0;
	__u32 at = RADIUS_HEADER_LEN, i;
	__u8 h[2];

	for (i = 0; i < RADIUS_ATTRIBUTES_MAX && at < len; i++) {
		if (bpf_skb_load_bytes(skb, off + at, h, sizeof(h)) || !h[0] || h[1] < 2)
			return 0;
		eap |= h[0] == RADIUS_EAP_MESSAGE;
		authenticated |= h[0] == RADIUS_MESSAGE_AUTHENTICATOR && h[1] == 18;
		at += h[1];
	}
	return eap && authenticated && at == len;
}

/* ---- datagrams ---- */

enum datagram {
	DATAGRAM_NONE,
	DATAGRAM_HANDSHAKE,
	DATAGRAM_RESET,      /* OpenVPN: goes up, and so do the control packets that follow between these ends */
	DATAGRAM_CONTROL,    /* may be such a packet: it does not show by itself */
};

/* `h`: the first bytes of a datagram of `len` bytes, which is neither plain DTLS nor QUIC. */
static __always_inline enum datagram judge_carried(struct __sk_buff *skb, __u32 off, __u32 len,
						   const __u8 h[DTLS_HEADER_LEN])
{
	__u32 length = get16(h + 2), wanted;
	__u8 opcode = h[0] >> 3;

	/* ChannelData (RFC 8656 section 12.4); padding may be left out. */
	if (h[0] >> 4 == 4 && length + 4 <= len && length + 4 + 3 >= len && is_dtls(h + 4))
		return DATAGRAM_HANDSHAKE;
	if (h[0] == 1 && !h[1] && !length && is_dtls(h + 4))       /* CAPWAP (RFC 5415 section 4.2) */
		return DATAGRAM_HANDSHAKE;
	if (h[0] <= 1 && length + STUN_HEADER_LEN == len && get32(h + 4) == STUN_MAGIC) {
		wanted = stun_wanted(get16(h));
		return wanted && stun_holds_dtls(skb, off, len, wanted) ? DATAGRAM_HANDSHAKE : DATAGRAM_NONE;
	}
	if (h[0] && (h[0] <= 3 || h[0] == 11) && length == len && len >= RADIUS_HEADER_LEN && len <= RADIUS_PACKET_MAX)
		return radius_holds_eap(skb, off, len) ? DATAGRAM_HANDSHAKE : DATAGRAM_NONE;
	if (opcode == OPENVPN_CONTROL)
		return DATAGRAM_CONTROL;
	return len <= OPENVPN_RESET_MAX && opcode && opcode <= 8 && is_openvpn_reset(skb, off, len) ?
		       DATAGRAM_RESET : DATAGRAM_NONE;
}

#endif

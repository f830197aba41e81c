/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Does this payload ask to go over to TLS on a connection that began in clear (STARTTLS and its like)?
 *
 * Not needed to find the handshake, which the hello shows by itself. It is how user space learns what carries TLS:
 * the request and its answer go up with the handshake, and nothing that was said before. A request that may hold a
 * password for somebody else (CONNECT, SOCKS) stays where it is; its answer tells the same.
 *
 * Judged by the first and last bytes of a segment, or by how a line ends with a hello behind it: a request that is cut
 * is missed, and then the carrier is not known.
 */
#ifndef CERTTAP_UPGRADE_BPF_H
#define CERTTAP_UPGRADE_BPF_H

#include "bpf/packet.bpf.h"

#define UPGRADE_HEAD_LEN 11       /* of the payload, as far as it goes */
#define UPGRADE_LEN_MIN 6
#define UPGRADE_LINE_MAX 64       /* requests of one line, and LDAP's */
#define UPGRADE_TAIL_LEN 10
#define MYSQL_REQUEST_LEN 36      /* SSLRequest: a header of 4 bytes, then 32 */
#define PROXY_LINE_MAX 107        /* PROXY protocol, version 1: the longest line that is looked through */
#define TLS_HANDSHAKE_BYTE 0x16
#define PROXY_HEADER_LEN 16       /* version 2; the length of the rest stands in its last two bytes */

enum upgrade {
	UPGRADE_NONE,
	UPGRADE_ASKED,      /* request and answer go up */
	UPGRADE_ANSWERED,   /* only the answer goes up */
	UPGRADE_SAID,       /* there is no answer */
};

/* Over at the first byte that differs. */
static __always_inline _Bool same_bytes(const __u8 *bytes, const char *text, __u32 len)
{
	__u32 i;

	for (i = 0; i < len; i++)
		if (bytes[i] != (__u8)text[i])
			return 0;
	return 1;
}

#define head_is(h, text) same_bytes(h, text, sizeof(text) - 1)

/* Where the first such byte of the payload stands, counted from 1, within the longest line; 0: nowhere. */
__noinline int place_of(struct __sk_buff *skb, struct packet *p, __u32 wanted)
{
	__u8 line[PROXY_LINE_MAX] = { 0 };
	__u32 i, len;

	if (!p)
		return 0;
	len = p->head.wire_len;
	if (len < UPGRADE_LEN_MIN)
		return 0;
	if (len > sizeof(line))
		len = sizeof(line);
	if (bpf_skb_load_bytes(skb, p->payload_off, line, len))
		return 0;
	for (i = 0; i < sizeof(line); i++)
		if (line[i] == wanted)
			return i + 1;
	return 0;
}

/* "STARTTLS" at the end of a line: SMTP, LMTP, NNTP, IRC, ManageSieve, and IMAP behind its tag. */
static __always_inline _Bool ends_in_starttls(const __u8 tail[UPGRADE_TAIL_LEN])
{
	__u32 i;

	for (i = 0; i < sizeof("starttls") - 1; i++)
		if ((tail[i] | 0x20) != "starttls"[i])
			return 0;
	return tail[8] == '\r' && tail[9] == '\n';
}

/* Requests whose length is known; 0: none of them. */
static __always_inline __u32 fixed_len(const __u8 h[UPGRADE_HEAD_LEN], __u32 wire_len)
{
	if (!h[0] && wire_len >= 8 && head_is(h, "\0\0\0\x08\x04\xd2\x16\x2f"))        /* PostgreSQL's SSLRequest */
		return 8;
	if (h[0] == 'S' && head_is(h, "STLS\r\n"))                       /* RFC 2595 section 4 */
		return 6;
	if (wire_len < 10)
		return 0;
	if (h[0] == 'A' && (head_is(h, "AUTH TLS\r\n") || head_is(h, "AUTH SSL\r\n")))   /* RFC 4217 section 4 */
		return 10;
	return (h[0] | 0x20) == 's' && ends_in_starttls(h) ? 10 : 0;
}

/* Does a word that begins with S follow a short one, as STARTTLS follows IMAP's tag? */
static __always_inline _Bool may_be_tagged(const __u8 h[UPGRADE_HEAD_LEN])
{
	__u32 i;

	if (h[0] < '.' || h[0] > 'z')
		return 0;
	for (i = 1; i < UPGRADE_HEAD_LEN - 1; i++)
		if (h[i] == ' ' && (h[i + 1] | 0x20) == 's')
			return 1;
	return 0;
}

/*
 * A line that ends in STARTTLS, at the beginning of the payload: how long it is, or 0. Servers say it too, in the last
 * line of what they offer.
 */
static __always_inline __u32 tagged_len(struct __sk_buff *skb, struct packet *p, const __u8 h[UPGRADE_HEAD_LEN])
{
	__u8 tail[UPGRADE_TAIL_LEN];
	__u32 len = place_of(skb, p, '\n');

	if (len < UPGRADE_TAIL_LEN || head_is(h, "250 ") || head_is(h, "250-") || head_is(h, "* ") ||
	    bpf_skb_load_bytes(skb, p->payload_off + len - UPGRADE_TAIL_LEN, tail, sizeof(tail)))
		return 0;
	return ends_in_starttls(tail) ? len : 0;
}

/* Requests that fit on one line, and LDAP's: known by their length, or by how they end. */
static __always_inline enum upgrade judge_line(struct __sk_buff *skb, struct packet *p,
					       const __u8 h[UPGRADE_HEAD_LEN])
{
	__u8 tail[UPGRADE_TAIL_LEN];
	__u32 len = p->head.wire_len;

	/* SOCKS 4: CONNECT to a port, and a user without a name. */
	if (len == 9 && h[0] == 4 && h[1] == 1 && !h[8])
		return UPGRADE_ANSWERED;
	if (len < UPGRADE_TAIL_LEN ||
	    bpf_skb_load_bytes(skb, p->payload_off + len - UPGRADE_TAIL_LEN, tail, sizeof(tail)))
		return UPGRADE_NONE;
	if (ends_in_starttls(tail))
		return tagged_len(skb, p, h) == len ? UPGRADE_ASKED : UPGRADE_NONE;
	/* An ExtendedRequest (RFC 4511 section 4.14.1) whose name ends 1.3.6.1.4.1.1466.20037. */
	if (h[0] == 0x30 && head_is(tail, "1466.20037"))
		return UPGRADE_ASKED;
	/* The same with a name, which ends with a zero. */
	return h[0] == 4 && h[1] == 1 && !tail[UPGRADE_TAIL_LEN - 1] ? UPGRADE_ANSWERED : UPGRADE_NONE;
}

/* The PROXY protocol's header, in front of whatever the client says. `len`: of the header. */
static __always_inline enum upgrade judge_proxy(struct __sk_buff *skb, struct packet *p,
						const __u8 h[UPGRADE_HEAD_LEN], __u32 *len)
{
	__u8 length[2];

	if (head_is(h, "PROXY TCP")) {
		*len = place_of(skb, p, '\n');
		return *len ? UPGRADE_SAID : UPGRADE_NONE;
	}
	if (!head_is(h, "\r\n\r\n\0\r\nQUIT") || p->head.wire_len < PROXY_HEADER_LEN ||
	    bpf_skb_load_bytes(skb, p->payload_off + PROXY_HEADER_LEN - 2, length, sizeof(length)))
		return UPGRADE_NONE;
	*len = PROXY_HEADER_LEN + (length[0] << 8 | length[1]);
	return UPGRADE_SAID;
}

/* `h`: the payload's first bytes. `len`: how long the request is; a hello may follow it in the same segment. */
static __always_inline enum upgrade judge_upgrade(struct __sk_buff *skb, struct packet *p,
						  const __u8 h[UPGRADE_HEAD_LEN], __u32 *len)
{
	__u32 wire_len = p->head.wire_len;

	*len = wire_len;
	if (wire_len < UPGRADE_LEN_MIN)
		return UPGRADE_NONE;
	*len = fixed_len(h, wire_len);
	if (*len)
		return UPGRADE_ASKED;
	*len = wire_len;
	/* CONNECT to an address or a name by SOCKS 5 (RFC 1928 section 4). */
	if (h[0] == 5 && h[1] == 1 && !h[2] && (h[3] == 1 || h[3] == 3 || h[3] == 4))
		return UPGRADE_ANSWERED;
	if (wire_len >= UPGRADE_HEAD_LEN) {
		/* MySQL's SSLRequest: number 1, or 2 behind a proxy; CLIENT_SSL is set. */
		if (h[0] == MYSQL_REQUEST_LEN - 4 && !h[1] && !h[2] && (h[3] == 1 || h[3] == 2) && h[5] & 0x08) {
			*len = MYSQL_REQUEST_LEN;
			return UPGRADE_SAID;
		}
		/* RDP: TPKT and an X.224 connection request, which fill the segment. */
		if (h[0] == 3 && !h[1] && (__u32)(h[2] << 8 | h[3]) == wire_len && (__u32)h[4] + 5 == wire_len &&
		    h[5] == 0xe0)
			return UPGRADE_ASKED;
		if (head_is(h, "<starttls")) {                           /* RFC 6120 section 5.4.2 */
			*len = place_of(skb, p, TLS_HANDSHAKE_BYTE);
			*len = *len ? *len - 1 : wire_len;
			return UPGRADE_ASKED;
		}
		if (head_is(h, "CONNECT "))
			return UPGRADE_ANSWERED;
		if (h[0] == 'P' || h[0] == '\r')
			return judge_proxy(skb, p, h, len);
	}
	if (wire_len <= UPGRADE_LINE_MAX)
		return judge_line(skb, p, h);
	if (!may_be_tagged(h))
		return UPGRADE_NONE;
	*len = tagged_len(skb, p, h);
	return *len ? UPGRADE_ASKED : UPGRADE_NONE;
}

#endif

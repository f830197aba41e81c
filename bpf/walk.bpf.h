/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Where the handshake in clear ends: record headers are followed from one to the next, also when a
 * header is cut by a segment's end.
 *
 * Global functions on map memory, by intent: the verifier looks at each one alone and forgets the
 * values between, where the same code on the stack cost it over a million instructions.
 */
#ifndef CERTTAP_WALK_BPF_H
#define CERTTAP_WALK_BPF_H

#include "bpf/hello.bpf.h"

#define RECORDS_MAX 32     /* per segment; after that the walk waits for a segment it can start at */

enum step { STEP_DONE, STEP_NEXT };

/* Forward nothing from `seq` on; the earliest end wins. */
static __always_inline void set_end(struct flow *f, __u32 seq, enum event_reason reason)
{
	if ((__s32)(seq - f->end) >= 0)
		return;
	f->end = seq;
	f->reason = reason;
}

/*
 * The first record after a ChangeCipherSpec is encrypted, as a rule, and looks like a handshake. But
 * with TLS 1.3 a second hello may follow one that was sent only for middleboxes (RFC 8446 D.4).
 */
static __always_inline _Bool is_second_hello(struct __sk_buff *skb, const struct packet *p,
					     __u32 body_off)
{
	__u8 type;

	if (body_off >= p->head.wire_len)
		return 1;
	if (bpf_skb_load_bytes(skb, p->payload_off + body_off, &type, 1))
		return 0;
	return type == MESSAGE_CLIENT_HELLO || type == MESSAGE_SERVER_HELLO;
}

/* What FTP's security tokens stand in. */
enum line { LINE_NONE, LINE_OPEN, LINE_LAST };

#define FTP_AUTH 0x4155544820       /* "AUTH " */
#define FTP_ADAT 0x4144415420       /* "ADAT " */
#define FTP_DONE 0x323335           /* 235: security is agreed upon, with or without a last token */
#define FTP_MORE 0x333335           /* 335 */
#define FTP_READY 0x333334          /* 334 */

static __always_inline enum step stop_walk(struct flow *f)
{
	set_end(f, f->record, EVENT_REASON_RECORD);
	return STEP_DONE;
}

/* The rest of a segment that is a line's, or lines': they wait for each other, so that one line ends a segment. */
static __always_inline enum step follow_line(struct __sk_buff *skb, struct packet *p, struct flow *f)
{
	__u8 last = 0;

	f->record = p->head.seq + p->head.wire_len;
	if (!p->head.wire_len ||
	    bpf_skb_load_bytes(skb, p->payload_off + p->head.wire_len - 1, &last, sizeof(last)) || last != '\n')
		return STEP_DONE;
	if (f->line == LINE_LAST)
		return stop_walk(f);
	f->line = LINE_NONE;
	return STEP_DONE;
}

/* Only lines with tokens: what is said afterwards may be a password. */
static __always_inline enum step judge_ftp(struct __sk_buff *skb, struct packet *p, struct flow *f)
{
	__u64 word = f->header & 0xffffffffff;
	__u32 code = word >> 16;

	if ((word != FTP_AUTH || f->record != f->start) && word != FTP_ADAT && code != FTP_DONE && code != FTP_MORE &&
	    code != FTP_READY)
		return stop_walk(f);
	f->line = code == FTP_DONE ? LINE_LAST : LINE_OPEN;
	return follow_line(skb, p, f);
}

/* After the handshake the records go on without TDS: then, and with a login in clear, it is over. */
static __always_inline enum step judge_tds(struct flow *f)
{
	__u8 type = f->header >> 32, status = f->header >> 24;
	__u32 len = f->header >> 8 & 0xffff;

	if (type == RECORD_APPLICATION_DATA) {
		set_end(f, f->record + RECORD_HEADER_LEN, EVENT_REASON_RECORD);
		return STEP_DONE;
	}
	if (status > 1 || len < TDS_HEADER_LEN || len > TDS_PACKET_MAX ||
	    (type != TDS_PRELOGIN && (type != TDS_RESPONSE || f->record != f->start)))
		return stop_walk(f);
	f->record += len;
	return STEP_NEXT;
}

/* Until the first packet with data. */
static __always_inline enum step judge_openvpn(struct flow *f)
{
	__u32 len = f->header >> 24 & 0xffff;
	__u8 opcode = (f->header >> 16 & 0xff) >> 3;

	if (len < OPENVPN_RESET_MIN ||
	    (!is_openvpn_hard_reset(opcode) && (opcode < OPENVPN_SOFT_RESET || opcode > OPENVPN_ACK)))
		return stop_walk(f);
	f->record += 2 + len;
	return STEP_NEXT;
}

/* As judge_header(), where TLS stands inside a framing. */
static __always_inline enum step judge_frame(struct __sk_buff *skb, struct packet *p, struct flow *f)
{
	f->header_len = 0;
	if (f->framing == FRAMING_TDS)
		return judge_tds(f);
	if (f->framing == FRAMING_OPENVPN)
		return judge_openvpn(f);
	return judge_ftp(skb, p, f);
}

/*
 * The server's words and its hello may come in one segment. Looked for by its first six bytes, so that the walk need
 * not wait for a segment that begins with a record: there may be none.
 */
#define SEARCH_CHUNK 128
#define SEARCH_CHUNKS 8
#define HELLO_HEAD_LEN 6

/* Where in this part of the payload, counted from 1; 0: nowhere. */
__noinline int search_chunk(struct __sk_buff *skb, struct packet *p, __u32 from)
{
	__u8 bytes[SEARCH_CHUNK + HELLO_HEAD_LEN] = { 0 };
	__u32 i, len;

	if (!p || from >= p->head.wire_len)
		return 0;
	len = p->head.wire_len - from;
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	if (len < HELLO_HEAD_LEN || bpf_skb_load_bytes(skb, p->payload_off + from, bytes, len))
		return 0;
	for (i = 0; i < SEARCH_CHUNK; i++)
		if (bytes[i] == RECORD_HANDSHAKE && is_version(bytes[i + 1], bytes[i + 2]) &&
		    bytes[i + 5] == MESSAGE_SERVER_HELLO)
			return i + 1;
	return 0;
}

/* The same, in the whole of what a server may say before. */
__noinline int search_hello(struct __sk_buff *skb, struct packet *p, __u32 from)
{
	__u32 i, place;

	for (i = 0; i < SEARCH_CHUNKS; i++) {
		place = search_chunk(skb, p, from + i * SEARCH_CHUNK);
		if (place)
			return from + i * SEARCH_CHUNK + place;
	}
	return 0;
}

/* Something in front of the records: they begin in this segment, or it is tried again where the next one begins. */
static __always_inline enum step pass_over_segment(struct __sk_buff *skb, struct packet *p, struct flow *f,
						   __u32 body_off)
{
	__u32 place = search_hello(skb, p, body_off > RECORD_HEADER_LEN ? body_off - RECORD_HEADER_LEN : 0);

	f->record = p->head.seq + (place ? place - 1 : p->head.wire_len);
	return place ? STEP_NEXT : STEP_DONE;
}

/* Decides on one complete header, whose body begins at `body_off` of this segment. */
static __always_inline enum step judge_header(struct __sk_buff *skb, struct packet *p,
					      struct flow *f, __u32 body_off)
{
	__u8 type = f->header >> 32, major = f->header >> 24, minor = f->header >> 16;
	__u32 len = f->header & 0xffff;
	_Bool valid = is_version(major, minor) && len <= RECORD_BODY_MAX;
	_Bool goes_on = 0;

	f->header_len = 0;
	if (valid && type >= RECORD_CIPHER_SPEC && type <= RECORD_APPLICATION_DATA)
		f->records = 1;
	if (valid && type == RECORD_HANDSHAKE)
		goes_on = !f->cipher_spec || is_second_hello(skb, p, body_off);
	else if (valid && type == RECORD_CIPHER_SPEC)
		goes_on = len == 1 && !f->cipher_spec;
	else if (valid && type == RECORD_ALERT)
		goes_on = len == 2;     /* a longer one is encrypted */
	/* Up to TLS 1.2 nothing of this type comes before the walk has ended. */
	if (valid && type == RECORD_APPLICATION_DATA && f->protected_len) {
		set_end(f, f->record + f->protected_len, EVENT_REASON_RECORD);
		goes_on = 1;
	}
	if (goes_on) {
		f->cipher_spec = type == RECORD_CIPHER_SPEC;
		f->record += RECORD_HEADER_LEN + len;
		return STEP_NEXT;
	}
	if (!valid && f->record - f->start < f->raw_len)
		return pass_over_segment(skb, p, f, body_off);
	/* Of the first protected record the header goes up too: its length tells an alert from what should be there. */
	set_end(f, f->record + (valid && type == RECORD_APPLICATION_DATA ? RECORD_HEADER_LEN : 0), EVENT_REASON_RECORD);
	return STEP_DONE;
}

/* After a hole: does this segment begin with a record, so that the walk can go on there? */
static __always_inline _Bool starts_record(struct __sk_buff *skb, const struct packet *p)
{
	__u8 h[3];

	if (p->head.wire_len < sizeof(h) ||
	    bpf_skb_load_bytes(skb, p->payload_off, h, sizeof(h)))
		return 0;
	return h[0] >= RECORD_CIPHER_SPEC && h[0] <= RECORD_HANDSHAKE + 1 && is_version(h[1], h[2]);
}

/* The segment is over. Did it end with something in front of the records, too short for a header? Then pass over it. */
static __always_inline void pass_over_words(struct packet *p, struct flow *f)
{
	__u8 first = f->header >> 8 * ((f->header_len - 1) & 7);

	if (!f->header_len || f->records || f->record - f->start >= f->raw_len ||
	    (first >= RECORD_CIPHER_SPEC && first <= RECORD_APPLICATION_DATA))
		return;
	f->record = p->head.seq + p->head.wire_len;
	f->header_len = 0;
}

/* One record header, or as much of it as this segment has. */
__noinline int walk_record(struct __sk_buff *skb, struct packet *p, struct flow *f)
{
	__u32 off, i;
	__u8 byte;

	if (!p || !f)
		return STEP_DONE;
	off = f->record + f->header_len - p->head.seq;
	if ((__s32)off < 0) {
		if (f->framing || !starts_record(skb, p))
			return STEP_DONE;
		f->record = p->head.seq;
		f->header_len = 0;
		off = 0;
	}
	if (f->line) {
		if (off < p->head.wire_len)
			follow_line(skb, p, f);
		return STEP_DONE;
	}
	for (i = 0; i < RECORD_HEADER_LEN && f->header_len < RECORD_HEADER_LEN; i++) {
		if (off >= p->head.wire_len) {
			pass_over_words(p, f);
			return STEP_DONE;
		}
		if (bpf_skb_load_bytes(skb, p->payload_off + off, &byte, 1))
			return STEP_DONE;
		f->header = f->header << 8 | byte;
		f->header_len++;
		off++;
	}
	return f->framing ? judge_frame(skb, p, f) : judge_header(skb, p, f, off);
}

/* Follows the records of one segment and moves f->end to where the handshake stops. */
__noinline int walk(struct __sk_buff *skb, struct packet *p, struct flow *f)
{
	__u32 i;

	if (!p || !f)
		return 0;
	for (i = 0; i < RECORDS_MAX; i++)
		if (walk_record(skb, p, f) == STEP_DONE)
			break;
	return 0;
}

#endif

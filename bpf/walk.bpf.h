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

/* Decides on one complete header, whose body begins at `body_off` of this segment. */
static __always_inline enum step judge_header(struct __sk_buff *skb, struct packet *p,
					      struct flow *f, __u32 body_off)
{
	__u8 type = f->header >> 32, major = f->header >> 24, minor = f->header >> 16;
	__u32 len = f->header & 0xffff;
	_Bool valid = major == 3 && minor <= 4 && len <= RECORD_BODY_MAX;
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
	if (!valid && f->record - f->start < f->raw_len) {
		/* Something in front of the records: try again where the next segment begins. */
		f->record = p->head.seq + p->head.wire_len;
		return STEP_DONE;
	}
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
	return h[0] >= RECORD_CIPHER_SPEC && h[0] <= RECORD_HANDSHAKE + 1 && h[1] == 3 && h[2] <= 4;
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
		if (!starts_record(skb, p))
			return STEP_DONE;
		f->record = p->head.seq;
		f->header_len = 0;
		off = 0;
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
	return judge_header(skb, p, f, off);
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

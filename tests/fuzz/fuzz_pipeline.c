/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte for the limits and for who brings secrets, then segments: what (connection, side, marks of a source),
 * TCP flags, time step, a signed step of the sequence number (16 bits), the payload's length (16 bits), payload. Where
 * secrets come, one mark says that the payload is no segment's but a key log's lines, or a caught secret: label, join,
 * 32 bytes of id, 32 of secret. Whatever comes, in the end nothing is held.
 */
#include "userspace/pipeline/pipeline.h"

#include <stdlib.h>

#include "userspace/handshake/caught_secret.h"
#include "userspace/handshake/keys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONNECTIONS 4
#define DATAGRAMS 3       /* the connection that is UDP */
#define WITH_KEYS 32
#define WITH_CAUGHT 64
#define IS_SECRET 128     /* of a segment's marks */

struct tcp {
	uint32_t next[CONNECTIONS][2];
	uint64_t time_ns;
};

/* Takes one segment from the input, and its marks; false at its end. */
static bool take_segment(struct bytes *in, struct tcp *tcp, struct segment *out, uint8_t *marks)
{
	uint8_t what, flags, time;
	unsigned int connection, side;
	uint16_t step, len;

	if (!bytes_u8(in, &what) || !bytes_u8(in, &flags) || !bytes_u8(in, &time) ||
	    !bytes_u16(in, &step) || !bytes_u16(in, &len))
		return false;
	if (len > in->len)
		len = (uint16_t)in->len;
	*marks = what;
	connection = what & 3;
	side = what >> 2 & 1;
	tcp->time_ns += (uint64_t)time * time * time * 1000000;
	*out = (struct segment){
		.src.port = (uint16_t)(side ? 9808 : 40000 + connection),
		.dst.port = (uint16_t)(side ? 40000 + connection : 9808),
		.transport = connection == DATAGRAMS ? TRANSPORT_UDP : TRANSPORT_TCP,
		.flags = flags, .start_known = what & 8, .lost = what & 16, .final = what & 32,
		.payload_cut = what & 64 ? time : 0, .time_ns = tcp->time_ns, .frame_number = 1,
		.ack = tcp->next[connection][!side],
		.seq = tcp->next[connection][side] + (uint32_t)(int16_t)step,
	};
	out->start_seq = out->seq - time;
	if (!bytes_take(in, len, &out->payload))
		return false;
	if (what & IS_SECRET)
		return true;
	tcp->next[connection][side] = out->seq + len + !!(flags & TCP_SYN);
	return true;
}

static void recorded(void *context, const struct sighting *s, enum role role,
		     const struct ledger_entry *entry)
{
	(void)context;
	if (!entry->row || s->reason >= NUM_REASONS || (role == ROLE_CLIENT && !s->chain[role]) ||
	    (s->chain[role] && s->chain[role]->num == 0))
		abort();
}

static void set_limits(struct pipeline_limits *limits, uint8_t which)
{
	limits->fragments = 16;
	limits->tracker.flows = which & 1 ? 2 : 64;
	if (which & 2)
		limits->tracker.stream = (struct stream_limits){ .held = 2000, .ranges = 4 };
	if (which & 4)
		limits->tracker.memory = 6000;
	if (which & 8)
		limits->tracker.message = 300;
	if (which & 16)
		limits->tracker.chain.chain_len = 1;
}

static void bring_secret(struct pipeline *p, struct keys *keys, uint8_t which, const struct segment *s)
{
	struct caught_secret caught = { .id_len = 32, .secret_len = 32, .time_ns = s->time_ns };
	struct bytes in = s->payload, id, secret;

	if (which & WITH_KEYS) {
		keys_add_text(keys, in);
		pipeline_tick(p, s->time_ns, s->time_ns);
	} else if (bytes_u8(&in, &caught.label) && bytes_u8(&in, &caught.join) && bytes_take(&in, 32, &id) &&
		   bytes_take(&in, 32, &secret)) {
		caught.label &= 1;
		caught.join &= 1;
		memcpy(caught.id, id.data, 32);
		memcpy(caught.secret, secret.data, 32);
		pipeline_secret(p, &caught);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	const struct observer observer = { .recorded = recorded };
	struct bytes in = bytes_of(data, size);
	struct tcp tcp = { .time_ns = 1700000000000000000u };
	struct segment segment;
	struct keys *keys = NULL;
	struct pipeline *p;
	uint8_t which, marks;

	if (!bytes_u8(&in, &which))
		return 0;
	set_limits(&limits, which);
	p = pipeline_new(&limits, &observer, NULL, NULL);
	if (!p)
		return 0;
	if (which & WITH_KEYS && (keys = keys_new(32)))
		pipeline_use_keys(p, keys);
	else if (which & WITH_CAUGHT && !pipeline_expect_secrets(p, true))
		abort();
	while (take_segment(&in, &tcp, &segment, &marks)) {
		if (marks & IS_SECRET && which & (WITH_KEYS | WITH_CAUGHT))
			bring_secret(p, keys, which, &segment);
		else
			pipeline_segment(p, &segment);
		if (pipeline_tracker(p)->memory.used > limits.tracker.memory)
			abort();
	}
	pipeline_finish(p);
	if (pipeline_tracker(p)->memory.used)
		abort();
	pipeline_free(p);
	keys_free(keys);
	return 0;
}

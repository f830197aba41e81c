/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: one byte for the limits, then segments: what (connection, side, marks of a source), TCP flags, time step, a
 * signed step of the sequence number (16 bits), the payload's length (16 bits), payload. Whatever comes, in the end
 * nothing is held.
 */
#include "userspace/pipeline.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CONNECTIONS 4
#define DATAGRAMS 3       /* the connection that is UDP */

struct tcp {
	uint32_t next[CONNECTIONS][2];
	uint64_t time_ns;
};

/* Takes one segment from the input; false at its end. */
static bool take_segment(struct bytes *in, struct tcp *tcp, struct segment *out)
{
	uint8_t what, flags, time;
	unsigned int connection, side;
	uint16_t step, len;

	if (!bytes_u8(in, &what) || !bytes_u8(in, &flags) || !bytes_u8(in, &time) ||
	    !bytes_u16(in, &step) || !bytes_u16(in, &len))
		return false;
	if (len > in->len)
		len = (uint16_t)in->len;
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	const struct observer observer = { .recorded = recorded };
	struct bytes in = bytes_of(data, size);
	struct tcp tcp = { .time_ns = 1700000000000000000u };
	struct segment segment;
	struct pipeline *p;
	uint8_t which;

	if (!bytes_u8(&in, &which))
		return 0;
	set_limits(&limits, which);
	p = pipeline_new(&limits, &observer, NULL, NULL);
	if (!p)
		return 0;
	while (take_segment(&in, &tcp, &segment)) {
		pipeline_segment(p, &segment);
		if (pipeline_tracker(p)->memory.used > limits.tracker.memory)
			abort();
	}
	pipeline_finish(p);
	if (pipeline_tracker(p)->memory.used)
		abort();
	pipeline_free(p);
	return 0;
}

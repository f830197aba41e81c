/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pipeline with an observer that writes down what it is told, and a tiny TCP that feeds it. One connection at a
 * time: 10.0.0.1:40000 (client) to 10.0.0.2:9808 (server), unless the test changes the ports.
 */
#ifndef CERTTAP_TESTS_TAP_H
#define CERTTAP_TESTS_TAP_H

#include <stdio.h>

#include "tests/unit/buffer.h"
#include "userspace/pipeline/pipeline.h"

enum tap_side { CLIENT, SERVER };

struct tap {
	struct pipeline *pipeline;
	struct host_port host[2];
	uint32_t isn[2], at[2];         /* at: the next byte's offset in its stream */
	uint64_t time_ns, frame;
	char log[8192];                 /* "server:chain 2; " "server:encrypted; " "alert 45 by client; " */
	uint32_t closed;
	struct sighting last;           /* the last recorded; its pointers are not to be followed later */
	const struct ledger_row *row;   /* of the last recorded; NULL: the ledger was full */
	char name[256];                 /* server name of the last recorded */
};

static inline void tap_recorded(void *context, const struct sighting *s, enum role role,
				const struct ledger_entry *entry)
{
	struct tap *t = context;
	size_t at = strlen(t->log), room = sizeof(t->log) - at;

	t->row = entry->row;
	if (s->chain[role] && (role == ROLE_CLIENT || s->reason == REASON_NONE))
		snprintf(t->log + at, room, "%s:chain %u%s; ", role_name(role), s->chain[role]->total,
			 s->chain[role]->partial ? " partial" : "");
	else
		snprintf(t->log + at, room, "%s:%s%s; ", role_name(role), reason_name(s->reason),
			 s->chain[role] ? " with a part" : "");
	t->last = *s;
	t->name[0] = '\0';
	if (s->server_name)
		snprintf(t->name, sizeof(t->name), "%.*s", s->server_name_len, s->server_name);
}

static inline void tap_alerted(void *context, const struct sighting *s, const struct ledger_row *row)
{
	struct tap *t = context;
	size_t at = strlen(t->log);

	(void)row;
	snprintf(t->log + at, sizeof(t->log) - at, "alert %u by %s; ", s->alert.description,
		 role_name(s->alert.sender));
}

static inline void tap_broke_off(void *context, const struct sighting *s, const struct ledger_row *row)
{
	struct tap *t = context;
	size_t at = strlen(t->log);

	(void)s, (void)row;
	snprintf(t->log + at, sizeof(t->log) - at, "broke off; ");
}

static inline void tap_closed(void *context, const struct sighting *s)
{
	struct tap *t = context;

	t->closed++;
	t->last = *s;
}

static inline void tap_open_limits(struct tap *t, const struct pipeline_limits *limits)
{
	const struct observer observer = { t, tap_recorded, tap_alerted, tap_broke_off, tap_closed };

	*t = (struct tap){ .isn = { 1000, 0xfffffe00u }, .time_ns = 1700000000000000000u };
	t->host[CLIENT].address.octets[10] = t->host[CLIENT].address.octets[11] = 0xff;
	t->host[CLIENT].address.octets[12] = 10;
	t->host[SERVER].address = t->host[CLIENT].address;
	t->host[CLIENT].address.octets[15] = 1;
	t->host[SERVER].address.octets[15] = 2;
	t->host[CLIENT].port = 40000;
	t->host[SERVER].port = 9808;
	t->pipeline = pipeline_new(limits, &observer, NULL, NULL);
	if (!t->pipeline)
		abort();
}

static inline void tap_open(struct tap *t)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;

	tap_open_limits(t, &limits);
}

/* Everything is recorded, and nothing is held any more. Returns the bytes still held. */
static inline size_t tap_finish(struct tap *t)
{
	pipeline_finish(t->pipeline);
	return pipeline_tracker(t->pipeline)->memory.used;
}

static inline void tap_close(struct tap *t)
{
	pipeline_free(t->pipeline);
	t->pipeline = NULL;
}

/* A segment whose first byte lies at `offset` of the side's stream (-1: the SYN). */
static inline void tap_segment(struct tap *t, enum tap_side side, int64_t offset, uint8_t flags,
			       struct bytes payload)
{
	uint8_t *copy = bytes_copy(payload);
	struct segment s = {
		.src = t->host[side], .dst = t->host[!side], .flags = flags,
		.seq = t->isn[side] + 1 + (uint32_t)offset, .ack = t->isn[!side] + 1 + t->at[!side],
		.payload = bytes_of(copy, payload.len), .time_ns = t->time_ns, .frame_number = ++t->frame,
	};

	pipeline_segment(t->pipeline, &s);
	t->time_ns += 1000000;
	free(copy);
}

static inline void tap_syn(struct tap *t)
{
	tap_segment(t, CLIENT, -1, TCP_SYN, bytes_of(NULL, 0));
	tap_segment(t, SERVER, -1, TCP_SYN | TCP_ACK, bytes_of(NULL, 0));
}

/* The next bytes of a side's stream, in segments of `most` bytes. */
static inline void tap_send(struct tap *t, enum tap_side side, struct bytes in, size_t most)
{
	struct bytes piece;

	while (in.len > 0) {
		if (!bytes_take(&in, in.len < most ? in.len : most, &piece))
			abort();
		tap_segment(t, side, t->at[side], TCP_ACK, piece);
		t->at[side] += (uint32_t)piece.len;
	}
}

static inline void tap_fin(struct tap *t)
{
	tap_segment(t, CLIENT, t->at[CLIENT], TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
	tap_segment(t, SERVER, t->at[SERVER], TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
}

#endif

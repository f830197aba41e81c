/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file that `--write` makes (pcapng): the packets of handshakes, and where it was asked for the handshake
 * secrets that opened them, so that others can read the certificates later. What a source took apart is written
 * as a raw IP packet with made headers; a frame as it was.
 *
 * Who reads the file wants a secret before the packets that it opens. So with secrets, and only then, a connection's
 * packets are held back until its secrets are there, its handshake is over, or some seconds have passed. So is, always,
 * what is in doubt.
 *
 * The caller decides which packets belong to a handshake. Blocks go to the file whole, at the end of each turn. After a
 * write that failed (a full disk) nothing more is written: it is said once, and what is left out is counted.
 */
#ifndef CERTTAP_CAPTURE_WRITER_H
#define CERTTAP_CAPTURE_WRITER_H

#include <stdio.h>

#include "parsers/keylog.h"
#include "userspace/write/capture_held.h"

struct capture_writer_options {
	bool secrets;              /* hold packets back for secrets, and take them */
	bool client_secrets;       /* a connection is complete with those of both sides */
	struct held_limits held;   /* for_secrets: follows from `secrets` */
};

#define CAPTURE_WRITER_OPTIONS_DEFAULT { \
	.held = { .connection = 64u << 10, .all = 16u << 20, .ns = 10000000000ull } }

/* Does a packet belong to a handshake? */
enum capture_choice {
	CAPTURE_LEAVE,
	CAPTURE_DOUBT,             /* it may be the beginning: kept if what follows in its connection is one */
	CAPTURE_TAKE,
};


struct capture_writer_counters {
	uint64_t packets, secrets; /* written */
	uint64_t over_limit;       /* connections that could not wait for their secret: over a limit */
	uint64_t secrets_gone;     /* secrets that had opened a handshake, but were not kept any more */
	uint64_t not_possible;     /* packets that cannot be written: neither frame nor TCP or UDP */
	uint64_t not_written;      /* packets and secrets left out after a write failed */
};

struct capture_writer;

/*
 * Makes the file, readable by its owner alone, or empties it: one that is there must be the caller's own. To be opened
 * before the sandbox closes, and before fork(): the child writes. Returns 0 or a negative errno, with a
 * line in `why` that names the file. The caller frees with capture_writer_free().
 */
int capture_writer_open(const char *path, const struct capture_writer_options *options,
			struct capture_writer **out, char *why, size_t why_size);

/*
 * Also the parent's part after its child has ended, however it did: cuts off a block that was not written whole. What
 * is not flushed is lost.
 */
void capture_writer_free(struct capture_writer *w);

/* Does the handshake's secret have to be given, as soon as it has opened something? */
bool capture_writer_wants_secrets(const struct capture_writer *w);
bool capture_writer_wants_client_secrets(const struct capture_writer *w);

/* A packet of the connection `key`: what a source took apart, or a frame. */
void capture_writer_segment(struct capture_writer *w, const struct flow_key *key,
			    const struct segment *segment, enum capture_choice choice);
void capture_writer_frame(struct capture_writer *w, const struct flow_key *key,
			  const struct frame *frame, enum capture_choice choice);

/* A handshake secret that has opened its handshake. It goes in front of all that is held. */
void capture_writer_secret(struct capture_writer *w, enum keylog_label label,
			   const uint8_t client_random[KEYLOG_RANDOM_LEN], struct bytes secret);
/* A secret was to be given, and is not there any more. */
void capture_writer_secret_gone(struct capture_writer *w);

/* The connection waits for nothing more; more of its packets may follow. */
void capture_writer_release(struct capture_writer *w, const struct flow_key *key);
/* Its handshake is over. */
void capture_writer_settle(struct capture_writer *w, const struct flow_key *key);

/* The end of a turn: lets go what has waited too long, writes what there is. By a clock that goes on steadily. */
void capture_writer_turn(struct capture_writer *w, uint64_t monotonic_ns);
/* Nothing more comes: writes everything. Returns false if anything could not be written. */
bool capture_writer_finish(struct capture_writer *w);

struct capture_writer_counters capture_writer_counters(const struct capture_writer *w);
/* One line for the summary. */
void capture_writer_print(const struct capture_writer *w, FILE *out);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A handshake traffic secret that a probe caught in a TLS library, as the ring's reader hands it on. Whoever
 * copies one wipes the copy.
 */
#ifndef CERTTAP_CAUGHT_SECRET_H
#define CERTTAP_CAUGHT_SECRET_H

#include <stdint.h>

#define CAUGHT_ID_MAX 48
#define CAUGHT_SECRET_MAX 48

enum caught_label {
	CAUGHT_SERVER_HANDSHAKE,   /* "s hs traffic" */
	CAUGHT_CLIENT_HANDSHAKE,   /* "c hs traffic": only where it was asked for */
};

/* What joins it to a handshake on the wire. */
enum caught_join {
	CAUGHT_BY_TRANSCRIPT,      /* Hash(ClientHello..ServerHello), RFC 8446 section 7.1 */
	CAUGHT_BY_CLIENT_RANDOM,
};

struct caught_secret {
	uint8_t label;             /* enum caught_label */
	uint8_t join;              /* enum caught_join */
	uint8_t id_len;            /* 32 or 48; a client random has 32 */
	uint8_t secret_len;        /* 32 or 48: the hash of the suite */
	uint32_t pid;
	uint64_t time_ns;          /* CLOCK_MONOTONIC */
	uint8_t id[CAUGHT_ID_MAX];
	uint8_t secret[CAUGHT_SECRET_MAX];
};

#endif

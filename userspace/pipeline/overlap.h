/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments that overlap with different bytes. Receivers choose differently which to believe, so both readings are kept:
 * the first bytes make the row as always, and a second reading with the later ones is made at the end; if it shows
 * another chain, that is a row of its own, reason `ambiguous`.
 *
 * For that a copy of each direction's handshake is kept while it lasts, up to OVERLAP_KEPT_MAX, and only as long
 * as less than an eighth of the memory limit is in use: what is not compared is counted.
 */
#ifndef CERTTAP_OVERLAP_H
#define CERTTAP_OVERLAP_H

#include "userspace/flow/tracker.h"

#define OVERLAP_KEPT_MAX (64u << 10)
#define OVERLAP_PATCHES_MAX (64u << 10)   /* bytes of differing segments */

/* Bytes that were handed on in order; `seq` is that of the first. */
void overlap_keep(struct tracker *t, struct side *s, uint32_t seq, struct bytes in);

/* A segment that reaches back before what was handed on: does it say the same? */
void overlap_compare(struct tracker *t, struct side *s, uint32_t seq, struct bytes payload);

/* A segment that differs from bytes that are held. */
void overlap_differs(struct tracker *t, struct side *s, uint32_t seq, struct bytes payload);

/* The handshake ends: makes the second readings of both sides. Before handshake_close(). */
void overlap_resolve(struct tracker *t, struct flow *flow);

/* At the end of the tracker. */
void overlap_fini(struct tracker *t);

void overlap_free(struct tracker *t, struct side *s);

#endif

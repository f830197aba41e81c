/* SPDX-License-Identifier: Apache-2.0 */
/* A ring of the kernel side, read so many records at a time: what the sources that have one share. */
#ifndef CERTTAP_RING_BATCH_H
#define CERTTAP_RING_BATCH_H

#include "userspace/source/source.h"

struct ring_buffer;

struct ring_batch {
	struct ring_buffer *ring;        /* the source frees it */
	struct pipeline *pipeline;       /* of the batch that is being read */
	unsigned int left;
};

/* As source_ops.read; `what` names the ring in an error. */
int ring_batch_read(struct ring_batch *b, struct source *source, struct pipeline *p, unsigned int budget,
		    const char *what);
/* What the ring's callback returns once it has taken a record. */
int ring_batch_taken(struct ring_batch *b);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/source/ring_batch.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <bpf/libbpf.h>

#define BUDGET_SPENT (-ECANCELED)   /* what the callback says to stop libbpf's loop */

int ring_batch_read(struct ring_batch *b, struct source *source, struct pipeline *p, unsigned int budget,
		    const char *what)
{
	int n;

	b->pipeline = p;
	b->left = budget ? budget : 1;
	n = ring_buffer__consume(b->ring);
	if (n == BUDGET_SPENT)
		return 1;
	if (n < 0)
		snprintf(source->error, sizeof(source->error), "reading %s: %s", what, strerror(-n));
	return n < 0 ? n : 0;
}

int ring_batch_taken(struct ring_batch *b)
{
	return --b->left ? 0 : BUDGET_SPENT;
}

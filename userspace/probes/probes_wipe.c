/* SPDX-License-Identifier: Apache-2.0 */
/* When the ring of secrets is wiped. That the reader has read is not known here, only what was written. */
#include "userspace/probes/probes_parts.h"

static uint64_t records_written(const struct probes_kernel *k)
{
	const struct secret_counters *lines;
	uint64_t sum = 0;
	unsigned int num, i;

	lines = probes_kernel_counters(k, &num);
	for (i = 0; i < num; i++)
		sum += lines[i].caught;
	return sum;
}

void probes_wipe_turn(struct probes_wipe *w, const struct probes_kernel *k)
{
	uint64_t written = records_written(k);

	if (written != w->written)
		w->left = SECRET_WIPE_PIECES;
	w->written = written;
	if (w->left && probes_kernel_wipe(k))
		w->left--;
}

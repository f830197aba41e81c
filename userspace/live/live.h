/* SPDX-License-Identifier: Apache-2.0 */
/* Observing, for `live` itself and for a command that judges what is seen: then no lines are written. */
#ifndef CERTTAP_LIVE_H
#define CERTTAP_LIVE_H

#include "userspace/options.h"

/* Called in the worker, which is confined; the store that options.store names is being written meanwhile. */
struct live_follower {
	/* Before the first packet. Returns 0, or a negative errno after a line on stderr. */
	int (*begin)(void *context);
	/* Again and again, some times in a second. False: enough was seen. */
	bool (*turn)(void *context);
	/*
	 * Everything that was seen is stored. `lost`: packets, or pieces of handshakes, that were not seen; `broken`: a source
	 * broke off. Returns the exit code.
	 */
	int (*end)(void *context, uint64_t lost, bool broken);
	void *context;
};

/* Do these options go together? Otherwise a line on stderr says why not. */
bool live_options_fit(const struct options *options);

/*
 * Observes until the time or the count of the options, a signal, or `follower` (NULL: none) ends it. Returns the exit
 * code: the follower's, or 1 after a line on stderr when it did not come to that.
 */
int live_run(const struct options *options, const struct live_follower *follower);

#endif

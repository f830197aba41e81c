/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring of handshake secrets, read in the worker. Opened before the sandbox closes; afterwards it
 * needs no bpf().
 */
#ifndef CERTTAP_SOURCE_SECRETS_H
#define CERTTAP_SOURCE_SECRETS_H

#include "bpf/secret_event.h"
#include "userspace/handshake/caught_secret.h"
#include "userspace/source/source.h"

/*
 * `ring_fd` from probes_ring_fd(), `counters` from probes_counters(). A source like the others: its
 * read() calls pipeline_secret(), its counters are secrets (seen = delivered + lost). Its descriptor
 * becomes readable only when half of the ring is unread: to be woken for each secret would cost the
 * probed program four times as much as the probes themselves. Read it every 10 to 20 ms.
 */
int source_secrets_open(int ring_fd, const struct secret_counters *counters, unsigned int num_counters,
			struct source **out, char *why, size_t why_size);

/* One record of the ring; false where it is not one, and `out` is as it was. */
bool source_secrets_convert(const void *record, size_t size, struct caught_secret *out);

#endif

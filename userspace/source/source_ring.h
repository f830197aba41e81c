/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The part of the ring source that tests reach on their own.
 */
#ifndef CERTTAP_SOURCE_RING_H
#define CERTTAP_SOURCE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "userspace/segment.h"

/*
 * One record of the ring as a segment; `wall_offset_ns` is what to add to CLOCK_MONOTONIC. The payload
 * borrows from `record`. Nothing in the record is trusted: returns false where its lengths, version
 * or kinds do not fit.
 */
bool source_ring_convert(const void *record, size_t size, int64_t wall_offset_ns,
			 struct segment *out);

#endif

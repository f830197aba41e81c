/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters that the kernel side keeps, one line for each CPU: structs of nothing but uint64_t, mapped, and written
 * while we read.
 */
#ifndef CERTTAP_COUNTER_LINES_H
#define CERTTAP_COUNTER_LINES_H

#include <stddef.h>
#include <stdint.h>

/* Adds up `num` lines of `size` bytes into `sum`, a zeroed line, field by field. */
void counter_lines_sum(void *sum, const void *lines, unsigned int num, size_t size);

#endif

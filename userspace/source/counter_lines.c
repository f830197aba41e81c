/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/source/counter_lines.h"

void counter_lines_sum(void *sum, const void *lines, unsigned int num, size_t size)
{
	const volatile uint64_t *from = lines;
	uint64_t *to = sum;
	size_t fields = size / sizeof(*to), i, j;

	for (i = 0; i < num; i++)
		for (j = 0; j < fields; j++)
			to[j] += *from++;
}

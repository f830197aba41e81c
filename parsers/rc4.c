/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/rc4.h"

static void swap(uint8_t *a, uint8_t *b)
{
	uint8_t was = *a;

	*a = *b;
	*b = was;
}

void rc4_init(struct rc4 *rc4, struct bytes key)
{
	uint8_t j = 0;

	for (unsigned int i = 0; i < 256; i++)
		rc4->state[i] = (uint8_t)i;
	for (unsigned int i = 0; i < 256; i++) {
		j = (uint8_t)(j + rc4->state[i] + key.data[i % key.len]);
		swap(&rc4->state[i], &rc4->state[j]);
	}
	rc4->i = 0;
	rc4->j = 0;
}

void rc4_apply(struct rc4 *rc4, struct bytes in, uint8_t *out)
{
	for (size_t n = 0; n < in.len; n++) {
		rc4->i++;
		rc4->j = (uint8_t)(rc4->j + rc4->state[rc4->i]);
		swap(&rc4->state[rc4->i], &rc4->state[rc4->j]);
		out[n] = in.data[n] ^
			 rc4->state[(uint8_t)(rc4->state[rc4->i] + rc4->state[rc4->j])];
	}
}

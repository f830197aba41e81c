/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input: chunks of text, each behind one byte of length (the lowest two bits also say who speaks).
 * There is always a name, and once something was said it is never "plain" again.
 */
#include "parsers/starttls.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size), text;
	struct starttls_hint hint = { 0 };
	uint8_t len, *copy;

	while (bytes_u8(&in, &len) && bytes_take(&in, len < in.len ? len : in.len, &text)) {
		copy = malloc(text.len ? text.len : 1);
		if (!copy)
			abort();
		if (text.len)
			memcpy(copy, text.data, text.len);
		starttls_look(&hint, len % 3, bytes_of(copy, text.len));
		free(copy);
		if (text.len && strcmp(starttls_name(&hint), "plain") == 0)
			abort();
	}
	if (!*starttls_name(&hint))
		abort();
	return 0;
}

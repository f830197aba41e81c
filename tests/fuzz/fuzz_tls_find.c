/* SPDX-License-Identifier: Apache-2.0 */
/* Input: any bytes. Where more bytes come, a sure answer stays. */
#include "parsers/tls_find.h"

#include <stdlib.h>

#define BEGINNING_MAX 66        /* eleven records of one byte */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_growth(struct bytes in)
{
	enum parse before = PARSE_MORE, result;
	enum tls_found what = 0, sure = 0;
	size_t len;

	for (len = 0; len <= in.len && len < 2 * BEGINNING_MAX; len++) {
		result = tls_begins(bytes_of(in.data, len), &what);
		if (before != PARSE_MORE && result != before)
			abort();
		if (before == PARSE_OK && what != sure)
			abort();
		if (result == PARSE_MORE && len >= BEGINNING_MAX)
			abort();
		before = result;
		sure = what;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	enum tls_found what, again;
	enum parse result;
	size_t at;

	result = tls_find(in, &at, &what);
	if (result != PARSE_BAD && at >= size)
		abort();
	if (result == PARSE_MORE && size - at >= BEGINNING_MAX)
		abort();
	if (result == PARSE_OK &&
	    (tls_begins(bytes_of(data + at, size - at), &again) != PARSE_OK || again != what))
		abort();
	check_growth(in);
	if (tls_head(in, &what) == PARSE_OK && what > TLS_FOUND_ENCRYPTED)
		abort();
	return 0;
}

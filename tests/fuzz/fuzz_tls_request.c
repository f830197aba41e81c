/* SPDX-License-Identifier: Apache-2.0 */
/* Input: one byte for the version, then a CertificateRequest's body. */
#include "parsers/tls_request.h"

#include <stdlib.h>
#include <string.h>

#include "parsers/tls_hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint16_t versions[] = { 0x0301, TLS_1_2, TLS_1_3 };
	struct bytes in = bytes_of(data, size), list;
	char text[64];
	uint8_t kind;

	if (!bytes_u8(&in, &kind) || !tls_certificate_request_parse(in, versions[kind % 3], &list))
		return 0;
	if (list.len > in.len)
		abort();
	while (tls_authority_next(&list, text, sizeof(text)))
		if (strnlen(text, sizeof(text)) == sizeof(text))
			abort();
	return 0;
}

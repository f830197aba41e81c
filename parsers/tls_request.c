/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/tls_request.h"

#include <stdio.h>

#include "parsers/tls_hello.h"
#include "parsers/x509_parts.h"

#define EXT_CERTIFICATE_AUTHORITIES 47

static bool parse_13(struct bytes body, struct bytes *authorities)
{
	struct bytes context, extensions, extension;
	uint16_t type;

	if (!bytes_vec8(&body, &context) || !bytes_vec16(&body, &extensions))
		return false;
	while (bytes_u16(&extensions, &type) && bytes_vec16(&extensions, &extension))
		if (type == EXT_CERTIFICATE_AUTHORITIES && !bytes_vec16(&extension, authorities))
			return false;
	return extensions.len == 0;
}

bool tls_certificate_request_parse(struct bytes body, uint16_t version, struct bytes *authorities)
{
	struct bytes types, algorithms;

	*authorities = bytes_of(NULL, 0);
	if (version == TLS_1_3)
		return parse_13(body, authorities);
	return bytes_vec8(&body, &types) && (version < TLS_1_2 || bytes_vec16(&body, &algorithms)) &&
	       bytes_vec16(&body, authorities);
}

bool tls_authority_next(struct bytes *authorities, char *text, size_t size)
{
	unsigned int budget = DER_ELEMENTS_MAX;
	struct der_element name;
	struct bytes authority;
	char common_name[256];
	struct der walk;

	if (!bytes_vec16(authorities, &authority))
		return false;
	walk = der_walk(authority, &budget);
	if (der_next(&walk, &name))
		x509_name_read(&name, text, size, common_name, sizeof(common_name));
	else
		snprintf(text, size, "(not a name)");
	return true;
}

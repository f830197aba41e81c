/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/capwap.h"

#include "parsers/dtls.h"

bool capwap_dtls_unwrap(struct bytes datagram, struct bytes *inner)
{
	uint32_t header;

	if (!bytes_u32(&datagram, &header) || header != 0x01000000 || !dtls_continues(datagram))
		return false;
	*inner = datagram;
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/community_id.h"

#include <openssl/evp.h>

#define SHA1_SIZE 20

static bool is_v4(const struct ip_address *address)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address->octets, mapped, sizeof(mapped)) == 0;
}

static uint8_t *put_address(uint8_t *at, const struct ip_address *address)
{
	size_t skip = is_v4(address) ? 12 : 0;

	memcpy(at, address->octets + skip, 16 - skip);
	return at + 16 - skip;
}

static uint8_t *put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
	return at + 2;
}

bool community_id(uint8_t protocol, const struct ip_address *src, uint16_t sport,
		  const struct ip_address *dst, uint16_t dport, char out[COMMUNITY_ID_SIZE])
{
	uint8_t tuple[2 + 16 + 16 + 1 + 1 + 2 + 2], digest[EVP_MAX_MD_SIZE];
	int order = memcmp(src->octets, dst->octets, sizeof(src->octets));
	bool swap = order > 0 || (order == 0 && sport > dport);
	uint8_t *at = tuple;

	out[0] = '\0';
	if (is_v4(src) != is_v4(dst))
		return false;
	at = put_u16(at, 0); /* the seed */
	at = put_address(at, swap ? dst : src);
	at = put_address(at, swap ? src : dst);
	*at++ = protocol;
	*at++ = 0;
	at = put_u16(at, swap ? dport : sport);
	at = put_u16(at, swap ? sport : dport);
	if (!EVP_Digest(tuple, (size_t)(at - tuple), digest, NULL, EVP_sha1(), NULL))
		return false;
	memcpy(out, "1:", 2);
	EVP_EncodeBlock((unsigned char *)out + 2, digest, SHA1_SIZE);
	return true;
}

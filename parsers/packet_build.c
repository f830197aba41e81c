/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/packet_build.h"

#include <netinet/in.h>

#define IPV4_LEN 20
#define IPV6_LEN 40
#define TCP_LEN 20
#define UDP_LEN 8
#define IPV4_AT 12               /* where an IPv4 address lies in a struct ip_address */
#define HOPS 64
#define DO_NOT_FRAGMENT 0x4000
#define TCP_PUSH 0x08
#define TCP_WINDOW_ANY 0xffff

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

/* RFC 1071: one's complement sum of 16-bit words; `in` is a part of even length, or the last one. */
static uint32_t sum_bytes(uint32_t sum, struct bytes in)
{
	size_t i;

	for (i = 0; i + 1 < in.len; i += 2)
		sum += (uint32_t)in.data[i] << 8 | in.data[i + 1];
	if (in.len % 2)
		sum += (uint32_t)in.data[in.len - 1] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static bool is_ipv4(const struct ip_address *address)
{
	static const uint8_t mapped[IPV4_AT] = { [10] = 0xff, [11] = 0xff };

	return memcmp(address->octets, mapped, sizeof(mapped)) == 0;
}

static void build_ipv4(const struct packet *p, size_t len, uint8_t *out)
{
	memset(out, 0, IPV4_LEN);
	out[0] = 0x45;
	put16(out + 2, (uint32_t)len);
	put16(out + 6, DO_NOT_FRAGMENT);
	out[8] = HOPS;
	out[9] = p->ip_protocol;
	memcpy(out + 12, p->src.octets + IPV4_AT, 4);
	memcpy(out + 16, p->dst.octets + IPV4_AT, 4);
	put16(out + 10, fold(sum_bytes(0, bytes_of(out, IPV4_LEN))));
}

static void build_ipv6(const struct packet *p, size_t len, uint8_t *out)
{
	memset(out, 0, IPV6_LEN);
	out[0] = 0x60;
	put16(out + 4, (uint32_t)(len - IPV6_LEN));
	out[6] = p->ip_protocol;
	out[7] = HOPS;
	memcpy(out + 8, p->src.octets, 16);
	memcpy(out + 24, p->dst.octets, 16);
}

static void build_tcp(const struct packet *p, uint8_t *out)
{
	memset(out, 0, TCP_LEN);
	put16(out, p->sport);
	put16(out + 2, p->dport);
	put32(out + 4, p->seq);
	put32(out + 8, p->tcp_flags & TCP_ACK ? p->ack : 0);
	out[12] = TCP_LEN / 4 << 4;
	out[13] = p->tcp_flags | (p->payload.len ? TCP_PUSH : 0);
	put16(out + 14, TCP_WINDOW_ANY);
}

static void build_udp(const struct packet *p, uint8_t *out)
{
	memset(out, 0, UDP_LEN);
	put16(out, p->sport);
	put16(out + 2, p->dport);
	put16(out + 4, (uint32_t)(UDP_LEN + p->payload.len + p->payload_cut));
}

/* Over the pseudo-header (RFC 9293 section 3.1, RFC 8200 section 8.1), the header `transport` and the payload. */
static uint16_t checksum(const struct packet *p, struct bytes addresses, struct bytes transport)
{
	uint32_t sum = (uint32_t)(p->ip_protocol + transport.len + p->payload.len);

	sum = sum_bytes(sum, addresses);
	sum = sum_bytes(sum, transport);
	return fold(sum_bytes(sum, p->payload));
}

/* Can there be such a packet? Its length is a number of 16 bits, which in IPv6 does not count the first header. */
static bool can_be(const struct packet *p, bool v4, size_t transport_len)
{
	size_t most = UINT16_MAX - transport_len - (v4 ? IPV4_LEN : 0);

	return (p->ip_protocol == IPPROTO_TCP || p->ip_protocol == IPPROTO_UDP) &&
	       !ip_address_is_mac(&p->src) && !ip_address_is_mac(&p->dst) &&
	       p->payload.len <= most && p->payload_cut <= most - p->payload.len;
}

size_t packet_build_headers(const struct packet *p, uint8_t out[PACKET_HEADERS_MAX])
{
	bool tcp = p->ip_protocol == IPPROTO_TCP, v4 = is_ipv4(&p->src) && is_ipv4(&p->dst);
	size_t ip_len = v4 ? IPV4_LEN : IPV6_LEN, transport_len = tcp ? TCP_LEN : UDP_LEN;
	struct bytes addresses = v4 ? bytes_of(out + 12, 8) : bytes_of(out + 8, 32);
	uint8_t *transport = out + ip_len;
	uint16_t sum;

	if (!can_be(p, v4, transport_len))
		return 0;
	if (v4)
		build_ipv4(p, ip_len + transport_len + p->payload.len + p->payload_cut, out);
	else
		build_ipv6(p, ip_len + transport_len + p->payload.len + p->payload_cut, out);
	if (tcp)
		build_tcp(p, transport);
	else
		build_udp(p, transport);
	if (!p->payload_cut) {
		sum = checksum(p, addresses, bytes_of(transport, transport_len));
		/* UDP has no checksum 0: that would say that there is none (RFC 768). */
		put16(transport + (tcp ? 16 : 6), sum || tcp ? sum : 0xffff);
	}
	return ip_len + transport_len;
}

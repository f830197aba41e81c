/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/layer.h"

#include <netinet/in.h>

#define IPV4_HEADER_MIN 20
#define IPV6_HEADER 40
#define TCP_HEADER_MIN 20
#define UDP_HEADER 8
#define IP_PROTOCOL_SHIM6 140        /* RFC 5533 */
#define IP_PROTOCOL_HIP 139          /* RFC 7401 */
#define EXTENSIONS_MAX 16            /* IPv6 extension headers, and AH, in one packet */
#define OPTION_PAD1 0x00
#define OPTION_JUMBO 0xc2            /* RFC 2675 */
#define OPTION_HOME_ADDRESS 0xc9     /* RFC 6275 section 6.3 */
#define IP_FRAGMENT_BITS 0x3fff      /* IPv4: more fragments, offset */

static void set_ipv4(struct ip_address *to, const uint8_t *octets)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	memcpy(to->octets, mapped, sizeof(mapped));
	memcpy(to->octets + sizeof(mapped), octets, 4);
}

static void set_ipv6(struct ip_address *to, const uint8_t *octets)
{
	memcpy(to->octets, octets, sizeof(to->octets));
}

static void set_payload(struct packet *out, const struct layer *l)
{
	out->payload = l->in;
	out->payload_cut = l->cut < UINT32_MAX ? (uint32_t)l->cut : UINT32_MAX;
}

static void set_no_transport(struct packet *out, const struct layer *l)
{
	out->sport = out->dport = 0;
	out->tcp_flags = 0;
	out->seq = out->ack = 0;
	set_payload(out, l);
}

/* RFC 9293 section 3.1. Options that the capture cut off are not missed: only the length counts. */
static enum packet_kind parse_tcp(struct layer *l, struct packet *out)
{
	const uint8_t *p = l->in.data;
	size_t header, missing;

	if (l->in.len < TCP_HEADER_MIN)
		return layer_short(l);
	header = (size_t)(p[12] >> 4) * 4;
	if (header < TCP_HEADER_MIN || header > l->in.len + l->cut)
		return PACKET_MALFORMED;
	out->sport = layer_u16(p);
	out->dport = layer_u16(p + 2);
	out->seq = layer_u32(p + 4);
	out->ack = layer_u32(p + 8);
	out->tcp_flags = p[13];
	missing = header > l->in.len ? header - l->in.len : 0;
	l->in.data += header - missing;
	l->in.len -= header - missing;
	l->cut -= missing;
	set_payload(out, l);
	return PACKET_TCP;
}

/* RFC 768; a length of 0 means "to the end of the packet" (RFC 2675 section 4). */
static enum packet_kind parse_udp(struct layer *l, struct packet *out)
{
	const uint8_t *p = l->in.data;
	uint16_t len;

	if (l->in.len < UDP_HEADER)
		return layer_short(l);
	len = layer_u16(p + 4);
	if (len && (len < UDP_HEADER || len > l->in.len + l->cut))
		return PACKET_MALFORMED;
	if (len)
		layer_resize(l, len);
	l->in.data += UDP_HEADER;
	l->in.len -= UDP_HEADER;
	set_no_transport(out, l);
	out->sport = layer_u16(p);
	out->dport = layer_u16(p + 2);
	return PACKET_UDP;
}

/* Finds one option of a hop-by-hop or destination header (RFC 8200 section 4.2); NULL if absent. */
static const uint8_t *find_option(struct bytes options, uint8_t wanted, size_t wanted_len)
{
	struct bytes body;
	uint8_t type;

	while (bytes_u8(&options, &type)) {
		if (type == OPTION_PAD1)
			continue;
		if (!bytes_vec8(&options, &body))
			break;
		if (type == wanted && body.len == wanted_len)
			return body.data;
	}
	return NULL;
}

/*
 * A packet under way to an intermediate hop carries its final destination in the routing header.
 * That one is the connection's end (RFC 8200 section 8.1 has checksums use it, too).
 */
static void apply_routing(struct bytes header, struct packet *out)
{
	uint8_t type = header.data[2], segments_left = header.data[3];
	size_t num = (header.len - 8) / 16;

	if (segments_left == 0 || num == 0)
		return;
	if (type == 0 || type == 2)     /* RFC 2460 section 4.4, RFC 6275 section 6.4 */
		set_ipv6(&out->dst, header.data + 8 + (num - 1) * 16);
	else if (type == 4)             /* RFC 8754: the list runs backwards */
		set_ipv6(&out->dst, header.data + 8);
}

static void apply_extension(struct bytes header, struct layer *l, struct packet *out)
{
	struct bytes options = bytes_of(header.data + 2, header.len - 2);
	const uint8_t *body;
	uint32_t len;

	switch (out->ip_protocol) {
	case IPPROTO_HOPOPTS:
		/* Only ever shortens: a jumbo's length includes this header. */
		body = find_option(options, OPTION_JUMBO, 4);
		len = body ? layer_u32(body) : 0;
		if (len > UINT16_MAX && len - header.len < l->in.len + l->cut)
			layer_resize(l, len - header.len);
		break;
	case IPPROTO_ROUTING:
		apply_routing(header, out);
		break;
	case IPPROTO_DSTOPTS:
		body = find_option(options, OPTION_HOME_ADDRESS, 16);
		if (body)
			set_ipv6(&out->src, body);
		break;
	}
}

/* The fragment header (RFC 8200 section 4.5). An atomic fragment (RFC 6946) is none at all. */
static bool is_fragment(const uint8_t *header, struct packet *out)
{
	out->fragment.offset = layer_u16(header + 2) & 0xfff8;
	out->fragment.more = header[3] & 1;
	out->fragment.id = layer_u32(header + 4);
	return out->fragment.offset || out->fragment.more;
}

/* Is there a further header before the transport's, and how long is it? Needs two bytes. */
static size_t extension_len(const struct packet *packet, const uint8_t *p)
{
	if (packet->ip_protocol == IPPROTO_AH)
		return ((size_t)p[1] + 2) * 4;
	if (packet->ip_version == 4)
		return 0;
	switch (packet->ip_protocol) {
	case IPPROTO_FRAGMENT:
		return 8;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
	case IPPROTO_MH:
	case IP_PROTOCOL_HIP:
	case IP_PROTOCOL_SHIM6:
		return ((size_t)p[1] + 1) * 8;
	default:
		return 0;
	}
}

/* What the IP header is followed by: extension headers, then the transport. */
static enum packet_kind parse_upper(struct layer *l, struct packet *out)
{
	static const uint8_t nothing[2];
	const uint8_t *header;
	size_t len;

	for (unsigned int n = 0; n <= EXTENSIONS_MAX; n++) {
		if (out->ip_protocol == IPPROTO_TCP)
			return parse_tcp(l, out);
		if (out->ip_protocol == IPPROTO_UDP)
			return parse_udp(l, out);
		len = extension_len(out, l->in.len < 2 ? nothing : l->in.data);
		if (len == 0) {
			set_no_transport(out, l);
			return PACKET_IP_OTHER;
		}
		header = layer_take(l, len);
		if (!header)
			return layer_short(l);
		if (out->ip_protocol == IPPROTO_FRAGMENT && is_fragment(header, out)) {
			out->ip_protocol = header[0];
			set_no_transport(out, l);
			return PACKET_FRAGMENT;
		}
		apply_extension(bytes_of(header, len), l, out);
		out->ip_protocol = header[0];
	}
	return PACKET_MALFORMED;
}

/* RFC 791. A total length of 0 is a segment that the network card was to cut up. */
static enum packet_kind parse_ipv4(struct layer *l, struct packet *out)
{
	const uint8_t *p = l->in.data;
	size_t header, total;
	uint16_t fragment;

	if (l->in.len < IPV4_HEADER_MIN)
		return layer_short(l);
	header = (size_t)(p[0] & 15) * 4;
	total = layer_u16(p + 2);
	if (total == 0)
		total = l->in.len + l->cut;
	if (header < IPV4_HEADER_MIN || total < header)
		return PACKET_MALFORMED;
	layer_resize(l, total);
	if (!layer_take(l, header))
		return layer_short(l);
	set_ipv4(&out->src, p + 12);
	set_ipv4(&out->dst, p + 16);
	out->ip_version = 4;
	out->ip_protocol = p[9];
	fragment = layer_u16(p + 6) & IP_FRAGMENT_BITS;
	if (fragment) {
		out->fragment.id = layer_u16(p + 4);
		out->fragment.offset = (fragment & 0x1fffu) * 8;
		out->fragment.more = fragment & 0x2000;
		set_no_transport(out, l);
		return PACKET_FRAGMENT;
	}
	return parse_upper(l, out);
}

/* RFC 8200. A payload length of 0 before something that has a payload: a jumbogram, or as above. */
static enum packet_kind parse_ipv6(struct layer *l, struct packet *out)
{
	const uint8_t *p = layer_take(l, IPV6_HEADER);
	uint16_t len;

	if (!p)
		return layer_short(l);
	set_ipv6(&out->src, p + 8);
	set_ipv6(&out->dst, p + 24);
	out->ip_version = 6;
	out->ip_protocol = p[6];
	len = layer_u16(p + 4);
	if (len || out->ip_protocol == IPPROTO_NONE)
		layer_resize(l, len);
	return parse_upper(l, out);
}

enum packet_kind packet_ip(struct layer *l, struct packet *out)
{
	if (l->in.len == 0)
		return layer_short(l);
	switch (l->in.data[0] >> 4) {
	case 4:
		return parse_ipv4(l, out);
	case 6:
		return parse_ipv6(l, out);
	default:
		return PACKET_MALFORMED;
	}
}

enum packet_kind packet_parse_ip(struct bytes frame, size_t wire_len, struct packet *out)
{
	struct layer l = layer_of(frame, wire_len);

	return packet_ip(&l, out);
}

enum packet_kind packet_parse_transport(struct bytes ip_payload, size_t wire_len,
					struct packet *inout)
{
	struct layer l = layer_of(ip_payload, wire_len);
	enum packet_kind kind = parse_upper(&l, inout);

	/* A fragment of a fragment at the same IP header does not exist. */
	return kind == PACKET_FRAGMENT ? PACKET_MALFORMED : kind;
}

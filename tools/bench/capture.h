/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a pcap file fast: Ethernet, IPv4, TCP or UDP. Checksums stay 0, as on the host that sends.
 */
#ifndef CERTTAP_BENCH_CAPTURE_H
#define CERTTAP_BENCH_CAPTURE_H

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "parsers/bytes.h"
#include "parsers/packet.h"

#define CAPTURE_BUFFER (1u << 20)
#define CAPTURE_PACKET_MAX 2048
#define SEGMENT_LEN 1448u          /* Ethernet's 1500 less IP's 20 and TCP's 32 */

struct capture {
	int fd;
	uint64_t time_us, gap_us;  /* of the next packet, and from packet to packet */
	uint64_t written;
	size_t used;
	uint8_t buffer[CAPTURE_BUFFER];
};

struct address {
	uint32_t ip;
	uint16_t port;
};

static inline void capture_flush(struct capture *c)
{
	size_t done = 0;
	ssize_t n;

	while (done < c->used) {
		n = write(c->fd, c->buffer + done, c->used - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			perror("generate: write");
			exit(1);
		}
		done += (size_t)n;
	}
	c->used = 0;
}

static inline void capture_put(struct capture *c, const void *data, size_t len)
{
	if (len)
		memcpy(c->buffer + c->used, data, len);
	c->used += len;
	c->written += len;
}

static inline void capture_open(struct capture *c, const char *path)
{
	/* Magic, version 2.4, zone, accuracy, snap length, link type Ethernet. */
	static const uint32_t header[] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 1 };

	*c = (struct capture){ .time_us = 1780000000000000, .gap_us = 4 };
	c->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (c->fd < 0) {
		perror(path);
		exit(1);
	}
	capture_put(c, header, sizeof(header));
}

static inline void capture_close(struct capture *c)
{
	capture_flush(c);
	if (close(c->fd) != 0) {
		perror("generate: close");
		exit(1);
	}
}

static inline void put_u16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void put_u32(uint8_t *p, uint32_t value)
{
	put_u16(p, (uint16_t)(value >> 16));
	put_u16(p + 2, (uint16_t)value);
}

static inline void capture_packet(struct capture *c, uint8_t protocol, const struct address *from,
				  const struct address *to, struct bytes transport, struct bytes payload)
{
	uint32_t len = (uint32_t)(34 + transport.len + payload.len);
	uint32_t header[4] = { (uint32_t)(c->time_us / 1000000), (uint32_t)(c->time_us % 1000000), len, len };
	uint8_t frame[34] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, [20] = 0x40, [22] = 64 };

	if (c->used > CAPTURE_BUFFER - CAPTURE_PACKET_MAX)
		capture_flush(c);
	put_u16(frame + 16, (uint16_t)(len - 14));
	frame[23] = protocol;
	put_u32(frame + 26, from->ip);
	put_u32(frame + 30, to->ip);
	capture_put(c, header, sizeof(header));
	capture_put(c, frame, sizeof(frame));
	capture_put(c, transport.data, transport.len);
	capture_put(c, payload.data, payload.len);
	c->time_us += c->gap_us;
}

static inline void capture_tcp(struct capture *c, const struct address *from, const struct address *to,
			       const uint32_t seq_ack[2], uint8_t flags, struct bytes payload)
{
	/* Data offset 8: with the time stamp option. */
	uint8_t tcp[32] = { [12] = 8 << 4, [13] = flags, [14] = 0xff, [20] = 1, [21] = 1, [22] = 8, [23] = 10 };

	put_u16(tcp, from->port);
	put_u16(tcp + 2, to->port);
	put_u32(tcp + 4, seq_ack[0]);
	put_u32(tcp + 8, seq_ack[1]);
	put_u32(tcp + 24, (uint32_t)(c->time_us / 1000));
	capture_packet(c, IPPROTO_TCP, from, to, bytes_of(tcp, sizeof(tcp)), payload);
}

static inline void capture_udp(struct capture *c, const struct address *from, const struct address *to,
			       struct bytes payload)
{
	uint8_t udp[8];

	memset(udp, 0, sizeof(udp));
	put_u16(udp, from->port);
	put_u16(udp + 2, to->port);
	put_u16(udp + 4, (uint16_t)(8 + payload.len));
	capture_packet(c, IPPROTO_UDP, from, to, bytes_of(udp, sizeof(udp)), payload);
}

#endif

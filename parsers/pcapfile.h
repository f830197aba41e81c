/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classic pcap file format (draft-ietf-opsawg-pcap), packet by packet: version 2.4 in either byte order, with
 * micro- or nanoseconds. What is older or has a vendor's own header is left to libpcap.
 *
 * Pure: the caller reads the file and hands over what there is of it; packets are parsed in place.
 */
#ifndef CERTTAP_PCAPFILE_H
#define CERTTAP_PCAPFILE_H

#include "parsers/bytes.h"

#define PCAPFILE_HEADER_LEN 24
#define PCAPFILE_RECORD_LEN 16
#define PCAPFILE_PACKET_MAX 262144   /* as libpcap has it, for the link types that we know */

struct pcapfile {
	bool swapped;            /* the other byte order than this machine's */
	bool nanoseconds;
	int link;                /* LINKTYPE_ number */
	uint32_t snaplen;        /* longer packets are cut to it, as libpcap does */
};

struct pcapfile_packet {
	uint64_t time_ns;
	struct bytes data;
	uint32_t wire_len;       /* at least data.len */
};

/* False: not of this kind, or shorter than PCAPFILE_HEADER_LEN. */
MUST_CHECK bool pcapfile_header(struct bytes head, struct pcapfile *out);

/*
 * Takes the next packet off the front of `in`, which borrows. PARSE_MORE: nothing was taken, `*need` bytes must
 * be there. PARSE_BAD: the length is impossible.
 */
enum parse pcapfile_next(const struct pcapfile *f, struct bytes *in, struct pcapfile_packet *out,
			 size_t *need);

#endif

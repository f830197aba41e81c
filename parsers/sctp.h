/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCTP packets (RFC 9260): the common header, the chunks, and of DATA (section 3.3.1) and I-DATA
 * (RFC 8260 section 2.1) chunks what is needed to put messages together. The checksum is not
 * verified: on the host that sends, it is not filled in yet.
 */
#ifndef CERTTAP_SCTP_H
#define CERTTAP_SCTP_H

#include "parsers/bytes.h"

enum sctp_chunk_type {
	SCTP_DATA = 0,
	SCTP_INIT = 1,
	SCTP_INIT_ACK = 2,
	SCTP_ABORT = 6,
	SCTP_SHUTDOWN_COMPLETE = 14,
	SCTP_I_DATA = 64,
	SCTP_FORWARD_TSN = 192,
	SCTP_I_FORWARD_TSN = 194,
};

struct sctp_packet {
	uint16_t sport, dport;
	uint32_t tag;
	struct bytes chunks;
};

struct sctp_chunk {
	uint8_t type, flags;
	struct bytes value;    /* without padding */
	bool cut;              /* the packet ends inside it: the capture cut it off */
};

struct sctp_data {
	uint32_t tsn;          /* transmission sequence number: one for each chunk of a direction */
	uint16_t stream;
	bool begins, ends;     /* of a user message */
	struct bytes bytes;
};

MUST_CHECK bool sctp_parse(struct bytes in, struct sctp_packet *out);

/* The next chunk; false: there is none, or its length is impossible. */
MUST_CHECK bool sctp_chunk_next(struct bytes *chunks, struct sctp_chunk *out);

/* Of a DATA or I-DATA chunk. */
MUST_CHECK bool sctp_data_parse(const struct sctp_chunk *chunk, struct sctp_data *out);

/* The TSN that the sender of an INIT or INIT ACK begins with. */
MUST_CHECK bool sctp_initial_tsn(const struct sctp_chunk *chunk, uint32_t *tsn);

/* Of a FORWARD TSN (RFC 3758): all up to here will not come. */
MUST_CHECK bool sctp_forward_tsn(const struct sctp_chunk *chunk, uint32_t *tsn);

#endif

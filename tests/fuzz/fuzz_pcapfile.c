/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a pcap file. Its packets must lie within it, one behind the other. */
#include "parsers/pcapfile.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = bytes_of(data, size);
	struct pcapfile_packet packet;
	struct pcapfile f;
	const uint8_t *at;
	enum parse result;
	size_t need;

	if (!pcapfile_header(in, &f) || !bytes_skip(&in, PCAPFILE_HEADER_LEN))
		return 0;
	for (;;) {
		at = in.data;
		result = pcapfile_next(&f, &in, &packet, &need);
		if (result != PARSE_OK)
			break;
		if (packet.data.data != at + PCAPFILE_RECORD_LEN ||
		    packet.data.data + packet.data.len > in.data || packet.wire_len < packet.data.len)
			abort();
	}
	if (in.data != at || (result == PARSE_MORE && need <= in.len))
		abort();
	return 0;
}

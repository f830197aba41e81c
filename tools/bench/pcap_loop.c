/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The yardstick: a libpcap loop that does nothing but look at each packet's header.
 *
 *     pcap_loop FILE
 */
#include <inttypes.h>
#include <stdio.h>

#include <pcap/pcap.h>

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	uint64_t packets = 0, bytes = 0, sum = 0;
	struct pcap_pkthdr *header;
	const unsigned char *data;
	pcap_t *pcap;
	int result;

	if (argc != 2) {
		fputs("usage: pcap_loop FILE\n", stderr);
		return 2;
	}
	pcap = pcap_open_offline(argv[1], error);
	if (!pcap) {
		fprintf(stderr, "pcap_loop: %s\n", error);
		return 1;
	}
	while ((result = pcap_next_ex(pcap, &header, &data)) == 1) {
		packets++;
		bytes += header->len;
		/* The Ethernet type, the IP protocol and the ports: one cache line. */
		if (header->caplen >= 38)
			sum += data[12] + data[23] + data[34] + data[37];
	}
	if (result != PCAP_ERROR_BREAK)
		fprintf(stderr, "pcap_loop: %s\n", pcap_geterr(pcap));
	printf("%" PRIu64 " packets, %" PRIu64 " bytes, sum %" PRIu64 "\n", packets, bytes, sum);
	pcap_close(pcap);
	return result == PCAP_ERROR_BREAK ? 0 : 1;
}

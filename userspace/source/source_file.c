/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capture files. pcapng is walked block by block by our own parser, because libpcap gives up where
 * interfaces have different link types. Plain pcap is read in place, because libpcap copies each packet twice;
 * libpcap reads all other dialects.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include "parsers/packet.h"
#include "parsers/pcapfile.h"
#include "parsers/pcapng.h"
#include "parsers/text.h"
#include "userspace/pipeline/pipeline.h"
#include "userspace/source/input.h"
#include "userspace/source/source.h"

#define PCAPNG_SECRETS_TLS 0x544c534b   /* "TLSK": an NSS key log */

struct source_file {
	struct source head;
	char *path;              /* for messages: safe text */
	struct input *input;
	struct pcapfile plain;   /* pcap ... */
	struct pcapng *pcapng;   /* ... or pcapng ... */
	pcap_t *pcap;            /* ... or a dialect */
	uint64_t packets;
	int unknown_link;        /* a link type that was met and is not known, or -1 */
};

static struct source_file *of(struct source *s)
{
	return (struct source_file *)s;
}

static void file_free(struct source *s)
{
	struct source_file *f = of(s);

	if (f->pcap) {
		pcap_close(f->pcap);     /* and with it the stream */
		input_stream_closed(f->input);
	}
	pcapng_free(f->pcapng);
	input_close(f->input);
	free(f->path);
	free(f);
}

static int file_broken(struct source_file *f, const char *what)
{
	const char *why = input_error(f->input);

	f->head.ended = true;
	snprintf(f->head.error, sizeof(f->head.error), "%s: after packet %" PRIu64 ": %s", f->path,
		 f->packets, why ? why : what);
	return -EBADMSG;
}

/* Packets of a link type that is not known are told once, at the end. */
static void note_link(struct source_file *f, int link)
{
	if (f->unknown_link < 0 && !packet_link_known(link))
		f->unknown_link = link;
}

static int file_end(struct source_file *f)
{
	const char *name;

	f->head.ended = true;
	if (input_error(f->input))
		return file_broken(f, "");
	if (f->unknown_link < 0)
		return 0;
	name = pcap_datalink_val_to_name(f->unknown_link);
	snprintf(f->head.error, sizeof(f->head.error),
		 "%s: link type %d (%s) is not known, packets of it were passed over", f->path,
		 f->unknown_link, name ? name : "unnamed");
	return -EPROTONOSUPPORT;
}

static int read_pcap(struct source_file *f, struct pipeline *p, unsigned int budget)
{
	struct pcap_pkthdr *header;
	const unsigned char *data;
	struct frame frame = { .link = pcap_datalink(f->pcap) };
	int result;

	while (budget-- > 0) {
		result = pcap_next_ex(f->pcap, &header, &data);
		if (result == PCAP_ERROR_BREAK)
			return file_end(f);
		if (result != 1)
			return file_broken(f, pcap_geterr(f->pcap));
		frame.number = ++f->packets;
		/* tv_usec holds nanoseconds: asked for when the file was opened. */
		frame.time_ns = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec;
		frame.data = bytes_of(data, header->caplen);
		frame.wire_len = header->len > header->caplen ? header->len : header->caplen;
		pipeline_frame(p, &frame);
	}
	return 1;
}

static int read_plain(struct source_file *f, struct pipeline *p, unsigned int budget)
{
	struct frame frame = { .link = f->plain.link };
	struct bytes window = input_window(f->input, PCAPFILE_RECORD_LEN), rest = window;
	struct pcapfile_packet packet;
	enum parse result;
	size_t need;

	while (budget > 0) {
		result = pcapfile_next(&f->plain, &rest, &packet, &need);
		if (result == PARSE_BAD)
			return file_broken(f, "a packet has an impossible length");
		if (result == PARSE_MORE) {
			input_advance(f->input, window.len - rest.len);
			window = rest = input_window(f->input, need);
			if (rest.len >= need)
				continue;
			return rest.len ? file_broken(f, "the file breaks off inside a packet") : file_end(f);
		}
		budget--;
		frame.number = ++f->packets;
		frame.time_ns = packet.time_ns;
		frame.data = packet.data;
		frame.wire_len = packet.wire_len;
		pipeline_frame(p, &frame);
	}
	input_advance(f->input, window.len - rest.len);
	return 1;
}

/* 1: a whole block is at the front of `window`; 0: the file ends here; negative: broken. */
static int next_block(struct source_file *f, struct bytes *window, uint32_t *len)
{
	*window = input_window(f->input, PCAPNG_HEADER_LEN);
	if (window->len == 0 && !input_error(f->input))
		return 0;
	if (window->len < PCAPNG_HEADER_LEN)
		return file_broken(f, "the file breaks off inside a block header");
	if (pcapng_block_len(f->pcapng, *window, len) != PARSE_OK)
		return file_broken(f, "a block has an impossible length");
	if (window->len < *len)
		*window = input_window(f->input, *len);
	if (window->len < *len)
		return file_broken(f, "the file breaks off inside a block");
	return 1;
}

static int read_pcapng(struct source_file *f, struct pipeline *p, unsigned int budget)
{
	struct pcapng_secrets secrets;
	struct pcapng_frame packet;
	struct frame frame;
	enum pcapng_item what;
	struct bytes window;
	const char *why;
	uint32_t len;
	int result;

	/* A secrets block may stand behind the packets it is for: what it opens is held from the start. */
	if (f->packets == 0)
		pipeline_secrets(p, bytes_of(NULL, 0));
	while (budget-- > 0) {
		result = next_block(f, &window, &len);
		if (result <= 0)
			return result == 0 ? file_end(f) : result;
		input_advance(f->input, len);
		if (!pcapng_block(f->pcapng, bytes_of(window.data, len), &what, &packet, &secrets, &why))
			return file_broken(f, why);
		if (what == PCAPNG_SECRETS && secrets.type == PCAPNG_SECRETS_TLS)
			pipeline_secrets(p, secrets.data);
		if (what != PCAPNG_PACKET)
			continue;
		note_link(f, packet.link);
		frame = (struct frame){
			.link = packet.link, .time_ns = packet.time_ns, .number = ++f->packets,
			.data = packet.data, .wire_len = packet.wire_len,
		};
		pipeline_frame(p, &frame);
	}
	return 1;
}

static int file_read(struct source *s, struct pipeline *p, unsigned int budget)
{
	struct source_file *f = of(s);

	pipeline_secrets_at_end(p);
	if (f->pcapng)
		return read_pcapng(f, p, budget);
	return f->pcap ? read_pcap(f, p, budget) : read_plain(f, p, budget);
}

static void file_counters(const struct source *s, struct source_counters *out)
{
	const struct source_file *f = (const struct source_file *)s;

	*out = (struct source_counters){
		.seen = f->packets, .delivered = f->packets,
		.bytes_done = input_position(f->input), .bytes_total = input_size(f->input),
	};
}

static const struct source_ops file_ops = {
	.name = "file",
	.read = file_read,
	.counters = file_counters,
	.free = file_free,
};

static int open_pcap(struct source_file *f, char *why, size_t why_size)
{
	char error[PCAP_ERRBUF_SIZE];
	FILE *stream = input_stream(f->input);

	if (!stream) {
		snprintf(why, why_size, "%s: out of memory", f->path);
		return -ENOMEM;
	}
	f->pcap = pcap_fopen_offline_with_tstamp_precision(stream, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!f->pcap) {
		snprintf(why, why_size, "%s: not a capture that can be read: %s", f->path,
			 input_error(f->input) ? input_error(f->input) : error);
		return -EBADMSG;
	}
	note_link(f, pcap_datalink(f->pcap));
	return 0;
}

static int open_format(struct source_file *f, char *why, size_t why_size)
{
	uint8_t head[PCAPFILE_HEADER_LEN];
	struct bytes begin = bytes_of(head, input_peek(f->input, head, sizeof(head)));

	if (pcapng_recognise(begin)) {
		f->pcapng = pcapng_new();
		if (f->pcapng)
			return 0;
		snprintf(why, why_size, "%s: out of memory", f->path);
		return -ENOMEM;
	}
	if (!pcapfile_header(begin, &f->plain) || !packet_link_known(f->plain.link))
		return open_pcap(f, why, why_size);
	if (input_window(f->input, PCAPFILE_HEADER_LEN).len < PCAPFILE_HEADER_LEN) {
		snprintf(why, why_size, "%s: %s", f->path, input_error(f->input));
		return -ENOMEM;
	}
	input_advance(f->input, PCAPFILE_HEADER_LEN);
	return 0;
}

int source_file_open(const char *path, struct source **out, char *why, size_t why_size)
{
	struct source_file *f = calloc(1, sizeof(*f));
	char shown[PATH_MAX];
	int err = -ENOMEM;

	text_name(strcmp(path, "-") == 0 ? "standard input" : path, shown, sizeof(shown));
	if (!f || !(f->path = strdup(shown))) {
		snprintf(why, why_size, "%s: out of memory", shown);
		free(f);
		return err;
	}
	f->head.ops = &file_ops;
	f->unknown_link = -1;
	err = input_open(path, &f->input);
	if (err) {
		snprintf(why, why_size, "%s: %s", f->path, err == -EBADF ? "it is closed" : strerror(-err));
		goto fail;
	}
	err = open_format(f, why, why_size);
	if (err)
		goto fail;
	*out = &f->head;
	return 0;
fail:
	if (f->input)
		file_free(&f->head);
	else {
		free(f->path);
		free(f);
	}
	return err;
}

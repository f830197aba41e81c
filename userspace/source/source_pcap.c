/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libpcap live on one interface ("any" for all of this network namespace): the rung below eBPF.
 */
#include <errno.h>
#include <stdlib.h>

#include <pcap/pcap.h>

#include "userspace/pipeline/pipeline.h"
#include "userspace/source/source.h"

#define SNAPLEN 262144           /* whole packets, also offloaded ones */
#define BUFFER_BYTES (16 << 20)
#define TIMEOUT_MS 20

struct source_pcap {
	struct source head;
	pcap_t *pcap;
	char *interface;
	uint64_t packets;
};

/* What the callback of one turn works on. */
struct turn {
	struct source_pcap *source;
	struct pipeline *pipeline;
	int link;
};

static struct source_pcap *of(struct source *s)
{
	return (struct source_pcap *)s;
}

static void on_packet(unsigned char *user, const struct pcap_pkthdr *header,
		      const unsigned char *data)
{
	struct turn *turn = (struct turn *)user;
	struct frame frame = {
		.link = turn->link,
		/* tv_usec holds nanoseconds where the precision was granted, see source_pcap_open(). */
		.time_ns = (uint64_t)header->ts.tv_sec * 1000000000u + (uint64_t)header->ts.tv_usec,
		.number = ++turn->source->packets,
		.data = bytes_of(data, header->caplen),
		.wire_len = header->len > header->caplen ? header->len : header->caplen,
	};

	pipeline_frame(turn->pipeline, &frame);
}

static int pcap_source_read(struct source *s, struct pipeline *p, unsigned int budget)
{
	struct source_pcap *f = of(s);
	struct turn turn = { .source = f, .pipeline = p, .link = pcap_datalink(f->pcap) };
	int got = pcap_dispatch(f->pcap, (int)budget, on_packet, (unsigned char *)&turn);

	if (got < 0) {
		s->ended = true;
		snprintf(s->error, sizeof(s->error), "%s: %s", f->interface, pcap_geterr(f->pcap));
		return -EIO;
	}
	return got == (int)budget;
}

static int pcap_source_fd(const struct source *s)
{
	return pcap_get_selectable_fd(((const struct source_pcap *)s)->pcap);
}

static void pcap_source_counters(const struct source *s, struct source_counters *out)
{
	const struct source_pcap *f = (const struct source_pcap *)s;
	struct pcap_stat stat = { 0 };

	pcap_stats(f->pcap, &stat);
	*out = (struct source_counters){
		.delivered = f->packets, .lost = stat.ps_drop, .seen = f->packets + stat.ps_drop,
	};
}

static void pcap_source_free(struct source *s)
{
	struct source_pcap *f = of(s);

	if (f->pcap)
		pcap_close(f->pcap);
	free(f->interface);
	free(f);
}

static const struct source_ops pcap_ops = {
	.name = "pcap",
	.read = pcap_source_read,
	.fd = pcap_source_fd,
	.counters = pcap_source_counters,
	.free = pcap_source_free,
};

/* Everything is set before activation; the precision is asked for, since frames carry nanoseconds. */
static int activate(struct source_pcap *f, char *why, size_t why_size)
{
	int result;

	pcap_set_snaplen(f->pcap, SNAPLEN);
	pcap_set_buffer_size(f->pcap, BUFFER_BYTES);
	pcap_set_timeout(f->pcap, TIMEOUT_MS);
	if (pcap_set_tstamp_precision(f->pcap, PCAP_TSTAMP_PRECISION_NANO) != 0) {
		snprintf(why, why_size, "%s: no time stamps in nanoseconds", f->interface);
		return -ENOTSUP;
	}
	result = pcap_activate(f->pcap);
	if (result < 0) {
		snprintf(why, why_size, "libpcap on %s: %s (%s)", f->interface, pcap_statustostr(result),
			 pcap_geterr(f->pcap));
		return result == PCAP_ERROR_PERM_DENIED ? -EPERM : -ENODEV;
	}
	return 0;
}

int source_pcap_open(const char *interface, struct source **out, char *why, size_t why_size)
{
	char error[PCAP_ERRBUF_SIZE] = "out of memory";
	struct source_pcap *f = calloc(1, sizeof(*f));
	int err = -ENOMEM;

	if (!f || !(f->interface = strdup(interface)) || !(f->pcap = pcap_create(interface, error))) {
		snprintf(why, why_size, "libpcap on %s: %s", interface, error);
		goto fail;
	}
	f->head.ops = &pcap_ops;
	err = activate(f, why, why_size);
	if (err)
		goto fail;
	if (pcap_setnonblock(f->pcap, 1, error) != 0) {
		snprintf(why, why_size, "libpcap on %s: %s", interface, error);
		err = -EIO;
		goto fail;
	}
	*out = &f->head;
	return 0;
fail:
	if (f)
		pcap_source_free(&f->head);
	return err;
}

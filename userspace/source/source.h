/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where packets come from. A new source is one file and one constructor; the rest of the program
 * knows only this header.
 */
#ifndef CERTTAP_SOURCE_H
#define CERTTAP_SOURCE_H

#include "userspace/segment.h"

struct source;
struct pipeline;

/* `seen = delivered + lost`, in packets (libpcap) or pieces of handshakes (kernel side). */
struct source_counters {
	uint64_t seen, delivered, lost;
	uint64_t bytes_done, bytes_total;  /* files: for the progress line; total 0 if unknown */
};

struct source_ops {
	const char *name;          /* "file", "cgroup", "tcx", "pcap" ... */
	/*
	 * Hands what is there to the pipeline, at most about `budget` packets. Returns 1 when there may
	 * be more at once, 0 when there is nothing now (live) or for ever (`ended` is set), negative
	 * errno when the source broke off: source_error() then has a text with name and place.
	 */
	int (*read)(struct source *s, struct pipeline *p, unsigned int budget);
	/* Readable when there may be something; -1 for files. */
	int (*fd)(const struct source *s);
	void (*counters)(const struct source *s, struct source_counters *out);
	/* One more line of detail for the summary, or NULL where there is none. */
	void (*print_details)(const struct source *s, void *stdio_file);
	void (*free)(struct source *s);
};

/* The head of every source; concrete sources embed it as their first member. */
struct source {
	const struct source_ops *ops;
	bool ended;
	char error[256];
};

static inline int source_read(struct source *s, struct pipeline *p, unsigned int budget)
{
	return s->ops->read(s, p, budget);
}

static inline int source_fd(const struct source *s)
{
	return s->ops->fd ? s->ops->fd(s) : -1;
}

static inline void source_free(struct source *s)
{
	if (s)
		s->ops->free(s);
}

/* The constructors; each returns 0 and a source that the caller frees with source_free(). */

/*
 * A capture file, or "-" for standard input: pcap, pcapng, each also inside gzip or zstd. Only opens and
 * recognises; on failure returns a negative errno and `why` holds a line that names the file.
 */
int source_file_open(const char *path, struct source **out, char *why, size_t why_size);

/* libpcap live on one interface; needs CAP_NET_RAW, so open it before privileges go. */
int source_pcap_open(const char *interface, struct source **out, char *why, size_t why_size);

/*
 * The ring that the kernel side fills. `ring_fd` from attach_ring_fd(); `counters` from
 * attach_counters(). Opened before the sandbox closes; afterwards needs no bpf().
 */
struct event_counters;
/* `processes` is borrowed, and makes the owners that events name; NULL: nobody knows them. */
struct process_table;
int source_ring_open(int ring_fd, const struct event_counters *counters, unsigned int num_counters,
		     struct process_table *processes, struct source **out, char *why, size_t why_size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/write/capture_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

#include "parsers/packet_build.h"
#include "parsers/pcapng_write.h"
#include "parsers/text.h"
#include "userspace/write/capture_held.h"

#define BUFFER_BYTES (512u << 10)    /* the largest block that libpcap's frames make fits in */
#define LINKS_MAX 64
#define LINKTYPE_RAW 101
#define DLT_RAW_LINUX 12             /* what libpcap calls LINKTYPE_RAW at run time */
#define SECRET_BLOCK_MAX 512
#define MADE_COMMENT "headers made by certtap"

struct capture_writer {
	struct capture_writer_options options;
	char *path;                  /* for messages: safe text */
	int fd;
	int failed_errno;            /* nothing more is written; 0: all is well */
	uint64_t *whole_len;         /* of the file, up to the last whole block; shared with the parent */
	uint8_t *buffer;             /* BUFFER_BYTES; whole blocks on their way to the file */
	size_t buffered;
	bool secret_buffered;        /* to be wiped when it is written */
	int links[LINKS_MAX];        /* by number of the interface */
	unsigned int num_links;
	uint8_t *scratch;            /* BUFFER_BYTES; the block that is being made */
	struct held_table *held;
	uint64_t now_ns;
	struct capture_writer_counters counters;
};

/*
 * Of the buffer's blocks the first `done` bytes were written: how many bytes were whole blocks? The rest counts
 * as left out.
 */
static size_t settle_blocks(struct capture_writer *w, size_t done)
{
	const uint8_t *block;
	size_t at, len, whole = 0;

	for (at = 0; at < w->buffered; at += len) {
		block = w->buffer + at;
		len = pcapng_written_len(block);
		if (at + len <= done) {
			whole = at + len;
		} else if (pcapng_written_type(block) == PCAPNG_BLOCK_PACKET) {
			w->counters.packets--;
			w->counters.not_written++;
		} else if (pcapng_written_type(block) == PCAPNG_BLOCK_SECRETS) {
			w->counters.secrets--;
			w->counters.not_written++;
		}
	}
	return whole;
}

/* Writes the buffer. False: it failed, now or before. */
static bool flush(struct capture_writer *w)
{
	size_t done = 0;
	ssize_t n;

	while (!w->failed_errno && done < w->buffered) {
		n = write(w->fd, w->buffer + done, w->buffered - done);
		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || errno != EINTR)
			w->failed_errno = n == 0 ? EIO : errno;
	}
	*w->whole_len += settle_blocks(w, done);
	if (w->secret_buffered)
		OPENSSL_cleanse(w->buffer, w->buffered);
	w->secret_buffered = false;
	w->buffered = 0;
	return !w->failed_errno;
}

/* Once, when it happens. */
static void flush_or_say(struct capture_writer *w)
{
	bool failed_before = w->failed_errno != 0;

	if (!flush(w) && !failed_before)
		fprintf(stderr, "certtap: %s: %s; nothing more is written to it\n", w->path,
			strerror(w->failed_errno));
}

/* Space for one more block of up to `len` bytes. NULL: it will never fit, or writing has failed. */
static uint8_t *room_for(struct capture_writer *w, size_t len, size_t *room)
{
	if (len > BUFFER_BYTES - w->buffered)
		flush_or_say(w);
	if (w->failed_errno || len > BUFFER_BYTES - w->buffered)
		return NULL;
	*room = BUFFER_BYTES - w->buffered;
	return w->buffer + w->buffered;
}

static void put_blocks(struct capture_writer *w, struct bytes blocks, uint64_t num_packets)
{
	size_t room;
	uint8_t *at = room_for(w, blocks.len, &room);

	if (!at) {
		w->counters.not_written += num_packets;
		return;
	}
	memcpy(at, blocks.data, blocks.len);
	w->buffered += blocks.len;
	w->counters.packets += num_packets;
}

/* One number for each link type; its block is in front of all that names it. False: no room. */
static bool interface_of(struct capture_writer *w, int link, uint32_t *number)
{
	uint8_t block[256];
	size_t len;
	unsigned int i;

	if (link == DLT_RAW_LINUX)
		link = LINKTYPE_RAW;
	for (i = 0; i < w->num_links; i++)
		if (w->links[i] == link)
			break;
	*number = i;
	if (i < w->num_links)
		return true;
	if (i == LINKS_MAX || link < 0 || link > UINT16_MAX)
		return false;
	len = pcapng_write_interface(block, sizeof(block), (uint16_t)link, "handshakes seen by certtap");
	put_blocks(w, bytes_of(block, len), 0);
	w->links[w->num_links++] = link;
	return true;
}

static void on_released(void *context, struct bytes blocks, uint64_t num_packets)
{
	put_blocks(context, blocks, num_packets);
}

/* Regular files are the caller's own and empty; what else can be written to is taken as it is. */
static int check_file(int fd, const char **what)
{
	struct stat st;

	*what = NULL;
	if (fstat(fd, &st) != 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return 0;
	if (st.st_uid != geteuid()) {
		*what = "belongs to another user, who could read what is written";
		return -EPERM;
	}
	return fchmod(fd, 0600) == 0 && ftruncate(fd, 0) == 0 ? 0 : -errno;
}

static int open_file(struct capture_writer *w, const char *path, char *why, size_t why_size)
{
	const char *what = NULL;
	int err;

	w->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
	err = w->fd < 0 ? -errno : check_file(w->fd, &what);
	if (err)
		snprintf(why, why_size, "%s: %s", w->path, what ? what : strerror(-err));
	return err;
}

static int allocate(struct capture_writer *w, const char *path)
{
	void *shared = mmap(NULL, sizeof(*w->whole_len), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);
	char shown[PATH_MAX];

	w->whole_len = shared == MAP_FAILED ? NULL : shared;
	w->path = strdup(text_name(path, shown, sizeof(shown)));
	w->buffer = malloc(BUFFER_BYTES);
	w->scratch = malloc(BUFFER_BYTES);
	w->options.held.for_secrets = w->options.secrets;
	w->held = held_table_new(&w->options.held, on_released, w);
	return w->whole_len && w->path && w->buffer && w->scratch && w->held ? 0 : -ENOMEM;
}

int capture_writer_open(const char *path, const struct capture_writer_options *options,
			struct capture_writer **out, char *why, size_t why_size)
{
	struct capture_writer *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	snprintf(why, why_size, "out of memory");
	if (!w)
		return err;
	w->fd = -1;
	w->options = *options;
	if ((err = allocate(w, path)) != 0 || (err = open_file(w, path, why, why_size)) != 0)
		goto fail;
	w->buffered = pcapng_write_section(w->buffer, BUFFER_BYTES, "certtap");
	if (!flush(w)) {
		err = -w->failed_errno;
		snprintf(why, why_size, "%s: %s", w->path, strerror(-err));
		goto fail;
	}
	*out = w;
	return 0;
fail:
	capture_writer_free(w);
	return err;
}

/* Whatever has come behind the last whole block: a disk that filled up, a child that was killed. */
static void cut_tail(const struct capture_writer *w)
{
	struct stat st;

	if (fstat(w->fd, &st) == 0 && S_ISREG(st.st_mode) && (uint64_t)st.st_size > *w->whole_len &&
	    ftruncate(w->fd, (off_t)*w->whole_len) != 0)
		fprintf(stderr, "certtap: %s: its last block is not whole: %s\n", w->path, strerror(errno));
}

void capture_writer_free(struct capture_writer *w)
{
	if (!w)
		return;
	if (w->fd >= 0) {
		cut_tail(w);
		close(w->fd);
	}
	held_table_free(w->held);
	if (w->buffer)
		OPENSSL_cleanse(w->buffer, BUFFER_BYTES);
	free(w->buffer);
	free(w->scratch);
	if (w->whole_len)
		munmap(w->whole_len, sizeof(*w->whole_len));
	free(w->path);
	free(w);
}

static void put_packet(struct capture_writer *w, const struct flow_key *key,
		       const struct pcapng_write_packet *packet, enum capture_choice choice)
{
	size_t len = pcapng_write_packet(w->scratch, BUFFER_BYTES, packet);

	if (!len)
		w->counters.not_possible++;
	else
		held_add(w->held, key, w->now_ns, bytes_of(w->scratch, len), choice == CAPTURE_TAKE);
}

/* One packet, with headers made for it. */
static void put_made(struct capture_writer *w, const struct flow_key *key, uint64_t time_ns,
		     const struct packet *packet, enum capture_choice choice)
{
	uint8_t headers[PACKET_HEADERS_MAX];
	struct pcapng_write_packet out = { .time_ns = time_ns, .data = packet->payload, .comment = MADE_COMMENT };

	out.head = bytes_of(headers, packet_build_headers(packet, headers));
	if (!out.head.len || !interface_of(w, LINKTYPE_RAW, &out.interface)) {
		w->counters.not_possible++;
		return;
	}
	out.wire_len = (uint32_t)(out.head.len + packet->payload.len + packet->payload_cut);
	put_packet(w, key, &out, choice);
}

void capture_writer_segment(struct capture_writer *w, const struct flow_key *key,
			    const struct segment *segment, enum capture_choice choice)
{
	struct packet packet = {
		.src = segment->src.address, .dst = segment->dst.address,
		.sport = segment->src.port, .dport = segment->dst.port,
		.tcp_flags = segment->flags, .seq = segment->seq, .ack = segment->ack,
	};
	struct bytes rest = segment->payload;
	bool tcp = segment->transport == TRANSPORT_TCP;

	packet.ip_protocol = tcp ? IPPROTO_TCP : segment->transport == TRANSPORT_UDP ? IPPROTO_UDP : 0;
	/* A FIN belongs behind the last byte, a SYN in front of the first one. */
	while (tcp && rest.len > PACKET_BUILD_PAYLOAD_MAX &&
	       bytes_take(&rest, PACKET_BUILD_PAYLOAD_MAX, &packet.payload)) {
		packet.tcp_flags = segment->flags & (uint8_t)~(TCP_FIN | TCP_RST);
		if (packet.seq != segment->seq)
			packet.tcp_flags &= (uint8_t)~TCP_SYN;
		put_made(w, key, segment->time_ns, &packet, choice);
		packet.seq += PACKET_BUILD_PAYLOAD_MAX + (packet.tcp_flags & TCP_SYN ? 1 : 0);
		packet.tcp_flags = segment->flags & (uint8_t)~TCP_SYN;
	}
	packet.payload = rest;
	packet.payload_cut = segment->payload_cut;
	put_made(w, key, segment->time_ns, &packet, choice);
}

void capture_writer_frame(struct capture_writer *w, const struct flow_key *key, const struct frame *frame,
			  enum capture_choice choice)
{
	struct pcapng_write_packet out = {
		.time_ns = frame->time_ns, .data = frame->data, .wire_len = frame->wire_len,
	};

	if (interface_of(w, frame->link, &out.interface))
		put_packet(w, key, &out, choice);
	else
		w->counters.not_possible++;
}

void capture_writer_secret(struct capture_writer *w, enum keylog_label label,
			   const uint8_t client_random[KEYLOG_RANDOM_LEN], struct bytes secret)
{
	size_t room, len = 0;
	uint8_t *at = room_for(w, SECRET_BLOCK_MAX, &room);

	if (at)
		len = pcapng_write_secret(at, room, label, client_random, secret);
	if (!len) {
		w->counters.not_written++;
		return;
	}
	w->buffered += len;
	w->secret_buffered = true;
	w->counters.secrets++;
}

void capture_writer_secret_gone(struct capture_writer *w)
{
	w->counters.secrets_gone++;
}

bool capture_writer_wants_secrets(const struct capture_writer *w)
{
	return w->options.secrets;
}

bool capture_writer_wants_client_secrets(const struct capture_writer *w)
{
	return w->options.secrets && w->options.client_secrets;
}

void capture_writer_release(struct capture_writer *w, const struct flow_key *key)
{
	held_release(w->held, key);
}

void capture_writer_settle(struct capture_writer *w, const struct flow_key *key)
{
	held_forget(w->held, key);
}

void capture_writer_turn(struct capture_writer *w, uint64_t monotonic_ns)
{
	w->now_ns = monotonic_ns;
	held_expire(w->held, monotonic_ns);
	flush_or_say(w);
}

bool capture_writer_finish(struct capture_writer *w)
{
	held_forget_all(w->held);
	flush_or_say(w);
	return !w->failed_errno;
}

struct capture_writer_counters capture_writer_counters(const struct capture_writer *w)
{
	struct capture_writer_counters c = w->counters;

	c.over_limit = held_over_limit(w->held);
	return c;
}

void capture_writer_print(const struct capture_writer *w, FILE *out)
{
	struct capture_writer_counters c = capture_writer_counters(w);

	fprintf(out, "certtap: %s: %" PRIu64 " packets of handshakes", w->path, c.packets);
	if (w->options.secrets)
		fprintf(out, ", %" PRIu64 " handshake secrets", c.secrets);
	if (c.secrets_gone)
		fprintf(out, ", %" PRIu64 " secrets came too late", c.secrets_gone);
	if (c.over_limit)
		fprintf(out, ", %" PRIu64 " connections did not wait for theirs (limit)", c.over_limit);
	if (c.not_possible)
		fprintf(out, ", %" PRIu64 " packets that cannot be written", c.not_possible);
	if (c.not_written)
		fprintf(out, ", %" PRIu64 " left out: %s", c.not_written, strerror(w->failed_errno));
	fputc('\n', out);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every golden capture is read with a writer, and what was written is read again without any key but those in the file:
 * the same chains must be seen at the same endpoints. Once as frames, once as segments that a source took apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "parsers/packet_build.h"
#include "parsers/pcapfile.h"
#include "parsers/pcapng.h"
#include "parsers/text.h"
#include "tests/unit/flights.h"
#include "tests/unit/tap.h"
#include "userspace/handshake/keys.h"
#include "userspace/source/source.h"
#include "userspace/write/capture_writer.h"

#define CAPTURES "tests/captures/"
#define CAPTURE_MAX (32u << 20)

static char written[] = "/tmp/certtap-choice-XXXXXX";

/* What the file cannot show, by intent but for the last. */
static const char *const not_kept[] = {
	"keys-post-handshake.pcap",     /* needs a secret that opens application data too */
	"keys-renegotiation-cbc.pcap",  /* the same */
	"keys-renegotiation-gcm.pcap",
	"carrier-ftp-adat.pcap",        /* the server's greeting was said before FTP was known to carry TLS */
};

static bool is_kept(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(not_kept); i++)
		if (strcmp(not_kept[i], name) == 0)
			return false;
	return true;
}

static struct pipeline *pipeline_plain(void)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	struct observer observer = { 0 };
	struct pipeline *p = pipeline_new(&limits, &observer, NULL, NULL);

	assert_non_null(p);
	return p;
}

static struct capture_writer *writer_open(bool secrets)
{
	struct capture_writer_options options = CAPTURE_WRITER_OPTIONS_DEFAULT;
	struct capture_writer *w;
	char why[256];

	options.secrets = options.client_secrets = secrets;
	if (capture_writer_open(written, &options, &w, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	return w;
}

static void read_frames(struct pipeline *p, const char *path)
{
	struct source *source;
	char why[256];

	if (source_file_open(path, &source, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	while (source_read(source, p, 1000) > 0)
		;
	source_free(source);
}

static uint8_t *load(const char *path, struct bytes *out)
{
	int fd = open(path, O_RDONLY);
	uint8_t *data = malloc(CAPTURE_MAX);
	ssize_t len;

	assert_non_null(data);
	len = read(fd, data, CAPTURE_MAX);
	close(fd);
	assert_in_range(len, 1, CAPTURE_MAX - 1);
	*out = bytes_of(data, (size_t)len);
	return data;
}

/* As the kernel side gives them: no more than 4 KiB at a time. */
static void give_segment(struct pipeline *p, const struct packet *packet, uint64_t time_ns)
{
	struct bytes rest = packet->payload;
	struct segment s = {
		.src = { packet->src, packet->sport }, .dst = { packet->dst, packet->dport },
		.transport = packet->ip_protocol == IPPROTO_TCP ? TRANSPORT_TCP : TRANSPORT_UDP,
		.flags = packet->tcp_flags, .seq = packet->seq, .ack = packet->ack, .time_ns = time_ns,
		.payload_cut = packet->payload_cut,
	};

	while (s.transport == TRANSPORT_TCP && !(s.flags & TCP_SYN) && rest.len > 4096 &&
	       bytes_take(&rest, 4096, &s.payload)) {
		pipeline_segment(p, &s);
		s.seq += 4096;
	}
	s.payload = rest;
	pipeline_segment(p, &s);
}

/* Returns false where the capture is not plain packets of TCP and UDP, which is all that the kernel side gives. */
static bool read_segments(struct pipeline *p, const char *path)
{
	struct pcapfile_packet packet;
	struct pcapfile file;
	struct bytes in;
	uint8_t *data = load(path, &in);
	bool plain = pcapfile_header(in, &file);
	struct packet parsed;
	enum packet_kind kind;
	size_t need;

	plain = plain && bytes_skip(&in, PCAPFILE_HEADER_LEN);
	while (plain && pcapfile_next(&file, &in, &packet, &need) == PARSE_OK) {
		kind = packet_parse(file.link, packet.data, packet.wire_len, &parsed);
		if (kind == PACKET_TCP || kind == PACKET_UDP)
			give_segment(p, &parsed, packet.time_ns);
		else
			plain = kind == PACKET_OTHER;
	}
	free(data);
	return plain;
}

/* "10.0.0.2:443 server 6f1c...; ", of the rows with a chain; sorted by the ledger. The caller frees it. */
static char *chains_of(const struct pipeline *p)
{
	size_t num, i, len;
	const struct ledger_row **rows = ledger_rows(pipeline_ledger(p), &num);
	char *text = NULL, hex[65], address[64];
	FILE *out = open_memstream(&text, &len);

	for (i = 0; rows && i < num; i++) {
		if (!rows[i]->chain || rows[i]->reason != REASON_NONE)
			continue;
		text_hex(rows[i]->chain->certificates[0]->sha256, 32, false, hex);
		text_address(rows[i]->server.address.octets, address, sizeof(address));
		fprintf(out, "%s:%u %s %s+%u x%llu; ", address, rows[i]->server.port, role_name(rows[i]->role), hex,
			rows[i]->chain->total - 1, (unsigned long long)rows[i]->sightings);
	}
	fclose(out);
	free(rows);
	return text;
}

static struct keys *keys_for(const char *path)
{
	struct keys *keys = keys_new(1000);
	char name[512];

	assert_non_null(keys);
	snprintf(name, sizeof(name), "%.*s.keys", (int)(strlen(path) - strlen(".pcap")), path);
	if (access(name, R_OK) == 0)
		assert_int_equal(keys_add_file(keys, name, true), 0);
	return keys;
}

/* Returns false where it cannot be tried. */
static bool same_again(const char *path, bool as_frames)
{
	struct pipeline *first = pipeline_plain(), *second = pipeline_plain();
	struct capture_writer *w = writer_open(true);
	struct keys *keys = keys_for(path);
	char *want, *got;
	bool tried = true;

	pipeline_use_keys(first, keys);
	pipeline_write(first, w);
	if (as_frames)
		read_frames(first, path);
	else
		tried = read_segments(first, path);
	pipeline_finish(first);
	assert_true(capture_writer_finish(w));
	capture_writer_free(w);
	read_frames(second, written);
	pipeline_finish(second);
	want = chains_of(first);
	got = chains_of(second);
	if (tried && strcmp(want, got) != 0)
		print_error("%s, as %s:\n  seen:    %s\n  written: %s\n", path, as_frames ? "frames" : "segments",
			    want, got);
	tried = tried && want[0];
	if (tried)
		assert_string_equal(got, want);
	free(want);
	free(got);
	pipeline_free(first);
	pipeline_free(second);
	keys_free(keys);
	return tried;
}

static void try_all(bool as_frames, unsigned int at_least)
{
	unsigned int tried = 0;
	glob_t found;
	size_t i;

	assert_int_equal(glob(CAPTURES "*.pcap", 0, NULL, &found), 0);
	for (i = 0; i < found.gl_pathc; i++)
		if (is_kept(found.gl_pathv[i] + strlen(CAPTURES)))
			tried += same_again(found.gl_pathv[i], as_frames);
	globfree(&found);
	assert_in_range(tried, at_least, UINT32_MAX);
}

static void test_frames(void **state)
{
	(void)state;
	try_all(true, 200);
}

static void test_segments(void **state)
{
	(void)state;
	try_all(false, 150);
}

/* The payload bytes of all packets in the file, and the number of its packets. */
static size_t file_packets(struct buffer *payloads)
{
	struct pcapng *reader = pcapng_new();
	struct pcapng_frame frame;
	struct pcapng_secrets secrets;
	enum pcapng_item what;
	struct packet packet;
	struct bytes in, block;
	uint8_t *data = load(written, &in);
	const char *why;
	uint32_t len;
	size_t num = 0;

	while (in.len) {
		assert_int_equal(pcapng_block_len(reader, in, &len), PARSE_OK);
		assert_true(bytes_take(&in, len, &block));
		assert_true(pcapng_block(reader, block, &what, &frame, &secrets, &why));
		if (what != PCAPNG_PACKET)
			continue;
		num++;
		assert_int_equal(packet_parse(frame.link, frame.data, frame.wire_len, &packet), PACKET_TCP);
		buffer_add_bytes(payloads, packet.payload);
	}
	pcapng_free(reader);
	free(data);
	return num;
}

/* What comes behind a handshake, before it and beside it is not kept. */
static void test_nothing_else(void **state)
{
	struct capture_writer *w = writer_open(false);
	struct buffer payloads = { 0 }, secret_data = { 0 };
	struct flights f;
	struct tap t;

	(void)state;
	flights_make(&f);
	build_application_data(&secret_data, 3000);
	tap_open(&t);
	pipeline_write(t.pipeline, w);
	tap_syn(&t);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&f.client), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
	tap_send(&t, CLIENT, buffer_bytes(&secret_data), 1460);
	tap_send(&t, SERVER, buffer_bytes(&secret_data), 1460);
	assert_string_equal(t.log, "server:chain 2; ");
	tap_finish(&t);
	tap_close(&t);
	assert_true(capture_writer_finish(w));
	capture_writer_free(w);
	file_packets(&payloads);
	assert_int_equal(payloads.len, f.hello.len + f.server.len + f.client.len + f.finish.len);
	buffer_free(&payloads);
	buffer_free(&secret_data);
	flights_free(&f);
}

/* How many packets are kept of a handshake whose server has finished, sent what is not kept, and closed; or closed at once. */
static size_t kept_until(bool finished)
{
	struct capture_writer *w = writer_open(false);
	struct buffer payloads = { 0 }, tickets = { 0 };
	struct flights f;
	struct tap t;
	size_t num;

	flights_make(&f);
	build_application_data(&tickets, 250);
	tap_open(&t);
	pipeline_write(t.pipeline, w);
	tap_send(&t, CLIENT, buffer_bytes(&f.hello), 1460);
	tap_send(&t, SERVER, buffer_bytes(&f.server), 65535);
	if (finished) {
		tap_send(&t, SERVER, buffer_bytes(&f.finish), 1460);
		tap_send(&t, SERVER, buffer_bytes(&tickets), 1460);
	}
	tap_segment(&t, SERVER, t.at[SERVER], TCP_FIN | TCP_ACK, bytes_of(NULL, 0));
	tap_finish(&t);
	tap_close(&t);
	assert_true(capture_writer_finish(w));
	capture_writer_free(w);
	num = file_packets(&payloads);
	buffer_free(&payloads);
	buffer_free(&tickets);
	flights_free(&f);
	return num;
}

/* A FIN behind bytes that are not kept would say that they were lost. */
static void test_end(void **state)
{
	(void)state;
	assert_int_equal(kept_until(false), 3);
	assert_int_equal(kept_until(true), 3);
}

/* The secrets of a TLS 1.2 key log are not written, though they open the handshake. */
static void test_no_master_secret(void **state)
{
	struct pipeline *p = pipeline_plain();
	struct capture_writer *w = writer_open(true);
	struct keys *keys = keys_for(CAPTURES "keys-renegotiation-gcm.pcap");
	struct bytes in;
	uint8_t *data;

	(void)state;
	pipeline_use_keys(p, keys);
	pipeline_write(p, w);
	read_frames(p, CAPTURES "keys-renegotiation-gcm.pcap");
	pipeline_finish(p);
	assert_true(capture_writer_finish(w));
	assert_int_equal(capture_writer_counters(w).secrets, 0);
	assert_in_range(capture_writer_counters(w).packets, 1, 1000);
	capture_writer_free(w);
	data = load(written, &in);
	assert_null(memmem(in.data, in.len, "CLIENT_RANDOM", 13));
	free(data);
	pipeline_free(p);
	keys_free(keys);
}

/* Two frames of one direction, raw IP. */
static void tap_frames(struct tap *t, struct bytes first, struct bytes second)
{
	struct packet packet = {
		.src = t->host[CLIENT].address, .dst = t->host[SERVER].address, .sport = 40000, .dport = 9808,
		.ip_protocol = IPPROTO_TCP, .tcp_flags = TCP_ACK, .seq = 1001,
	};
	const struct bytes payloads[] = { first, second };
	uint8_t data[200];
	size_t i, len;

	for (i = 0; i < 2; i++) {
		packet.payload = payloads[i];
		len = packet_build_headers(&packet, data);
		memcpy(data + len, payloads[i].data, payloads[i].len);
		len += payloads[i].len;
		pipeline_frame(t->pipeline, &(struct frame){ .link = 101, .time_ns = t->time_ns, .number = i + 1,
							     .data = bytes_of(data, len), .wire_len = (uint32_t)len });
		packet.seq += (uint32_t)payloads[i].len;
	}
}

/* How many bytes of two frames, of one direction, are kept. */
static size_t kept_of(struct bytes first, struct bytes second)
{
	struct capture_writer *w = writer_open(false);
	struct buffer payloads = { 0 };
	struct tap t;
	size_t len;

	tap_open(&t);
	pipeline_write(t.pipeline, w);
	tap_frames(&t, first, second);
	tap_finish(&t);
	tap_close(&t);
	assert_true(capture_writer_finish(w));
	capture_writer_free(w);
	file_packets(&payloads);
	len = payloads.len;
	buffer_free(&payloads);
	return len;
}

/* A hello's first bytes are in doubt, and kept with the rest; of what turns out to be something else nothing is. */
static void test_doubt(void **state)
{
	struct bytes rest, head;
	struct flights f;

	(void)state;
	flights_make(&f);
	rest = buffer_bytes(&f.hello);
	assert_true(bytes_take(&rest, 3, &head));
	assert_int_equal(kept_of(head, rest), f.hello.len);
	assert_int_equal(kept_of(head, TEXT(" is no TLS")), 0);
	flights_free(&f);
}

static int make_file(void **state)
{
	int fd = mkstemp(written);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(written);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_segments),
		cmocka_unit_test(test_nothing_else),
		cmocka_unit_test(test_no_master_secret),
		cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_end),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

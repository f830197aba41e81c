/* SPDX-License-Identifier: Apache-2.0 */
/* The file that is written, read block by block: order, waiting and its limits, splitting, a disk that is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "parsers/packet_build.h"
#include "parsers/pcapng.h"
#include "userspace/write/capture_writer.h"

#define FILE_MAX (8u << 20)
#define SECOND 1000000000ull

static char path[] = "/tmp/certtap-writer-XXXXXX";
static uint8_t content[FILE_MAX], payload[150000];
static struct capture_writer *w;
static char story[8192];         /* "S" a secret, otherwise each packet's first payload byte */
static struct packet last;       /* the last packet of the file */
static uint64_t last_ns;

static void writer_open(struct held_limits held, bool secrets, bool client_secrets)
{
	struct capture_writer_options options = { .secrets = secrets, .client_secrets = client_secrets, .held = held };
	char why[256];

	if (capture_writer_open(path, &options, &w, why, sizeof(why)) != 0)
		fail_msg("%s", why);
}

static const struct held_limits usual = { .connection = 64u << 10, .all = 16u << 20, .ns = 10 * SECOND };

static struct bytes file_bytes(void)
{
	int fd = open(path, O_RDONLY);
	ssize_t len = read(fd, content, sizeof(content));

	close(fd);
	assert_in_range(len, 0, FILE_MAX - 1);
	return bytes_of(content, (size_t)len);
}

/* Tells the file's story; it must end with a whole block. */
static void read_file(void)
{
	struct pcapng *reader = pcapng_new();
	struct bytes in = file_bytes(), block;
	struct pcapng_frame frame;
	struct pcapng_secrets secrets;
	enum pcapng_item what;
	const char *why = "";
	uint32_t len;
	char *to = story;

	while (in.len) {
		assert_int_equal(pcapng_block_len(reader, in, &len), PARSE_OK);
		assert_true(bytes_take(&in, len, &block));
		if (!pcapng_block(reader, block, &what, &frame, &secrets, &why))
			fail_msg("%s", why);
		assert_true(to < story + sizeof(story) - 1);
		if (what == PCAPNG_SECRETS)
			*to++ = 'S';
		if (what != PCAPNG_PACKET)
			continue;
		assert_true(packet_parse(frame.link, frame.data, frame.wire_len, &last) <= PACKET_UDP);
		last_ns = frame.time_ns;
		*to++ = last.payload.len ? (char)last.payload.data[0] : '-';
	}
	*to = '\0';
	pcapng_free(reader);
}

static void expect(const char *want)
{
	assert_true(capture_writer_finish(w));
	capture_writer_free(w);
	read_file();
	assert_string_equal(story, want);
}

static struct host_port end_of(uint8_t octet, uint16_t port)
{
	return (struct host_port){
		.address.octets = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = octet }, .port = port,
	};
}

static struct flow_key key_of(uint16_t port)
{
	return (struct flow_key){ .end = { end_of(1, port), end_of(2, 443) } };
}

/* A segment of the connection with this client's port; its first byte is `letter`. */
static void send_len(uint16_t port, char letter, size_t len, enum capture_choice choice)
{
	struct flow_key key = key_of(port);
	struct segment s = {
		.src = key.end[0], .dst = key.end[1], .flags = TCP_ACK, .seq = 1000, .ack = 7,
		.payload = bytes_of(payload, len), .time_ns = 1700000000987654321u,
	};

	payload[0] = (uint8_t)letter;
	capture_writer_segment(w, &key, &s, choice);
}

static void send_one(uint16_t port, char letter)
{
	send_len(port, letter, 100, CAPTURE_TAKE);
}

static void secret(void)
{
	static const uint8_t octets[48] = { 1, 2, 3 };

	capture_writer_secret(w, KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET, octets, bytes_of(octets, sizeof(octets)));
}

static void release(uint16_t port)
{
	struct flow_key key = key_of(port);

	capture_writer_release(w, &key);
}

static void settle(uint16_t port)
{
	struct flow_key key = key_of(port);

	capture_writer_settle(w, &key);
}

static void test_nothing_waits(void **state)
{
	struct stat st;

	(void)state;
	writer_open(usual, false, false);
	assert_false(capture_writer_wants_secrets(w));
	send_one(1, 'a');
	send_one(2, 'b');
	capture_writer_turn(w, SECOND);
	read_file();
	assert_string_equal(story, "ab");
	send_one(1, 'c');
	expect("abc");
	assert_true(last_ns == 1700000000987654321u);
	assert_int_equal(last.sport, 1);
	assert_int_equal(last.seq, 1000);
	assert_int_equal(last.ack, 7);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

/* A connection's packets come behind its secret; others do not wait for it. */
static void test_secret_first(void **state)
{
	(void)state;
	writer_open(usual, true, false);
	assert_true(capture_writer_wants_secrets(w));
	send_one(1, 'a');
	send_one(2, 'x');
	send_one(1, 'b');
	capture_writer_turn(w, SECOND);
	read_file();
	assert_string_equal(story, "");
	settle(2);
	secret();
	release(1);
	send_one(1, 'c');
	settle(1);
	send_one(1, 'd');        /* another handshake: waits again */
	capture_writer_turn(w, 2 * SECOND);
	read_file();
	assert_string_equal(story, "xSabc");
	assert_int_equal(capture_writer_counters(w).packets, 4);
	assert_int_equal(capture_writer_counters(w).secrets, 1);
	expect("xSabcd");
}

static void test_time_over(void **state)
{
	(void)state;
	writer_open(usual, true, true);
	assert_true(capture_writer_wants_client_secrets(w));
	capture_writer_turn(w, 100 * SECOND);
	send_one(1, 'a');
	capture_writer_turn(w, 105 * SECOND);
	send_one(2, 'x');
	capture_writer_turn(w, 110 * SECOND);
	read_file();
	assert_string_equal(story, "");
	capture_writer_turn(w, 110 * SECOND + 1);
	read_file();
	assert_string_equal(story, "a");
	capture_writer_turn(w, 116 * SECOND);
	read_file();
	assert_string_equal(story, "ax");
	secret();
	expect("axS");
}

/* One connection that sends too much goes on without its secret; the others still wait. */
static void test_connection_limit(void **state)
{
	char letter;

	(void)state;
	writer_open(usual, true, false);
	send_one(2, 'x');
	for (letter = 'a'; letter <= 'h'; letter++)
		send_len(1, letter, 10000, CAPTURE_TAKE);
	capture_writer_turn(w, SECOND);
	read_file();
	assert_string_equal(story, "abcdefgh");
	assert_int_equal(capture_writer_counters(w).over_limit, 1);
	expect("abcdefghx");
}

/* In all: who waits longest goes on. */
static void test_whole_limit(void **state)
{
	const struct held_limits small = { .connection = 64u << 10, .all = 10000, .ns = 10 * SECOND };

	(void)state;
	writer_open(small, true, false);
	send_len(1, 'a', 1500, CAPTURE_TAKE);
	send_len(2, 'b', 1500, CAPTURE_TAKE);
	send_len(3, 'c', 1500, CAPTURE_TAKE);
	capture_writer_turn(w, SECOND);
	read_file();
	assert_string_equal(story, "");
	send_len(4, 'd', 5000, CAPTURE_TAKE);
	capture_writer_turn(w, SECOND);
	read_file();
	assert_string_equal(story, "abc");
	send_len(5, 'e', 12000, CAPTURE_TAKE);
	capture_writer_turn(w, SECOND);
	read_file();
	assert_string_equal(story, "abcde");
	assert_int_equal(capture_writer_counters(w).over_limit, 5);
	expect("abcde");
}

static void test_doubt(void **state)
{
	int secrets;

	(void)state;
	for (secrets = 0; secrets < 2; secrets++) {
		writer_open(usual, secrets, false);
		send_len(1, 'a', 10, CAPTURE_DOUBT);
		send_len(2, 'x', 10, CAPTURE_DOUBT);
		send_len(3, 'y', 10, CAPTURE_DOUBT);
		capture_writer_turn(w, SECOND);
		send_len(1, 'b', 10, CAPTURE_TAKE);     /* now it is known */
		settle(2);                              /* and of this one, that it is none */
		capture_writer_turn(w, 12 * SECOND);    /* of that one never */
		send_len(3, 'z', 10, CAPTURE_TAKE);
		expect("abz");
	}
}

static void test_split(void **state)
{
	struct flow_key key = key_of(1);
	struct segment s = {
		.src = key.end[0], .dst = key.end[1], .flags = TCP_SYN | TCP_FIN, .seq = 0xffffff00,
		.payload = bytes_of(payload, 2 * PACKET_BUILD_PAYLOAD_MAX + 5),
	};

	(void)state;
	payload[0] = 'a';
	payload[PACKET_BUILD_PAYLOAD_MAX] = 'b';
	payload[2 * PACKET_BUILD_PAYLOAD_MAX] = 'c';
	writer_open(usual, false, false);
	capture_writer_segment(w, &key, &s, CAPTURE_TAKE);
	expect("abc");
	assert_int_equal(last.payload.len, 5);
	assert_int_equal(last.seq, (uint32_t)(0xffffff00 + 1 + 2 * PACKET_BUILD_PAYLOAD_MAX));
	assert_int_equal(last.tcp_flags & (TCP_SYN | TCP_FIN), TCP_FIN);
}

/* Frames of several link types, and what no packet can be made of. */
static void test_frames(void **state)
{
	static const uint8_t ethernet[14] = { [12] = 8 };
	struct flow_key key = key_of(1);
	struct packet packet = { .src = key.end[0].address, .dst = key.end[1].address, .ip_protocol = 6,
				 .payload = bytes_of("f", 1) };
	struct segment sctp = { .src = key.end[0], .dst = key.end[1], .transport = TRANSPORT_SCTP };
	uint8_t data[100];
	struct frame frame = { .link = 1, .time_ns = 5, .data = bytes_of(data, 14 + 41), .wire_len = 14 + 41 };

	(void)state;
	memcpy(data, ethernet, 14);
	packet_build_headers(&packet, data + 14);
	data[14 + 40] = 'f';
	writer_open(usual, false, false);
	capture_writer_frame(w, &key, &frame, CAPTURE_TAKE);
	send_one(1, 'a');
	frame = (struct frame){ .link = 12, .data = bytes_of(data + 14, 41), .wire_len = 41 };   /* DLT_RAW */
	capture_writer_frame(w, &key, &frame, CAPTURE_TAKE);
	capture_writer_segment(w, &key, &sctp, CAPTURE_TAKE);
	frame.link = 70000;
	capture_writer_frame(w, &key, &frame, CAPTURE_TAKE);
	assert_int_equal(capture_writer_counters(w).not_possible, 2);
	expect("faf");
}

/* A file that may not grow: whole blocks stay, what is left out is counted, nothing more is tried. */
static void test_full(void **state)
{
	struct rlimit before, limit;
	struct capture_writer_counters c;
	int saved = dup(2), null = open("/dev/null", O_WRONLY);
	unsigned int i;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = (struct rlimit){ 10000, before.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	writer_open(usual, true, false);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (i = 0; i < 20; i++) {
		send_len(1, 'a', 1000, CAPTURE_TAKE);
		settle(1);
	}
	dup2(null, 2);               /* what is said there is not looked at */
	capture_writer_turn(w, SECOND);
	dup2(saved, 2);
	close(saved);
	close(null);
	setrlimit(RLIMIT_FSIZE, &before);
	send_len(1, 'b', 1000, CAPTURE_TAKE);
	secret();
	assert_false(capture_writer_finish(w));
	c = capture_writer_counters(w);
	assert_int_equal(c.not_written, 20 - 8 + 2);
	assert_int_equal(c.packets, 8);
	assert_int_equal(c.secrets, 0);
	capture_writer_free(w);
	read_file();
	assert_string_equal(story, "aaaaaaaa");
}

/* A child that is killed in the middle of a block: the parent cuts it off. */
static void test_tail(void **state)
{
	int fd, status;
	pid_t child;

	(void)state;
	writer_open(usual, false, false);
	child = fork();
	if (child == 0) {
		send_one(1, 'a');
		capture_writer_turn(w, SECOND);
		fd = open(path, O_WRONLY | O_APPEND);
		_exit(write(fd, "\6\0\0\0\xff\0\0", 7) == 7 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(file_bytes().data[file_bytes().len - 7], 6);
	capture_writer_free(w);
	read_file();
	assert_string_equal(story, "a");
}

static void test_refused(void **state)
{
	const struct capture_writer_options options = CAPTURE_WRITER_OPTIONS_DEFAULT;
	char why[256];

	(void)state;
	assert_int_equal(capture_writer_open("/nowhere/x.pcapng", &options, &w, why, sizeof(why)), -ENOENT);
	assert_string_equal(why, "/nowhere/x.pcapng: No such file or directory");
	assert_int_equal(capture_writer_open("/dev/full", &options, &w, why, sizeof(why)), -ENOSPC);
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(path, 65534, 65534), 0);
	assert_int_equal(capture_writer_open(path, &options, &w, why, sizeof(why)), -EPERM);
	assert_non_null(strstr(why, "belongs to another user"));
	assert_int_equal(chown(path, 0, 0), 0);
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : fchmod(fd, 0644) || close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_waits), cmocka_unit_test(test_secret_first),
		cmocka_unit_test(test_time_over), cmocka_unit_test(test_connection_limit),
		cmocka_unit_test(test_whole_limit), cmocka_unit_test(test_doubt),
		cmocka_unit_test(test_split), cmocka_unit_test(test_frames),
		cmocka_unit_test(test_full), cmocka_unit_test(test_tail),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that probes caught and that no name joins to a handshake, since the ClientHello was encrypted or is not whole:
 * found by trial, wherever in a golden capture they come. And what is not to be tried is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "parsers/keylog.h"
#include "tests/unit/tap.h"
#include "userspace/handshake/caught.h"

#define CAPTURES "tests/captures/"
#define FILE_MAX 65536u
#define PACKETS 24u              /* more than any of the captures has */
#define NONE UINT32_MAX
#define TRIED_MAX 256u           /* CAUGHT_TRIED_MAX of handshake_keys.c */

static struct tap t;
static uint8_t file[FILE_MAX], decoys;
static size_t file_len;
static struct caught_secret secrets[16];
static unsigned int num_secrets;

static size_t read_file(const char *name, const char *ending, uint8_t *to)
{
	char path[128];
	size_t len;
	FILE *in;

	snprintf(path, sizeof(path), CAPTURES "%s.%s", name, ending);
	in = fopen(path, "r");
	assert_non_null(in);
	len = fread(to, 1, FILE_MAX, in);
	fclose(in);
	return len;
}

/* The server's secrets of the capture's key log, each known by a hash that is nowhere on the wire. */
static void read_secrets(const char *name)
{
	static uint8_t text[FILE_MAX];
	struct bytes in = bytes_of(text, read_file(name, "keys", text)), line;
	struct keylog_entry e;
	const uint8_t *end;

	num_secrets = 0;
	while (in.len && (end = memchr(in.data, '\n', in.len))) {
		line = bytes_of(in.data, (size_t)(end - in.data));
		in = bytes_of(end + 1, in.len - line.len - 1);
		if (keylog_line_parse(line, &e) != KEYLOG_ENTRY ||
		    e.label != KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET)
			continue;
		assert_true(num_secrets < ARRAY_SIZE(secrets));
		secrets[num_secrets] = (struct caught_secret){
			.label = CAUGHT_SERVER_HANDSHAKE, .join = CAUGHT_BY_TRANSCRIPT,
			.id_len = (uint8_t)e.secret_len, .secret_len = (uint8_t)e.secret_len,
		};
		memset(secrets[num_secrets].id, 0xe0 + (int)num_secrets, e.secret_len);
		memcpy(secrets[num_secrets].secret, e.secret, e.secret_len);
		num_secrets++;
	}
	assert_true(num_secrets > 0);
}

static void open_capture(const char *name)
{
	file_len = read_file(name, "pcap", file);
	read_secrets(name);
	decoys = 0;
	tap_open(&t);
	assert_true(pipeline_expect_secrets(t.pipeline, false));
}

static uint32_t word_at(size_t at)
{
	return file[at] | file[at + 1] << 8 | file[at + 2] << 16 | (uint32_t)file[at + 3] << 24;
}

static void catch_secrets(void)
{
	unsigned int i;

	for (i = 0; i < num_secrets; i++)
		pipeline_secret(t.pipeline, &secrets[i]);
	pipeline_tick(t.pipeline, t.time_ns, 0);
}

/* Secrets of nobody here. */
static void catch_others(unsigned int num)
{
	struct caught_secret other = secrets[0];

	while (num--) {
		memset(other.id, 0x30, sizeof(other.id));
		other.id[0] = decoys++;
		other.secret[0] = (uint8_t)~secrets[0].secret[0];
		other.secret[1] = other.id[0];
		pipeline_secret(t.pipeline, &other);
	}
}

/* Packet number `hello` loses `cut` bytes at its end, all of them where that is 100; the secrets come before `at`. */
static void play(uint32_t hello, uint32_t cut, uint32_t at)
{
	struct frame frame = { .link = 1 };
	uint32_t packet = 0;
	size_t offset = 24;

	for (; offset < file_len; packet++, offset += 16 + word_at(offset + 8)) {
		frame.time_ns = word_at(offset) * 1000000000ull + word_at(offset + 4) * 1000ull;
		frame.number = packet + 1;
		frame.wire_len = word_at(offset + 12);
		frame.data = bytes_of(file + offset + 16, word_at(offset + 8));
		t.time_ns = frame.time_ns;
		if (packet == at)
			catch_secrets();
		if (packet == hello)
			frame.data.len -= cut;
		if (packet != hello || cut < 100)
			pipeline_frame(t.pipeline, &frame);
	}
	if (at >= packet && at != NONE)
		catch_secrets();
}

static void assert_opened(const char *what, uint32_t at)
{
	assert_int_equal(tap_finish(&t), 0);
	if (!strstr(t.log, "server:chain 2; ") || t.last.witness[ROLE_SERVER] != WITNESS_SECRET)
		fail_msg("%s, before packet %u: %s", what, at, t.log);
	tap_close(&t);
}

static void assert_closed(const char *what)
{
	assert_int_equal(tap_finish(&t), 0);
	if (strstr(t.log, "chain"))
		fail_msg("%s: %s", what, t.log);
	tap_close(&t);
}

static void test_encrypted_hello(void **state)
{
	static const char *const names[] = { "ech-keys", "quic-ech-keys" };
	uint32_t at;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (at = 0; at <= PACKETS; at++) {
			open_capture(names[i]);
			catch_others(20);
			play(NONE, 0, at);
			assert_opened(names[i], at);
		}
	}
}

/* In packet 3 of this one is the whole ClientHello: without its last byte, and without all of them. */
static void test_lost_hello(void **state)
{
	static const uint32_t cuts[] = { 1, 100 };
	uint32_t at;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		for (at = 0; at <= PACKETS; at++) {
			open_capture("keys-aes-128-gcm");
			catch_others(20);
			play(3, cuts[i], at);
			assert_opened("ClientHello lost", at);
		}
	}
}

/* Whoever names his secret well is not tried others; nor is anybody without end. */
static void test_not_tried(void **state)
{
	(void)state;
	open_capture("keys-aes-128-gcm");
	play(NONE, 0, 0);
	assert_closed("a whole ClientHello in clear, a secret of another name");

	open_capture("ech-keys");
	catch_secrets();
	catch_others(TRIED_MAX - num_secrets);
	play(NONE, 0, NONE);
	assert_opened("as many as are tried", 0);

	open_capture("ech-keys");
	catch_secrets();
	catch_others(TRIED_MAX);
	play(NONE, 0, NONE);
	assert_closed("more than are tried");

	/* All that there are, but the right ones. */
	open_capture("ech-keys");
	catch_others(100);
	play(NONE, 0, NONE);
	assert_closed("none is right");
}

/*
 * A sighting ends when nothing more can be learned, not when its connection does: the client's secret is not caught, so
 * the server's Finished is the end of what can be read. Once, although packets go on.
 */
static void test_told_at_once(void **state)
{
	uint32_t at;

	(void)state;
	for (at = 0; at <= PACKETS; at++) {
		open_capture("quic-ech-keys");
		play(NONE, 0, at);
		assert_int_equal(t.closed, 1);
		assert_opened("QUIC, the end", at);
		assert_int_equal(t.closed, 1);
	}
}

/* ---- the table ---- */

static struct caught *caught;

static struct caught_secret numbered(uint8_t number, enum caught_label label)
{
	struct caught_secret s = { .label = (uint8_t)label, .id_len = 32, .secret_len = 32 };

	s.id[0] = s.secret[0] = number;
	return s;
}

/* "3 1 ": which are gone through, in order. */
static void assert_next(uint64_t since, const char *want)
{
	struct caught_secret s;
	char got[64] = "";
	uint32_t at = 0;

	while (caught_next(caught, CAUGHT_SERVER_HANDSHAKE, since, &at, &s))
		snprintf(got + strlen(got), sizeof(got) - strlen(got), "%u ", s.secret[0]);
	assert_string_equal(got, want);
}

static void test_next(void **state)
{
	struct caught_secret s, out;
	uint8_t i;

	(void)state;
	caught = caught_new();
	assert_non_null(caught);
	assert_next(0, "");
	for (i = 1; i <= 4; i++) {
		s = numbered(i, i == 2 ? CAUGHT_CLIENT_HANDSHAKE : CAUGHT_SERVER_HANDSHAKE);
		caught_add(caught, &s, i);
	}
	assert_next(0, "4 3 1 ");
	assert_next(1, "4 3 ");
	assert_next(4, "");
	s = numbered(3, CAUGHT_SERVER_HANDSHAKE);
	assert_true(caught_find(caught, CAUGHT_SERVER_HANDSHAKE, bytes_of(s.id, 32), &out));
	assert_next(0, "4 1 ");
	caught_expire(caught, CAUGHT_KEPT_NS + 1);
	assert_next(0, "4 ");
	/* Round the ring. */
	for (i = 0; i < 200; i++) {
		s = numbered(7, CAUGHT_CLIENT_HANDSHAKE);
		for (unsigned int j = 0; j < CAUGHT_MAX / 100; j++)
			caught_add(caught, &s, 10);
	}
	assert_next(0, "");
	s = numbered(9, CAUGHT_SERVER_HANDSHAKE);
	caught_add(caught, &s, 10);
	assert_next(0, "9 ");
	caught_free(caught);
}

static void count_flow(void *context, struct flow *flow)
{
	struct caught_trial **trials = context;

	/* The second one ends while it is visited. */
	if (flow == (struct flow *)&trials[1])
		caught_trial_end(trials[1]);
	trials[3] = (void *)((uintptr_t)trials[3] + 1);
}

static void test_trials(void **state)
{
	struct caught_trial *trials[4] = { NULL };
	unsigned int i;

	(void)state;
	caught = caught_new();
	assert_non_null(caught);
	caught_trial_each(caught, count_flow, trials);
	assert_null(trials[3]);
	for (i = 0; i < 3; i++)
		trials[i] = caught_trial_begin(caught, (struct flow *)&trials[i]);
	caught_trial_each(caught, count_flow, trials);
	assert_int_equal((uintptr_t)trials[3], 3);
	caught_trial_end(trials[0]);
	caught_trial_end(NULL);
	trials[3] = NULL;
	caught_trial_each(caught, count_flow, trials);
	assert_int_equal((uintptr_t)trials[3], 1);
	/* The last one ends with the table. */
	caught_free(caught);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_trials),
		cmocka_unit_test(test_encrypted_hello),
		cmocka_unit_test(test_lost_hello),
		cmocka_unit_test(test_not_tried),
		cmocka_unit_test(test_told_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

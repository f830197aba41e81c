/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A key log that grows while a golden capture is read: wherever in it the lines come, and when they come last of all,
 * the chain is the one that they show when they are there from the beginning.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include "tests/unit/tap.h"
#include "userspace/handshake/keys.h"
#include "userspace/source/source.h"

#define CAPTURES "tests/captures/"
#define PACKETS 30u              /* more than any of the captures has */

static const char *const names[] = {
	"keys-aes-128-gcm", "keys-hello-late", "ech-keys", "dtls13-keys", "dtls13-late-hello", "dtls13-last-hello",
	"quic-v1-keys", "quic-server-first", "quic-ech-keys",
};

static struct tap t;
static struct keys *keys;
static char path[] = "/tmp/certtap-late-XXXXXX";

static void open_log(const char *name, char *text, size_t size)
{
	char from[128];
	FILE *in;
	size_t len;

	snprintf(from, sizeof(from), CAPTURES "%s.keys", name);
	in = fopen(from, "r");
	assert_non_null(in);
	len = fread(text, 1, size - 1, in);
	text[len] = '\0';
	fclose(in);
	assert_int_equal(truncate(path, 0), 0);
	keys = keys_new(1000);
	assert_non_null(keys);
	assert_int_equal(keys_add_file(keys, path, true), 0);
}

static void write_log(const char *text)
{
	FILE *out = fopen(path, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	fclose(out);
}

/* The log is written before packet number `at`; where there are not so many, before the end. */
static void read_with(const char *name, unsigned int at)
{
	char text[8192], capture[128], why[256];
	struct source *source;
	unsigned int packet;

	open_log(name, text, sizeof(text));
	tap_open(&t);
	pipeline_use_keys(t.pipeline, keys);
	snprintf(capture, sizeof(capture), CAPTURES "%s.pcap", name);
	if (source_file_open(capture, &source, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	for (packet = 0; packet == at || source_read(source, t.pipeline, 1) > 0; packet++) {
		if (packet != at)
			continue;
		write_log(text);
		pipeline_tick(t.pipeline, t.last.end_ns, 0);
	}
	source_free(source);
	if (packet <= at)
		write_log(text);
	assert_int_equal(tap_finish(&t), 0);
	tap_close(&t);
	keys_free(keys);
}

static void test_each_place(void **state)
{
	unsigned int at;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		for (at = 0; at <= PACKETS; at++) {
			read_with(names[i], at);
			if (!strstr(t.log, "server:chain 2; "))
				fail_msg("%s, before packet %u: %s", names[i], at, t.log);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_each_place) };
	int failed, fd = mkstemp(path);

	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The probes for real: `openssl` as server and as client writes a key log, and the ring must hold the
 * server's handshake secret of each session, from both ends, and nothing else of that key log.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>

#include "userspace/probes/probes.h"
#include "userspace/source/source_secrets.h"

#define MAX 256
#define PATIENCE_MS 5000

/* A line of a key log. */
struct line {
	char label[64];
	uint8_t random[32], secret[48];
	size_t len;
};

static struct {
	char folder[64], skip[512], library[64];
	pid_t server;
	char port[32];
	/* What came up. */
	struct probes *probes;
	struct ring_buffer *ring;
	struct caught_secret caught[MAX];
	unsigned int num_caught;
	struct line lines[MAX];
	unsigned int num_lines;
} t;

/* Good until it was called eight times more. */
static const char *in_folder(const char *name)
{
	static char names[8][128];
	static unsigned int next;
	char *to = names[next++ % 8];

	snprintf(to, sizeof(names[0]), "%.64s/%.32s", t.folder, name);
	return to;
}

static pid_t start(const char *const argv[])
{
	pid_t pid = fork();

	if (pid)
		return pid;
	for (int fd = 0; fd < 3; fd++)
		dup2(open("/dev/null", O_RDWR), fd);
	dup2(open(in_folder("request"), O_RDONLY), 0);
	if (*t.library)
		setenv("LD_LIBRARY_PATH", t.library, 1);
	execvp(argv[0], (char *const *)(uintptr_t)argv);
	_exit(127);
}

static int wait_for(pid_t pid)
{
	int status = -1;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(const char *const argv[])
{
	return wait_for(start(argv));
}

static int on_record(void *context, void *record, size_t size)
{
	(void)context;
	assert_true(source_secrets_convert(record, size, &t.caught[t.num_caught]));
	assert_true(++t.num_caught < MAX);
	return 0;
}

static void work(int ms)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += ms / 1000;
	end.tv_nsec += ms % 1000 * 1000000;
	do {
		struct pollfd p = { .fd = t.probes ? probes_fd(t.probes) : -1, .events = POLLIN };

		poll(&p, 1, 10);
		if (t.probes) {
			probes_poll(t.probes);
			assert_true(ring_buffer__consume(t.ring) >= 0);
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec));
}

static void open_probes(const struct probes_options *o)
{
	char why[512];

	if (*t.skip) {
		print_message("%s\n", t.skip);
		skip();
	}
	if (probes_open(o, &t.probes, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	t.ring = ring_buffer__new(probes_ring_fd(t.probes), on_record, NULL, NULL);
	assert_non_null(t.ring);
}

static int close_probes(void **state)
{
	(void)state;
	if (t.server > 0) {
		kill(t.server, SIGKILL);
		wait_for(t.server);
	}
	ring_buffer__free(t.ring);
	probes_free(t.probes);
	unlink(in_folder("server.keys"));
	unlink(in_folder("client.keys"));
	t.server = 0;
	t.ring = NULL;
	t.probes = NULL;
	t.num_caught = t.num_lines = 0;
	*t.library = '\0';
	memset(t.caught, 0, sizeof(t.caught));
	return 0;
}

/* ---- sessions ---- */

static void choose_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	close(fd);
	snprintf(t.port, sizeof(t.port), "127.0.0.1:%u", ntohs(a.sin_port));
}

static bool is_listening(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), err;

	a.sin_port = htons((uint16_t)atoi(strchr(t.port, ':') + 1));
	err = connect(fd, (struct sockaddr *)&a, sizeof(a));
	close(fd);
	return err == 0;
}

static void start_server(const char *program, const char *groups)
{
	const char *const argv[] = { program, "s_server", "-accept", t.port, "-key", in_folder("key"),
				     "-cert", in_folder("cert"), "-keylogfile",
				     in_folder("server.keys"), "-www", "-groups", groups, NULL };

	choose_port();
	t.server = start(argv);
	for (int i = 0; i < PATIENCE_MS / 10 && !is_listening(); i++)
		work(10);
	assert_true(is_listening());
	work(200);
}

/* `session` is written, or read and used. */
static void connect_client(const char *suite, const char *session_option)
{
	const char *const argv[] = { "openssl", "s_client", "-connect", t.port, "-tls1_3",
				     "-ciphersuites", suite, "-groups", "X25519:P-521",
				     /* It stays for the answer, and so for the session ticket before it. */
				     "-ign_eof",
				     "-keylogfile", in_folder("client.keys"),
				     session_option, in_folder("session"), NULL };
	int status;

	status = run(argv);
	assert_int_equal(status, 0);
	work(100);
}

static size_t read_hex(const char *text, uint8_t *to, size_t max)
{
	size_t len = 0;
	unsigned int byte;

	while (len < max && sscanf(text + 2 * len, "%2x", &byte) == 1)
		to[len++] = (uint8_t)byte;
	return len;
}

static void read_key_log(const char *name)
{
	char random[128], secret[128];
	FILE *f = fopen(in_folder(name), "r");
	struct line l;

	assert_non_null(f);
	while (t.num_lines < MAX) {
		int n = fscanf(f, "%63s %127s %127[^\n]", l.label, random, secret);

		if (n == EOF)
			break;
		l.len = n == 3 && *l.label != '#' ? read_hex(secret, l.secret, sizeof(l.secret)) : 0;
		read_hex(random, l.random, sizeof(l.random));
		if (l.len >= 32)
			t.lines[t.num_lines++] = l;
	}
	fclose(f);
}

static unsigned int times_caught(const struct line *l, enum caught_label label)
{
	const struct caught_secret *first = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < t.num_caught; i++) {
		const struct caught_secret *c = &t.caught[i];

		if (c->label != label || c->secret_len != l->len ||
		    memcmp(c->secret, l->secret, l->len) != 0)
			continue;
		/* Both ends hashed the same hellos. */
		if (first) {
			assert_int_equal(c->id_len, first->id_len);
			assert_memory_equal(c->id, first->id, c->id_len);
			assert_int_not_equal(c->pid, first->pid);
		}
		assert_int_equal(c->join, CAUGHT_BY_TRANSCRIPT);
		assert_int_equal(c->id_len, l->len);
		first = c;
		n++;
	}
	return n;
}

static unsigned int count_label(const char *label)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t.num_lines; i++)
		n += strcmp(t.lines[i].label, label) == 0;
	return n;
}

/* Each secret with this label came `times` times. */
static void assert_caught(const char *label, enum caught_label as, unsigned int times)
{
	assert_true(count_label(label) > 0);
	for (unsigned int i = 0; i < t.num_lines; i++)
		if (strcmp(t.lines[i].label, label) == 0)
			assert_int_equal(times_caught(&t.lines[i], as), times);
}

/* How many of the label's secrets are in the ring's memory, read or discarded ones too. */
static unsigned int count_in_ring(const char *label, size_t ring_bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const uint8_t *ring = mmap(NULL, page + ring_bytes, PROT_READ, MAP_SHARED,
				   probes_ring_fd(t.probes), (off_t)page);
	unsigned int n = 0;

	assert_ptr_not_equal(ring, MAP_FAILED);
	for (unsigned int i = 0; i < t.num_lines; i++)
		if (strcmp(t.lines[i].label, label) == 0)
			n += memmem(ring, page + ring_bytes, t.lines[i].secret, 32) != NULL;
	munmap((void *)(uintptr_t)ring, page + ring_bytes);
	return n;
}

/* ---- tests ---- */

static void sessions(const char *server)
{
	start_server(server, "P-521:X25519");         /* not the first choice of the client: */
	connect_client("TLS_AES_128_GCM_SHA256", "-sess_out");
	connect_client("TLS_AES_128_GCM_SHA256", "-sess_in");
	connect_client("TLS_AES_256_GCM_SHA384", "-sess_out");
	connect_client("TLS_CHACHA20_POLY1305_SHA256", "-sess_out");
	read_key_log("client.keys");
	assert_int_equal(count_label("SERVER_HANDSHAKE_TRAFFIC_SECRET"), 4);
}

static void test_only_server_secrets(void **state)
{
	static const char *const others[] = {
		"CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0",
		"EXPORTER_SECRET",
	};
	struct probes_options o = PROBES_OPTIONS_DEFAULT;

	(void)state;
	o.which = PROBES_ALL;
	o.without_wipe = true;
	open_probes(&o);
	sessions("openssl");
	assert_caught("SERVER_HANDSHAKE_TRAFFIC_SECRET", CAUGHT_SERVER_HANDSHAKE, 2);
	read_key_log("server.keys");
	assert_int_equal(count_in_ring("SERVER_HANDSHAKE_TRAFFIC_SECRET", o.ring_bytes), 8);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(count_label(others[i]), 8);
		assert_int_equal(count_in_ring(others[i], o.ring_bytes), 0);
	}
}

static void test_client_secrets_when_asked(void **state)
{
	static const char *const others[] = {
		"CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0", "EXPORTER_SECRET",
	};
	struct probes_options o = PROBES_OPTIONS_DEFAULT;

	(void)state;
	o.which = PROBES_ALL;
	o.client_secrets = o.without_wipe = true;
	open_probes(&o);
	sessions("openssl");
	assert_caught("SERVER_HANDSHAKE_TRAFFIC_SECRET", CAUGHT_SERVER_HANDSHAKE, 2);
	assert_caught("CLIENT_HANDSHAKE_TRAFFIC_SECRET", CAUGHT_CLIENT_HANDSHAKE, 2);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(count_in_ring(others[i], o.ring_bytes), 0);
}

/* What was read is gone from the ring soon. */
static void test_nothing_stays(void **state)
{
	struct probes_options o = PROBES_OPTIONS_DEFAULT;
	int patience = 100;

	(void)state;
	o.which = PROBES_ALL;
	open_probes(&o);
	sessions("openssl");
	assert_caught("SERVER_HANDSHAKE_TRAFFIC_SECRET", CAUGHT_SERVER_HANDSHAKE, 2);
	while (count_in_ring("SERVER_HANDSHAKE_TRAFFIC_SECRET", o.ring_bytes) && --patience)
		work(200);
	assert_int_equal(count_in_ring("SERVER_HANDSHAKE_TRAFFIC_SECRET", o.ring_bytes), 0);
}

static void check_rung(bool without_multi, bool without_sleep)
{
	struct probes_options o = PROBES_OPTIONS_DEFAULT;

	o.which = PROBES_ALL;
	o.without_multi = without_multi;
	o.without_sleep = without_sleep;
	open_probes(&o);
	sessions("openssl");
	assert_caught("SERVER_HANDSHAKE_TRAFFIC_SECRET", CAUGHT_SERVER_HANDSHAKE, 2);
}

static void test_single_uprobes(void **state)
{
	(void)state;
	check_rung(true, false);
}

static void test_without_sleep(void **state)
{
	(void)state;
	check_rung(false, true);
}

static uint64_t sum_unlisted(void)
{
	unsigned int num;
	const struct secret_counters *c = probes_counters(t.probes, &num);
	uint64_t sum = 0;

	for (unsigned int i = 0; i < num; i++)
		sum += c[i].unlisted;
	return sum;
}

/* The server is a copy under another name, so the two share a library but not an executable. */
static void check_pattern(const char *text, unsigned int times)
{
	struct probes_options o = PROBES_OPTIONS_DEFAULT;
	char copy[128];
	const char *pattern = copy;

	snprintf(copy, sizeof(copy), "%s", text);
	o.which = PROBES_PATTERNS;
	o.patterns = &pattern;
	o.num_patterns = 1;
	open_probes(&o);
	sessions(in_folder("chosen-server"));
	assert_caught("SERVER_HANDSHAKE_TRAFFIC_SECRET", CAUGHT_SERVER_HANDSHAKE, times);
	if (times == 1)
		assert_true(sum_unlisted() >= 4);
}

static void test_chosen_by_name(void **state)
{
	(void)state;
	check_pattern("chosen-*", 1);
}

static void test_chosen_by_path(void **state)
{
	(void)state;
	check_pattern(in_folder("chosen-server"), 1);
}

static void test_nobody_chosen(void **state)
{
	(void)state;
	check_pattern("/no/such/program", 0);
}

/* ---- children of a chosen process ---- */

static void expand(EVP_KDF_CTX *kdf, uint8_t key[32], char *label, uint8_t *out, size_t len)
{
	char digest[] = "SHA256", prefix[] = "tls13 ";
	int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
	uint8_t hash[32] = { 7 };
	OSSL_PARAM list[] = {            /* as libssl has them */
		OSSL_PARAM_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 6),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_KEY, key, 32),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_PREFIX, prefix, 6),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_LABEL, label, strlen(label)),
		OSSL_PARAM_octet_string(OSSL_KDF_PARAM_DATA, hash, sizeof(hash)),
		OSSL_PARAM_END,
	};

	if (EVP_KDF_derive(kdf, out, len, list) <= 0)
		_exit(1);
}

/* When a byte has come: the secret of a handshake, and a key from it. */
static void __attribute__((noreturn)) be_child(int gate)
{
	EVP_KDF *algorithm = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	EVP_KDF_CTX *kdf = EVP_KDF_CTX_new(algorithm);
	char secret_label[] = "s hs traffic", key_label[] = "key";
	uint8_t key[32] = { 1 }, secret[32], traffic_key[16], byte;

	if (read(gate, &byte, 1) != 1)
		_exit(1);
	expand(kdf, key, secret_label, secret, sizeof(secret));
	expand(kdf, secret, key_label, traffic_key, sizeof(traffic_key));
	_exit(0);
}

/* Entries of the youngest map of that name. */
static unsigned int num_listed(void)
{
	struct bpf_map_info info;
	uint32_t id = 0, len, key = 0;
	int listed = -1, fd;
	unsigned int num = 0;

	while (bpf_map_get_next_id(id, &id) == 0) {
		fd = bpf_map_get_fd_by_id(id);
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
		    strcmp(info.name, "listed") == 0) {
			close(listed);
			listed = fd;
		} else {
			close(fd);
		}
	}
	for (int err = bpf_map_get_next_key(listed, NULL, &key); err == 0; num++)
		err = bpf_map_get_next_key(listed, &key, &key);
	close(listed);
	return num;
}

/* This very process is chosen. `in_kernel`: user space hears nothing of its child. */
static void check_child(bool in_kernel)
{
	const char *pattern = "test_secrets";
	struct probes_options o = PROBES_OPTIONS_DEFAULT;
	int gate[2];
	pid_t child;

	o.which = PROBES_PATTERNS;
	o.patterns = &pattern;
	o.num_patterns = 1;
	o.without_fork = !in_kernel;
	open_probes(&o);
	if (in_kernel && *probes_note(t.probes)) {
		print_message("%s\n", probes_note(t.probes));
		skip();
	}
	assert_int_equal(num_listed(), 1);
	assert_int_equal(pipe(gate), 0);
	child = fork();
	if (!child)
		be_child(gate[0]);
	if (!in_kernel)
		work(200);
	assert_int_equal(num_listed(), 2);
	assert_int_equal(write(gate[1], "", 1), 1);
	assert_int_equal(wait_for(child), 0);
	assert_int_equal(num_listed(), in_kernel ? 1 : 2);
	assert_true(ring_buffer__consume(t.ring) >= 0);
	assert_int_equal(t.num_caught, 1);
	assert_int_equal(t.caught[0].pid, child);
	close(gate[0]);
	close(gate[1]);
}

static void test_child_from_its_fork_on(void **state)
{
	(void)state;
	check_child(true);
}

static void test_child_that_was_heard_of(void **state)
{
	(void)state;
	check_child(false);
}

static unsigned int num_targets(void)
{
	struct probes_state s;

	probes_state(t.probes, &s);
	return s.targets;
}

/* The library that the programs here use is the one that this test uses. */
static bool copy_library(void)
{
	const char *argv[] = { "cp", NULL, in_folder("libcrypto.so.3"), NULL };
	char line[512], path[256];
	bool found = false;
	FILE *f = fopen("/proc/self/maps", "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %*s %*s %*s %*s %255s", path) == 1 &&
			strstr(path, "libcrypto.so.3");
	if (f)
		fclose(f);
	argv[1] = path;
	return found && run(argv) == 0;
}

/* A server with a library of its own, which is deleted once it is mapped. */
static void start_own_server(void)
{
	assert_true(copy_library());
	snprintf(t.library, sizeof(t.library), "%s", t.folder);
	start_server("openssl", "X25519");
	*t.library = '\0';
	assert_int_equal(unlink(in_folder("libcrypto.so.3")), 0);
}

/* It is probed like any other, and its probe goes with its last user. */
static void check_own_server(void)
{
	unsigned int before;

	connect_client("TLS_AES_128_GCM_SHA256", "-sess_out");
	read_key_log("client.keys");
	assert_caught("SERVER_HANDSHAKE_TRAFFIC_SECRET", CAUGHT_SERVER_HANDSHAKE, 2);
	before = num_targets();
	kill(t.server, SIGTERM);
	wait_for(t.server);
	t.server = 0;
	for (int i = 0; i < PATIENCE_MS / 100 && num_targets() >= before; i++)
		work(100);
	assert_true(num_targets() < before);
}

static void test_library_that_is_new(void **state)
{
	struct probes_options o = PROBES_OPTIONS_DEFAULT;

	(void)state;
	o.which = PROBES_ALL;
	o.check_seconds = 1;
	open_probes(&o);
	start_own_server();
	check_own_server();
}

static void test_library_that_was_deleted(void **state)
{
	struct probes_options o = PROBES_OPTIONS_DEFAULT;

	(void)state;
	o.which = PROBES_ALL;
	o.check_seconds = 1;
	if (!*t.skip)
		start_own_server();
	open_probes(&o);
	check_own_server();
}

static int on_process(void *context, const struct probes_process *p)
{
	bool *found = context;

	if (p->pid != t.server)
		return 0;
	assert_true(p->covered);
	assert_true(p->num_libraries >= 1);
	assert_string_equal(p->libraries[0].library, "OpenSSL 3");
	assert_string_equal(p->libraries[0].symbol, "EVP_KDF_derive");
	assert_null(p->libraries[0].reason);
	assert_non_null(strstr(p->libraries[0].path, "libcrypto.so.3"));
	assert_string_equal(p->name, "openssl");
	*found = true;
	return 0;
}

static void test_survey(void **state)
{
	struct probes_options o = PROBES_OPTIONS_DEFAULT;
	bool found = false;

	(void)state;
	o.which = PROBES_ALL;
	open_probes(&o);         /* only for its reasons to skip */
	start_server("openssl", "X25519");
	assert_int_equal(probes_survey(NULL, on_process, &found), 0);
	assert_true(found);
}

static void test_damaged_records(void **state)
{
	struct secret_event good = { .version = SECRET_VERSION, .label = SECRET_SERVER_HANDSHAKE,
				     .join = SECRET_JOIN_TRANSCRIPT, .join_len = 32, .secret_len = 32 };
	struct caught_secret out;
	struct secret_event e;

	(void)state;
	assert_true(source_secrets_convert(&good, sizeof(good), &out));
	for (size_t size = 0; size < sizeof(good); size++)
		assert_false(source_secrets_convert(&good, size, &out));
	for (unsigned int i = 0; i < 256; i++) {
		e = good, e.version = (uint8_t)i;
		assert_int_equal(source_secrets_convert(&e, sizeof(e), &out), i == SECRET_VERSION);
		e = good, e.label = (uint8_t)i;
		assert_int_equal(source_secrets_convert(&e, sizeof(e), &out), i == 1 || i == 2);
		e = good, e.join = (uint8_t)i;
		assert_int_equal(source_secrets_convert(&e, sizeof(e), &out), i == 1 || i == 2);
		e = good, e.join_len = (uint8_t)i;
		assert_int_equal(source_secrets_convert(&e, sizeof(e), &out), i == 32);
		e = good, e.secret_len = e.join_len = (uint8_t)i;
		assert_int_equal(source_secrets_convert(&e, sizeof(e), &out), i == 32 || i == 48);
	}
}

/* ---- the group ---- */

static void prepare(void)
{
	struct probes_options o = PROBES_OPTIONS_DEFAULT;
	const char *const request[] = { "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
					"ec_paramgen_curve:P-256", "-nodes", "-keyout",
					in_folder("key"), "-out", in_folder("cert"), "-days", "2",
					"-subj", "/CN=localhost", NULL };
	const char *const which[] = { "sh", "-c", "cp \"$(command -v openssl)\" \"$0\"",
				      in_folder("chosen-server"), NULL };
	struct probes *p;
	int err;

	if (run(request) != 0 || run(which) != 0) {
		snprintf(t.skip, sizeof(t.skip), "no program openssl");
		return;
	}
	o.which = PROBES_ALL;
	err = probes_open(&o, &p, t.skip, sizeof(t.skip));
	if (err == 0)
		probes_free(p);
	if (err != -EPERM && err != -EACCES)
		*t.skip = '\0';      /* then the tests themselves shall fail */
}

static int setup(void **state)
{
	FILE *request;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	strcpy(t.folder, "/tmp/certtap-secrets-XXXXXX");
	if (!mkdtemp(t.folder))
		return -1;
	request = fopen(in_folder("request"), "w");
	if (!request || fputs("GET / HTTP/1.0\r\n\r\n", request) < 0 || fclose(request))
		return -1;
	prepare();
	return 0;
}

static int teardown(void **state)
{
	const char *const argv[] = { "rm", "-rf", t.folder, NULL };

	(void)state;
	return run(argv);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_only_server_secrets, close_probes),
		cmocka_unit_test_teardown(test_client_secrets_when_asked, close_probes),
		cmocka_unit_test_teardown(test_nothing_stays, close_probes),
		cmocka_unit_test_teardown(test_single_uprobes, close_probes),
		cmocka_unit_test_teardown(test_without_sleep, close_probes),
		cmocka_unit_test_teardown(test_chosen_by_name, close_probes),
		cmocka_unit_test_teardown(test_chosen_by_path, close_probes),
		cmocka_unit_test_teardown(test_nobody_chosen, close_probes),
		cmocka_unit_test_teardown(test_child_from_its_fork_on, close_probes),
		cmocka_unit_test_teardown(test_child_that_was_heard_of, close_probes),
		cmocka_unit_test_teardown(test_library_that_is_new, close_probes),
		cmocka_unit_test_teardown(test_library_that_was_deleted, close_probes),
		cmocka_unit_test_teardown(test_survey, close_probes),
		cmocka_unit_test(test_damaged_records),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

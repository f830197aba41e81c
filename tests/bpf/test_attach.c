/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The attachments for real: two sockets in a network namespace of this test's own exchange what looks
 * like a handshake and then bulk data; exactly the handshake must come up, by each rung.
 */
#include <netinet/tcp.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/bpf/rig.h"
#include "userspace/attach/attach.h"
#include "userspace/attach/attach_parts.h"

#define RECORD_BODY 16000
#define NUM_RECORDS 5              /* a flight of 80 KB: more than one packet of any kind */
#define BULK_LEN 300000

static const char *const loopback[] = { "lo" };

struct capture {
	uint16_t server_port;
	uint8_t bytes[NUM_RECORDS * (RECORD_BODY + 5) + 64];
	size_t end;                 /* of the server's bytes that came */
	size_t client_len;
	bool ended;
	uint64_t netns_cookie;      /* all bits of all events */
};

static struct capture capture;

static int on_record(void *context, void *record, size_t size)
{
	const struct event *e = record;
	uint32_t at = e->seq - e->start_seq;

	(void)context;
	(void)size;
	if (e->dport == capture.server_port || e->sport == capture.server_port)
		capture.netns_cookie |= e->netns_cookie;
	if (e->dport == capture.server_port && e->kind == EVENT_DATA)
		capture.client_len += e->cap_len;
	if (e->sport != capture.server_port)
		return 0;
	if (e->kind == EVENT_END) {
		assert_int_equal(e->reason, EVENT_REASON_RECORD);
		capture.ended = true;
		return 0;
	}
	assert_int_equal(e->kind, EVENT_DATA);
	assert_true(at + e->cap_len <= sizeof(capture.bytes));
	memcpy(capture.bytes + at, (const uint8_t *)record + e->hdr_len, e->cap_len);
	if (at + e->cap_len > capture.end)
		capture.end = at + e->cap_len;
	return 0;
}

/* A namespace of our own: no other traffic on its loopback, nothing of the host is touched. */
static int setup(void **state)
{
	static char skip_reason[128];
	struct ifreq request = { .ifr_name = "lo" };
	struct sockaddr_in *address = (struct sockaddr_in *)&request.ifr_addr;
	int fd, err = 0;

	*state = NULL;
	libbpf_set_print(rig_silent);
	if (unshare(CLONE_NEWNET)) {
		snprintf(skip_reason, sizeof(skip_reason), "no network namespace: %s", strerror(errno));
		*state = skip_reason;
		return 0;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	request.ifr_flags = IFF_UP | IFF_LOOPBACK | IFF_RUNNING;
	err |= ioctl(fd, SIOCSIFFLAGS, &request);
	strcpy(request.ifr_name, "lo:1");
	address->sin_family = AF_INET;
	inet_pton(AF_INET, "192.0.2.7", &address->sin_addr);
	err |= ioctl(fd, SIOCSIFADDR, &request);
	close(fd);
	return err;
}

static void skip_if(const char *reason)
{
	if (!reason)
		return;
	print_message("%s\n", reason);
	skip();
}

struct pair { int client, server; };

static struct pair connect_pair(const char *host, int mss)
{
	struct sockaddr_storage storage = { 0 };
	struct sockaddr_in *a4 = (struct sockaddr_in *)&storage;
	struct sockaddr_in6 *a6 = (struct sockaddr_in6 *)&storage;
	socklen_t len = strchr(host, ':') ? sizeof(*a6) : sizeof(*a4);
	struct pair p;
	int listener;

	storage.ss_family = strchr(host, ':') ? AF_INET6 : AF_INET;
	assert_int_equal(inet_pton(storage.ss_family, host, len == sizeof(*a6) ?
				   (void *)&a6->sin6_addr : (void *)&a4->sin_addr), 1);
	listener = socket(storage.ss_family, SOCK_STREAM, 0);
	if (mss)
		setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss));
	assert_int_equal(bind(listener, (struct sockaddr *)&storage, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&storage, &len), 0);
	capture.server_port = ntohs(a4->sin_port);      /* at the same place in both */
	p.client = socket(storage.ss_family, SOCK_STREAM, 0);
	if (mss)
		setsockopt(p.client, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss));
	assert_int_equal(connect(p.client, (struct sockaddr *)&storage, len), 0);
	p.server = accept(listener, NULL, NULL);
	assert_true(p.server >= 0);
	close(listener);
	return p;
}

/* Sends while the other side reads, so that no buffer ever stops us. */
static void transfer(int from, int to, const uint8_t *data, size_t len)
{
	static uint8_t sink[65536];
	size_t sent = 0, got = 0;

	while (got < len) {
		struct pollfd wait[2] = { { .fd = to, .events = POLLIN },
					  { .fd = from, .events = sent < len ? POLLOUT : 0 } };
		ssize_t n;

		assert_true(poll(wait, 2, 5000) > 0);
		n = sent < len ? send(from, data + sent, len - sent, MSG_DONTWAIT) : 0;
		sent += n > 0 ? (size_t)n : 0;
		n = recv(to, sink, sizeof(sink), MSG_DONTWAIT);
		got += n > 0 ? (size_t)n : 0;
	}
}

/* A ServerHello, then records full of handshake, then application data. */
static size_t make_server_stream(uint8_t *out, size_t *total)
{
	uint8_t *p = out;

	for (int i = 0; i < NUM_RECORDS; i++) {
		p = rig_put(p, (uint8_t[]){ 22, 3, 3, RECORD_BODY >> 8, RECORD_BODY & 0xff }, 5);
		for (int j = 0; j < RECORD_BODY; j++)
			*p++ = (uint8_t)(i * 31 + j * 7 + j / 256);
		if (i == 0)
			memcpy(out + 5, "\x02\x00\x00\x46\x03\x03", 6);
	}
	*total = (size_t)(p - out) + BULK_LEN;
	for (size_t i = 0; i < BULK_LEN; i++)
		p[i] = (uint8_t)(i % 16005 == 0 ? 23 : i);
	memcpy(p, "\x17\x03\x03\x3e\x80", 5);
	return (size_t)(p - out) + 5;            /* the header of the first protected record goes up too */
}

static void exchange_and_check(struct attach *a, const char *host, int mss)
{
	static const uint8_t hello[200] = { 22, 3, 1, 0, 195, 1, 0, 0, 191, 3, 3 };
	static uint8_t stream[NUM_RECORDS * (RECORD_BODY + 5) + BULK_LEN];
	struct ring_buffer *ring = ring_buffer__new(attach_ring_fd(a), on_record, NULL, NULL);
	size_t total, clear = make_server_stream(stream, &total);
	struct pair p;

	assert_non_null(ring);
	memset(&capture, 0, sizeof(capture));
	p = connect_pair(host, mss);
	transfer(p.client, p.server, hello, sizeof(hello));
	transfer(p.server, p.client, stream, total);
	close(p.client);
	close(p.server);
	assert_true(ring_buffer__consume(ring) > 0);
	ring_buffer__free(ring);
	assert_int_equal(capture.client_len, sizeof(hello));
	assert_int_equal(capture.end, clear);
	assert_memory_equal(capture.bytes, stream, clear);
	assert_true(capture.ended);
}

static uint64_t lost_pieces(const struct attach *a)
{
	unsigned int num;
	const struct event_counters *c = attach_counters(a, &num);
	uint64_t lost = 0;

	for (unsigned int i = 0; i < num; i++)
		lost += c[i].pieces_lost;
	return lost;
}

static void try_rung(void **state, enum attach_rung rung)
{
	static const char *const hosts[] = { "127.0.0.1", "::1", "192.0.2.7" };
	struct attach_options options = ATTACH_OPTIONS_DEFAULT;
	struct attach *a;
	char why[512];

	skip_if(*state);
	if (attach_try(rung, why, sizeof(why)))
		skip_if(why);
	if (rung != ATTACH_CGROUP) {
		options.interfaces = loopback;
		options.num_interfaces = 1;
		options.without_tcx = rung == ATTACH_CLSACT;
	}
	assert_int_equal(attach_open(&options, &a, why, sizeof(why)), 0);
	assert_int_equal(attach_rung(a, 0), rung);
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		exchange_and_check(a, hosts[i], 0);
		exchange_and_check(a, hosts[i], 120);
		/* At an interface the cookie may be of the other end of a veth. */
		assert_true(rung == ATTACH_CGROUP || capture.netns_cookie == 0);
	}
	assert_int_equal(lost_pieces(a), 0);
	attach_free(a);
}

static void test_cgroup(void **state)
{
	try_rung(state, ATTACH_CGROUP);
}

static void test_tcx(void **state)
{
	try_rung(state, ATTACH_TCX);
}

static void test_clsact(void **state)
{
	try_rung(state, ATTACH_CLSACT);
	assert_int_equal(attach_filters_list(1, false, NULL, 0), 0);
}

/* A child that attaches by clsact, says so, and waits. Returns its pid. */
static pid_t start_holder(void)
{
	struct attach_options options = ATTACH_OPTIONS_DEFAULT;
	int ready[2];
	char word = 0, why[512];
	struct attach *a;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		options.interfaces = loopback;
		options.num_interfaces = 1;
		options.without_tcx = true;
		word = attach_open(&options, &a, why, sizeof(why)) ? 'n' : 'y';
		if (write(ready[1], &word, 1) == 1)
			pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &word, 1), 1);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(word, 'y');
	return pid;
}

static void kill_holder(pid_t pid)
{
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Is there a clsact qdisc at lo? */
static bool have_qdisc(void)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 1,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	int err = bpf_tc_hook_create(&hook);

	if (!err)
		assert_int_equal(bpf_tc_hook_destroy(&hook), 0);
	return err == -EEXIST;
}

static void test_leftovers(void **state)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = 1,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	char why[512];
	pid_t pid;

	skip_if(*state);
	if (attach_try(ATTACH_CLSACT, why, sizeof(why)))
		skip_if(why);
	assert_false(have_qdisc());

	/* Alive: not a leftover. Killed: the filter stays, and goes with the qdisc made for it. */
	pid = start_holder();
	assert_int_equal(attach_clean_leftovers(), 0);
	assert_int_equal(attach_filters_list(1, false, NULL, 0), 1);
	kill_holder(pid);
	assert_int_equal(attach_filters_list(1, false, NULL, 0), 1);
	assert_int_equal(attach_clean_leftovers(), 1);
	assert_false(have_qdisc());

	/* A qdisc that was there before stays. */
	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	kill_holder(start_holder());
	assert_int_equal(attach_clean_leftovers(), 1);
	assert_int_equal(attach_filters_list(1, false, NULL, 0), 0);
	assert_true(have_qdisc());
	assert_int_equal(bpf_tc_hook_destroy(&hook), 0);
}

static void test_unknown_interface(void **state)
{
	static const char *const names[] = { "no-such-if0" };
	struct attach_options options = ATTACH_OPTIONS_DEFAULT;
	struct attach *a = NULL;
	char why[512] = "";

	(void)state;
	options.interfaces = names;
	options.num_interfaces = 1;
	assert_int_equal(attach_open(&options, &a, why, sizeof(why)), -ENODEV);
	assert_non_null(strstr(why, "no-such-if0"));
	assert_null(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_tcx),
		cmocka_unit_test(test_clsact),
		cmocka_unit_test(test_leftovers),
		cmocka_unit_test(test_unknown_interface),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

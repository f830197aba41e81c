/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the kernel side costs a packet: our programs beside an empty one, by BPF_PROG_TEST_RUN. Caches
 * are warm and the payload lies in the linear part, so compare the differences, not the figures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/event.h"
#include "bpf/owner_event.h"
#include "bpf/handshake.skel.h"

#define ROUNDS 15
#define REPEAT 100000
#define SERVER_PORT 9808

struct frame {
	const char *name;
	uint8_t data[1514];
	size_t len;
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/* Ethernet, IPv4 and TCP or UDP; what follows is zero where nothing else is said. */
static struct frame make_frame(const char *name, uint8_t protocol, uint16_t port, uint8_t flags,
			       const void *begin, size_t begin_len, size_t payload_len)
{
	static const uint8_t ip[20] = { 0x45, [8] = 64, [12] = 10, 0, 0, 2, 10, 0, 0, 1 };
	struct frame f = { .name = name };
	size_t header = protocol == 6 ? 20 : 8;
	uint8_t *l4 = f.data + 34;

	f.data[12] = 0x08;
	memcpy(f.data + 14, ip, sizeof(ip));
	f.data[23] = protocol;
	f.data[16] = (uint8_t)((20 + header + payload_len) >> 8);
	f.data[17] = (uint8_t)(20 + header + payload_len);
	l4[0] = SERVER_PORT >> 8;
	l4[1] = SERVER_PORT & 0xff;
	l4[2] = (uint8_t)(port >> 8);
	l4[3] = (uint8_t)port;
	if (protocol == 6) {
		l4[12] = 0x50;
		l4[13] = flags;
	}
	memcpy(l4 + header, begin, begin_len);
	f.len = 34 + header + payload_len;
	return f;
}

/* The best round, in ns a packet, or a negative errno. */
static double measure(int prog_fd, const struct frame *f)
{
	double best = 1e9;

	for (int i = 0; i < ROUNDS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->data,
			    .data_size_in = (uint32_t)f->len, .repeat = REPEAT);
		int err = bpf_prog_test_run_opts(prog_fd, &opts);

		if (err)
			return err;
		if (opts.duration < best)
			best = opts.duration;
	}
	return best;
}

static int load_empty(enum bpf_prog_type type)
{
	const struct bpf_insn code[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};

	return bpf_prog_load(type, "bench_empty", "GPL", code, 2, NULL);
}

static int print_row(const struct frame *f, const int fds[4])
{
	double ns[4];

	for (int i = 0; i < 4; i++) {
		ns[i] = measure(fds[i], f);
		if (ns[i] < 0) {
			fprintf(stderr, "bench_bpf: test run: %s\n", strerror((int)-ns[i]));
			return -1;
		}
	}
	printf("%-28s %9.0f %9.0f %8.0f %9.0f %9.0f %8.0f\n", f->name, ns[0], ns[1], ns[1] - ns[0],
	       ns[2], ns[3], ns[3] - ns[2]);
	return 0;
}

/* A handshake that opens a direction, and a record that ends it. */
static int finish_flow(int prog_fd, uint16_t port)
{
	static const uint8_t hello[] = { 22, 3, 3, 0, 6, 2, 0, 0, 2, 3, 3, 23, 3, 3, 0, 1, 0 };
	struct frame f = make_frame("", 6, port, 0x10, hello, sizeof(hello), sizeof(hello));
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f.data, .data_size_in = (uint32_t)f.len,
		    .repeat = 1);

	return bpf_prog_test_run_opts(prog_fd, &opts);
}

static int run(struct handshake_bpf *skel)
{
	static const uint8_t data_record[] = { 23, 3, 3, 0x40, 0 };
	const int fds[4] = {
		load_empty(BPF_PROG_TYPE_SCHED_CLS), bpf_program__fd(skel->progs.certtap_tc_in),
		load_empty(BPF_PROG_TYPE_CGROUP_SKB), bpf_program__fd(skel->progs.certtap_cg_out),
	};
	struct frame frames[] = {
		make_frame("pure ACK", 6, 1001, 0x10, "", 0, 0),
		make_frame("bulk, 1400 bytes", 6, 1002, 0x10, "", 0, 1400),
		make_frame("bulk, begins a data record", 6, 1003, 0x10, data_record, 5, 1400),
		make_frame("bulk, handshake was seen", 6, 1004, 0x10, "", 0, 1400),
		make_frame("UDP, 1200 bytes", 17, 1005, 0, "", 0, 1200),
	};

	if (finish_flow(fds[1], 1004) || finish_flow(fds[3], 1004))
		return -1;
	printf("ns a packet, best of %d x %d\n", ROUNDS, REPEAT);
	printf("%-28s %9s %9s %8s %9s %9s %8s\n", "", "tc empty", "certtap", "more", "cg empty",
	       "certtap", "more");
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		if (print_row(&frames[i], fds))
			return -1;
	return 0;
}

int main(void)
{
	struct handshake_bpf *skel;
	int err;

	libbpf_set_print(silent);
	skel = handshake_bpf__open_and_load();
	if (!skel) {
		err = errno;
		fprintf(stderr, "bench_bpf: the programs cannot be loaded: %s\n", strerror(err));
		return err == EPERM ? 77 : 1;
	}
	err = run(skel);
	handshake_bpf__destroy(skel);
	return err ? 1 : 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads bpf/secrets.bpf.c. The one file that knows its skeleton.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "userspace/probes/probes_parts.h"

#include "bpf/secrets.skel.h"

#define DEBUG_VARIABLE "CERTTAP_LIBBPF_DEBUG"   /* as in attach.c */

struct probes_kernel {
	struct secrets_bpf *skel;
	bool multi;
	void *shared;                /* .bss, read only */
	size_t shared_size;
	const struct secret_counters *counters;
};

static int __attribute__((format(printf, 2, 0)))
on_libbpf_message(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return secure_getenv(DEBUG_VARIABLE) ? vfprintf(stderr, format, args) : 0;
}

static void configure(struct secrets_bpf *skel, const struct probes_options *o, bool multi, bool sleep)
{
	struct bpf_program *program;

	skel->rodata->want_client = o->client_secrets;
	skel->rodata->only_listed = o->which == PROBES_PATTERNS;
	skel->rodata->may_sleep = sleep;
	skel->rodata->ring_wake = o->ring_bytes / 2;
	skel->rodata->wipe_len = o->ring_bytes / SECRET_WIPE_PIECES - SECRET_WIPE_HEADER;
	bpf_map__set_max_entries(skel->maps.secrets, o->ring_bytes);
	if (o->which != PROBES_PATTERNS)
		bpf_map__set_max_entries(skel->maps.listed, 1);
	bpf_object__for_each_program(program, skel->obj) {
		if (bpf_program__type(program) != BPF_PROG_TYPE_KPROBE)
			continue;
		if (multi)
			bpf_program__set_expected_attach_type(
				program, (enum bpf_attach_type)PROBES_ATTACH_TYPE_MULTI);
		if (sleep)
			bpf_program__set_flags(program, BPF_F_SLEEPABLE);
	}
}

static int try_load(struct probes_kernel *k, const struct probes_options *o, bool multi, bool sleep)
{
	int err;

	k->skel = secrets_bpf__open();
	if (!k->skel)
		return -errno;
	configure(k->skel, o, multi, sleep);
	err = secrets_bpf__load(k->skel);
	if (!err && multi)
		err = probes_multi_works(probes_kernel_program(k, PROBES_OPENSSL3));
	if (err) {
		secrets_bpf__destroy(k->skel);
		k->skel = NULL;
	}
	k->multi = multi;
	return err;
}

/* Best first: uprobe_multi (Linux 6.6), then programs that may wait for a page (6.0). */
static int load(struct probes_kernel *k, const struct probes_options *o)
{
	int err = -EOPNOTSUPP;

	for (int rung = 0; rung < 4 && err; rung++) {
		bool multi = rung < 2, sleep = rung % 2 == 0;

		if ((multi && o->without_multi) || (sleep && o->without_sleep))
			continue;
		err = try_load(k, o, multi, sleep);
		if (err == -EPERM || err == -EACCES)
			break;
	}
	return err;
}

/* As in attach.c: what user space reads of the kernel's memory it can only read, also in a child. */
static int map_counters(struct probes_kernel *k)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (sizeof(*k->skel->bss) + page - 1) / page * page;
	void *shared = mmap(NULL, size, PROT_READ, MAP_SHARED, bpf_map__fd(k->skel->maps.bss), 0);

	if (shared == MAP_FAILED)
		return -errno;
	k->shared = shared;
	k->shared_size = size;
	k->counters = (const void *)((const char *)shared +
				     offsetof(__typeof__(*k->skel->bss), counters));
	madvise(k->skel->bss, size, MADV_DONTFORK);
	return 0;
}

int probes_load(const struct probes_options *options, struct probes_kernel **out, char *why,
		size_t why_size)
{
	struct probes_kernel *k = calloc(1, sizeof(*k));
	libbpf_print_fn_t before;
	int err = -ENOMEM;

	if (k) {
		before = libbpf_set_print(on_libbpf_message);
		err = load(k, options);
		libbpf_set_print(before);
	}
	if (!err)
		err = map_counters(k);
	if (err) {
		snprintf(why, why_size,
			 "The kernel refuses to load the probes' programs: %s.\n"
			 "Run as root, or with CAP_BPF and CAP_PERFMON; Linux 5.15 or newer.",
			 strerror(-err));
		probes_unload(k);
		return err;
	}
	*out = k;
	return 0;
}

void probes_unload(struct probes_kernel *k)
{
	if (!k)
		return;
	if (k->shared)
		munmap(k->shared, k->shared_size);
	secrets_bpf__destroy(k->skel);
	free(k);
}

void probes_unload_in_worker(struct probes_kernel *k)
{
	struct bpf_program *program;
	struct bpf_map *map;

	bpf_object__for_each_program(program, k->skel->obj)
		if (bpf_program__fd(program) >= 0)
			close(bpf_program__fd(program));
	bpf_object__for_each_map(map, k->skel->obj)
		if (bpf_map__fd(map) >= 0 && bpf_map__fd(map) != probes_kernel_ring(k))
			close(bpf_map__fd(map));
}

int probes_kernel_program(const struct probes_kernel *k, enum probes_program program)
{
	const struct bpf_program *const programs[PROBES_NUM_PROGRAMS] = {
		[PROBES_OPENSSL3] = k->skel->progs.certtap_openssl3,
		[PROBES_OPENSSL1_CTRL] = k->skel->progs.certtap_openssl1_ctrl,
		[PROBES_OPENSSL1_DERIVE] = k->skel->progs.certtap_openssl1_derive,
		[PROBES_GNUTLS] = k->skel->progs.certtap_gnutls,
		[PROBES_NSS_UPDATE] = k->skel->progs.certtap_nss_update,
		[PROBES_NSS_FINISH] = k->skel->progs.certtap_nss_finish,
		[PROBES_NSS_DESTROY] = k->skel->progs.certtap_nss_destroy,
		[PROBES_GO] = k->skel->progs.certtap_go,
		[PROBES_WOLFSSL] = k->skel->progs.certtap_wolfssl,
		[PROBES_MBEDTLS] = k->skel->progs.certtap_mbedtls,
		[PROBES_BORINGSSL] = k->skel->progs.certtap_boringssl,
		[PROBES_LIBRESSL] = k->skel->progs.certtap_libressl,
		[PROBES_RING_FILL] = k->skel->progs.certtap_ring_fill,
		[PROBES_RING_FILLED] = k->skel->progs.certtap_ring_filled,
	};

	return bpf_program__fd(programs[program]);
}

bool probes_kernel_wipe(const struct probes_kernel *k)
{
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, run);

	return bpf_prog_test_run_opts(bpf_program__fd(k->skel->progs.certtap_wipe), &run) == 0 && run.retval == 0;
}

int probes_kernel_ring(const struct probes_kernel *k)
{
	return bpf_map__fd(k->skel->maps.secrets);
}

int probes_kernel_listed(const struct probes_kernel *k)
{
	return bpf_map__fd(k->skel->maps.listed);
}

bool probes_kernel_multi(const struct probes_kernel *k)
{
	return k->multi;
}

const struct secret_counters *probes_kernel_counters(const struct probes_kernel *k, unsigned int *num)
{
	int cpus = libbpf_num_possible_cpus();

	*num = cpus > 0 && cpus < SECRET_CPUS_MAX ? (unsigned int)cpus : SECRET_CPUS_MAX;
	return k->counters;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads bpf/listed.bpf.c. The one file that knows its skeleton.
 */
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "userspace/probes/probes_parts.h"

#include "bpf/listed.skel.h"

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static void open_skeleton(int listed, struct listed_bpf **out)
{
	struct listed_bpf *skel = listed_bpf__open();

	if (!skel)
		return;
	if (bpf_map__reuse_fd(skel->maps.listed, listed) == 0 && listed_bpf__load(skel) == 0 &&
	    listed_bpf__attach(skel) == 0)
		*out = skel;
	else
		listed_bpf__destroy(skel);
}

void probes_fork_open(int listed, struct listed_bpf **out)
{
	libbpf_print_fn_t before = libbpf_set_print(silent);

	open_skeleton(listed, out);
	libbpf_set_print(before);
}

void probes_fork_free(struct listed_bpf *skel)
{
	listed_bpf__destroy(skel);
}

void probes_fork_close_in_worker(struct listed_bpf *skel)
{
	if (!skel)
		return;
	close(bpf_link__fd(skel->links.certtap_fork));
	close(bpf_link__fd(skel->links.certtap_exit));
	close(bpf_program__fd(skel->progs.certtap_fork));
	close(bpf_program__fd(skel->progs.certtap_exit));
	close(bpf_map__fd(skel->maps.listed));
}

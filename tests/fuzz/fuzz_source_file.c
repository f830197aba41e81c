/* SPDX-License-Identifier: Apache-2.0 */
/* Input: a whole capture file, packed or not, as it would lie on a disk. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "userspace/pipeline/pipeline.h"
#include "userspace/source/source.h"

#define UNPACKED_MAX (4u << 20)  /* of an input that grows when it is unpacked, as much as this is read */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_all(struct source *source, struct pipeline *p)
{
	int result;

	do
		result = source_read(source, p, 64);
	while (result > 0 && pipeline_counters(p)->bytes < UNPACKED_MAX);
	/* Whoever breaks off says why. */
	if (result < 0 && !source->error[0])
		abort();
}

static void open_and_read(const char *path)
{
	struct pipeline_limits limits = PIPELINE_LIMITS_DEFAULT;
	const struct observer observer = { 0 };
	struct source *source = NULL;
	struct pipeline *p;
	char why[256] = "";

	limits.tracker.flows = 256;
	limits.fragments = 64;
	if (source_file_open(path, &source, why, sizeof(why)) != 0) {
		if (!why[0] || source)
			abort();
		return;
	}
	p = pipeline_new(&limits, &observer, NULL, NULL);
	if (!p)
		abort();
	read_all(source, p);
	source_free(source);
	pipeline_finish(p);
	if (pipeline_tracker(p)->memory.used)
		abort();
	pipeline_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("capture", MFD_CLOEXEC);
	char path[64];

	if (fd < 0)
		abort();
	if (write(fd, data, size) == (ssize_t)size) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		open_and_read(path);
	}
	close(fd);
	return 0;
}

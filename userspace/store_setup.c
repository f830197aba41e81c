/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/store_setup.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* The disk, not the user, is the trouble: live traffic is worth watching all the same. */
static bool may_pass(int err)
{
	return err == -EROFS || err == -ENOSPC || err == -EDQUOT || err == -EIO;
}

/* Root becomes the folders' owner, of which there can be one. */
static bool one_owner(int a_fd, int b_fd)
{
	struct stat a, b;

	return geteuid() != 0 || a_fd < 0 || fstat(a_fd, &a) != 0 || fstat(b_fd, &b) != 0 || a.st_uid == b.st_uid;
}

static int open_place(struct store_setup *setup, const char *path, int pem_dir_fd, char *why, size_t why_size)
{
	uint32_t uid, gid;
	int err;

	sandbox_nobody(&uid, &gid);
	err = store_place_open(path, true, uid, gid, &setup->place, why, why_size);
	if (err || one_owner(pem_dir_fd, setup->place.dir_fd))
		return err;
	store_place_close(&setup->place);
	snprintf(why, why_size, "%s: the folders of --pem and of the store need one owner", path);
	return -EXDEV;
}

int store_setup_prepare(struct store_setup *setup, const struct options *options, bool live, int pem_dir_fd,
			struct observer *observer)
{
	struct store_queue_options queue = STORE_QUEUE_OPTIONS_DEFAULT;
	const char *path = options->store;
	char why[1500];
	int err;

	*setup = (struct store_setup){ .place.dir_fd = -1 };
	setup->by_default = !path && live && geteuid() == 0 && !options->no_store;
	if (setup->by_default)
		path = STORE_DEFAULT_PATH;
	if (!path)
		return 0;
	err = open_place(setup, path, pem_dir_fd, why, sizeof(why));
	if (err) {
		bool go_on = live && (!options->store || may_pass(err));

		fprintf(stderr, "certtap: %s%s\n", why, go_on ? "; going on without a store" : "");
		return go_on ? 0 : err;
	}
	queue.limits = options->store_limits;
	queue.lossless = !live;
	setup->queue = store_queue_new(&setup->place, &queue);
	if (!setup->queue) {
		fputs("certtap: out of memory\n", stderr);
		return -ENOMEM;
	}
	*observer = store_queue_observer(setup->queue, observer);
	return 0;
}

static int start(void *context)
{
	struct store_setup *setup = context;

	return store_queue_start(setup->queue);
}

void store_setup_sandbox(struct store_setup *setup, struct sandbox_options *sandbox)
{
	if (!setup->queue)
		return;
	sandbox->store_dir_fd = setup->place.dir_fd;
	sandbox->before_filter = start;
	sandbox->context = setup;
}

int store_setup_open(struct store_setup *setup)
{
	int err = setup->queue ? store_queue_open(setup->queue) : 0;

	/* A second one beside the one that runs all the time is no mistake where nobody named a store. */
	if (!err || !setup->by_default)
		return err;
	fputs("certtap: going on without a store\n", stderr);
	store_queue_turn_off(setup->queue);
	return 0;
}

bool store_setup_flush(struct store_setup *setup)
{
	return !setup->queue || store_queue_finish(setup->queue) == 0;
}

void store_setup_finish(struct store_setup *setup)
{
	store_queue_free(setup->queue);
	setup->queue = NULL;
	store_place_close(&setup->place);
}

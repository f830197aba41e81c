/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process beside the one that reads the store. What it is sent has its lengths bounded here: the reader takes
 * strangers' bytes apart and may have been led astray.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "userspace/output/pem.h"
#include "userspace/sandbox/sandbox.h"
#include "userspace/show/show_companion.h"

#define DER_MAX (2u << 20)       /* of one certificate, as in the store */
#define NAME_MAX_BYTES 255

struct show_companion {
	int to_fd, from_fd;
};

/* What goes before the bytes of one chain; then the name, then for each certificate its length and itself. */
struct request_head {
	uint32_t num, name_len;
	enum role role;
	bool partial;
	int64_t then_s, now_s;
};

struct write_head {
	uint8_t sha256[32];
	uint32_t der_len;
};

struct write_result {
	uint64_t written, failed;
	int last_errno;
};

static int put(int fd, const void *data, size_t len)
{
	const char *at = data;
	ssize_t n;

	for (; len; at += n, len -= (size_t)n) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			n = 0;
		if (n < 0)
			return -errno;
	}
	return 0;
}

/* 0; -ENODATA at a clean end; -EPIPE in the middle. */
static int take(int fd, void *data, size_t len)
{
	char *at = data;
	size_t left;
	ssize_t n;

	for (left = len; left; at += n, left -= (size_t)n) {
		n = read(fd, at, left);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n == 0)
			return left == len ? -ENODATA : -EPIPE;
		if (n < 0)
			return -errno;
	}
	return 0;
}

/* --- in the companion: judging --- */

/* One request with what it points to. */
struct asked {
	uint8_t name[NAME_MAX_BYTES];
	struct bytes ders[VERDICT_CHAIN_MAX];
	uint32_t num;
};

static void asked_free(struct asked *a)
{
	uint32_t i;

	for (i = 0; i < a->num; i++)
		free((void *)a->ders[i].data);
	a->num = 0;
}

static int take_der(int fd, struct asked *a)
{
	uint32_t len;
	uint8_t *der;
	int err = take(fd, &len, sizeof(len));

	if (err)
		return err;
	if (len > DER_MAX)
		return -EBADMSG;
	der = malloc(len + 1);
	if (!der)
		return -ENOMEM;
	a->ders[a->num++] = bytes_of(der, len);
	return take(fd, der, len);
}

static int take_request(int fd, struct asked *a, struct verdict_request *out)
{
	struct request_head head;
	uint32_t i;
	int err = take(fd, &head, sizeof(head));

	if (err)
		return err;
	if (head.num > VERDICT_CHAIN_MAX || head.name_len > sizeof(a->name))
		return -EBADMSG;
	err = head.name_len ? take(fd, a->name, head.name_len) : 0;
	for (i = 0; err == 0 && i < head.num; i++)
		err = take_der(fd, a);
	*out = (struct verdict_request){
		.ders = a->ders, .num = head.num, .partial = head.partial,
		.role = head.role == ROLE_CLIENT ? ROLE_CLIENT : ROLE_SERVER,
		.name = bytes_of(a->name, head.name_len), .then_s = head.then_s, .now_s = head.now_s,
	};
	return err;
}

static int judge_batch(int in_fd, int out_fd, const struct trust *trust)
{
	static struct asked asked[SHOW_COMPANION_BATCH];
	static struct verdict verdicts[SHOW_COMPANION_BATCH];
	struct verdict_request requests[SHOW_COMPANION_BATCH];
	uint32_t num, i;
	int err = take(in_fd, &num, sizeof(num));

	if (err || num > SHOW_COMPANION_BATCH)
		return err ? err : -EBADMSG;
	for (i = 0; err == 0 && i < num; i++)
		err = take_request(in_fd, &asked[i], &requests[i]);
	/* What cannot be judged has VERDICT_GAVE_UP. */
	if (err == 0)
		(void)verdict_judge(trust, requests, num, verdicts);
	if (err == 0)
		err = put(out_fd, verdicts, num * sizeof(verdicts[0]));
	for (i = 0; i < num; i++)
		asked_free(&asked[i]);
	return err;
}

/* --- in the companion: writing --- */

static int write_all(int in_fd, struct pem_writer *w)
{
	struct write_head head;
	struct certificate c;
	int err;

	while ((err = take(in_fd, &head, sizeof(head))) == 0) {
		if (head.der_len > DER_MAX)
			return -EBADMSG;
		c = (struct certificate){ .der_len = head.der_len, .der = malloc(head.der_len + 1) };
		if (!c.der)
			return -ENOMEM;
		memcpy(c.sha256, head.sha256, sizeof(c.sha256));
		err = take(in_fd, c.der, head.der_len);
		if (err == 0)
			pem_write(w, &c);
		free(c.der);
		if (err)
			return err;
	}
	return 0;
}

static void write_files(int in_fd, int out_fd, int dir_fd)
{
	struct sandbox_options sandbox = SANDBOX_OPTIONS_DEFAULT;
	struct pem_writer w = { .dir_fd = dir_fd };
	struct write_result result = { 0 };
	char why[256];
	int err;

	sandbox.write_dir_fd = dir_fd;
	err = sandbox_enter(&sandbox, why, sizeof(why));
	if (err)
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
	else
		err = write_all(in_fd, &w);
	result = (struct write_result){ w.written, w.failed + (err != 0), err ? -err : w.last_errno };
	(void)put(out_fd, &result, sizeof(result));
}

/* --- its beginning and end --- */

/* In the child `*in_fd` is what it is sent and `*out_fd` where it answers; true. In the caller false, with `*c`. */
static int divide(struct show_companion *c, int *in_fd, int *out_fd, bool *child)
{
	int to[2], from[2];
	pid_t parent = getpid(), pid;

	if (pipe2(to, O_CLOEXEC) != 0)
		return -errno;
	if (pipe2(from, O_CLOEXEC) != 0) {
		close(to[0]);
		close(to[1]);
		return -errno;
	}
	pid = fork();
	*child = pid == 0;
	*in_fd = to[0];
	*out_fd = from[1];
	*c = (struct show_companion){ to[1], from[0] };
	if (*child) {
		close(to[1]);
		close(from[0]);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		return 0;
	}
	close(to[0]);
	close(from[1]);
	return pid < 0 ? -EAGAIN : 0;
}

static int companion_new(struct show_companion **out, int *in_fd, int *out_fd, bool *child)
{
	struct show_companion *c = malloc(sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	err = divide(c, in_fd, out_fd, child);
	if (err) {
		show_companion_free(c);
		return err;
	}
	*out = c;
	return 0;
}

int show_companion_judge(const struct trust *trust, struct show_companion **out)
{
	int in_fd, out_fd, err;
	bool child;

	if ((err = companion_new(out, &in_fd, &out_fd, &child)) != 0 || !child)
		return err;
	while (judge_batch(in_fd, out_fd, trust) == 0)
		;
	_exit(0);
}

int show_companion_write(int dir_fd, struct show_companion **out)
{
	int in_fd, out_fd, err;
	bool child;

	if ((err = companion_new(out, &in_fd, &out_fd, &child)) != 0 || !child)
		return err;
	write_files(in_fd, out_fd, dir_fd);
	_exit(0);
}

void show_companion_free(struct show_companion *c)
{
	if (!c)
		return;
	if (c->to_fd >= 0)
		close(c->to_fd);
	close(c->from_fd);
	free(c);
}

/* --- in the reader --- */

static int send_chain(int fd, const struct verdict_request *r)
{
	struct request_head head = {
		.num = (uint32_t)r->num, .name_len = (uint32_t)r->name.len, .role = r->role, .partial = r->partial,
		.then_s = r->then_s, .now_s = r->now_s,
	};
	uint32_t len;
	size_t i;
	int err;

	if (head.name_len > NAME_MAX_BYTES)
		head.name_len = NAME_MAX_BYTES;
	err = put(fd, &head, sizeof(head));
	if (err == 0)
		err = put(fd, r->name.data, head.name_len);
	for (i = 0; err == 0 && i < r->num; i++) {
		len = (uint32_t)r->ders[i].len;
		err = put(fd, &len, sizeof(len));
		if (err == 0)
			err = put(fd, r->ders[i].data, len);
	}
	return err;
}

int show_companion_begin(struct show_companion *c, uint32_t num)
{
	return put(c->to_fd, &num, sizeof(num));
}

int show_companion_ask(struct show_companion *c, const struct verdict_request *request)
{
	return send_chain(c->to_fd, request);
}

int show_companion_answer(struct show_companion *c, struct verdict *out, uint32_t num)
{
	int err = take(c->from_fd, out, num * sizeof(*out));

	return err == -ENODATA ? -EPIPE : err;
}

int show_companion_put(struct show_companion *c, const uint8_t sha256[32], struct bytes der)
{
	struct write_head head = { .der_len = (uint32_t)der.len };
	int err;

	memcpy(head.sha256, sha256, sizeof(head.sha256));
	err = put(c->to_fd, &head, sizeof(head));
	return err ? err : put(c->to_fd, der.data, der.len);
}

int show_companion_finish(struct show_companion *c, uint64_t *written, uint64_t *failed, int *last_errno)
{
	struct write_result result;
	int err;

	close(c->to_fd);
	c->to_fd = -1;
	err = take(c->from_fd, &result, sizeof(result));
	if (err)
		return err == -ENODATA ? -EPIPE : err;
	*written = result.written;
	*failed = result.failed;
	*last_errno = result.last_errno;
	return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The sandbox from inside: which system calls kill, which are refused, which go on working. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <sys/uio.h>

#include "tests/unit/sandbox_child.h"

static int refused(long result)
{
	return result == -1 && errno == EPERM ? FINE : WRONG;
}

/* --- what kills --- */

static int do_socket(const struct child *c)
{
	(void)c;
	return socket(AF_INET, SOCK_STREAM, 0) < 0 ? FINE : WRONG;
}

static int do_connect(const struct child *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	return connect(c->fd, (struct sockaddr *)&to, sizeof(to)) < 0 ? FINE : WRONG;
}

static int do_sendto(const struct child *c)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(9) };

	return sendto(c->fd, "x", 1, 0, (struct sockaddr *)&to, sizeof(to)) < 0 ? FINE : WRONG;
}

static int do_bpf(const struct child *c)
{
	union bpf_attr attr = { 0 };

	(void)c;
	return syscall(SYS_bpf, BPF_PROG_GET_NEXT_ID, &attr, sizeof(attr)) < 0 ? FINE : WRONG;
}

static int do_execve(const struct child *c)
{
	char path[] = "/bin/true", *argv[] = { path, NULL }, *envp[] = { NULL };

	(void)c;
	execve(path, argv, envp);
	return WRONG;
}

static int do_ptrace(const struct child *c)
{
	(void)c;
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? FINE : WRONG;
}

static int do_process_vm(const struct child *c)
{
	char here = 0, there = 0;
	struct iovec local = { &here, 1 }, remote = { &there, 1 };

	(void)c;
	return process_vm_readv(getppid(), &local, 1, &remote, 1, 0) < 0 ? FINE : WRONG;
}

static int do_setuid(const struct child *c)
{
	(void)c;
	return syscall(SYS_setuid, 0) < 0 ? FINE : WRONG;
}

static int do_io_uring(const struct child *c)
{
	(void)c;
	return syscall(SYS_io_uring_setup, 1, NULL) < 0 ? FINE : WRONG;
}

static void attacks_kill(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_killed(run(CHILD(.act = do_socket)));
	assert_killed(run(CHILD(.act = do_connect, .fd = fd)));
	assert_killed(run(CHILD(.act = do_sendto, .fd = fd)));
	assert_killed(run(CHILD(.act = do_bpf)));
	assert_killed(run(CHILD(.act = do_execve)));
	assert_killed(run(CHILD(.act = do_process_vm)));
	assert_killed(run(CHILD(.act = do_setuid)));
	assert_killed(run(CHILD(.act = do_io_uring)));
	close(fd);
}

/* A thread that was made before the filter: it waits for the go, and is under it all the same. */
static int go[2];

static void *attack(void *wanted)
{
	char byte;

	if (read(go[0], &byte, 1) != 1)
		return NULL;
	if (wanted)
		(void)!openat(AT_FDCWD, "/etc/passwd", O_RDONLY);
	else
		(void)!socket(AF_INET, SOCK_DGRAM, 0);
	return errno == EPERM ? NULL : (void *)go;
}

static pthread_t thread;

static int make_thread(void *wanted)
{
	return pipe(go) != 0 || pthread_create(&thread, NULL, attack, wanted) != 0 ? -EAGAIN : 0;
}

static int let_go(const struct child *c)
{
	void *result = NULL;

	(void)c;
	return write(go[1], "", 1) == 1 && pthread_join(thread, &result) == 0 && !result ? FINE : WRONG;
}

static int refuse_to_begin(void *context)
{
	(void)context;
	return -ENOTSUP;
}

static void threads_are_inside(void **state)
{
	(void)state;
	assert_killed(run(&(struct child){ .options = { .write_dir_fd = -1, .store_dir_fd = -1,
							.before_filter = make_thread }, .act = let_go }));
	if (!SANDBOX_SANITIZED)
		assert_exits(run(&(struct child){ .options = { .write_dir_fd = -1, .store_dir_fd = -1,
							       .before_filter = make_thread, .context = go },
						  .act = let_go }), FINE);
	assert_exits(run(&(struct child){ .options = { .write_dir_fd = -1, .store_dir_fd = -1,
						       .before_filter = refuse_to_begin }, .act = let_go }),
		     NOT_ENTERED);
}

static void packet_socket_opens_nothing_more(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct child c = { .options = { .write_dir_fd = -1, .store_dir_fd = -1, .packet_socket = true }, .fd = fd };

	(void)state;
	c.act = do_socket;
	assert_killed(run(&c));
	c.act = do_connect;
	assert_killed(run(&c));
	c.act = do_sendto;
	assert_killed(run(&c));
	close(fd);
}

static void ptrace_kills(void **state)
{
	(void)state;
	if (SANDBOX_SANITIZED)
		skip();
	assert_killed(run(CHILD(.act = do_ptrace)));
}

/* --- what is refused --- */

static int refuse_files(const struct child *c)
{
	(void)c;
	if (refused(open("/tmp/certtap-sandbox", O_WRONLY | O_CREAT, 0600)) ||
	    refused(mkdir("/tmp/certtap-sandbox.d", 0700)) ||
	    refused(unlink("/tmp/certtap-sandbox")) || refused(chdir("/")))
		return WRONG;
	if (!SANDBOX_SANITIZED && refused(open("/etc/passwd", O_RDONLY)))
		return WRONG;
	return FINE;
}

static int refuse_code(const struct child *c)
{
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)c;
	if (page == MAP_FAILED)
		return WRONG;
	if (refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)))
		return WRONG;
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
		    -1, 0) == MAP_FAILED && errno == EPERM ? FINE : WRONG;
}

static int refuse_others(const struct child *c)
{
	struct rlimit more = { 4096, 4096 };

	(void)c;
	if (refused(kill(getppid(), 0)) || refused(setrlimit(RLIMIT_NOFILE, &more)))
		return WRONG;
	if (!SANDBOX_SANITIZED && (refused(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)) ||
				   refused(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))))
		return WRONG;
	return refused(fcntl(STDERR_FILENO, F_DUPFD, 3));
}

static int refuse_socket_options(const struct child *c)
{
	char byte;
	int value = 1;
	socklen_t len = sizeof(value);

	if (refused(setsockopt(c->fd, SOL_SOCKET, SO_BROADCAST, &value, len)))
		return WRONG;
	if (c->options.packet_socket)
		return getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &value, &len) == 0 &&
		       recv(c->fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN ? FINE : WRONG;
	return refused(getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &value, &len)) ||
	       refused(recv(c->fd, &byte, 1, MSG_DONTWAIT)) ? WRONG : FINE;
}

static void the_rest_is_refused(void **state)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct child c = { .options = { .write_dir_fd = -1, .store_dir_fd = -1, .packet_socket = true }, .fd = fd,
			   .act = refuse_socket_options };

	(void)state;
	assert_true(fd >= 0);
	assert_exits(run(CHILD(.act = refuse_files)), FINE);
	assert_exits(run(CHILD(.act = refuse_code)), FINE);
	assert_exits(run(CHILD(.act = refuse_others)), FINE);
	assert_exits(run(CHILD(.act = refuse_socket_options, .fd = fd)), FINE);
	assert_exits(run(&c), FINE);
	close(fd);
}

/* --- what a screen needs, and no more --- */

static int use_terminal(const struct child *c)
{
	bool screen = c->options.screen;
	struct termios settings;
	char key = 'x';

	if (tcgetattr(STDIN_FILENO, &settings) != 0)
		return WRONG;
	if ((refused(tcsetattr(STDIN_FILENO, TCSANOW, &settings)) == FINE) == screen ||
	    (refused(dup2(c->fd, STDERR_FILENO)) == FINE) == screen)
		return WRONG;
	/* Another terminal, keys that nobody typed, another descriptor: never. */
	return refused(tcsetattr(c->fd, TCSANOW, &settings)) || refused(ioctl(STDIN_FILENO, TIOCSTI, &key)) ||
	       refused(dup2(c->fd, STDOUT_FILENO)) ? WRONG : FINE;
}

static void a_screen_sets_its_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), other, before = dup(STDIN_FILENO);
	struct child c = { .options = SANDBOX_OPTIONS_DEFAULT, .act = use_terminal };

	(void)state;
	if (master < 0 || unlockpt(master) != 0)
		skip();
	other = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(other >= 0 && dup2(other, STDIN_FILENO) == STDIN_FILENO);
	c.fd = other;
	assert_exits(run(&c), FINE);
	c.options.screen = true;
	assert_exits(run(&c), FINE);
	dup2(before, STDIN_FILENO);
	close(before);
	close(other);
	close(master);
}

/* --- what the worker needs --- */

static int work(const struct child *c)
{
	struct itimerspec soon = { .it_value = { .tv_nsec = 1000000 } };
	struct epoll_event event = { .events = EPOLLIN };
	unsigned char digest[EVP_MAX_MD_SIZE];
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), poll_fd = epoll_create1(0);
	size_t size = 8u << 20;
	char *grown = malloc(size), byte;

	if (timer < 0 || poll_fd < 0 || !grown || timerfd_settime(timer, 0, &soon, NULL) != 0)
		return WRONG;
	memset(grown, 1, size);
	if (epoll_ctl(poll_fd, EPOLL_CTL_ADD, timer, &event) != 0 ||
	    epoll_wait(poll_fd, &event, 1, 1000) != 1)
		return WRONG;
	if (!EVP_Digest(grown, size, digest, NULL, EVP_sha256(), NULL))
		return WRONG;
	free(grown);
	return pread(c->fd, &byte, 1, 0) == 1 && dprintf(STDOUT_FILENO, "# work\n") > 0 ? FINE : WRONG;
}

static void work_goes_on(void **state)
{
	int fd = open("/proc/self/exe", O_RDONLY);

	(void)state;
	assert_true(fd >= 0);
	assert_exits(run(CHILD(.act = work, .fd = fd)), FINE);
	if (may_change_uid())
		assert_exits(run(CHILD(.act = work, .fd = fd, .uid = 12345)), FINE);
	close(fd);
}

static int do_abort(const struct child *c)
{
	(void)c;
	signal(SIGABRT, SIG_DFL);
	abort();
}

static void abort_is_an_abort(void **state)
{
	int status = run(CHILD(.act = do_abort));

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_false(WCOREDUMP(status));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attacks_kill),
		cmocka_unit_test(threads_are_inside),
		cmocka_unit_test(packet_socket_opens_nothing_more),
		cmocka_unit_test(ptrace_kills),
		cmocka_unit_test(the_rest_is_refused),
		cmocka_unit_test(a_screen_sets_its_terminal),
		cmocka_unit_test(work_goes_on),
		cmocka_unit_test(abort_is_an_abort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

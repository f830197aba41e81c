/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/wait.h>
#include <unistd.h>

#include "parsers/bytes.h"
#include "userspace/process/process_facts.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define POD "01234567-89ab-cdef-0123-456789abcdef"
#define POD_ "01234567_89ab_cdef_0123_456789abcdef"

/* As the managers of units and containers name their groups. */
static void test_cgroup(void **state)
{
	static const struct {
		const char *path, *service, *user_service, *container, *runtime, *pod;
	} cases[] = {
		{ "/", "", "", "", "", "" },
		{ "", "", "", "", "", "" },
		{ "/init.scope", "", "", "", "", "" },
		{ "/system.slice/nginx.service", "nginx.service", "", "", "", "" },
		{ "/system.slice/system-postgresql.slice/postgresql@15-main.service", "postgresql@15-main.service", "", "",
		  "", "" },
		{ "/system.slice/fabric.service/workers", "fabric.service", "", "", "", "" },
		{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", "", "", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/app.slice/fabric.service", "user@1000.service",
		  "fabric.service", "", "", "" },
		{ "/system.slice/docker-" ID ".scope", "", "", ID, "docker", "" },
		{ "/docker/" ID, "", "", ID, "docker", "" },
		{ "/system.slice/docker-" ID ".scope/system.slice/nginx.service", "nginx.service", "", ID, "docker", "" },
		{ "/machine.slice/libpod-" ID ".scope/container", "", "", ID, "podman", "" },
		{ "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "", "", "", "" },
		{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope", "user@1000.service", "",
		  ID, "podman", "" },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_ ".slice/cri-containerd-" ID ".scope",
		  "", "", ID, "containerd", POD },
		{ "/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope", "", "", ID, "cri-o", POD },
		{ "/kubepods/besteffort/pod" POD "/" ID, "", "", ID, "", POD },
		{ "/system.slice/containerd.service/kubepods-burstable-pod" POD_ ".slice:cri-containerd:" ID,
		  "containerd.service", "", ID, "containerd", "" },
		{ "/ecs/0b5f/" ID, "", "", ID, "", "" },
		{ "/lxc.payload.web1/system.slice/nginx.service", "nginx.service", "", "web1", "lxc", "" },
		{ "/lxc/web2", "", "", "web2", "lxc", "" },
		{ "/machine.slice/machine-web3.scope/payload", "", "", "web3", "machine", "" },
		/* What only looks like one. */
		{ "/docker/0123456789abcdef", "", "", "", "", "" },
		{ "/system.slice/.service", "", "", "", "", "" },
		{ "/podman/pod-is-no-uid", "", "", "", "", "" },
		{ "//x//y.service//", "y.service", "", "", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process p = { 0 };

		process_facts_cgroup(cases[i].path, &p);
		assert_string_equal(p.service, cases[i].service);
		assert_string_equal(p.user_service, cases[i].user_service);
		assert_string_equal(p.container, cases[i].container);
		assert_string_equal(p.runtime, cases[i].runtime);
		assert_string_equal(p.pod, cases[i].pod);
	}
}

/* Names as long as a path may be are cut to their fields. */
static void test_long(void **state)
{
	struct process p = { 0 };
	char path[5000];

	(void)state;
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	strcpy(path + sizeof(path) - sizeof(".service"), ".service");
	process_facts_cgroup(path, &p);
	assert_int_equal(strlen(p.service), sizeof(p.service) - 1);
	memset(path + 1, '/', sizeof(path) - 2);
	process_facts_cgroup(path, &p);
}

static void test_self(void **state)
{
	struct process p = { .key.pid = (uint32_t)getpid() };

	(void)state;
	assert_true(process_facts(&p, true));
	assert_int_equal(p.ppid, getppid());
	assert_true(p.uid_known && p.uid == geteuid());
	assert_non_null(strstr(p.executable, "test_process_facts"));
	assert_non_null(strstr(p.command_line, "test_process_facts"));
	assert_string_equal(p.name, "test_process_fa");
	assert_true(p.netns != 0);
}

/* The name that the kernel announced may be that of another program: before exec(), as in socket activation. */
static void test_renamed(void **state)
{
	struct process p = { .key.pid = (uint32_t)getpid(), .name = "systemd-socket-" };

	(void)state;
	assert_true(process_facts(&p, false));
	assert_string_equal(p.name, "test_process_fa");
	assert_non_null(strstr(p.executable, "test_process_facts"));
}

/* A process id that is used again belongs to another process. */
static void test_another(void **state)
{
	struct process p = { .key = { .pid = (uint32_t)getpid(), .start_ns = 12345 }, .name = "before" };

	(void)state;
	assert_false(process_facts(&p, true));
	assert_string_equal(p.name, "before");
	assert_string_equal(p.executable, "");
}

static void test_gone(void **state)
{
	struct process p = { .name = "short" };
	pid_t child = fork();

	(void)state;
	if (child == 0)
		_exit(0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	p.key.pid = (uint32_t)child;
	assert_false(process_facts(&p, true));
	assert_string_equal(p.name, "short");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cgroup), cmocka_unit_test(test_long), cmocka_unit_test(test_self), cmocka_unit_test(test_renamed),
		cmocka_unit_test(test_another), cmocka_unit_test(test_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

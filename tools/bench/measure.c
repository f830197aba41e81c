/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a command and says what it cost. A small program of its own, because a process inherits the peak
 * memory of the one that it was forked from.
 *
 *     measure OUTPUT COMMAND [ARGUMENT]...
 *
 * The command's standard output goes to the file OUTPUT. Prints one line: exit status, wall seconds, user and
 * system CPU seconds, peak memory in KiB.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double clock_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void become(const char *output, char **command)
{
	int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0) {
		perror(output);
		_exit(127);
	}
	execvp(command[0], command);
	perror(command[0]);
	_exit(127);
}

int main(int argc, char **argv)
{
	double begun = clock_seconds();
	struct rusage used;
	int status;
	pid_t pid;

	if (argc < 3) {
		fputs("usage: measure OUTPUT COMMAND [ARGUMENT]...\n", stderr);
		return 2;
	}
	pid = fork();
	if (pid == 0)
		become(argv[1], argv + 2);
	if (pid < 0 || wait4(pid, &status, 0, &used) != pid) {
		perror("measure");
		return 1;
	}
	status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	printf("%d %.4f %.4f %.4f %ld\n", status, clock_seconds() - begun, seconds(used.ru_utime),
	       seconds(used.ru_stime), used.ru_maxrss);
	return 0;
}

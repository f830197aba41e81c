/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "parsers/text.h"
#include "userspace/command.h"
#include "userspace/options.h"

struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{ "live", cmd_live, "observe this host, or an interface, now" },
	{ "read", cmd_read, "read capture files" },
	{ "show", cmd_show, "what a store holds: endpoints, certificates, history, events" },
	{ "check", cmd_check, "is a replaced certificate still presented? Expectations, days left; for monitoring" },
	{ "doctor", cmd_doctor, "try what works on this host, and say why what does not" },
};

static void print_help(FILE *out)
{
	size_t i;

	fputs("certtap: a tap for certificates. It shows which certificates are really presented in TLS\n"
	      "handshakes, on every port, live or from captures, and opens no connection.\n\n"
	      "Usage: certtap COMMAND [OPTION]... [FILE]...\n\n",
	      out);
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n'certtap COMMAND --help' lists a command's options.\n", out);
}

/* What would be opened in the place of a closed one is not for it; as it is, reading or writing it fails. */
static void keep_standard_fds(void)
{
	static const int unusable[] = { O_WRONLY, O_RDONLY, O_RDONLY };
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", unusable[fd]) != fd)
			_exit(1);
}

/* Was all of it written? */
static int help_result(void)
{
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

int main(int argc, char **argv)
{
	char shown[256];
	size_t i;

	keep_standard_fds();

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return help_result();
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("certtap " CERTTAP_VERSION);
		return help_result();
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "certtap: there is no command '%s'\n\n", text_name(argv[1], shown, sizeof(shown)));
	print_help(stderr);
	return EXIT_USAGE;
}

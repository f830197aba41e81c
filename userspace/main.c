/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

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

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return 0;
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("certtap " CERTTAP_VERSION);
		return 0;
	}
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return commands[i].run(argc - 1, argv + 1);
	fprintf(stderr, "certtap: there is no command '%s'\n\n", argv[1]);
	print_help(stderr);
	return EXIT_USAGE;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands: one file each, one row each in main.c. Each returns the exit code. */
#ifndef CERTTAP_COMMAND_H
#define CERTTAP_COMMAND_H

#define CERTTAP_VERSION "0.1.0"

int cmd_read(int argc, char **argv);
int cmd_live(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

#endif

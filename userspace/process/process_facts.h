/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc tells of a process. For the monitor: it needs CAP_SYS_PTRACE for the executables of others. Keys, key
 * files, environments and memory are never read.
 */
#ifndef CERTTAP_PROCESS_FACTS_H
#define CERTTAP_PROCESS_FACTS_H

#include "userspace/process/owner.h"

/*
 * Fills in what can be learned of the process `out->key`. Its name is that of the program it runs now, as its executable;
 * one that is set already, from an earlier moment, is kept when the process is gone. Without `command_line`, nothing is read that the process could keep us waiting for. False: it is gone, or
 * the id is another process's by now.
 */
bool process_facts(struct process *out, bool command_line);

/*
 * From the path of a cgroup: units, container, pod. Known by the names that systemd, docker, containerd, CRI-O, podman
 * and LXC give their groups; a name that fits none of these says nothing.
 */
void process_facts_cgroup(const char *path, struct process *out);

#endif

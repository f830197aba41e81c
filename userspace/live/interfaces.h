/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interfaces that were asked for by name: each once, all of them there, and whether they stay. What was attached to
 * one goes with it, and the kernel does not say so.
 */
#ifndef CERTTAP_LIVE_INTERFACES_H
#define CERTTAP_LIVE_INTERFACES_H

#include "userspace/options.h"

struct interfaces_watch;

/*
 * For eBPF, which attaches to each by its number. One that was named twice, also by another name, is left out of
 * `options`. -ENODEV after a line on stderr: there is no such interface; -EINVAL: it cannot be one of them.
 */
int interfaces_check(struct options *options);

/* Returns 0 or a negative errno, after a line on stderr. The caller frees with interfaces_free(). */
int interfaces_watch(const struct options *options, struct interfaces_watch **out);
void interfaces_free(struct interfaces_watch *w);
/* In a child made by fork(): it shall hold no socket. */
void interfaces_close_in_worker(struct interfaces_watch *w);

/* For the monitor: readable when an interface of this namespace changes. */
int interfaces_fd(const struct interfaces_watch *w);
/* Says which have disappeared, or are there again; `watch` is a struct interfaces_watch. */
void interfaces_ready(void *watch);
/* True once none of them is left. */
const bool *interfaces_over(const struct interfaces_watch *w);

#endif

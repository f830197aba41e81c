/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Verdicts for `show --verify`, and files for `show --pem DIR`, although the process that reads the store is confined:
 * a companion, made before, is sent the certificates through a pipe. It has children judge them (verdict.h), or is
 * confined itself, to the folder that it writes to, which may be another user's than the store.
 */
#ifndef CERTTAP_SHOW_COMPANION_H
#define CERTTAP_SHOW_COMPANION_H

#include "userspace/verdict/verdict.h"

#define SHOW_COMPANION_BATCH 64u

struct show_companion;

/*
 * Forks it, for the one job or the other; it ends when the caller does. Both return 0 or a negative errno; the caller
 * frees with show_companion_free(). The process must ignore SIGPIPE: that it died is told by -EPIPE.
 */
int show_companion_judge(const struct trust *trust, struct show_companion **out);   /* `trust` may be NULL */
int show_companion_write(int dir_fd, struct show_companion **out);
void show_companion_free(struct show_companion *c);

/* A batch: how many (at most SHOW_COMPANION_BATCH), each of them, then all their verdicts. */
int show_companion_begin(struct show_companion *c, uint32_t num);
int show_companion_ask(struct show_companion *c, const struct verdict_request *request);
int show_companion_answer(struct show_companion *c, struct verdict *out, uint32_t num);

/* One certificate for the folder; and at the end how many were written and failed, with the last errno. */
int show_companion_put(struct show_companion *c, const uint8_t sha256[32], struct bytes der);
int show_companion_finish(struct show_companion *c, uint64_t *written, uint64_t *failed, int *last_errno);

#endif

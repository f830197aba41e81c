/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that probes caught, until their handshake is met on the wire, and handshakes that wait for their secret, until
 * it comes: both orders happen. Joined by hash, never by time. Bounded, locked in memory where the system lets us, and
 * wiped when used, when CAUGHT_KEPT_NS is over, and at the end.
 */
#ifndef CERTTAP_CAUGHT_H
#define CERTTAP_CAUGHT_H

#include "parsers/bytes.h"
#include "userspace/handshake/caught_secret.h"

#define CAUGHT_MAX 4096
#define CAUGHT_KEPT_NS 5000000000ull

struct flow;

struct caught_counters {
	uint64_t caught;           /* secrets that came */
	uint64_t used;             /* of them, that opened a handshake */
	uint64_t expired;          /* unused */
	uint64_t evicted;          /* unused, for want of room */
	bool locked;               /* the memory cannot be swapped out */
};

struct caught;

struct caught *caught_new(void);
void caught_free(struct caught *c);

/* `now_ns`: by any clock that goes on steadily; that of caught_expire(). */
void caught_add(struct caught *c, const struct caught_secret *secret, uint64_t now_ns);
void caught_expire(struct caught *c, uint64_t now_ns);

/*
 * The secret of this label with this id. True: copied to `out`, which the caller wipes. It stays until it
 * expires: both directions of a connection that is seen twice may want it.
 */
bool caught_find(struct caught *c, enum caught_label label, struct bytes id, struct caught_secret *out);
void caught_used(struct caught *c);

/*
 * For trial decryption: goes through those of this label that no handshake was found for, the newest first, from
 * *at = 0, back to the first `since` that ever came. False: no more. True: copied, as above.
 */
bool caught_next(const struct caught *c, enum caught_label label, uint64_t since, uint32_t *at,
		 struct caught_secret *out);

/* A handshake waits for the secret with this id; one for each id. */
void caught_wait(struct caught *c, struct bytes id, struct flow *flow);
void caught_wait_no_more(struct caught *c, struct bytes id, const struct flow *flow);
struct flow *caught_waiting(struct caught *c, struct bytes id);

/*
 * Handshakes whose secret is known by what nobody has seen: an encrypted ClientHello, or one that was lost. They wait
 * for any. NULL: no memory. To be ended by caught_trial_end(), which takes NULL, before the flow is freed.
 */
struct caught_trial;
struct caught_trial *caught_trial_begin(struct caught *c, struct flow *flow);
void caught_trial_end(struct caught_trial *trial);
/* Calls `fn` for each; it may end the one that it is called for. */
typedef void caught_trial_fn(void *context, struct flow *flow);
void caught_trial_each(const struct caught *c, caught_trial_fn *fn, void *context);

const struct caught_counters *caught_counters(const struct caught *c);

#endif

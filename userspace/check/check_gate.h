/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check --watch: judged again and again, until all is well or the time is over. What it waits for is told on stderr: in
 * place on a terminal, else a line at each change.
 */
#ifndef CERTTAP_CHECK_GATE_H
#define CERTTAP_CHECK_GATE_H

#include "userspace/check/check_findings.h"

struct check_gate {
	uint64_t end_ns;         /* monotonic; 0: no end */
	/*
	 * Nothing is known but what is seen while it waits, so that all may look well before the ones that matter were
	 * seen: then it opens early only after a straggler was seen, and has gone over.
	 */
	bool without_past;
	bool quiet, terminal;
	bool saw_straggler;
	uint64_t next_ns;        /* when it is worth judging again */
	char said[512];
};

/* Monotonic. */
uint64_t check_gate_clock(void);
bool check_gate_time_over(const struct check_gate *g);
/* Is it time to judge? check_gate_look() sets when it is the next time: the slower the judging, the rarer. */
bool check_gate_due(const struct check_gate *g);
/* After a judging that began at `begun_ns`. True: all is well, it opens. */
bool check_gate_look(struct check_gate *g, const struct check_findings *findings, uint64_t begun_ns);
/* Clears what stands on the terminal. */
void check_gate_end(const struct check_gate *g);

#endif

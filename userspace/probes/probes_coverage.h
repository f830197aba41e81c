/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Would --secrets open the handshakes of this process? By its executable mappings, as `certtap doctor` has it: a
 * library with a hook among them is enough. For the monitor; needs CAP_SYS_PTRACE for processes of others, and
 * CAP_DAC_READ_SEARCH for libraries that are not open to all: one that cannot be read counts as none.
 *
 * Kept for COVERAGE_PROCESSES processes, known by pid, start time and executable. A process is looked at again when
 * it executes another program, and, where it had no such library, after COVERAGE_AGAIN_NS: it may have loaded one.
 */
#ifndef CERTTAP_PROBES_COVERAGE_H
#define CERTTAP_PROBES_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define COVERAGE_PROCESSES 1024
#define COVERAGE_TRUST_NS 1000000000ull     /* a pid is not used again that soon */
#define COVERAGE_AGAIN_NS 10000000000ull

enum coverage_verdict {
	COVERAGE_UNKNOWN,        /* it has ended, or may not be looked at */
	COVERAGE_CLOSED,         /* no library with a hook */
	COVERAGE_OPEN,
};

struct coverage_answer {
	enum coverage_verdict verdict;
	const char *library;     /* COVERAGE_OPEN: "OpenSSL 3"; else NULL */
	const char *symbol;      /* and the hook: "EVP_KDF_derive" */
	const char *reason;      /* else why; NULL where it is open */
};

struct probes_coverage;

/* NULL: out of memory. */
struct probes_coverage *probes_coverage_new(void);
void probes_coverage_free(struct probes_coverage *c);

/*
 * The texts are static. `now_ns`: by a clock that goes on steadily. A process that is new costs some milliseconds where
 * its files are new too, one that was asked about less than COVERAGE_TRUST_NS ago nothing.
 */
struct coverage_answer probes_coverage_of(struct probes_coverage *c, pid_t pid, uint64_t now_ns);

#endif

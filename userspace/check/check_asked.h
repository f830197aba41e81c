/* SPDX-License-Identifier: Apache-2.0 */
/* What the user asks `check`, from the command line to the question, with every file read. */
#ifndef CERTTAP_CHECK_ASKED_H
#define CERTTAP_CHECK_ASKED_H

#include "userspace/check/check_judge.h"
#include "userspace/options.h"

struct check_asked {
	struct check_question question;  /* points into this structure: it must not move */
	const struct status_format *format;
	struct store_filter filter;
	struct ip_address address;
	struct renewed renewed;
	struct trust *trust;
	uint8_t *expect;
};

/*
 * While this process may still open files. Returns 0, or -EINVAL after a line on stderr: what was named cannot be read,
 * or is not what it should be. check_asked_fini() in any case.
 */
int check_asked_read(struct check_asked *asked, const struct options *options);
void check_asked_fini(struct check_asked *asked);

/* "30,14": warning, critical; "14": critical alone. */
bool check_parse_days(const char *text, int *warning, int *critical);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* A check from a store to its findings: the one way to judge, for a store, for captures and for live traffic. */
#ifndef CERTTAP_CHECK_JUDGE_H
#define CERTTAP_CHECK_JUDGE_H

#include "userspace/check/check_findings.h"
#include "userspace/check/check_renewed.h"
#include "userspace/verdict/trust.h"

/* What is asked. Nothing of it: stragglers by lineage, and what has expired. */
struct check_question {
	const struct store_filter *filter;
	const struct renewed *renewed;   /* NULL: not asked for */
	uint64_t since_ns;               /* when the renewal happened; 0: not said */
	struct bytes expect;             /* the file's text; data NULL: none */
	const char *expect_name;
	bool days;
	int days_warning, days_critical;
	bool verify;
	const struct trust *trust;       /* NULL: there is no trust store */
	int64_t now_s;
};

/*
 * Returns 0 with *out, to be given to check_findings_fini(), sorted; or a negative errno: store_error(), where it is of
 * the store.
 */
int check_judge(struct store *s, const struct check_question *question, struct check_findings *out);

#endif

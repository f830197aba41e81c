/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate written by hand (der_build.h), read and judged. Include cmocka.h before. */
#ifndef CERTTAP_TESTS_X509_CASE_H
#define CERTTAP_TESTS_X509_CASE_H

#include <stdio.h>

#include "parsers/x509.h"
#include "tests/unit/der_build.h"

static struct x509 got;

/* Reads it into `got`. Is it taken so, and for this reason (NULL: any)? */
static inline bool read_parts(const struct build_cert *parts, enum x509_parse parse,
			      const char *why)
{
	x509_read(build_certificate(parts), false, &got);
	if (got.parse == parse && (!why || strcmp(got.refused_why, why) == 0))
		return true;
	print_error("%s: %s\n", x509_parse_name(got.parse), got.refused_why);
	return false;
}

static inline struct build_cert parts_reset(void)
{
	build_reset();
	return build_default();
}

#endif

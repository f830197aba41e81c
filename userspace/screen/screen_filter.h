/* SPDX-License-Identifier: Apache-2.0 */
/* What is typed to find a row. */
#ifndef CERTTAP_SCREEN_FILTER_H
#define CERTTAP_SCREEN_FILTER_H

#include "userspace/screen/screen_rows.h"

/* As screen_rows_filter() has it; text is not "". */
bool screen_filter_matches(const char *text, const struct screen_row *s);

#endif

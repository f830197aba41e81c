/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was said before TLS, handed to parsers/starttls.h in whole lines, however it was cut into segments.
 */
#ifndef CERTTAP_PREAMBLE_H
#define CERTTAP_PREAMBLE_H

#include "userspace/flow/flow.h"

/* Bytes in order that are no TLS. */
void preamble_said(struct flow *flow, unsigned int side, struct bytes text);

/* TLS begins: what was said until now is all. */
void preamble_ends(struct flow *flow);

void preamble_free(struct side *s);

#endif

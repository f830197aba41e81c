/* SPDX-License-Identifier: Apache-2.0 */
/* A row's facts in the few words that every table for people uses. Each text is safe, and cut to `size`. */
#ifndef CERTTAP_OUTPUT_TEXT_H
#define CERTTAP_OUTPUT_TEXT_H

#include <stddef.h>

#include "userspace/ledger/ledger.h"

/* "192.0.2.1:443", "[2001:db8::1]:443"; a station of EAPOL has no port. size >= 56. */
void output_text_endpoint(const struct host_port *at, enum transport transport, char *text, size_t size);

/* Common name, else the first DNS name, else the subject, else what is wrong with it. May be `text`. */
const char *output_text_certificate(const struct certificate *c, char *text, size_t size);

/* "(TLS 1.3, encrypted)", "(lost 512-1460)" */
void output_text_reason(const struct ledger_row *row, char *text, size_t size);

/* "fatal alert certificate_expired from the client 192.0.2.9" */
void output_text_alert(const struct alert_count *a, char *text, size_t size);

#endif

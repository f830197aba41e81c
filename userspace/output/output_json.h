/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of a row in JSON that are the same wherever they are told: the same field for the same thing. */
#ifndef CERTTAP_OUTPUT_JSON_H
#define CERTTAP_OUTPUT_JSON_H

#include "userspace/ledger/ledger.h"
#include "userspace/output/json.h"

/* "server", "client": ip and port, or mac. */
void output_json_put_host(struct json *j, const char *key, const struct host_port *host);
/* Into the open object tls.server or tls.client: hash, subject ... x509. */
void output_json_put_presented(struct json *j, const struct chain *chain);
/* "x509", as ECS has it. */
void output_json_put_x509(struct json *j, const struct x509 *x);
/* "chain", and what is missing of it; inside certtap. */
void output_json_put_chain(struct json *j, const struct chain *chain);
/* The fields of one of the chain, into the object that is open. */
void output_json_put_certificate(struct json *j, const struct certificate *c);
/* Sender, level, description, into the object that is open. */
void output_json_put_alert(struct json *j, const struct alert *alert);

#endif

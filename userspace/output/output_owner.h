/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners as outputs tell them: JSON with ECS names (process.*, user.*, service.*, container.*, orchestrator.*), and
 * one short text for tables.
 */
#ifndef CERTTAP_OUTPUT_OWNER_H
#define CERTTAP_OUTPUT_OWNER_H

#include <stddef.h>

#include "userspace/ledger/ledger.h"
#include "userspace/output/json.h"

/* The fields of the end that the row is about, into the object that is open. */
void output_owner_put(struct json *j, const struct ledger_row *row);
/* The same of the other end, as `certtap.peer`, and who listens and who else presents; inside `certtap`. */
void output_owner_put_more(struct json *j, const struct ledger_row *row);
/* "process": one alone. */
void output_owner_put_process(struct json *j, const char *key, const struct process *p);

#define OUTPUT_OWNER_MAX 64      /* of a text */

/* The unit, else the container, else the process: "fabric.service[812]", "nginx[99]"; "" where nobody is known. */
void output_owner_text(const struct process *p, char *text, size_t size);
/* Of the end that the row is about. */
void output_owner_row_text(const struct ledger_row *row, char *text, size_t size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What people and programs see. An output is one file and one row in the table of output.c; all of
 * them are given the same rows and decide nothing.
 */
#ifndef CERTTAP_OUTPUT_H
#define CERTTAP_OUTPUT_H

#include <stdio.h>

#include "userspace/ledger/ledger.h"

/* ECS event.action. */
enum action {
	ACTION_PRESENTED,     /* an endpoint and a chain: for the first time, or the summed row */
	ACTION_CHANGED,       /* another chain than before; `previous` is set */
	ACTION_NOT_SEEN,      /* a reason */
	ACTION_REFUSED,       /* an alert after the chain; `refusal` is set */
	ACTION_BROKE_OFF,     /* the client did, behind the server's flight: no refusal, nobody said so */
};

const char *action_name(enum action action);

struct output_event {
	enum action action;
	const struct ledger_row *row;
	const struct ledger_row *previous;
	const struct alert_count *refusal;
};


struct output_options {
	FILE *out;
	bool color;
	bool flush;              /* after each line: live, and pipes */
	unsigned int width;      /* of the terminal; 0: not one, lines may be long */
	int64_t now_s;           /* "now" for expiry; 0: the clock, each time */
};

struct output;

struct output_ops {
	const char *name;
	bool alert_in_row;       /* a connection is one line, its alert within: no further one for a refusal that is summed */
	void (*begin)(struct output *o);
	void (*event)(struct output *o, const struct output_event *e);
	void (*coverage)(struct output *o, const struct port_coverage *c);
	void (*end)(struct output *o);
};

struct output {
	const struct output_ops *ops;
	struct output_options options;
	void *state;             /* of the ops: made by begin, freed by end */
	bool begun;
	bool failed;             /* writing failed: disk full, reader gone */
};

/* By name: "table", "json"; NULL: no such output. */
const struct output_ops *output_find(const char *name);

void output_init(struct output *o, const struct output_ops *ops,
		 const struct output_options *options);
/* Returns false when writing failed. */
bool output_event(struct output *o, const struct output_event *e);
void output_coverage(struct output *o, const struct port_coverage *c);
bool output_end(struct output *o);

/* The clock that judges "expired now". */
int64_t output_now_s(const struct output *o);

/* The action for a row as it stands in the ledger. */
enum action action_of(const struct ledger_row *row);

extern const struct output_ops output_json, output_table;

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Events as a table: all of them, or those of one endpoint in its history. */
#ifndef CERTTAP_SHOW_EVENTS_H
#define CERTTAP_SHOW_EVENTS_H

#include "userspace/show/show.h"

struct show_events {
	struct show *s;
	struct show_table table;
	bool of_one;             /* endpoint: it is not named again */
};

void show_events_start(struct show_events *l, struct show *s, bool of_one, unsigned int indent);
void show_event_row(struct show_events *l, const struct store_event *v);

#endif

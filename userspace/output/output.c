/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/output.h"
#include "userspace/output/output_peer.h"

#include <time.h>

static const struct output_ops *const outputs[] = { &output_table, &output_json, &output_zeek,
						     &output_eve };

const char *action_name(enum action action)
{
	static const char *const names[] = {
		[ACTION_PRESENTED] = "certificate-presented",
		[ACTION_CHANGED] = "certificate-changed",
		[ACTION_NOT_SEEN] = "certificate-not-seen",
		[ACTION_REFUSED] = "certificate-refused",
		[ACTION_BROKE_OFF] = "client-broke-off",
	};

	return names[action];
}

enum action action_of(const struct ledger_row *row)
{
	return row->reason == REASON_NONE ? ACTION_PRESENTED : ACTION_NOT_SEEN;
}

const struct output_ops *output_find(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(outputs); i++)
		if (strcmp(outputs[i]->name, name) == 0)
			return outputs[i];
	return NULL;
}

void output_init(struct output *o, const struct output_ops *ops,
		 const struct output_options *options)
{
	*o = (struct output){ .ops = ops, .options = *options };
}

static bool still_good(struct output *o)
{
	if (ferror(o->options.out))
		o->failed = true;
	return !o->failed;
}

bool output_event(struct output *o, const struct output_event *e)
{
	if (!o->begun && o->ops->begin)
		o->ops->begin(o);
	o->begun = true;
	o->ops->event(o, e);
	if (o->options.flush && fflush(o->options.out) != 0)
		o->failed = true;
	return still_good(o);
}

void output_coverage(struct output *o, const struct port_coverage *c)
{
	if (o->ops->coverage)
		o->ops->coverage(o, c);
}

bool output_end(struct output *o)
{
	if (o->ops->end)
		o->ops->end(o);
	if (fflush(o->options.out) != 0)
		o->failed = true;
	return still_good(o);
}

int64_t output_now_s(const struct output *o)
{
	return o->options.now_s ? o->options.now_s : (int64_t)time(NULL);
}

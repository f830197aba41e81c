/* SPDX-License-Identifier: Apache-2.0 */
/* From what was typed to a filter, and the filter as the views use it. */
#include <errno.h>
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/ledger/findings.h"
#include "userspace/show/show.h"

static int refuse(const char *option, const char *text, const char *takes)
{
	fprintf(stderr, "certtap: --%s does not take '%s'; it takes %s\n", option, text, takes);
	return -EINVAL;
}

static int take_port(struct store_filter *f, const char *text)
{
	struct show_port port;

	if (!show_parse_port(text, &port))
		return refuse("port", text, "443 or 443/udp");
	f->by_port = true;
	f->port = port.port;
	f->by_transport = port.by_transport;
	f->transport = port.transport;
	return 0;
}

static int take_days(struct store_filter *f, const char *text)
{
	char *end;
	long days = strtol(text, &end, 10);

	if (end == text || *end || days < -100000 || days > 100000)
		return refuse("days-left", text, "a number of days");
	f->by_days = true;
	f->days_left = (int)days;
	return 0;
}

/* Whether something is a straggler depends on what others presented: no row of the store tells it of itself. */
static bool is_of_a_row(unsigned int finding)
{
	return finding != FINDING_STRAGGLER;
}

static void name_findings(char *out, size_t size)
{
	struct text text;
	unsigned int i;

	text_start(&text, out, size);
	for (i = 0; i < NUM_FINDINGS; i++) {
		if (!is_of_a_row(i))
			continue;
		text_put(&text, i ? ", " : "");
		text_put(&text, finding_name(i));
	}
}

static int take_findings(struct store_filter *f, const char *text)
{
	char names[512];
	unsigned int i;

	name_findings(names, sizeof(names));
	if (!show_parse_findings(text, &f->findings))
		return refuse("finding", text, names);
	for (i = 0; i < NUM_FINDINGS; i++) {
		if (!(f->findings & 1u << i) || is_of_a_row(i))
			continue;
		fprintf(stderr, "certtap: --finding does not take '%s': ask 'certtap check', which looks for them; it takes %s\n",
			finding_name(i), names);
		return -EINVAL;
	}
	return 0;
}

int show_filter_parse(struct show *s)
{
	const struct show_options *o = &s->options->show;
	struct store_filter *f = &s->filter;
	int err = 0;

	*f = (struct store_filter){ .name = o->name, .issuer = o->issuer, .process = o->process, .unit = o->unit,
				    .container = o->container, .now_s = s->now_s };
	if (o->port)
		err = take_port(f, o->port);
	if (!err && o->days_left)
		err = take_days(f, o->days_left);
	if (!err && o->address) {
		f->address = &s->address;
		if (!show_parse_address(o->address, &s->address))
			err = refuse("address", o->address, "an IPv4, IPv6 or MAC address");
	}
	if (!err && o->finding)
		err = take_findings(f, o->finding);
	if (!err && o->since && !show_parse_time(o->since, (uint64_t)s->now_s * 1000000000u, &f->since_ns))
		err = refuse("since", o->since, "2h, 3d, 2026-11-24 or 2026-11-24T22:10Z");
	s->by_certificate = f->issuer || f->by_days || f->findings;
	return err;
}

struct store_filter show_filter(const struct show *s)
{
	return s->filter;
}

static bool on_judged(void *context, const struct store_sighting *t)
{
	return show_verdicts_add(context, t);
}

int show_judge(struct show *s, const struct store_filter *f)
{
	int err;

	if (!s->options->show.verify)
		return 0;
	err = store_each_sighting(s->store, f, on_judged, &s->verdicts);
	return err ? err : show_verdicts_judge(&s->verdicts, s->companion, s->store, s->now_s);
}

bool show_filter_places(const struct show *s, struct store_filter *out)
{
	const struct store_filter *all = &s->filter;

	*out = (struct store_filter){
		.by_port = all->by_port, .port = all->port, .by_transport = all->by_transport,
		.transport = all->transport, .address = all->address, .process = all->process, .unit = all->unit,
		.container = all->container, .findings = all->findings, .since_ns = all->since_ns, .now_s = all->now_s,
	};
	return out->by_port || out->by_transport || out->address || out->process || out->unit || out->container ||
	       out->findings;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_asked.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "userspace/check/expect.h"
#include "userspace/show/show_what.h"

#define NS_PER_S 1000000000ull
#define DAYS_MAX 100000

static int refuse(const char *option, const char *text)
{
	fprintf(stderr, "certtap: --%s does not take '%s'\n", option, text);
	return -EINVAL;
}

static int say(const char *why)
{
	fprintf(stderr, "certtap: %s\n", why);
	return -EINVAL;
}

static bool take_days(const char **text, int *out)
{
	char *end;
	long days;

	if (**text < '0' || **text > '9')
		return false;
	days = strtol(*text, &end, 10);
	*text = end;
	*out = (int)days;
	return days <= DAYS_MAX;
}

bool check_parse_days(const char *text, int *warning, int *critical)
{
	int first, second;

	if (!take_days(&text, &first))
		return false;
	if (!*text) {
		*warning = *critical = first;
		return true;
	}
	if (*text++ != ',' || !take_days(&text, &second) || *text || second > first)
		return false;
	*warning = first;
	*critical = second;
	return true;
}

/* --- what restricts it */

static int read_time(const char *option, const char *text, uint64_t *out_ns)
{
	if (!text || show_parse_time(text, (uint64_t)time(NULL) * NS_PER_S, out_ns))
		return 0;
	return refuse(option, text);
}

static int read_port(struct check_asked *a, const char *text)
{
	struct show_port port;

	if (!text)
		return 0;
	if (!show_parse_port(text, &port))
		return refuse("port", text);
	a->filter.by_port = true;
	a->filter.port = port.port;
	a->filter.by_transport = port.by_transport;
	a->filter.transport = port.transport;
	return 0;
}

static int read_address(struct check_asked *a, const char *text)
{
	if (!text)
		return 0;
	if (!show_parse_address(text, &a->address))
		return refuse("address", text);
	a->filter.address = &a->address;
	return 0;
}

static int read_filter(struct check_asked *a, const struct options *o)
{
	int err;

	a->filter.name = o->show.name;
	a->filter.issuer = o->show.issuer;
	a->filter.process = o->show.process;
	a->filter.unit = o->show.unit;
	a->filter.container = o->show.container;
	if ((err = read_port(a, o->show.port)) != 0 || (err = read_address(a, o->show.address)) != 0 ||
	    (err = read_time("since", o->check.since, &a->question.since_ns)) != 0)
		return err;
	return read_time("seen-since", o->check.seen_since, &a->filter.since_ns);
}

/* --- what is asked */

static int read_renewed(struct check_asked *a, const struct check_options *o, bool quiet)
{
	char why[4352];
	unsigned int i;

	a->renewed.notes = quiet ? NULL : stderr;
	for (i = 0; i < o->num_renewed; i++)
		if (renewed_add(&a->renewed, o->renewed[i], why, sizeof(why)) != 0)
			return say(why);
	a->question.renewed = o->num_renewed ? &a->renewed : NULL;
	return 0;
}

/* Read once for its errors, and kept as text: a rule remembers whom it was for, so each judging begins anew. */
static int read_expect(struct check_asked *a, const char *path)
{
	struct expect *expect;
	char why[4352];
	size_t len;
	FILE *in;

	if (!path)
		return 0;
	if (expect_read(path, &expect, why, sizeof(why)) != 0)
		return say(why);
	expect_free(expect);
	a->expect = malloc(EXPECT_FILE_MAX);
	in = a->expect ? fopen(path, "re") : NULL;
	len = in ? fread(a->expect, 1, EXPECT_FILE_MAX, in) : 0;
	if (!in || ferror(in)) {
		snprintf(why, sizeof(why), "%s: it cannot be read", path);
		if (in)
			fclose(in);
		return say(why);
	}
	fclose(in);
	a->question.expect = bytes_of(a->expect, len);
	a->question.expect_name = path;
	return 0;
}

static int read_trust(struct check_asked *a, const struct show_options *o)
{
	char why[4352];

	a->question.verify = o->verify || o->ca_file;
	if (!a->question.verify || trust_open(o->ca_file, &a->trust, why, sizeof(why)) == 0)
		return 0;
	say(why);
	return o->ca_file ? -EINVAL : 0;
}

static int read_format(struct check_asked *a, const struct check_options *o)
{
	const char *name = o->format ? o->format : o->json ? "json" : NULL;

	a->format = status_format_find(name);
	if (a->format)
		return 0;
	fprintf(stderr, "certtap: --format takes %s, not '%s'\n", status_format_names(), name);
	return -EINVAL;
}

int check_asked_read(struct check_asked *a, const struct options *o)
{
	struct check_question *q = &a->question;
	int err;

	*a = (struct check_asked){ .question.days = o->check.days != NULL };
	q->filter = &a->filter;
	if (!x509_init())
		return say("OpenSSL cannot be used");
	if (o->check.days && !check_parse_days(o->check.days, &q->days_warning, &q->days_critical))
		return refuse("days", o->check.days);
	if ((err = read_format(a, &o->check)) != 0 || (err = read_filter(a, o)) != 0 ||
	    (err = read_renewed(a, &o->check, o->quiet)) != 0 || (err = read_expect(a, o->check.expect)) != 0)
		return err;
	err = read_trust(a, &o->show);
	q->trust = a->trust;
	return err;
}

void check_asked_fini(struct check_asked *a)
{
	renewed_fini(&a->renewed);
	trust_free(a->trust);
	free(a->expect);
}

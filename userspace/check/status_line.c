/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/status_line.h"

#include <inttypes.h>

#include "parsers/text.h"
#include "userspace/output/json.h"

#define TEXT_MAX 1024           /* of one text; longer ones end in "..." */
#define FIRST_MAX 256           /* of the worst finding in the status line, which monitoring cuts */

struct status_format {
	const char *name;
	void (*write)(const struct status_report *r, FILE *out);
};

struct counts {
	uint64_t of[NUM_SEVERITIES];
};

static struct counts count(const struct status_report *r)
{
	struct counts c = { { 0 } };
	size_t i;

	for (i = 0; i < r->num_findings; i++)
		c.of[r->findings[i].severity]++;
	return c;
}

enum severity status_overall(const struct status_report *r)
{
	enum severity worst = r->endpoints == 0 ? SEVERITY_UNKNOWN : SEVERITY_OK;
	size_t i;

	for (i = 0; i < r->num_findings; i++)
		worst = severity_worst(worst, r->findings[i].severity);
	return worst;
}

/*
 * Safe for a line. Texts that went through text_safe() stay as they are, with the backslashes it made; in
 * others what it would have escaped is escaped.
 */
static const char *clean(const char *in, char *out, size_t size)
{
	struct bytes rest = bytes_of(in ? in : "", in ? strlen(in) : 0);
	struct text text;
	uint32_t c;

	text_start(&text, out, size);
	while (rest.len > 0) {
		if (rest.data[0] == '\\' || !text_take_char(&rest, &c)) {
			if (rest.data[0] == '\\')
				text_put(&text, "\\");
			else
				text_put_byte(&text, rest.data[0]);
			rest = bytes_of(rest.data + 1, rest.len - 1);
		} else {
			text_put_char(&text, c);
		}
	}
	return out;
}

/* "endpoint: message" */
static const char *sentence(const struct status_finding *f, char *out, size_t size)
{
	char endpoint[TEXT_MAX], message[TEXT_MAX];
	struct text text;
	size_t room;

	text_start(&text, out, size);
	if (f->endpoint) {
		text_put(&text, clean(f->endpoint, endpoint, sizeof(endpoint)));
		text_put(&text, ": ");
	}
	/* A piece goes in whole or not at all: this one is cut before. */
	room = size - text.len < sizeof(message) ? size - text.len : sizeof(message);
	if (!text.cut && room >= 8)
		text_put(&text, clean(f->message, message, room));
	return out;
}

static const struct status_finding *worst_finding(const struct status_report *r)
{
	enum severity overall = status_overall(r);
	size_t i;

	for (i = 0; i < r->num_findings; i++)
		if (r->findings[i].severity == overall && overall != SEVERITY_OK)
			return &r->findings[i];
	return NULL;
}

/* "1 critical, 2 unknown, of 12 endpoints" */
static void summary(const struct status_report *r, char *out, size_t size)
{
	static const enum severity order[] = { SEVERITY_CRITICAL, SEVERITY_WARNING, SEVERITY_UNKNOWN };
	struct counts c = count(r);
	size_t at = 0, i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (c.of[order[i]] && at < size)
			at += (size_t)snprintf(out + at, size - at, "%" PRIu64 " %s, ", c.of[order[i]],
					       severity_name(order[i]));
	if (r->endpoints == 0)
		snprintf(out + at, size - at, "%sno endpoint was seen", at ? "" : "could not tell: ");
	else
		snprintf(out + at, size - at, "%s%" PRIu64 " endpoint%s", at ? "of " : "all is well at ",
			 r->endpoints, r->endpoints == 1 ? "" : "s");
}

static void put_upper(const char *text, FILE *out)
{
	for (; *text; text++)
		putc_unlocked(*text >= 'a' && *text <= 'z' ? *text - 'a' + 'A' : *text, out);
}

/* --- nagios */

/* A bar begins performance data, also in the lines that follow. */
static void put_plugin_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '|')
			fputs("\\x7C", out);
		else
			putc_unlocked(*text, out);
	}
}

static void put_value(const struct status_value *v, FILE *out)
{
	fprintf(out, " %s=%" PRId64 "%s;%s;%s", v->label, v->value, v->unit ? v->unit : "",
		v->warn ? v->warn : "", v->crit ? v->crit : "");
}

static void put_performance(const struct status_report *r, FILE *out)
{
	struct counts c = count(r);
	size_t i;

	fprintf(out, " | endpoints=%" PRIu64 ";;;0 critical=%" PRIu64 ";;;0 warning=%" PRIu64
		";;;0 unknown=%" PRIu64 ";;;0", r->endpoints, c.of[SEVERITY_CRITICAL],
		c.of[SEVERITY_WARNING], c.of[SEVERITY_UNKNOWN]);
	for (i = 0; i < r->num_values; i++)
		put_value(&r->values[i], out);
	putc_unlocked('\n', out);
}

static void write_nagios(const struct status_report *r, FILE *out)
{
	const struct status_finding *first = worst_finding(r);
	char text[2 * TEXT_MAX + 8], counted[128];
	size_t i;

	summary(r, counted, sizeof(counted));
	fputs("CERTTAP ", out);
	put_upper(severity_name(status_overall(r)), out);
	fprintf(out, ": %s", counted);
	if (first) {
		fputs("; ", out);
		put_plugin_text(sentence(first, text, FIRST_MAX), out);
	}
	put_performance(r, out);
	for (i = 0; i < r->num_findings; i++) {
		if (r->findings[i].severity == SEVERITY_OK)
			continue;
		putc_unlocked('[', out);
		put_upper(severity_name(r->findings[i].severity), out);
		fputs("] ", out);
		put_plugin_text(sentence(&r->findings[i], text, sizeof(text)), out);
		putc_unlocked('\n', out);
	}
}

/* --- json */

static void json_clean(struct json *j, const char *key, const char *value)
{
	char text[TEXT_MAX];

	if (value)
		json_string(j, key, clean(value, text, sizeof(text)));
}

static void json_finding(struct json *j, const struct status_finding *f)
{
	size_t i;

	json_object(j, NULL);
	json_string(j, "severity", severity_name(f->severity));
	json_clean(j, "endpoint", f->endpoint);
	json_clean(j, "rule", f->rule);
	json_clean(j, "message", f->message);
	json_clean(j, "file", f->file);
	if (f->line)
		json_unsigned(j, "line", f->line);
	if (f->num_facts) {
		json_object(j, "facts");
		for (i = 0; i < f->num_facts; i++)
			json_clean(j, f->facts[i].name, f->facts[i].value);
		json_object_end(j);
	}
	json_object_end(j);
}

static void write_json(const struct status_report *r, FILE *out)
{
	struct json j = { .out = out };
	struct counts c = count(r);
	char text[128];
	size_t i;

	summary(r, text, sizeof(text));
	json_object(&j, NULL);
	json_string(&j, "status", severity_name(status_overall(r)));
	json_unsigned(&j, "exit_code", status_overall(r));
	json_string(&j, "summary", text);
	json_unsigned(&j, "endpoints", r->endpoints);
	json_object(&j, "counts");
	for (i = 0; i < NUM_SEVERITIES; i++)
		json_unsigned(&j, severity_name((enum severity)i), c.of[i]);
	json_object_end(&j);
	json_object(&j, "values");
	for (i = 0; i < r->num_values; i++)
		json_signed(&j, r->values[i].label, r->values[i].value);
	json_object_end(&j);
	json_array(&j, "findings");
	for (i = 0; i < r->num_findings; i++)
		json_finding(&j, &r->findings[i]);
	json_array_end(&j);
	json_object_end(&j);
	json_line_end(&j);
}

/* --- junit */

/* XML 1.0: of clean text only these five need care. */
static void put_xml(const char *text, FILE *out)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		default:
			putc_unlocked(*text, out);
		}
	}
}

static void put_attribute(const char *name, const char *value, FILE *out)
{
	char text[TEXT_MAX];

	fprintf(out, " %s=\"", name);
	put_xml(clean(value, text, sizeof(text)), out);
	putc_unlocked('"', out);
}

static void put_facts(const struct status_finding *f, FILE *out)
{
	char text[TEXT_MAX];
	size_t i;

	for (i = 0; i < f->num_facts; i++) {
		put_xml(f->facts[i].name, out);
		fputs(": ", out);
		put_xml(clean(f->facts[i].value, text, sizeof(text)), out);
		putc_unlocked('\n', out);
	}
}

static void put_case(const struct status_finding *f, FILE *out)
{
	const char *element = f->severity == SEVERITY_UNKNOWN ? "error" : "failure";

	fputs("    <testcase classname=\"certtap.check\"", out);
	put_attribute("name", f->endpoint ? f->endpoint : f->rule ? f->rule : "check", out);
	if (f->file)
		put_attribute("file", f->file, out);
	if (f->line)
		fprintf(out, " line=\"%u\"", f->line);
	if (f->severity == SEVERITY_OK) {
		fputs("/>\n", out);
		return;
	}
	fprintf(out, ">\n      <%s", element);
	put_attribute("type", f->rule ? f->rule : severity_name(f->severity), out);
	put_attribute("message", f->message, out);
	fprintf(out, ">severity: %s\n", severity_name(f->severity));
	put_facts(f, out);
	fprintf(out, "</%s>\n    </testcase>\n", element);
}

/* A suite of no test would be taken for one that did not run: the check itself is the first. */
static void write_junit(const struct status_report *r, FILE *out)
{
	struct counts c = count(r);
	bool blind = r->endpoints == 0;
	struct status_finding check = {
		.severity = blind ? SEVERITY_UNKNOWN : SEVERITY_OK, .rule = "coverage",
		.message = "no endpoint was seen",
	};
	char numbers[160];
	size_t i;

	snprintf(numbers, sizeof(numbers), "tests=\"%zu\" failures=\"%" PRIu64 "\" errors=\"%" PRIu64 "\"",
		 r->num_findings + 1, c.of[SEVERITY_CRITICAL] + c.of[SEVERITY_WARNING],
		 c.of[SEVERITY_UNKNOWN] + blind);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	fprintf(out, "<testsuites name=\"certtap\" %s>\n  <testsuite name=\"certtap check\" %s>\n", numbers, numbers);
	put_case(&check, out);
	for (i = 0; i < r->num_findings; i++)
		put_case(&r->findings[i], out);
	fputs("  </testsuite>\n</testsuites>\n", out);
}

/* --- github */

/*
 * As the runner undoes it: % first, and in a property also what ends one. Its older form of a command, ##[...],
 * counts anywhere in a line, so that one is broken up.
 */
static void put_workflow(const char *text, bool property, FILE *out)
{
	char last = '\0';

	for (; *text; last = *text++) {
		if (*text == '%')
			fputs("%25", out);
		else if (property && *text == ':')
			fputs("%3A", out);
		else if (property && *text == ',')
			fputs("%2C", out);
		else if (*text == '#' && last == '#')
			fputs("\\x23", out);
		else
			putc_unlocked(*text, out);
	}
}

static void put_annotation(const struct status_finding *f, FILE *out)
{
	char text[2 * TEXT_MAX + 8];

	fprintf(out, "::%s title=certtap %s", f->severity == SEVERITY_CRITICAL ? "error" : "warning",
		severity_name(f->severity));
	if (f->rule) {
		put_workflow(": ", true, out);
		put_workflow(clean(f->rule, text, sizeof(text)), true, out);
	}
	if (f->file) {
		fputs(",file=", out);
		put_workflow(clean(f->file, text, sizeof(text)), true, out);
		if (f->line)
			fprintf(out, ",line=%u", f->line);
	}
	fputs("::", out);
	put_workflow(sentence(f, text, sizeof(text)), false, out);
	putc_unlocked('\n', out);
}

static void write_github(const struct status_report *r, FILE *out)
{
	char text[128];
	size_t i;

	for (i = 0; i < r->num_findings; i++)
		if (r->findings[i].severity != SEVERITY_OK)
			put_annotation(&r->findings[i], out);
	summary(r, text, sizeof(text));
	fprintf(out, "certtap: %s: %s\n", severity_name(status_overall(r)), text);
}

static const struct status_format formats[] = {
	{ "nagios", write_nagios },
	{ "json", write_json },
	{ "junit", write_junit },
	{ "github", write_github },
};

const struct status_format *status_format_find(const char *name)
{
	size_t i;

	if (!name)
		return &formats[0];
	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const char *status_format_names(void)
{
	return "nagios, json, junit, github";
}

bool status_write(const struct status_report *report, const struct status_format *format, FILE *out)
{
	format->write(report, out);
	return fflush(out) == 0 && !ferror(out);
}

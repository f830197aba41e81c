/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/check/check_gate.h"

#include <inttypes.h>
#include <time.h>

#include "parsers/text.h"

#define NS_PER_S UINT64_C(1000000000)
#define JUDGE_EVERY_NS NS_PER_S
#define JUDGE_SHARE 5            /* at most this part of the time is spent judging */
#define WAITING_SHOWN 3

uint64_t check_gate_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

bool check_gate_time_over(const struct check_gate *g)
{
	return g->end_ns && check_gate_clock() >= g->end_ns;
}

bool check_gate_due(const struct check_gate *g)
{
	return check_gate_clock() >= g->next_ns;
}

/* "3 endpoints are well; waiting for 192.0.2.21:9808/tcp (critical) and 2 more" */
static void describe(const struct check_findings *f, char *out, size_t size)
{
	size_t waiting = 0, i;
	char number[64];
	struct text text;

	text_start(&text, out, size);
	for (i = 0; i < f->num; i++)
		waiting += f->at[i].severity != SEVERITY_OK;
	snprintf(number, sizeof(number), "%zu of %zu as they should be", f->num - waiting, f->num);
	text_put(&text, f->sites ? number : "no endpoint was seen yet");
	for (i = 0, waiting = 0; i < f->num; i++) {
		if (f->at[i].severity == SEVERITY_OK || waiting++ >= WAITING_SHOWN)
			continue;
		text_put(&text, waiting == 1 ? "; waiting for " : ", ");
		text_put(&text, f->at[i].endpoint ? f->at[i].endpoint : f->at[i].message);
		text_put(&text, " (");
		text_put(&text, severity_name(f->at[i].severity));
		text_put(&text, ")");
	}
	snprintf(number, sizeof(number), " and %zu more", waiting - WAITING_SHOWN);
	text_put(&text, waiting > WAITING_SHOWN ? number : "");
}

static void show(struct check_gate *g, const char *words)
{
	uint64_t now = check_gate_clock();

	if (g->quiet)
		return;
	if (g->terminal) {
		fprintf(stderr, "\rcerttap: %s", words);
		if (g->end_ns)
			fprintf(stderr, "; %" PRIu64 " s left", g->end_ns > now ? (g->end_ns - now) / NS_PER_S : 0);
		fputs("\033[K", stderr);
	} else if (strcmp(words, g->said) != 0) {
		fprintf(stderr, "certtap: %s\n", words);
	}
	snprintf(g->said, sizeof(g->said), "%s", words);
}

bool check_gate_look(struct check_gate *g, const struct check_findings *findings, uint64_t begun_ns)
{
	struct status_value values[CHECK_VALUES_MAX];
	struct status_report report;
	uint64_t now = check_gate_clock(), rest = (now - begun_ns) * (JUDGE_SHARE - 1);
	char words[sizeof(g->said)];
	enum severity overall;

	g->next_ns = now + (rest > JUDGE_EVERY_NS ? rest : JUDGE_EVERY_NS);
	check_findings_report(findings, values, &report);
	overall = status_overall(&report);
	describe(findings, words, sizeof(words));
	show(g, words);
	g->saw_straggler |= findings->stragglers > 0;
	return overall == SEVERITY_OK && (!g->without_past || g->saw_straggler);
}

void check_gate_end(const struct check_gate *g)
{
	if (g->terminal && !g->quiet && g->said[0])
		fputs("\r\033[K", stderr);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stranger's chain, judged in this very process. The input: a length of one byte and the name asked for, then
 * certificates, each behind a length of 24 bits; what is left over is the last one. The store holds one root, from
 * the seeds.
 */
#include <stdio.h>
#include <stdlib.h>

#include "userspace/verdict/verdict_parts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ROOT "tests/fuzz/verdict-root.pem"
#define THEN 1600000000
#define NOW 1790000000

#define CHECK(what)          \
	do {                 \
		if (!(what)) \
			abort(); \
	} while (0)

static struct trust *open_trust(void)
{
	struct trust *trust = NULL;
	char why[256];

	CHECK(x509_init());
	/* From wherever it is run: without a store it judges the rest. */
	if (trust_open(ROOT, &trust, why, sizeof(why)) != 0)
		fprintf(stderr, "fuzz_verdict: without a trust store: %s\n", why);
	return trust;
}

static size_t take_chain(struct bytes in, struct bytes *ders, size_t most)
{
	size_t num = 0;

	while (num < most && in.len > 0) {
		if (!bytes_vec24(&in, &ders[num])) {
			ders[num++] = in;
			break;
		}
		num++;
	}
	return num;
}

static void check(const struct verdict *v, const struct verdict_request *r)
{
	unsigned int i;

	CHECK(v->num_notes <= VERDICT_NOTES_MAX);
	CHECK(v->notes_dropped == 0 || v->num_notes == VERDICT_NOTES_MAX);
	for (i = 0; i < v->num_notes; i++) {
		const struct verdict_note *n = &v->notes[i];

		CHECK(n->certificate >= -1 && n->certificate < VERDICT_CHAIN_MAX &&
		      n->certificate < (int)(r->num ? r->num : 1));
		CHECK(n->when >= VERDICT_THEN && n->when <= (VERDICT_THEN | VERDICT_NOW));
		CHECK(verdict_finding_name(n->what) && verdict_finding_text(n->what));
		(void)verdict_detail(n);
	}
	/* What is not trusted, and what could not be told, has a reason. */
	CHECK((v->then == VERDICT_TRUSTED && v->now == VERDICT_TRUSTED) || v->num_notes > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trust *trust;
	static bool opened;
	struct verdict_request r = { .then_s = THEN, .now_s = NOW };
	struct bytes in = bytes_of(data, size), ders[200];
	struct verdict v;

	if (!opened)
		trust = open_trust();
	opened = true;
	if (!bytes_vec8(&in, &r.name))
		return 0;
	r.ders = ders;
	r.num = take_chain(in, ders, ARRAY_SIZE(ders));
	verdict_judge_here(trust, &r, &v);
	check(&v, &r);
	r.role = ROLE_CLIENT;
	r.partial = true;
	verdict_judge_here(trust, &r, &v);
	check(&v, &r);
	return 0;
}

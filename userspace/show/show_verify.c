/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/show/show_verify.h"

#include <errno.h>
#include <stdlib.h>

struct show_judged {
	int64_t chain_id;
	enum role role;
	uint8_t name_len;
	uint8_t name[255];
	uint64_t last_ns;                /* of all that it stands for */
	struct verdict *verdict;         /* NULL: not yet */
};

static struct show_judged key_of(const struct store_sighting *t)
{
	const struct store_endpoint *e = t->endpoint;
	struct show_judged key = { .chain_id = t->chain_id, .role = t->role, .last_ns = t->last_ns };

	/* A client is not asked for by a name. */
	if (e->name_kind != STORE_NAME_ASKED || t->role != ROLE_SERVER)
		return key;
	key.name_len = (uint8_t)(e->server_name.len < sizeof(key.name) ? e->server_name.len : sizeof(key.name));
	if (key.name_len)
		memcpy(key.name, e->server_name.data, key.name_len);
	return key;
}

static int compare(const void *a, const void *b)
{
	const struct show_judged *x = a, *y = b;

	if (x->chain_id != y->chain_id)
		return x->chain_id < y->chain_id ? -1 : 1;
	if (x->role != y->role)
		return x->role < y->role ? -1 : 1;
	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return memcmp(x->name, y->name, x->name_len);
}

bool show_verdicts_add(struct show_verdicts *v, const struct store_sighting *t)
{
	struct show_judged key = key_of(t), *grown;
	size_t room;

	if (t->chain_kind != STORE_CHAIN_PRESENTED)
		return true;
	/* The rows of one endpoint come one after the other, with the same name. */
	if (v->num && compare(&v->judged[v->num - 1], &key) == 0) {
		if (key.last_ns > v->judged[v->num - 1].last_ns)
			v->judged[v->num - 1].last_ns = key.last_ns;
		return true;
	}
	if (v->num == v->room) {
		room = v->room ? 2 * v->room : 64;
		grown = realloc(v->judged, room * sizeof(*grown));
		if (!grown)
			return false;
		v->judged = grown;
		v->room = room;
	}
	v->judged[v->num++] = key;
	return true;
}

/* Sorted, each key once: one that has its verdict keeps it. */
static void merge(struct show_verdicts *v)
{
	struct show_judged *into = v->judged, *from;

	if (!v->num)
		return;
	qsort(v->judged, v->num, sizeof(*v->judged), compare);
	for (from = v->judged + 1; from < v->judged + v->num; from++) {
		if (compare(into, from) != 0) {
			*++into = *from;
			continue;
		}
		if (from->last_ns > into->last_ns)
			into->last_ns = from->last_ns;
		if (!into->verdict)
			into->verdict = from->verdict;
	}
	v->num = (size_t)(into - v->judged) + 1;
}

static int ask(struct show_companion *c, const struct show_judged *j, struct store *store, int64_t now_s)
{
	struct chain *chain = store_chain(store, j->chain_id);
	struct bytes ders[VERDICT_CHAIN_MAX];
	struct verdict_request r = {
		.ders = ders, .role = j->role, .name = bytes_of(j->name, j->name_len), .now_s = now_s,
		.then_s = j->last_ns ? (int64_t)(j->last_ns / 1000000000u) : VERDICT_NO_TIME,
	};
	int err;

	for (; chain && r.num < chain->num && r.num < VERDICT_CHAIN_MAX; r.num++) {
		const struct certificate *cert = chain->certificates[r.num];

		ders[r.num] = cert->der ? bytes_of(cert->der, cert->der_len) : bytes_of("", 0);
	}
	r.partial = !chain || chain->partial || chain->total > chain->num;
	err = show_companion_ask(c, &r);
	store_chain_free(chain);
	return err;
}

static bool keep(struct show_judged *j, const struct verdict *v)
{
	j->verdict = malloc(sizeof(*v));
	if (!j->verdict)
		return false;
	*j->verdict = *v;
	return true;
}

/* Those from `from` on that have no verdict, as many as a batch holds; *out where it ended. */
static int judge_batch(struct show_verdicts *v, struct show_companion *c, struct store *store, int64_t now_s,
		       size_t from, size_t *out)
{
	struct show_judged *batch[SHOW_COMPANION_BATCH];
	struct verdict *verdicts = malloc(SHOW_COMPANION_BATCH * sizeof(*verdicts));
	uint32_t num = 0, i;
	int err;

	for (; from < v->num && num < SHOW_COMPANION_BATCH; from++)
		if (!v->judged[from].verdict)
			batch[num++] = &v->judged[from];
	err = !verdicts ? -ENOMEM : num ? show_companion_begin(c, num) : 0;
	for (i = 0; err == 0 && i < num; i++)
		err = ask(c, batch[i], store, now_s);
	if (err == 0 && num)
		err = show_companion_answer(c, verdicts, num);
	for (i = 0; err == 0 && i < num; i++)
		if (!keep(batch[i], &verdicts[i]))
			err = -ENOMEM;
	free(verdicts);
	*out = from;
	return err;
}

int show_verdicts_judge(struct show_verdicts *v, struct show_companion *c, struct store *store, int64_t now_s)
{
	size_t at = 0;
	int err = 0;

	merge(v);
	while (err == 0 && at < v->num)
		err = judge_batch(v, c, store, now_s, at, &at);
	return err;
}

const struct verdict *show_verdicts_find(const struct show_verdicts *v, const struct store_sighting *t)
{
	const struct show_judged *found;
	struct show_judged key;

	if (!v->num)
		return NULL;
	key = key_of(t);
	found = bsearch(&key, v->judged, v->num, sizeof(key), compare);
	return found ? found->verdict : NULL;
}

void show_verdicts_free(struct show_verdicts *v)
{
	size_t i;

	for (i = 0; i < v->num; i++)
		free(v->judged[i].verdict);
	free(v->judged);
	*v = (struct show_verdicts){ 0 };
}

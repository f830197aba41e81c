/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/store/store_record.h"

#include <stdio.h>
#include <stdlib.h>

#include "userspace/process/owner.h"

struct store_announcement *store_announcement_new(const struct chain *chain)
{
	size_t len = sizeof(struct store_announcement) + chain->num * sizeof(struct store_der);
	struct store_announcement *a;
	const struct certificate *c;
	uint8_t *at;
	uint32_t i;

	for (i = 0; i < chain->num; i++)
		len += chain->certificates[i]->der ? chain->certificates[i]->der_len : 0;
	a = malloc(len);
	if (!a)
		return NULL;
	*a = (struct store_announcement){
		.num = chain->num, .total = chain->total, .partial = chain->partial, .bytes = len,
	};
	at = (uint8_t *)&a->certificates[chain->num];
	for (i = 0; i < chain->num; i++) {
		c = chain->certificates[i];
		a->certificates[i] = (struct store_der){
			.der_len = c->der_len, .truncated = c->truncated, .der = c->der ? at : NULL,
		};
		memcpy(a->certificates[i].sha256, c->sha256, sizeof(c->sha256));
		if (!c->der)
			continue;
		memcpy(at, c->der, c->der_len);
		at += c->der_len;
	}
	return a;
}

struct store_record_owner *store_record_owner_new(const struct process *process)
{
	struct store_record_owner *o = malloc(sizeof(*o));
	const char *unit = process->service[0] ? process->service : process->user_service;

	if (!o)
		return NULL;
	snprintf(o->process, sizeof(o->process), "%s", process->name);
	snprintf(o->executable, sizeof(o->executable), "%s", process->executable);
	snprintf(o->unit, sizeof(o->unit), "%s", unit);
	snprintf(o->container, sizeof(o->container), "%s", process->container);
	return o;
}

void store_record_fini(struct store_record *record)
{
	free(record->announcement);
	free(record->owner);
	record->announcement = NULL;
	record->owner = NULL;
}

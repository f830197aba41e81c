/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/output_owner.h"

#include <stdio.h>
#include <string.h>

#include "parsers/text.h"

/* Strangers name their processes: text, made safe; nothing where nothing is known. */
static void put_text(struct json *j, const char *key, const char *text)
{
	if (text[0])
		json_bytes(j, key, bytes_of(text, strlen(text)));
}

static void put_process_fields(struct json *j, const struct process *p)
{
	json_unsigned(j, "pid", p->key.pid);
	put_text(j, "name", p->name);
	put_text(j, "executable", p->executable);
	put_text(j, "command_line", p->command_line);
	if (p->started_ns)
		json_time_ns(j, "start", p->started_ns);
	if (!p->ppid)
		return;
	json_object(j, "parent");
	json_unsigned(j, "pid", p->ppid);
	json_object_end(j);
}

static void put_user(struct json *j, const struct process *p)
{
	char id[16];

	if (!p->uid_known)
		return;
	snprintf(id, sizeof(id), "%u", p->uid);
	json_object(j, "user");
	json_string(j, "id", id);
	put_text(j, "name", p->user);
	json_object_end(j);
}

static void put_container(struct json *j, const struct process *p)
{
	if (p->container[0]) {
		json_object(j, "container");
		put_text(j, "id", p->container);
		put_text(j, "runtime", p->runtime);
		json_object_end(j);
	}
	if (!p->pod[0])
		return;
	json_object(j, "orchestrator");
	json_string(j, "type", "kubernetes");
	json_object(j, "resource");
	json_string(j, "type", "pod");
	put_text(j, "id", p->pod);
	json_object_end(j);
	json_object_end(j);
}

/* process, user, service, container, orchestrator: siblings, as in ECS. */
static void put_whole(struct json *j, const struct process *p)
{
	const char *service = p->user_service[0] ? p->user_service : p->service;

	json_object(j, "process");
	put_process_fields(j, p);
	json_object_end(j);
	put_user(j, p);
	if (service[0]) {
		json_object(j, "service");
		put_text(j, "name", service);
		json_object_end(j);
	}
	put_container(j, p);
}

void output_owner_put_process(struct json *j, const char *key, const struct process *p)
{
	json_object(j, key);
	put_whole(j, p);
	json_object_end(j);
}

void output_owner_put(struct json *j, const struct ledger_row *row)
{
	const struct owner *owner = row->owners ? &row->owners->end[row->role] : NULL;

	if (owner && owner->process)
		put_whole(j, owner->process);
}

static void put_listener(struct json *j, const struct owner *owner)
{
	if (!owner->listens_since_ns && (!owner->maker || owner->maker == owner->process))
		return;
	json_object(j, "listener");
	if (owner->listens_since_ns)
		json_time_ns(j, "since", owner->listens_since_ns);
	if (owner->maker && owner->maker != owner->process)
		put_whole(j, owner->maker);
	json_object_end(j);
}

/* Who else it may have been. */
static void put_candidates(struct json *j, const struct owner *owner)
{
	unsigned int i;

	if (!owner->num_others || owner->sent)
		return;
	json_bool(j, "owner_certain", false);
	json_array(j, "owner_candidates");
	for (i = 0; i < owner->num_others; i++)
		output_owner_put_process(j, NULL, owner->others[i]);
	json_array_end(j);
}

void output_owner_put_more(struct json *j, const struct ledger_row *row)
{
	const struct row_owners *owners = row->owners;
	const struct owner *own, *peer;
	unsigned int i;

	if (!owners)
		return;
	own = &owners->end[row->role];
	peer = &owners->end[!row->role];
	if (own->process) {
		if (own->process->netns)
			json_unsigned(j, "netns", own->process->netns);
		put_listener(j, own);
		put_candidates(j, own);
	}
	if (owners->num_presenters > 1) {
		json_array(j, "presenters");
		for (i = 0; i < owners->num_presenters; i++)
			output_owner_put_process(j, NULL, owners->presenters[i]);
		json_array_end(j);
		if (owners->presenters_more)
			json_unsigned(j, "presenters_more", owners->presenters_more);
	}
	if (peer->process)
		output_owner_put_process(j, "peer", peer->process);
}

void output_owner_text(const struct process *p, char *text, size_t size)
{
	const char *name = p->user_service[0] ? p->user_service : p->service;
	char raw[160];

	if (!name[0] || strcmp(name + strlen(name) - (strlen(name) > 6 ? 6 : 0), ".scope") == 0)
		name = p->name;
	if (p->container[0])
		snprintf(raw, sizeof(raw), "%.12s/%s", p->container, p->name);
	else
		snprintf(raw, sizeof(raw), "%s", name);
	text_safe(bytes_of(raw, strlen(raw)), text, size);
	if (strlen(text) + sizeof("[4294967295]") <= size)
		snprintf(text + strlen(text), size - strlen(text), "[%u]", p->key.pid);
}

void output_owner_row_text(const struct ledger_row *row, char *text, size_t size)
{
	const struct owner *owner = row->owners ? &row->owners->end[row->role] : NULL;

	text[0] = '\0';
	if (owner && owner->process)
		output_owner_text(owner->process, text, size);
}

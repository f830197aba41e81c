/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/stations.h"

#include <stdlib.h>

struct station {
	uint64_t used;               /* the count of frames when it was last used; 0: the slot is free */
	uint8_t mac[MAC_LEN];
	uint8_t partner[MAC_LEN];    /* with has_partner */
	uint8_t identifier;          /* of its last Request, with asked */
	bool has_partner, asked;
	bool asked_group;            /* that Request did not say whom */
};

struct stations {
	uint64_t num_frames;
	struct station station[STATIONS_MAX];
};

struct stations *stations_new(void)
{
	return calloc(1, sizeof(struct stations));
}

void stations_free(struct stations *s)
{
	free(s);
}

static struct station *find(struct stations *s, const uint8_t *mac)
{
	size_t i;

	for (i = 0; i < STATIONS_MAX; i++)
		if (s->station[i].used && memcmp(s->station[i].mac, mac, MAC_LEN) == 0)
			return &s->station[i];
	return NULL;
}

/* Found, or made in the place of the one that was silent longest. */
static struct station *get(struct stations *s, const uint8_t *mac)
{
	struct station *station = find(s, mac);
	size_t i;

	if (!station) {
		station = &s->station[0];
		for (i = 1; i < STATIONS_MAX; i++)
			if (s->station[i].used < station->used)
				station = &s->station[i];
		*station = (struct station){ 0 };
		memcpy(station->mac, mac, MAC_LEN);
	}
	station->used = s->num_frames;
	return station;
}

static void set_partner(struct station *station, const uint8_t *mac)
{
	memcpy(station->partner, mac, MAC_LEN);
	station->has_partner = true;
}

static bool has_asked(const struct station *station, uint8_t identifier)
{
	return station && station->asked && station->identifier == identifier;
}

/* Who asked a group what this answers, most lately. */
static struct station *find_asker(struct stations *s, const struct station *answers,
				  uint8_t identifier)
{
	struct station *found = NULL, *at;

	for (at = s->station; at < s->station + STATIONS_MAX; at++)
		if (at->used && at != answers && at->asked_group && has_asked(at, identifier) &&
		    (!found || at->used > found->used))
			found = at;
	return found;
}

/* A Response to a group: its sender's partner, unless another one has asked for it meanwhile. */
static void pair(struct stations *s, struct station *station, uint8_t identifier)
{
	struct station *asker;

	if (station->has_partner && has_asked(find(s, station->partner), identifier))
		return;
	asker = find_asker(s, station, identifier);
	if (!asker)
		return;
	set_partner(station, asker->mac);
	set_partner(asker, station->mac);
}

bool stations_resolve(struct stations *s, const struct eap_packet *eap,
		      const struct ip_address *src, struct ip_address *dst)
{
	const uint8_t *from = src->octets + MAC_AT, *to = dst->octets + MAC_AT;
	bool group = to[0] & 1;
	struct station *station;

	s->num_frames++;
	if (!group)
		set_partner(get(s, to), from);
	station = get(s, from);
	if (eap->code == EAP_REQUEST) {
		station->asked = true;
		station->asked_group = group;
		station->identifier = eap->identifier;
	}
	if (!group)
		return true;
	if (eap->code == EAP_RESPONSE)
		pair(s, station, eap->identifier);
	if (!station->has_partner)
		return false;
	*dst = ip_address_of_mac(station->partner);
	return true;
}

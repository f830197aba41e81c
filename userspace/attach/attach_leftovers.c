/* SPDX-License-Identifier: Apache-2.0 */
/* Filters of a certtap that was killed. TCX and cgroup links end with their process; a clsact filter stays. */
#include <net/if.h>

#include "userspace/attach/attach.h"
#include "userspace/attach/attach_parts.h"

#define FILTERS_MAX 64              /* of ours, looked at for each side of an interface */

static int clean_side(int ifindex, bool ingress)
{
	struct attach_filter filters[FILTERS_MAX];
	int num = attach_filters_list(ifindex, ingress, filters, FILTERS_MAX), cleaned = 0;

	for (int i = 0; i < num && i < FILTERS_MAX; i++) {
		struct attach_clsact c = { .ifindex = ifindex, .handle = filters[i].handle };

		if (!filters[i].ours || attach_handle_alive(filters[i].handle))
			continue;
		c.qdisc_is_ours = attach_handle_made_qdisc(filters[i].handle);
		if (ingress)
			c.ingress_priority = filters[i].priority;
		else
			c.egress_priority = filters[i].priority;
		attach_clsact_detach(&c);
		cleaned++;
	}
	return cleaned;
}

int attach_clean_leftovers(void)
{
	struct if_nameindex *all = if_nameindex();
	int cleaned = 0;

	for (struct if_nameindex *i = all; i && i->if_index; i++)
		cleaned += clean_side((int)i->if_index, true) + clean_side((int)i->if_index, false);
	if (all)
		if_freenameindex(all);
	return cleaned;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/output_text.h"

#include <inttypes.h>
#include <stdio.h>

#include "parsers/text.h"
#include "userspace/output/output_owner.h"

void output_text_endpoint(const struct host_port *at, enum transport transport, char *text, size_t size)
{
	char address[48 + 16];
	size_t len;

	text_address(at->address.octets, address, sizeof(address));
	len = strlen(address);
	if (at->zone)
		snprintf(address + len, sizeof(address) - len, "%%%" PRIu32, at->zone);
	if (transport == TRANSPORT_EAPOL)
		snprintf(text, size, "%s", address);
	else
		snprintf(text, size, strchr(address, ':') ? "[%s]:%u" : "%s:%u", address, at->port);
}

const char *output_text_certificate(const struct certificate *c, char *text, size_t size)
{
	const struct x509 *x = c->x509;

	if (x->subject_cn[0])
		return x->subject_cn;
	if (x->san_count && x->san[0].kind == X509_SAN_DNS) {
		text_safe(x->san[0].value, text, size);
		return text;
	}
	if (x->subject[0])
		return x->subject;
	snprintf(text, size, "(%s, %u bytes)", x509_parse_name(x->parse), (unsigned int)c->der_len);
	return text;
}

void output_text_reason(const struct ledger_row *row, char *text, size_t size)
{
	const char *version = row->versions.num ?
				      tls_version_name(row->versions.values[row->versions.num - 1]) : "";

	if (row->reason == REASON_ENCRYPTED)
		snprintf(text, size, "(TLS %s, encrypted)", version);
	else if (row->reason == REASON_LOST || row->reason == REASON_TRUNCATED)
		snprintf(text, size, "(%s %" PRIu64 "-%" PRIu64 ")", reason_name(row->reason),
			 row->lost_from, row->lost_to);
	else
		snprintf(text, size, "(%s)", reason_name(row->reason));
}

void output_text_alert(const struct alert_count *a, char *text, size_t size)
{
	const char *name = a->alert.hidden ? "(encrypted)" : alert_name(a->alert.description);
	bool by_client = a->alert.sender == ROLE_CLIENT;
	char client[48], owner[OUTPUT_OWNER_MAX] = "";

	text_address(a->client.address.octets, client, sizeof(client));
	if (a->sender)
		output_owner_text(a->sender, owner, sizeof(owner));
	snprintf(text, size, "%s alert %s from the %s%s%s%s%s", a->alert.level == ALERT_FATAL ? "fatal" : "warning",
		 name ? name : "unknown", role_name(a->alert.sender), by_client ? " " : "", by_client ? client : "",
		 owner[0] ? " " : "", owner);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/ledger/sighting.h"

const char *reason_name(enum reason reason)
{
	static const char *const names[NUM_REASONS] = {
		[REASON_NONE] = "none",
		[REASON_ENCRYPTED] = "encrypted",
		[REASON_RESUMED] = "resumed",
		[REASON_PSK] = "psk",
		[REASON_ANONYMOUS] = "anonymous",
		[REASON_RAW_PUBLIC_KEY] = "raw-public-key",
		[REASON_LOST] = "lost",
		[REASON_TRUNCATED] = "truncated",
		[REASON_MIDSTREAM] = "midstream",
		[REASON_OVERSIZE] = "oversize",
		[REASON_MALFORMED] = "malformed",
		[REASON_UNFINISHED] = "unfinished",
		[REASON_AMBIGUOUS] = "ambiguous",
	};

	return names[reason];
}

const char *transport_name(enum transport transport)
{
	static const char *const names[NUM_TRANSPORTS] = { "tcp", "udp", "sctp", "eapol" };

	return names[transport];
}

const char *role_name(enum role role)
{
	return role == ROLE_SERVER ? "server" : "client";
}

const char *witness_name(enum witness witness)
{
	static const char *const names[] = { "wire", "keylog", "secret", "library" };

	return names[witness];
}

const char *tls_version_name(uint16_t version)
{
	switch (version) {
	case 0x0002:
		return "2.0";
	case 0x0300:
		return "3.0";
	case 0x0301:
		return "1.0";
	case 0x0302:
		return "1.1";
	case 0x0303:
		return "1.2";
	case 0x0304:
		return "1.3";
	case 0x0101:
		return "1.1";
	case 0x0100:
	case 0xfeff:
		return "1.0";
	case 0xfefd:
		return "1.2";
	case 0xfefc:
		return "1.3";
	default:
		return "";
	}
}

const char *tls_protocol_name(uint16_t version)
{
	if (version == 0x0300 || version == 0x0002)
		return "ssl";
	if (version >> 8 == 0xfe || version == 0x0100)
		return "dtls";
	return version == 0x0101 ? "tlcp" : "tls";
}

const char *protocol_name(enum tls_protocol protocol)
{
	static const char *const names[] = { "tls", "dtls", "quic" };

	return names[protocol];
}

bool alert_speaks_of_certificate(uint8_t description)
{
	switch (description) {
	case 41:        /* no_certificate, SSL 3.0 */
	case 42:        /* bad_certificate */
	case 43:        /* unsupported_certificate */
	case 44:        /* certificate_revoked */
	case 45:        /* certificate_expired */
	case 46:        /* certificate_unknown */
	case 48:        /* unknown_ca */
	case 113:       /* bad_certificate_status_response */
	case 114:       /* bad_certificate_hash_value, RFC 6066 */
	case 116:       /* certificate_required */
		return true;
	default:
		return false;
	}
}

bool alert_is_refusal(const struct alert *alert)
{
	return alert->seen && alert->level == ALERT_FATAL &&
	       (alert->hidden || alert_speaks_of_certificate(alert->description));
}

enum role alert_refused_role(const struct alert *alert)
{
	return alert->sender == ROLE_CLIENT ? ROLE_SERVER : ROLE_CLIENT;
}

/* RFC 8446 appendix B.2, with those of older versions. */
bool alert_closes(const struct alert *alert)
{
	enum { CLOSE_NOTIFY = 0, USER_CANCELED = 90 };

	return !alert->hidden && alert->level != ALERT_FATAL &&
	       (alert->description == CLOSE_NOTIFY || alert->description == USER_CANCELED);
}

const char *alert_name(uint8_t description)
{
	static const struct {
		uint8_t number;
		const char *name;
	} names[] = {
		{ 0, "close_notify" },
		{ 10, "unexpected_message" },
		{ 20, "bad_record_mac" },
		{ 21, "decryption_failed" },
		{ 22, "record_overflow" },
		{ 30, "decompression_failure" },
		{ 40, "handshake_failure" },
		{ 41, "no_certificate" },
		{ 42, "bad_certificate" },
		{ 43, "unsupported_certificate" },
		{ 44, "certificate_revoked" },
		{ 45, "certificate_expired" },
		{ 46, "certificate_unknown" },
		{ 47, "illegal_parameter" },
		{ 48, "unknown_ca" },
		{ 49, "access_denied" },
		{ 50, "decode_error" },
		{ 51, "decrypt_error" },
		{ 60, "export_restriction" },
		{ 70, "protocol_version" },
		{ 71, "insufficient_security" },
		{ 80, "internal_error" },
		{ 86, "inappropriate_fallback" },
		{ 90, "user_canceled" },
		{ 100, "no_renegotiation" },
		{ 109, "missing_extension" },
		{ 110, "unsupported_extension" },
		{ 111, "certificate_unobtainable" },
		{ 112, "unrecognized_name" },
		{ 113, "bad_certificate_status_response" },
		{ 114, "bad_certificate_hash_value" },
		{ 115, "unknown_psk_identity" },
		{ 116, "certificate_required" },
		{ 120, "no_application_protocol" },
		{ 121, "ech_required" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].number == description)
			return names[i].name;
	return NULL;
}

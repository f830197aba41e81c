/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON lines in the shapes of Zeek's ssl.log, x509.log and known_certs.log; "_path" tells them
 * apart. A field that Zeek would leave unset is left out.
 *
 * Each row gives an ssl line. A row with a chain gives an x509 line for each certificate, and a
 * known_certs line for a server's leaf; unlike Zeek's, also where the handshake was refused. Those
 * two are not repeated while the certificate is remembered (see `seen`).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "parsers/der.h"
#include "parsers/text.h"
#include "parsers/tls_hello.h"
#include "parsers/x509_oid.h"
#include "userspace/output/json.h"
#include "userspace/output/output_peer.h"

enum log_kind { LOG_NOTHING, LOG_X509, LOG_KNOWN_CERTS };

/* What was told: in x509.log each certificate and its use, in known_certs.log at each endpoint. */
struct seen {
	uint8_t kind; /* enum log_kind; 0: the place is free */
	uint8_t host_cert, client_cert;
	struct host_port host;
	uint8_t sha256[32];
};

#define SEEN_MAX 8192 /* a power of two; what was there before is forgotten and told again */

/* Seconds since 1970, always with a point. The fraction follows what the writer has put. */
static void put_epoch_ns(struct json *j, const char *key, uint64_t unix_ns)
{
	char fraction[8];
	size_t len;

	snprintf(fraction, sizeof(fraction), "%06u", (unsigned int)(unix_ns % 1000000000 / 1000));
	for (len = 6; len > 1 && fraction[len - 1] == '0'; len--)
		fraction[len - 1] = '\0';
	json_unsigned(j, key, unix_ns / 1000000000);
	fprintf(j->out, ".%s", fraction);
}

static void put_epoch_s(struct json *j, const char *key, const struct x509_time *time)
{
	if (!time->known)
		return;
	json_signed(j, key, time->unix_s);
	fputs(".0", j->out);
}

static uint64_t event_ns(const struct output_event *e)
{
	return e->action == ACTION_REFUSED ? e->row->last_ns : e->row->first_ns;
}

/* The number as OpenSSL writes it: its magnitude, a minus where it is negative. */
static void put_serial(struct json *j, const char *key, const struct x509 *x)
{
	size_t len = x->serial_len < X509_SERIAL_MAX ? x->serial_len : X509_SERIAL_MAX, i;
	size_t skip;
	char text[1 + 2 * X509_SERIAL_MAX + 1] = "-";
	uint8_t magnitude[X509_SERIAL_MAX];
	unsigned int carry = x->serial_len <= X509_SERIAL_MAX;

	if (len == 0)
		return;
	memcpy(magnitude, x->serial, len);
	for (i = len; x->serial_negative && i-- > 0;) {
		carry += (uint8_t)~magnitude[i];
		magnitude[i] = (uint8_t)carry;
		carry >>= 8;
	}
	skip = len > 1 && magnitude[0] == 0; /* the sign stood in a byte of its own */
	text_hex(magnitude + skip, len - skip, true, text + x->serial_negative);
	json_string(j, key, text);
}

static const char *version_name(uint16_t version, char number[16])
{
	static const struct {
		uint16_t number;
		const char *name;
	} names[] = {
		{ SSL_2_0, "SSLv2" },  { 0x0300, "SSLv3" },   { 0x0301, "TLSv10" },
		{ 0x0302, "TLSv11" },  { TLS_1_2, "TLSv12" }, { TLS_1_3, "TLSv13" },
		{ 0xfeff, "DTLSv10" }, { 0xfefd, "DTLSv12" }, { 0xfefc, "DTLSv13" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].number == version)
			return names[i].name;
	snprintf(number, 16, "unknown-%u", version);
	return number;
}

static const char *known_or(const char *name, const char *number)
{
	return name ? name : number;
}

static void put_negotiated(struct json *j, const struct output_event *e)
{
	const struct ledger_row *row = e->row;
	const struct server_name *name = peer_server_name(row);
	uint16_t version = peer_version(row), cipher = peer_cipher(row);
	const struct alert *alert = peer_alert(e);
	int established = ledger_row_is_established(row);
	char number[16];

	if (version)
		json_string(j, "version", version_name(version, number));
	snprintf(number, sizeof(number), "unknown-%u", cipher);
	if (cipher)
		json_string(j, "cipher", known_or(cipher_suite_name(cipher), number));
	if (name)
		json_bytes(j, "server_name", bytes_of(name->bytes, name->len));
	json_bool(j, "resumed", row->reason == REASON_RESUMED);
	if (alert) {
		snprintf(number, sizeof(number), "unknown-%u", alert->description);
		json_string(j, "last_alert", known_or(alert_name(alert->description), number));
	}
	if (peer_alpn(row).len)
		json_bytes(j, "next_protocol", peer_alpn(row));
	if (established >= 0)
		json_bool(j, "established", established);
}

static bool name_matches(const struct server_name *name, const struct x509 *leaf)
{
	char host[SERVER_NAME_MAX + 1];

	/* A name with a zero byte is no name: nothing matches it. */
	if (name->len > SERVER_NAME_MAX || memchr(name->bytes, 0, name->len))
		return false;
	memcpy(host, name->bytes, name->len);
	host[name->len] = '\0';
	return x509_names(leaf, host);
}

static void put_fingerprints(struct json *j, const char *key, const struct chain *chain)
{
	uint32_t i;

	json_array(j, key);
	for (i = 0; i < chain->num; i++)
		json_hex(j, NULL, chain->certificates[i]->sha256, 32, false);
	json_array_end(j);
}

static void put_chains(struct json *j, const struct ledger_row *row)
{
	const struct server_name *name = peer_server_name(row);

	if (!row->chain)
		return;
	put_fingerprints(j, row->role == ROLE_SERVER ? "cert_chain_fps" : "client_cert_chain_fps",
			 row->chain);
	if (row->role == ROLE_SERVER && name && peer_readable(row->chain->certificates[0]->x509))
		json_bool(j, "sni_matches_cert",
			  name_matches(name, row->chain->certificates[0]->x509));
}

static void put_fingerprint(struct json *j, const char *key, const char *fingerprint)
{
	if (fingerprint[0])
		json_string(j, key, fingerprint);
}

static void put_end(struct json *j, const char *key_h, const char *key_p,
		    const struct host_port *host)
{
	char text[48];

	text_address(host->address.octets, text, sizeof(text));
	json_string(j, key_h, text);
	json_unsigned(j, key_p, host->port);
}

static void line_end(struct output *o, struct json *j)
{
	json_object_end(j);
	if (!json_line_end(j))
		o->failed = true;
}

static void put_ssl(struct output *o, const struct output_event *e)
{
	struct json writer = { .out = o->options.out }, *j = &writer;
	struct peer_flow flow;

	peer_flow_of(e->row, &flow);
	json_object(j, NULL);
	json_string(j, "_path", "ssl");
	put_epoch_ns(j, "ts", event_ns(e));
	json_string(j, "uid", flow.uid);
	put_end(j, "id.orig_h", "id.orig_p", &e->row->last_client);
	put_end(j, "id.resp_h", "id.resp_p", &e->row->server);
	put_negotiated(j, e);
	put_chains(j, e->row);
	put_fingerprint(j, "ja3", peer_ja3(e->row));
	put_fingerprint(j, "ja3s", peer_ja3s(e->row));
	put_fingerprint(j, "ja4", peer_ja4(e->row));
	put_fingerprint(j, "community_id", flow.community_id);
	peer_put_certtap(j, e);
	line_end(o, j);
}

/* OpenSSL's long name of the key's algorithm, as Zeek has it; dotted where we know none. */
static void put_key_algorithm(struct json *j, const struct x509 *x)
{
	static const char *const names[] = {
		[X509_KEY_RSA] = "rsaEncryption",  [X509_KEY_RSA_PSS] = "rsassaPss",
		[X509_KEY_DSA] = "dsaEncryption",  [X509_KEY_EC] = "id-ecPublicKey",
		[X509_KEY_SM2] = "id-ecPublicKey", [X509_KEY_ED25519] = "ED25519",
		[X509_KEY_ED448] = "ED448",
	};
	unsigned int budget = 16;
	struct der spki = der_walk(x->spki_der, &budget);
	struct der_element outer, algorithm, oid;
	char dotted[128];

	if (x->key < ARRAY_SIZE(names) && names[x->key]) {
		json_string(j, "certificate.key_alg", names[x->key]);
	} else if (x->key == X509_KEY_ML_DSA) {
		snprintf(dotted, sizeof(dotted), "ML-DSA-%u", x->key_bits);
		json_string(j, "certificate.key_alg", dotted);
	} else if (der_expect(&spki, DER_SEQUENCE, &outer) &&
		   der_expect(&outer.inside, DER_SEQUENCE, &algorithm) &&
		   der_expect(&algorithm.inside, DER_OID, &oid)) {
		x509_oid_text(oid.value, dotted, sizeof(dotted));
		json_string(j, "certificate.key_alg", dotted);
	}
}

static const char *key_type(enum x509_key key)
{
	switch (key) {
	case X509_KEY_RSA:
	case X509_KEY_RSA_PSS:
		return "rsa";
	case X509_KEY_DSA:
		return "dsa";
	case X509_KEY_EC:
	case X509_KEY_SM2:
		return "ecdsa";
	default:
		return NULL;
	}
}

/* OpenSSL knows the two oldest curves by their names in ANSI X9.62. */
static const char *curve_name(const char *curve)
{
	if (strcmp(curve, "secp256r1") == 0)
		return "prime256v1";
	return strcmp(curve, "secp192r1") == 0 ? "prime192v1" : curve;
}

static void put_key(struct json *j, const struct x509 *x)
{
	const char *type = key_type(x->key);
	char exponent[24];

	put_key_algorithm(j, x);
	json_string(j, "certificate.sig_alg", x->signature_algorithm);
	if (!type)
		return;
	json_string(j, "certificate.key_type", type);
	if (x->key_bits)
		json_unsigned(j, "certificate.key_length", x->key_bits);
	snprintf(exponent, sizeof(exponent), "%" PRIu64, x->rsa_exponent);
	if (x->rsa_exponent)
		json_string(j, "certificate.exponent", exponent);
	if (x->curve[0])
		json_string(j, "certificate.curve", curve_name(x->curve));
}

static void put_sans(struct json *j, const struct x509 *x, const char *key, enum x509_san_kind kind)
{
	bool open = false;
	unsigned int i;

	for (i = 0; i < x->san_count; i++) {
		if (x->san[i].kind != kind)
			continue;
		if (!open)
			json_array(j, key);
		open = true;
		peer_put_san(j, &x->san[i]);
	}
	if (open)
		json_array_end(j);
}

/* Is the extension there at all? `is_ca` alone does not tell. */
static bool has_basic_constraints(const struct x509 *x)
{
	static const uint8_t basic_constraints[] = { 0x55, 0x1d, 0x13 };
	unsigned int budget = DER_ELEMENTS_MAX;
	struct der list = der_walk(x->extensions, &budget);
	struct der_element extension, oid;

	while (der_next(&list, &extension))
		if (der_expect(&extension.inside, DER_OID, &oid) &&
		    bytes_equal(oid.value, bytes_of(basic_constraints, sizeof(basic_constraints))))
			return true;
	return false;
}

static void put_certificate(struct json *j, const struct x509 *x)
{
	if (x->version)
		json_unsigned(j, "certificate.version", x->version);
	put_serial(j, "certificate.serial", x);
	json_string(j, "certificate.subject", x->subject);
	json_string(j, "certificate.issuer", x->issuer);
	put_epoch_s(j, "certificate.not_valid_before", &x->not_before);
	put_epoch_s(j, "certificate.not_valid_after", &x->not_after);
	put_key(j, x);
	put_sans(j, x, "san.dns", X509_SAN_DNS);
	put_sans(j, x, "san.uri", X509_SAN_URI);
	put_sans(j, x, "san.email", X509_SAN_EMAIL);
	put_sans(j, x, "san.ip", X509_SAN_IP);
	if (has_basic_constraints(x)) {
		json_bool(j, "basic_constraints.ca", x->is_ca);
		if (x->path_len >= 0)
			json_unsigned(j, "basic_constraints.path_len", (unsigned int)x->path_len);
	}
}

static void put_x509(struct output *o, const struct output_event *e, const struct certificate *c,
		     bool host_cert)
{
	struct json writer = { .out = o->options.out }, *j = &writer;

	json_object(j, NULL);
	json_string(j, "_path", "x509");
	put_epoch_ns(j, "ts", event_ns(e));
	json_hex(j, "fingerprint", c->sha256, sizeof(c->sha256), false);
	if (peer_readable(c->x509))
		put_certificate(j, c->x509);
	json_bool(j, "host_cert", host_cert);
	json_bool(j, "client_cert", e->row->role == ROLE_CLIENT);
	line_end(o, j);
}

static void put_known(struct output *o, const struct output_event *e)
{
	const struct x509 *x = e->row->chain->certificates[0]->x509;
	struct json writer = { .out = o->options.out }, *j = &writer;

	json_object(j, NULL);
	json_string(j, "_path", "known_certs");
	put_epoch_ns(j, "ts", event_ns(e));
	put_end(j, "host", "port_num", &e->row->server);
	if (peer_readable(x)) {
		json_string(j, "subject", x->subject);
		json_string(j, "issuer_subject", x->issuer);
		put_serial(j, "serial", x);
	}
	line_end(o, j);
}

static void *remembered(const struct output *o)
{
	return o->state;
}

/* Was this told before? Then it is not told again. Without memory everything is told each time. */
static bool tell(struct output *o, const struct seen *what)
{
	struct seen *table = remembered(o), *place;
	size_t slot;

	if (!table)
		return true;
	slot = what->sha256[0] | (size_t)what->sha256[1] << 8;
	slot = (slot ^ what->host.port ^ what->kind) & (SEEN_MAX - 1);
	place = &table[slot];
	if (memcmp(place, what, sizeof(*what)) == 0)
		return false;
	memcpy(place, what, sizeof(*what));
	return true;
}

static void put_chain(struct output *o, const struct output_event *e)
{
	const struct ledger_row *row = e->row;
	const struct certificate *c;
	struct seen what;
	uint32_t i;

	for (i = 0; i < row->chain->num; i++) {
		c = row->chain->certificates[i];
		memset(&what, 0, sizeof(what)); /* its padding is compared, too */
		what.kind = LOG_X509;
		what.host_cert = i == 0;
		what.client_cert = row->role == ROLE_CLIENT;
		memcpy(what.sha256, c->sha256, sizeof(what.sha256));
		if (tell(o, &what))
			put_x509(o, e, c, i == 0);
	}
	if (row->role != ROLE_SERVER || row->reason != REASON_NONE)
		return;
	memset(&what, 0, sizeof(what));
	what.kind = LOG_KNOWN_CERTS;
	what.host.port = row->server.port;
	memcpy(&what.host.address, &row->server.address, sizeof(what.host.address));
	memcpy(what.sha256, row->chain->certificates[0]->sha256, sizeof(what.sha256));
	if (tell(o, &what))
		put_known(o, e);
}

static void put_event(struct output *o, const struct output_event *e)
{
	put_ssl(o, e);
	if (e->row->chain && e->action != ACTION_REFUSED)
		put_chain(o, e);
}

static void begin(struct output *o)
{
	o->state = calloc(SEEN_MAX, sizeof(struct seen));
}

static void end(struct output *o)
{
	free(o->state);
	o->state = NULL;
}

const struct output_ops output_zeek = {
	.name = "zeek",
	.alert_in_row = true,
	.begin = begin,
	.end = end,
	.event = put_event,
};

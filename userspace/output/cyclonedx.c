/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/output/cyclonedx.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <uthash.h>

#include "parsers/text.h"
#include "userspace/output/json.h"

#define REF_MAX 160

/* What has been written already: a bom-ref must be unique. */
struct reference {
	UT_hash_handle hh;
	char name[];
};

struct writing {
	struct json json;
	struct reference *written;
	int err;
};

void cyclonedx_certificate_of(const struct x509 *x, struct cyclonedx_certificate *out)
{
	*out = (struct cyclonedx_certificate){
		.spki_known = x->spki_der.len > 0, .subject = x->subject, .subject_cn = x->subject_cn,
		.issuer = x->issuer, .serial = x->serial, .serial_len = x->serial_len,
		.not_before = x->not_before, .not_after = x->not_after, .key = x->key, .key_bits = x->key_bits,
		.curve = x->curve, .signature_algorithm = x->signature_algorithm,
	};
	memcpy(out->sha256, x->sha256, sizeof(out->sha256));
	memcpy(out->spki_sha256, x->spki_sha256, sizeof(out->spki_sha256));
}

static bool known(const char *text)
{
	return text && *text;
}

/* True for the first of that name. */
static bool is_first(struct writing *w, const char *name)
{
	struct reference *r;
	size_t len = strlen(name);

	HASH_FIND(hh, w->written, name, len, r);
	if (r)
		return false;
	r = calloc(1, sizeof(*r) + len + 1);
	if (!r) {
		w->err = -ENOMEM;
		return false;
	}
	memcpy(r->name, name, len);
	HASH_ADD(hh, w->written, name, len, r);
	return true;
}

static void forget(struct writing *w)
{
	struct reference *r, *next;

	HASH_ITER(hh, w->written, r, next) {
		HASH_DEL(w->written, r);
		free(r);
	}
}

/* --- names of assets */

static void key_algorithm(const struct cyclonedx_certificate *c, char *out, size_t size)
{
	const char *kind = x509_key_name(c->key);

	if (!*kind)
		kind = "unknown";
	if (known(c->curve))
		snprintf(out, size, "%s-%s", kind, c->curve);
	else if (c->key_bits && c->key != X509_KEY_ED25519 && c->key != X509_KEY_ED448)
		snprintf(out, size, "%s-%u", kind, c->key_bits);
	else
		snprintf(out, size, "%s", kind);
}

static void reference(const char *kind, const char *name, char out[REF_MAX])
{
	snprintf(out, REF_MAX, "%s/%s", kind, name);
}

/* Without case: keys and signatures of Ed25519 are written differently, and are the same algorithm. */
static void algorithm_reference(const char *name, char out[REF_MAX])
{
	char *c;

	reference("algorithm", name, out);
	for (c = out; *c; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c |= 0x20;
}

static void hash_reference(const char *kind, const uint8_t hash[32], char out[REF_MAX])
{
	char hex[65];

	text_hex(hash, 32, false, hex);
	reference(kind, hex, out);
}

static const char *display_name(const struct cyclonedx_certificate *c)
{
	return known(c->subject_cn) ? c->subject_cn : known(c->subject) ? c->subject : "certificate without a subject";
}

/* --- assets */

static void begin_asset(struct writing *w, const char *ref, const char *name)
{
	json_object(&w->json, NULL);
	json_string(&w->json, "type", "cryptographic-asset");
	json_string(&w->json, "bom-ref", ref);
	json_string(&w->json, "name", name);
}

static void property(struct json *j, const char *name, const char *value)
{
	json_object(j, NULL);
	json_string(j, "name", name);
	json_string(j, "value", value);
	json_object_end(j);
}

/* FIPS 204 section 4: categories 2, 3 and 5; what a quantum computer breaks has 0. -1: not known. */
static int quantum_level(const struct cyclonedx_certificate *c)
{
	switch (c->key) {
	case X509_KEY_UNKNOWN:
		return -1;
	case X509_KEY_ML_DSA:
		return c->key_bits == 44 ? 2 : c->key_bits == 65 ? 3 : c->key_bits == 87 ? 5 : -1;
	default:
		return 0;
	}
}

static void write_functions(struct json *j)
{
	json_array(j, "cryptoFunctions");
	json_string(j, NULL, "sign");
	json_string(j, NULL, "verify");
	json_array_end(j);
}

static void write_key_algorithm(struct writing *w, const struct cyclonedx_certificate *c)
{
	struct json *j = &w->json;
	char name[128], ref[REF_MAX], bits[16];

	key_algorithm(c, name, sizeof(name));
	algorithm_reference(name, ref);
	if (!is_first(w, ref))
		return;
	begin_asset(w, ref, name);
	json_object(j, "cryptoProperties");
	json_string(j, "assetType", "algorithm");
	json_object(j, "algorithmProperties");
	json_string(j, "primitive", c->key == X509_KEY_UNKNOWN ? "unknown" : "signature");
	if (c->key_bits) {
		snprintf(bits, sizeof(bits), "%u", c->key_bits);
		json_string(j, "parameterSetIdentifier", bits);
	}
	if (known(c->curve))
		json_string(j, "curve", c->curve);
	write_functions(j);
	if (quantum_level(c) >= 0)
		json_unsigned(j, "nistQuantumSecurityLevel", (uint64_t)quantum_level(c));
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
}

static void write_signature_algorithm(struct writing *w, const struct cyclonedx_certificate *c)
{
	struct json *j = &w->json;
	char ref[REF_MAX];

	algorithm_reference(c->signature_algorithm, ref);
	if (!is_first(w, ref))
		return;
	begin_asset(w, ref, c->signature_algorithm);
	json_object(j, "cryptoProperties");
	json_string(j, "assetType", "algorithm");
	json_object(j, "algorithmProperties");
	json_string(j, "primitive", "signature");
	write_functions(j);
	json_object_end(j);
	json_object_end(j);
	json_object_end(j);
}

static void write_key(struct writing *w, const struct cyclonedx_certificate *c)
{
	struct json *j = &w->json;
	char ref[REF_MAX], algorithm[128], algorithm_ref[REF_MAX];

	hash_reference("key", c->spki_sha256, ref);
	if (!is_first(w, ref))
		return;
	key_algorithm(c, algorithm, sizeof(algorithm));
	algorithm_reference(algorithm, algorithm_ref);
	begin_asset(w, ref, display_name(c));
	json_object(j, "cryptoProperties");
	json_string(j, "assetType", "related-crypto-material");
	json_object(j, "relatedCryptoMaterialProperties");
	json_string(j, "type", "public-key");
	json_hex(j, "id", c->spki_sha256, 32, false);
	json_string(j, "algorithmRef", algorithm_ref);
	if (c->key_bits && c->key != X509_KEY_ML_DSA)
		json_unsigned(j, "size", c->key_bits);
	json_object_end(j);
	json_object_end(j);
	json_array(j, "properties");
	property(j, "certtap:spki_sha256", strchr(ref, '/') + 1);
	json_array_end(j);
	json_object_end(j);
	write_key_algorithm(w, c);
}

/* --- evidence */

static void append(struct text *text, const char *what, const char *value)
{
	if (!known(value))
		return;
	if (text->len)
		text_put(text, ", ");
	text_put(text, what);
	text_put(text, " ");
	text_put(text, value);
}

/* "server name pool.example, process fabric, unit fabric.service, 212 sightings, from ... to ..." */
static void write_context(struct json *j, const struct cyclonedx_endpoint *e)
{
	char context[2048], number[32], time[48];
	struct text text;

	text_start(&text, context, sizeof(context));
	append(&text, "presented by the", e->role);
	append(&text, "server name", e->server_name);
	append(&text, "process", e->process);
	append(&text, "unit", e->unit);
	append(&text, "container", e->container);
	append(&text, "carrier", e->carrier);
	snprintf(number, sizeof(number), "%" PRIu64, e->sightings);
	append(&text, "sightings", number);
	if (e->first_s || e->last_s) {
		text_time_s(e->first_s, time, sizeof(time));
		append(&text, "first", time);
		text_time_s(e->last_s, time, sizeof(time));
		append(&text, "last", time);
	}
	json_string(j, "additionalContext", context);
}

static void write_occurrence(struct json *j, const struct cyclonedx_endpoint *e)
{
	bool v6 = e->address && strchr(e->address, ':');
	char location[128];

	snprintf(location, sizeof(location), "%s://%s%s%s:%u", known(e->transport) ? e->transport : "tcp",
		 v6 ? "[" : "", known(e->address) ? e->address : "", v6 ? "]" : "", e->port);
	json_object(j, NULL);
	json_string(j, "location", location);
	write_context(j, e);
	json_object_end(j);
}

static void write_evidence(struct writing *w, const struct cyclonedx_source *s)
{
	struct cyclonedx_endpoint e = { 0 };
	int n;

	json_object(&w->json, "evidence");
	json_array(&w->json, "occurrences");
	while ((n = s->next_endpoint(s->context, &e)) > 0) {
		write_occurrence(&w->json, &e);
		e = (struct cyclonedx_endpoint){ 0 };
	}
	json_array_end(&w->json);
	json_object_end(&w->json);
	if (n < 0)
		w->err = n;
}

/* --- the certificate */

static void write_certificate_properties(struct json *j, const struct cyclonedx_certificate *c)
{
	char ref[REF_MAX];

	json_object(j, "certificateProperties");
	if (known(c->subject))
		json_string(j, "subjectName", c->subject);
	if (known(c->issuer))
		json_string(j, "issuerName", c->issuer);
	if (c->not_before.known)
		json_time_s(j, "notValidBefore", c->not_before.unix_s);
	if (c->not_after.known)
		json_time_s(j, "notValidAfter", c->not_after.unix_s);
	if (known(c->signature_algorithm)) {
		algorithm_reference(c->signature_algorithm, ref);
		json_string(j, "signatureAlgorithmRef", ref);
	}
	if (c->spki_known) {
		hash_reference("key", c->spki_sha256, ref);
		json_string(j, "subjectPublicKeyRef", ref);
	}
	json_string(j, "certificateFormat", "X.509");
	json_object_end(j);
}

static void write_certificate(struct writing *w, const struct cyclonedx_source *s,
			      const struct cyclonedx_certificate *c)
{
	struct json *j = &w->json;
	char ref[REF_MAX], serial[2 * X509_SERIAL_MAX + 1];

	hash_reference("certificate", c->sha256, ref);
	begin_asset(w, ref, display_name(c));
	json_array(j, "hashes");
	json_object(j, NULL);
	json_string(j, "alg", "SHA-256");
	json_hex(j, "content", c->sha256, 32, false);
	json_object_end(j);
	json_array_end(j);
	json_object(j, "cryptoProperties");
	json_string(j, "assetType", "certificate");
	write_certificate_properties(j, c);
	json_object_end(j);
	write_evidence(w, s);
	if (c->serial_len) {
		text_hex(c->serial, c->serial_len < X509_SERIAL_MAX ? c->serial_len : X509_SERIAL_MAX, false, serial);
		json_array(j, "properties");
		property(j, "certtap:serial_number", serial);
		json_array_end(j);
	}
	json_object_end(j);
	/* The key's algorithm first: where both are the same, more is known of it. */
	if (c->spki_known)
		write_key(w, c);
	if (known(c->signature_algorithm))
		write_signature_algorithm(w, c);
}

static void write_components(struct writing *w, const struct cyclonedx_source *s)
{
	struct cyclonedx_certificate c = { 0 };
	int n = 0;

	json_array(&w->json, "components");
	while (!w->err && (n = s->next_certificate(s->context, &c)) > 0) {
		write_certificate(w, s, &c);
		c = (struct cyclonedx_certificate){ 0 };
	}
	json_array_end(&w->json);
	if (n < 0)
		w->err = n;
}

/* --- the bill */

/* RFC 9562: version 4, variant 10. */
static void write_serial_number(struct json *j, const uint8_t random[16])
{
	static const uint8_t none[16];
	char text[64];
	uint8_t u[16];

	if (memcmp(random, none, sizeof(none)) == 0)
		return;
	memcpy(u, random, sizeof(u));
	u[6] = (u[6] & 0x0f) | 0x40;
	u[8] = (u[8] & 0x3f) | 0x80;
	snprintf(text, sizeof(text),
		 "urn:uuid:%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
		 u[0], u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13], u[14], u[15]);
	json_string(j, "serialNumber", text);
}

static void write_metadata(struct json *j, const struct cyclonedx_options *o)
{
	json_object(j, "metadata");
	json_time_s(j, "timestamp", o->now_s);
	json_array(j, "lifecycles");
	json_object(j, NULL);
	json_string(j, "phase", "discovery");
	json_object_end(j);
	json_array_end(j);
	json_object(j, "tools");
	json_array(j, "components");
	json_object(j, NULL);
	json_string(j, "type", "application");
	json_string(j, "name", "certtap");
	json_string(j, "version", o->version);
	json_object_end(j);
	json_array_end(j);
	json_object_end(j);
	if (known(o->host)) {
		json_object(j, "component");
		json_string(j, "type", "device");
		json_string(j, "name", o->host);
		json_object_end(j);
	}
	json_object_end(j);
}

int cyclonedx_write(const struct cyclonedx_source *source, const struct cyclonedx_options *options, FILE *out)
{
	struct writing w = { .json = { .out = out } };
	struct json *j = &w.json;

	json_object(j, NULL);
	json_string(j, "$schema", "http://cyclonedx.org/schema/bom-1.6.schema.json");
	json_string(j, "bomFormat", "CycloneDX");
	json_string(j, "specVersion", "1.6");
	write_serial_number(j, options->uuid);
	json_unsigned(j, "version", 1);
	write_metadata(j, options);
	write_components(&w, source);
	json_object_end(j);
	if (!json_line_end(j) && !w.err)
		w.err = -EIO;
	if (fflush(out) != 0 && !w.err)
		w.err = -EIO;
	forget(&w);
	return w.err;
}

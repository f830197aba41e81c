/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust store, and OpenSSL's verification of a chain that was vetted. Beside parsers/x509.c this is the
 * one file that includes OpenSSL's X.509, and the only one that has it verify anything.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "userspace/verdict/verdict_parts.h"

struct trust {
	X509_STORE *store;
	char origin[512];
};

/* --- the trust store */

void trust_free(struct trust *t)
{
	if (!t)
		return;
	X509_STORE_free(t->store);
	free(t);
}

size_t trust_num(const struct trust *t)
{
	int num = sk_X509_OBJECT_num(X509_STORE_get0_objects(t->store));

	return num > 0 ? (size_t)num : 0;
}

const char *trust_origin(const struct trust *t)
{
	return t->origin;
}

/* Adds the certificates of a file; false: it is not there, or has none. */
static bool add_file(struct trust *t, const char *path, int type)
{
	X509_LOOKUP *lookup = X509_STORE_add_lookup(t->store, X509_LOOKUP_file());
	bool added = access(path, R_OK) == 0 && lookup && X509_load_cert_file(lookup, path, type) > 0;

	ERR_clear_error();
	return added;
}

/* As c_rehash names them: 8 hex digits, a dot, a number. */
static bool is_hash_link(const char *name)
{
	int i;

	for (i = 0; i < 8; i++)
		if (!isxdigit((unsigned char)name[i]))
			return false;
	return name[8] == '.' && isdigit((unsigned char)name[9]);
}

static bool add_directory(struct trust *t, const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	char file[4096];
	bool added = false;

	if (!dir)
		return false;
	while ((entry = readdir(dir)) != NULL) {
		if (!is_hash_link(entry->d_name))
			continue;
		snprintf(file, sizeof(file), "%s/%s", path, entry->d_name);
		added |= add_file(t, file, X509_FILETYPE_PEM);
	}
	closedir(dir);
	return added;
}

/* "/etc/ssl/certs:/usr/share/ca" */
static bool add_directories(struct trust *t, const char *paths)
{
	char *copy = strdup(paths), *rest = copy, *path;
	bool added = false;

	while (copy && (path = strsep(&rest, ":")) != NULL)
		added |= *path != '\0' && add_directory(t, path);
	free(copy);
	return added;
}

static const char *set_or(const char *variable, const char *otherwise)
{
	const char *value = secure_getenv(variable);

	return value ? value : otherwise;
}

/* The places that OpenSSL's own programs look at, both; else the first bundle of those that distributions have. */
static bool add_host(struct trust *t)
{
	static const char *const bundles[] = {
		"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
		"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
	};
	const char *file = set_or(X509_get_default_cert_file_env(), X509_get_default_cert_file());
	const char *dirs = set_or(X509_get_default_cert_dir_env(), X509_get_default_cert_dir());
	bool from_file = add_file(t, file, X509_FILETYPE_PEM), from_dirs = add_directories(t, dirs);
	size_t i;

	if (from_file || from_dirs) {
		snprintf(t->origin, sizeof(t->origin), "%s%s%s", from_file ? file : "",
			 from_file && from_dirs ? ", " : "", from_dirs ? dirs : "");
		return true;
	}
	for (i = 0; i < ARRAY_SIZE(bundles); i++) {
		if (!add_file(t, bundles[i], X509_FILETYPE_PEM))
			continue;
		snprintf(t->origin, sizeof(t->origin), "%s", bundles[i]);
		return true;
	}
	return false;
}

static int fill(struct trust *t, const char *ca_file, char *why, size_t why_size)
{
	if (!ca_file) {
		if (add_host(t))
			return 0;
		snprintf(why, why_size, "this host has no trust store where one is looked for");
		return -ENOENT;
	}
	snprintf(t->origin, sizeof(t->origin), "%s", ca_file);
	if (access(ca_file, R_OK) != 0) {
		snprintf(why, why_size, "%s: %s", ca_file, strerror(errno));
		return -ENOENT;
	}
	if (add_file(t, ca_file, X509_FILETYPE_PEM) || add_file(t, ca_file, X509_FILETYPE_ASN1))
		return 0;
	snprintf(why, why_size, "%s: no certificate in it", ca_file);
	return -EBADMSG;
}

int trust_open(const char *ca_file, struct trust **out, char *why, size_t why_size)
{
	struct trust *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	/* Without its configuration file, which could have it load anything. */
	if (!t || !OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) || !(t->store = X509_STORE_new())) {
		snprintf(why, why_size, "out of memory");
		goto fail;
	}
	if ((err = fill(t, ca_file, why, why_size)) != 0)
		goto fail;
	*out = t;
	return 0;
fail:
	trust_free(t);
	return err;
}

/* --- what its objections mean */

const char *trust_error_text(int error)
{
	return X509_verify_cert_error_string(error);
}

enum verdict_finding trust_finding(const struct trust_objection *o)
{
	switch (o->error) {
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
		return o->place > 0 ? VERDICT_UNKNOWN_ISSUER : VERDICT_MISSING_INTERMEDIATE;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		return VERDICT_SELF_SIGNED;
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
	case X509_V_ERR_CERT_REJECTED:
		return VERDICT_UNTRUSTED_ROOT;
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return o->place < 0 ? VERDICT_EXPIRED_ROOT : o->place ? VERDICT_EXPIRED_INTERMEDIATE : VERDICT_EXPIRED;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return VERDICT_NOT_YET_VALID;
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return VERDICT_BAD_SIGNATURE;
	case X509_V_ERR_INVALID_CA:
	case X509_V_ERR_INVALID_NON_CA:
	case X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
		return VERDICT_NOT_A_CA;
	case X509_V_ERR_PATH_LENGTH_EXCEEDED:
	case X509_V_ERR_CERT_CHAIN_TOO_LONG:
		return VERDICT_PATH_LENGTH;
	case X509_V_ERR_PERMITTED_VIOLATION:
	case X509_V_ERR_EXCLUDED_VIOLATION:
	case X509_V_ERR_SUBTREE_MINMAX:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE:
	case X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX:
	case X509_V_ERR_UNSUPPORTED_NAME_SYNTAX:
		return VERDICT_NAME_CONSTRAINTS;
	case X509_V_ERR_INVALID_PURPOSE:
		return VERDICT_PURPOSE;
	case X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION:
		return VERDICT_CRITICAL_EXTENSION;
	case X509_V_ERR_OUT_OF_MEM:
		return VERDICT_GAVE_UP;
	default:
		return VERDICT_REFUSED;
	}
}

/* --- the verification */

struct asking {
	const struct trust_question *q;
	struct trust_answer *a;
	X509 *certs[VERDICT_CANDIDATES_MAX];
};

/* A certificate that was sent may stand in the trust store too, as another object. */
static int place_of(const struct asking *asking, const X509 *cert)
{
	size_t i;

	for (i = 0; cert && i < asking->q->num; i++)
		if (X509_cmp(asking->certs[i], cert) == 0)
			return asking->q->places[i];
	return -1;
}

/* Never stops it: the first objection is not always the one that helps. */
static int object(int ok, X509_STORE_CTX *ctx)
{
	struct asking *asking = X509_STORE_CTX_get_app_data(ctx);
	struct trust_answer *a = asking->a;

	if (!ok && a->num < VERDICT_OBJECTIONS_MAX)
		a->objections[a->num++] = (struct trust_objection){
			.error = X509_STORE_CTX_get_error(ctx),
			.place = place_of(asking, X509_STORE_CTX_get_current_cert(ctx)),
		};
	return 1;
}

/*
 * Strength is judged by our own findings, and alike on every host: level 0 asks OpenSSL for no opinion on it. Neither
 * CRLs nor policies are asked for; the name is x509_names()'s.
 */
static void set_parameters(X509_STORE_CTX *ctx, const struct trust_question *q)
{
	bool server = q->role == ROLE_SERVER;
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);

	X509_VERIFY_PARAM_set_depth(param, VERDICT_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, 0);
	X509_VERIFY_PARAM_set_purpose(param, server ? X509_PURPOSE_SSL_SERVER : X509_PURPOSE_SSL_CLIENT);
	X509_VERIFY_PARAM_set_trust(param, server ? X509_TRUST_SSL_SERVER : X509_TRUST_SSL_CLIENT);
	X509_VERIFY_PARAM_set_time(param, (time_t)q->at_s);
}

static bool read_certificates(struct asking *asking, STACK_OF(X509) *others)
{
	size_t i;

	for (i = 0; i < asking->q->num; i++) {
		const uint8_t *at = asking->q->ders[i].data;

		asking->certs[i] = d2i_X509(NULL, &at, (long)asking->q->ders[i].len);
		if (!asking->certs[i] || (i > 0 && !sk_X509_push(others, asking->certs[i])))
			return false;
	}
	return asking->q->num > 0;
}

static void verify(struct asking *asking, X509_STORE_CTX *ctx, STACK_OF(X509) *others)
{
	if (!read_certificates(asking, others) ||
	    !X509_STORE_CTX_init(ctx, asking->q->trust->store, asking->certs[0], others))
		return;
	set_parameters(ctx, asking->q);
	X509_STORE_CTX_set_app_data(ctx, asking);
	X509_STORE_CTX_set_verify_cb(ctx, object);
	if (X509_verify_cert(ctx) <= 0 && asking->a->num == 0)
		asking->a->objections[asking->a->num++] = (struct trust_objection){
			.error = X509_STORE_CTX_get_error(ctx), .place = 0,
		};
	asking->a->judged = true;
}

void trust_ask(const struct trust_question *q, struct trust_answer *a)
{
	struct asking asking = { .q = q, .a = a };
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *others = sk_X509_new_null();
	size_t i;

	*a = (struct trust_answer){ .judged = false };
	if (ctx && others)
		verify(&asking, ctx, others);
	X509_STORE_CTX_free(ctx);
	sk_X509_free(others);
	for (i = 0; i < q->num; i++)
		X509_free(asking.certs[i]);
	ERR_clear_error();
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The certificates that a view is about, each once: as files, as a PEM bundle, as a CycloneDX bill. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "parsers/text.h"
#include "userspace/command.h"
#include "userspace/output/cyclonedx.h"
#include "userspace/output/pem.h"
#include "userspace/show/show.h"

/* A sighting's endpoint, kept while the bill is written. */
struct evidence {
	struct cyclonedx_endpoint endpoint;
	char address[64], server_name[SHOW_TEXT_MAX], carrier[64], process[64], unit[160], container[80];
};

struct export {
	struct show *s;
	bool by_place;
	struct show_set wanted;
	int64_t *ids;
	size_t num, room, at;
	uint64_t unwritable;             /* not kept whole */
	struct x509 x;                   /* of the certificate whose turn it is */
	struct evidence *evidence;
	size_t num_evidence, room_evidence, at_evidence;
	int err;
};

/* The sightings that count for one certificate. */
static struct store_filter sightings_of(const struct show *s, int64_t certificate_id)
{
	struct store_filter f = show_filter(s);

	if (s->view->past) {             /* the filter was about the certificate itself, wherever it stood */
		f.issuer = NULL;
		f.name = NULL;
		f.by_days = false;
	} else {
		f.current_only = true;
	}
	f.certificate_id = certificate_id;
	return f;
}

static bool add(void *context, const struct store_certificate *c)
{
	struct export *x = context;
	int64_t *grown;

	if (x->by_place && !show_set_has(&x->wanted, c->id))
		return true;
	if (x->num == x->room) {
		x->room = x->room ? 2 * x->room : 256;
		grown = realloc(x->ids, x->room * sizeof(*grown));
		if (!grown) {
			x->err = -ENOMEM;
			return false;
		}
		x->ids = grown;
	}
	x->ids[x->num++] = c->id;
	return true;
}

/* Of show endpoints: all that stand in what is presented now. */
static int gather_current(struct export *x)
{
	struct store_filter f = show_filter(x->s);
	int err;

	f.current_only = true;
	err = show_set_fill(&x->wanted, x->s->store, &f);
	x->ids = x->wanted.ids;
	x->num = x->wanted.num;
	x->wanted = (struct show_set){ 0 };
	return err;
}

/* Of show certificates: those that it lists. */
static int gather(struct export *x)
{
	struct store_filter f = show_filter(x->s), places;
	int err = 0;

	if (!x->s->view->past)
		return gather_current(x);
	x->by_place = show_filter_places(x->s, &places);
	if (x->by_place)
		err = show_set_fill(&x->wanted, x->s->store, &places);
	if (err == 0)
		err = store_each_certificate(x->s->store, &f, add, x);
	return err ? err : x->err;
}

/* --- PEM --- */

static bool put_pem(void *context, const struct store_certificate *c)
{
	struct export *x = context;
	struct show *s = x->s;
	char name[SHOW_TEXT_MAX], until[32];

	/* Only what was presented whole and kept is a certificate to be written. */
	if (!c->der.len || c->parse == X509_PARSE_TRUNCATED) {
		x->unwritable++;
	} else if (s->companion) {
		x->err = show_companion_put(s->companion, c->sha256, c->der);
		s->rows++;
	} else {
		show_text_certificate(c, name, sizeof(name));
		show_text_expiry(c, s->now_s, until, sizeof(until));
		/* Between certificates anything may stand (RFC 7468 section 2). */
		fprintf(s->out, "# %s, until %.10s\n", name, until);
		x->err = pem_put(s->out, c->der) ? 0 : -EIO;
		s->rows++;
	}
	return x->err == 0 && !ferror(s->out);
}

static int finish_files(struct show *s)
{
	uint64_t written = 0, failed = 0;
	int last_errno = 0, err = show_companion_finish(s->companion, &written, &failed, &last_errno);

	if (err || failed) {
		fprintf(stderr, "certtap: %s: not every certificate could be written: %s\n", s->options->pem_dir,
			strerror(err ? -err : last_errno));
		return -ECANCELED;
	}
	if (!s->options->quiet)
		fprintf(stderr, "certtap: %s: %llu certificates\n", s->options->pem_dir, (unsigned long long)written);
	return 0;
}

static int export_pem(struct export *x)
{
	int err = 0;

	for (x->at = 0; err == 0 && x->err == 0 && x->at < x->num; x->at++) {
		struct store_filter f = { .certificate_id = x->ids[x->at] };

		err = store_each_certificate(x->s->store, &f, put_pem, x);
	}
	if (x->unwritable && !x->s->options->quiet)
		fprintf(stderr, "certtap: %llu certificates were not seen whole, or are too long to be kept: left out\n",
			(unsigned long long)x->unwritable);
	if (err == 0)
		err = x->err;
	return err == 0 && x->s->companion ? finish_files(x->s) : err;
}

/* --- CycloneDX --- */

static bool read_certificate(void *context, const struct store_certificate *c)
{
	struct export *x = context;

	if (c->der.len)
		x509_read(c->der, c->parse == X509_PARSE_TRUNCATED, &x->x);
	else
		x509_oversize(c->sha256, c->der_len, &x->x);
	return false;
}

static bool add_evidence(void *context, const struct store_sighting *t)
{
	struct export *x = context;
	const struct store_endpoint *e = t->endpoint;
	struct evidence *v;

	if (x->num_evidence == x->room_evidence) {
		x->room_evidence = x->room_evidence ? 2 * x->room_evidence : 64;
		v = realloc(x->evidence, x->room_evidence * sizeof(*v));
		if (!v) {
			x->err = -ENOMEM;
			return false;
		}
		x->evidence = v;
	}
	v = &x->evidence[x->num_evidence++];
	text_address(e->server.address.octets, v->address, sizeof(v->address));
	if (e->server.zone)
		snprintf(v->address + strlen(v->address), sizeof(v->address) - strlen(v->address), "%%%u",
			 e->server.zone);
	show_text_name(e, v->server_name, sizeof(v->server_name));
	text_safe(bytes_of(e->carrier, strlen(e->carrier)), v->carrier, sizeof(v->carrier));
	text_safe(bytes_of(t->owner.process, strlen(t->owner.process)), v->process, sizeof(v->process));
	text_safe(bytes_of(t->owner.unit, strlen(t->owner.unit)), v->unit, sizeof(v->unit));
	text_safe(bytes_of(t->owner.container, strlen(t->owner.container)), v->container, sizeof(v->container));
	v->endpoint = (struct cyclonedx_endpoint){
		.transport = transport_name(e->transport), .port = e->server.port, .role = role_name(t->role),
		.sightings = t->sightings, .first_s = (int64_t)(t->first_ns / 1000000000u),
		.last_s = (int64_t)(t->last_ns / 1000000000u),
	};
	return true;
}

static int next_certificate(void *context, struct cyclonedx_certificate *out)
{
	struct export *x = context;
	struct store_filter f = { 0 };
	int err;

	if (x->at == x->num)
		return 0;
	f.certificate_id = x->ids[x->at];
	err = store_each_certificate(x->s->store, &f, read_certificate, x);
	f = sightings_of(x->s, x->ids[x->at]);
	x->num_evidence = x->at_evidence = 0;
	if (err == 0)
		err = store_each_sighting(x->s->store, &f, add_evidence, x);
	if (err || x->err)
		return err ? err : x->err;
	x->at++;
	x->s->rows++;
	cyclonedx_certificate_of(&x->x, out);
	return 1;
}

/* The texts are pointed to only now: the array does not move any more. */
static int next_endpoint(void *context, struct cyclonedx_endpoint *out)
{
	struct export *x = context;
	struct evidence *v;

	if (x->at_evidence == x->num_evidence)
		return 0;
	v = &x->evidence[x->at_evidence++];
	*out = v->endpoint;
	out->address = v->address;
	out->server_name = v->server_name;
	out->carrier = v->carrier;
	out->process = out->role[0] == 's' ? v->process : NULL;
	out->unit = out->role[0] == 's' ? v->unit : NULL;
	out->container = out->role[0] == 's' ? v->container : NULL;
	return 1;
}

static int export_cyclonedx(struct export *x)
{
	const struct cyclonedx_source source = { x, next_certificate, next_endpoint };
	struct cyclonedx_options options = { .version = CERTTAP_VERSION, .now_s = x->s->now_s };

	if (getrandom(options.uuid, sizeof(options.uuid), 0) != sizeof(options.uuid))
		memset(options.uuid, 0, sizeof(options.uuid));
	return cyclonedx_write(&source, &options, x->s->out);
}

int show_export(struct show *s)
{
	struct export *x = calloc(1, sizeof(*x));
	int err;

	if (!x)
		return -ENOMEM;
	x->s = s;
	err = gather(x);
	if (err == 0)
		err = s->format == SHOW_CYCLONEDX ? export_cyclonedx(x) : export_pem(x);
	show_set_free(&x->wanted);
	free(x->ids);
	free(x->evidence);
	free(x);
	return err;
}

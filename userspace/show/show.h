/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `certtap show`: what its views share. A view is one file and one row in the table of cmd_show.c. Only cmd_show.c,
 * show_*.c and their tests include this.
 */
#ifndef CERTTAP_SHOW_H
#define CERTTAP_SHOW_H

#include <stdio.h>

#include "userspace/options.h"
#include "userspace/output/csv.h"
#include "userspace/output/json.h"
#include "userspace/show/show_table.h"
#include "userspace/show/show_verify.h"
#include "userspace/show/show_what.h"
#include "userspace/store/store.h"

#define SHOW_TEXT_MAX 300        /* of a cell */
#define SHOW_CHAINS 1024         /* kept parsed */

enum show_format { SHOW_TABLE, SHOW_JSON, SHOW_CSV, SHOW_PEM, SHOW_CYCLONEDX };

struct show_view;

struct show {
	const struct options *options;
	const struct show_view *view;
	enum show_format format;
	struct store *store;
	struct store_filter filter;
	struct ip_address address;       /* that the filter points to */
	bool by_certificate;             /* the filter asks for something that only a certificate has */

	/* show where: a file, or hex, or else a name. show history: in the filter. */
	const char *what;
	bool is_hex;
	struct show_hex hex;
	bool is_file;
	uint8_t file_sha256[32];         /* of the first certificate in it */

	FILE *out;
	unsigned int width;              /* of the terminal; 0: not one */
	bool color, unicode;
	int64_t now_s;
	uint64_t rows;                   /* printed, of any kind */
	struct show_companion *companion;/* --verify, --pem DIR; NULL: none */
	struct show_verdicts verdicts;
	struct show_chain_slot {
		int64_t id;
		struct chain *chain;
	} *chains;
};

struct show_view {
	const char *name;
	const char *argument;            /* it takes one: what it is called; NULL: none */
	unsigned int formats;            /* bits of 1 << enum show_format */
	bool verifies;
	bool past;                       /* what was presented at any time, not what is now */
	const char *help;
	/* Returns 0 or a negative errno of the store. */
	int (*run)(struct show *s);
};

int show_endpoints(struct show *s);
int show_certificates(struct show *s);
int show_history(struct show *s);
int show_where(struct show *s);
int show_events(struct show *s);
int show_coverage(struct show *s);
int show_timeline(struct show *s);

/* The view's certificates, as files, as a bundle, as a bill (show_export.c). */
int show_export(struct show *s);

/* --- show_text.c: words --- */

/* A text that the store keeps safe, once more: the file may be anybody's. Returns `text`. */
const char *show_text_again(const char *in, char *text, size_t size);
/* "9s ago", "3d ago", or the date; "" for 0. size >= 24 */
void show_text_ago(int64_t now_s, uint64_t time_ns, char *text, size_t size);
/* "2026-11-24 22:10:23" */
void show_text_time(uint64_t time_ns, char *text, size_t size);
/* "2027-02-19 +86d" */
void show_text_expiry(const struct store_certificate *c, int64_t now_s, char *text, size_t size);
void show_text_issuer(const struct store_certificate *c, char *text, size_t size);
/* Common name, else the subject, else how it could be read; a sighting's whose chains are summed: so. */
void show_text_certificate(const struct store_certificate *c, char *text, size_t size);
void show_text_sighting(const struct store_sighting *s, char *text, size_t size);
void show_text_endpoint(const struct store_endpoint *e, char *text, size_t size);
/* "pool.example", "(other names)", "" where none was asked for */
void show_text_name(const struct store_endpoint *e, char *text, size_t size);
void show_text_owner(const struct store_owner *owner, char *text, size_t size);
/* With " and others" where several presented it. */
void show_text_presenter(const struct store_sighting *t, char *text, size_t size);
void show_text_findings(unsigned int findings, char *text, size_t size);
/* "certificate_expired" */
void show_text_refusal(const struct store_refusal *r, char *text, size_t size);

/* Findings, owner, name, witness, refusals, verdict: what a sighting's line says behind its columns. */
void show_notes_sighting(const struct show *s, const struct store_sighting *t, char *notes);
enum show_colour show_colour_sighting(const struct show *s, const struct store_sighting *t);

/* --- show_row.c: the same row in JSON and CSV, wherever it is told --- */

/* The chain, read again; kept by `s`. NULL: there is none. */
const struct chain *show_chain(struct show *s, int64_t chain_id);

void show_json_sighting(struct show *s, const struct store_sighting *t);
void show_json_certificate(struct show *s, const struct store_certificate *c);
void show_json_reason(struct show *s, const struct store_reason *r);
void show_json_refusal(struct show *s, const struct store_endpoint *e, const struct store_refusal *r);
void show_json_event(struct show *s, const struct store_event *v);
void show_csv_header(struct show *s);
void show_csv_sighting(struct show *s, const struct store_sighting *t);
void show_csv_reason(struct show *s, const struct store_reason *r);
void show_csv_endpoint(struct csv *csv, const struct store_endpoint *e, const struct store_owner *owner);
/* Twelve fields: subject ... signature. NULL: empty ones. */
void show_csv_certificate(struct csv *csv, const struct store_certificate *c, int64_t now_s);

/* --- show_filter.c --- */

/* From the options, with s->now_s set. -EINVAL after a line on stderr. */
int show_filter_parse(struct show *s);

/* What was asked for, to be narrowed further. */
struct store_filter show_filter(const struct show *s);
/* Judges all that the filter holds for, where --verify was given. Returns 0 or a negative errno. */
int show_judge(struct show *s, const struct store_filter *f);

/* --- show_set.c: certificates that the sightings of a filter show, at any place of their chains --- */

struct show_set {
	int64_t *ids;                    /* sorted, each once */
	size_t num, room;
	bool failed;
};

int show_set_fill(struct show_set *set, struct store *store, const struct store_filter *f);
bool show_set_has(const struct show_set *set, int64_t certificate_id);
void show_set_free(struct show_set *set);
/* Does the filter ask for something that no certificate has: address, port, owner, findings? Then `out` is only that. */
bool show_filter_places(const struct show *s, struct store_filter *out);

#endif

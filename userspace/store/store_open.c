/* SPDX-License-Identifier: Apache-2.0 */
/* Opening for writing and for reading, batches, and what becomes of a file that cannot be read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "userspace/store/store_parts.h"

#define LOG_BYTES_MAX (8u << 20)      /* to which the write-ahead log is cut back */
#define NOT_OURS "not a store of certtap"
#define CERTIFICATE_MAX (2u << 20)    /* of one value: X509_FIELDS_MAX and room */

const char *store_counter_name(enum store_counter counter)
{
	static const char *const names[NUM_STORE_COUNTERS] = {
		"names-summed", "issuer-summed", "chains-summed", "size-refused", "queue-refused", "removed",
	};

	return names[counter];
}

const char *store_counter_text(enum store_counter counter)
{
	static const char *const texts[NUM_STORE_COUNTERS] = {
		"sightings summed under other names", "sightings summed as further certificates of an issuer",
		"sightings summed as further chains of an endpoint", "sightings refused for the size of the file",
		"records not stored", "rows removed by age",
	};

	return texts[counter];
}

const char *store_error(const struct store *s)
{
	return s->error;
}

static struct store *store_new(const struct store_place *place, const struct store_limits *limits)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->place = place;
	s->limits = *limits;
	s->lock_fd = -1;
	s->scratch = malloc(sizeof(*s->scratch));
	if (s->scratch && store_files_init())
		return s;
	store_free(s);
	return NULL;
}

static void close_database(struct store *s)
{
	store_finalize(s);
	sqlite3_close_v2(s->db);
	s->db = NULL;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	close_database(s);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s->known);
	free(s->scratch);
	free(s);
}

static int open_database(struct store *s, int flags, bool immutable)
{
	char name[1024];
	int result;

	if (!store_files_are_files(s->place)) {
		snprintf(s->error, sizeof(s->error), "not a file, and no store of certtap");
		return -EPROTO;
	}
	store_files_name(s->place, immutable, name, sizeof(name));
	result = sqlite3_open_v2(name, &s->db, flags | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, "unix");
	if (result != SQLITE_OK)
		return store_failed(s, result);
	/* The file may have been made by somebody else: its schema runs nothing, and no value is larger than ours. */
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	sqlite3_limit(s->db, SQLITE_LIMIT_LENGTH, CERTIFICATE_MAX);
	sqlite3_limit(s->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_busy_timeout(s->db, 2000);
	return store_execute(s, "PRAGMA temp_store=memory; PRAGMA cell_size_check=on");
}

static int find_state(struct store *s, const char *key, int64_t *out)
{
	int err = store_run(s, SQL_STATE_FIND, "t", key);

	*out = err > 0 ? store_column(s, SQL_STATE_FIND, 0) : 0;
	return err < 0 ? err : 0;
}

/* Not more than a sixteenth of the cap is left for the log and for the batch that runs over. */
static int read_state(struct store *s)
{
	sqlite3_stmt *statement = NULL;
	int err;

	if (sqlite3_prepare_v2(s->db, "PRAGMA page_size", -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		s->page_size = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	if (s->page_size <= 0)
		s->page_size = 4096;
	s->pages_max = (int64_t)(s->limits.bytes > INT64_MAX ? INT64_MAX : s->limits.bytes) / s->page_size;
	s->pages_max -= s->pages_max / 16;
	if ((err = find_state(s, "latest_ns", &s->latest_ns)) != 0)
		return err;
	err = find_state(s, "boundary_ns", &s->boundary_ns);
	store_reset(s);
	return err;
}

static int open_for_writing(struct store *s)
{
	char settings[160];
	int err = open_database(s, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, false);

	/*
	 * With WAL, NORMAL loses nothing that was committed when the process dies; when the machine does, the last
	 * batches may be gone, and the file is still whole.
	 */
	snprintf(settings, sizeof(settings),
		 "PRAGMA journal_mode=wal; PRAGMA synchronous=normal; PRAGMA journal_size_limit=%u;"
		 " PRAGMA cache_size=-16384; PRAGMA foreign_keys=off", LOG_BYTES_MAX);
	if (err == 0)
		err = store_execute(s, settings);
	if (err == 0)
		err = store_schema_migrate(s);
	if (err == 0)
		err = store_owners_count(s);
	return err ? err : read_state(s);
}

int store_replace(struct store *s, char *note, size_t note_size)
{
	char reason[128], to[256];
	int err;

	snprintf(reason, sizeof(reason), "%.100s", s->error);
	close_database(s);
	if (!store_files_are_ours(s->place)) {
		snprintf(s->error, sizeof(s->error), NOT_OURS ", and left alone");
		return -EPROTO;
	}
	err = store_files_set_aside(s->place, to, sizeof(to));
	if (err) {
		snprintf(s->error, sizeof(s->error), "corrupt (%s), and cannot be set aside: %s", reason, strerror(-err));
		return err;
	}
	snprintf(note, note_size, "%s: corrupt (%s): set aside as %s, a new one begins", s->place->path, reason, to);
	return open_for_writing(s);
}

static int explain(const struct store *s, int err, char *why, size_t why_size)
{
	if (err == -EBUSY)
		snprintf(why, why_size, "%s: another certtap writes to this store", s->place->path);
	else
		snprintf(why, why_size, "%s: %s", s->place->path, s->error[0] ? s->error : strerror(-err));
	return err;
}

int store_open(const struct store_place *place, const struct store_limits *limits, struct store **out, char *note,
	       size_t note_size, char *why, size_t why_size)
{
	struct store *s = store_new(place, limits);
	int err;

	note[0] = '\0';
	if (!s) {
		snprintf(why, why_size, "%s: out of memory, or SQLite cannot be used", place->path);
		return -ENOMEM;
	}
	err = store_files_lock(place, &s->lock_fd);
	if (err == 0)
		err = open_for_writing(s);
	if (err == -EBADMSG)
		err = store_replace(s, note, note_size);
	if (err) {
		explain(s, err, why, why_size);
		store_free(s);
		return err;
	}
	*out = s;
	return 0;
}

/* A read-only place has no room for what readers of a log share; without a log there is nothing to share. */
static int open_for_reading(struct store *s)
{
	int err = open_database(s, SQLITE_OPEN_READONLY, false);

	if (err == 0)
		err = store_schema_check(s);
	if (err == 0 || err == -EPROTO || err == -EBADMSG || err == -ENODATA || store_files_have_log(s->place))
		return err;
	close_database(s);
	err = open_database(s, SQLITE_OPEN_READONLY, true);
	return err ? err : store_schema_check(s);
}

static void explain_unreadable(const struct store_place *place, char *why, size_t why_size)
{
	size_t len = strlen(why);

	snprintf(why + len, why_size - len, store_files_are_ours(place) ?
		 "; a certtap that writes to it sets it aside and begins a new one" : "; it is " NOT_OURS);
}

int store_open_reader(const struct store_place *place, struct store **out, char *why, size_t why_size)
{
	const struct store_limits limits = STORE_LIMITS_DEFAULT;
	struct store *s = store_new(place, &limits);
	int err = s ? open_for_reading(s) : -ENOMEM;

	if (err) {
		if (s)
			explain(s, err, why, why_size);
		if (err == -EBADMSG)
			explain_unreadable(place, why, why_size);
		store_free(s);
		return err;
	}
	*out = s;
	return 0;
}

/* --- batches --- */

void store_count(struct store *s, enum store_counter counter, uint64_t n)
{
	s->counted[counter] += n;
}

static int write_state(struct store *s)
{
	unsigned int i;
	int err = 0;

	for (i = 0; err == 0 && i < NUM_STORE_COUNTERS; i++)
		if (s->counted[i])
			err = store_run(s, SQL_COUNT, "ti", store_counter_name((enum store_counter)i),
					store_time(s->counted[i]));
	if (err == 0 && s->latest_changed)
		err = store_run(s, SQL_STATE_SET, "ti", "latest_ns", s->latest_ns);
	if (err == 0 && s->latest_changed)
		err = store_run(s, SQL_STATE_SET, "ti", "boundary_ns", s->boundary_ns);
	return err;
}

int store_begin(struct store *s)
{
	int err = store_run(s, SQL_BEGIN, "");

	s->batch++;
	s->pages_left = 0;
	s->failed = err;
	return err;
}

/* As if the batch had never begun. SQLite may have taken it back already. */
static void take_back(struct store *s)
{
	char error[sizeof(s->error)];

	memcpy(error, s->error, sizeof(error));
	store_reset(s);
	if (!sqlite3_get_autocommit(s->db))
		store_run(s, SQL_ROLLBACK, "");
	memcpy(s->error, error, sizeof(error));
	store_forget(s);
	memset(s->counted, 0, sizeof(s->counted));
	read_state(s);
	memcpy(s->error, error, sizeof(error));
}

int store_commit(struct store *s)
{
	int err = s->failed ? s->failed : write_state(s);
	unsigned int i;

	store_reset(s);
	if (err == 0)
		err = store_run(s, SQL_COMMIT, "");
	if (err < 0) {
		take_back(s);
		return err;
	}
	for (i = 0; i < NUM_STORE_COUNTERS; i++)
		s->counted_before[i] += s->counted[i];
	memset(s->counted, 0, sizeof(s->counted));
	s->latest_changed = false;
	return 0;
}

uint64_t store_counted(const struct store *s, enum store_counter counter)
{
	return s->counted_before[counter];
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certtap show [VIEW]: what a store holds. The process that reads it is confined first; what needs files (a trust
 * store, a certificate that is asked about, a folder to write to) is opened before.
 */
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "userspace/command.h"
#include "userspace/output/pem.h"
#include "userspace/sandbox/sandbox.h"
#include "userspace/show/show.h"

#define EXIT_FAILED 1            /* no store there, or it may not be read */
#define EXIT_BROKEN 2            /* it is corrupt, or what was asked for could not be done to the end */

#define FILE_MAX (8u << 20)      /* of certificates that are asked about */
#define FILE_CERTIFICATES 128

#define ROWS (1u << SHOW_TABLE | 1u << SHOW_JSON | 1u << SHOW_CSV)
#define EXPORTS (1u << SHOW_PEM | 1u << SHOW_CYCLONEDX)

static const struct show_view views[] = {
	{ "endpoints", NULL, ROWS | EXPORTS, true, false, "what is presented where, now (default)", show_endpoints },
	{ "certificates", NULL, ROWS | EXPORTS, false, true, "every certificate that was presented, by its end",
	  show_certificates },
	{ "history", "ADDRESS:PORT", ROWS, true, true, "all that one endpoint presented, refusals, changes",
	  show_history },
	{ "where", "WHAT", ROWS, true, true,
	  "where a certificate is still presented: SHA-256 or its beginning, serial, PEM or DER file, name", show_where },
	{ "events", NULL, ROWS, false, true, "what changed, in order of time", show_events },
	{ "coverage", NULL, ROWS, false, true, "by port: what could be seen, and why not the rest", show_coverage },
	{ "timeline", NULL, 1u << SHOW_TABLE, false, true, "which certificate each endpoint presented when",
	  show_timeline },
};

/* --- what was typed --- */

static int __attribute__((format(printf, 1, 2))) misuse(const char *format, ...)
{
	va_list args;

	fputs("certtap: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\ncerttap: see 'certtap show --help'\n", stderr);
	return -EINVAL;
}

static void print_views(void)
{
	char left[40];
	size_t i;

	fputs("\nViews:\n", stdout);
	for (i = 0; i < ARRAY_SIZE(views); i++) {
		snprintf(left, sizeof(left), "%s %s", views[i].name, views[i].argument ? views[i].argument : "");
		printf("  %-24s %s\n", left, views[i].help);
	}
	fputs("\nExit code: 0 when the store was read, also when nothing in it is what was asked for (standard error says\n"
	      "so); 1 when there is no store or it may not be read; 2 when it is corrupt; 64 for a wrong command line.\n",
	      stdout);
}

static const struct show_view *find_view(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(views); i++)
		if (strcmp(name, views[i].name) == 0)
			return &views[i];
	return NULL;
}

static int choose_view(struct show *s)
{
	const struct options *o = s->options;
	const char *name = o->num_arguments ? o->arguments[0] : o->show.timeline ? "timeline" : "endpoints";
	int expected;

	s->view = find_view(name);
	if (!s->view)
		return misuse("there is no view '%s'", name);
	if (o->show.timeline && strcmp(s->view->name, "endpoints") == 0)
		s->view = find_view("timeline");
	if (o->show.timeline && strcmp(s->view->name, "timeline") != 0)
		return misuse("--timeline draws endpoints, not '%s'", name);
	expected = s->view->argument ? 2 : 1;
	if (o->num_arguments < expected && s->view->argument)
		return misuse("show %s needs an argument", name);
	if (o->num_arguments > expected)
		return misuse("'%s' is one argument too many", o->arguments[expected]);
	return 0;
}

static int choose_format(struct show *s)
{
	const struct options *o = s->options;
	const struct { bool asked; enum show_format format; const char *option; } formats[] = {
		{ o->format_chosen, SHOW_JSON, "--json" }, { o->show.csv, SHOW_CSV, "--csv" },
		{ o->pem_dir != NULL, SHOW_PEM, "--pem" }, { o->show.cyclonedx, SHOW_CYCLONEDX, "--cyclonedx" },
	};
	const char *option = NULL;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(formats); i++) {
		if (!formats[i].asked)
			continue;
		if (option)
			return misuse("%s and another form of output exclude each other", option);
		option = formats[i].option;
		s->format = formats[i].format;
	}
	if (!(s->view->formats & 1u << s->format))
		return misuse("show %s has no %s", s->view->name, option);
	if (o->show.ca_file && !o->show.verify)
		return misuse("--ca is for --verify");
	if (o->show.verify && (!s->view->verifies || 1u << s->format & EXPORTS))
		return misuse("--verify is for the rows of show endpoints, history and where, not for '%s'",
			      1u << s->format & EXPORTS ? option : s->view->name);
	return 0;
}

/* --- what is asked about --- */

/* Has the name of a file, or is one: a certificate called like that can still be asked for by its SHA-256. */
static bool looks_like_file(const char *what)
{
	static const char *const ends[] = { ".pem", ".crt", ".cer", ".der" };
	size_t len = strlen(what), i;

	if (strchr(what, '/'))
		return true;
	for (i = 0; i < ARRAY_SIZE(ends); i++)
		if (len > strlen(ends[i]) && strcmp(what + len - strlen(ends[i]), ends[i]) == 0)
			return true;
	return false;
}

static int read_file(const char *path, uint8_t *data, size_t size, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	*len = 0;
	if (fstat(fd, &st) != 0 || S_ISDIR(st.st_mode)) {
		close(fd);
		return -EISDIR;
	}
	while (*len < size && (n = read(fd, data + *len, size - *len)) > 0)
		*len += (size_t)n;
	n = n < 0 ? -errno : *len == size ? -EFBIG : 0;
	close(fd);
	return (int)n;
}

static int take_file(struct show *s)
{
	uint8_t *data = malloc(FILE_MAX), *der = malloc(FILE_MAX);
	struct bytes found[FILE_CERTIFICATES];
	size_t len = 0, num = 0;
	static struct x509 x;
	int err = data && der ? read_file(s->what, data, FILE_MAX, &len) : -ENOMEM;

	if (err == 0)
		num = show_parse_certificates(bytes_of(data, len), der, found, ARRAY_SIZE(found));
	if (err)
		fprintf(stderr, "certtap: %s: %s\n", s->what, strerror(-err));
	else if (!num)
		fprintf(stderr, "certtap: %s: no certificate in it\n", s->what);
	else if (num > 1 && !s->options->quiet)
		fprintf(stderr, "certtap: %s: %zu certificates; the first is looked for\n", s->what, num);
	if (num && x509_init()) {
		x509_read(found[0], false, &x);
		memcpy(s->file_sha256, x.sha256, sizeof(s->file_sha256));
		s->is_file = true;
	}
	free(data);
	free(der);
	return s->is_file ? 0 : -EINVAL;
}

static int take_argument(struct show *s)
{
	struct show_port port;

	if (!s->view->argument)
		return 0;
	s->what = s->options->arguments[1];
	if (s->view->run == show_history) {
		if (!show_parse_place(s->what, &s->address, &port))
			return misuse("'%s' is no endpoint: 192.0.2.1:443, [2001:db8::1]:443, 192.0.2.1:443/udp", s->what);
		if (s->options->show.port || s->options->show.address)
			return misuse("%s names the address and the port already", s->what);
		s->filter.address = &s->address;
		s->filter.by_port = true;
		s->filter.port = port.port;
		s->filter.by_transport = port.by_transport;
		s->filter.transport = port.transport;
		s->filter.by_zone = port.by_zone;
		s->filter.zone = port.zone;
		return 0;
	}
	if (s->options->show.name && !looks_like_file(s->what) && !show_parse_hex(s->what, &s->hex))
		return misuse("'%s' is a name already: --name does not go with it", s->what);
	if (looks_like_file(s->what))
		return take_file(s);
	s->is_hex = show_parse_hex(s->what, &s->hex);
	return 0;
}

/* --- the terminal --- */

/* A terminal that is not known to have block characters draws ASCII. */
static bool draws_unicode(void)
{
	const char *term = getenv("TERM");

	if (strcmp(nl_langinfo(CODESET), "UTF-8") != 0)
		return false;
	return !isatty(STDOUT_FILENO) || (term && *term && strcmp(term, "dumb") != 0 && strncmp(term, "vt", 2) != 0);
}

static void look_at_terminal(struct show *s)
{
	struct output o;

	setlocale(LC_CTYPE, "");
	options_output(s->options, false, &o);
	s->out = stdout;
	s->width = s->format == SHOW_TABLE ? o.options.width : 0;
	s->color = s->format == SHOW_TABLE && o.options.color;
	s->unicode = draws_unicode();
	if (isatty(STDOUT_FILENO) == 0)
		setvbuf(stdout, NULL, _IOFBF, 1 << 16);
}

/* --- before the process is confined --- */

static int open_trust(struct show *s)
{
	struct trust *trust = NULL;
	char why[512];
	int err = trust_open(s->options->show.ca_file, &trust, why, sizeof(why));

	if (err) {
		fprintf(stderr, "certtap: %s\n", why);
		if (s->options->show.ca_file)
			return -ENOENT;
	}
	/* Without one everything is judged but the trust. */
	err = show_companion_judge(trust, &s->companion);
	trust_free(trust);
	if (err)
		fprintf(stderr, "certtap: --verify: %s\n", strerror(-err));
	return err;
}

static int open_folder(struct show *s)
{
	struct pem_writer w;
	int err;

	if (strcmp(s->options->pem_dir, "-") == 0)
		return 0;
	err = pem_open(&w, s->options->pem_dir);
	if (err == 0)
		err = show_companion_write(w.dir_fd, &s->companion);
	if (err)
		fprintf(stderr, "certtap: %s: %s\n", s->options->pem_dir, strerror(-err));
	pem_close(&w);
	return err;
}

static int open_companion(struct show *s)
{
	if (s->options->show.verify || s->format == SHOW_PEM)
		signal(SIGPIPE, SIG_IGN);
	if (s->options->show.verify)
		return open_trust(s);
	return s->format == SHOW_PEM ? open_folder(s) : 0;
}

/* --- the whole --- */

static int exit_of(int err)
{
	return err == 0 ? 0 : err == -EINVAL ? EXIT_USAGE : err == -EBADMSG || err == -ECANCELED ? EXIT_BROKEN :
	       EXIT_FAILED;
}

static void say_missing(const char *path, bool by_default)
{
	fprintf(stderr, "certtap: %s: there is no store%s\n", path,
		by_default ? "; 'certtap live' as root makes this one, --store names another" : "");
}

/* SQLite does not tell one thing that keeps it from a file from another. */
static int explain_open(int err, const struct store_place *place, const char *why, bool by_default)
{
	int fd = openat(place->dir_fd, place->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		say_missing(place->path, by_default);
	else if (fd < 0)
		fprintf(stderr, "certtap: %s: it may not be read by this user: %s\n", place->path, strerror(errno));
	else
		fprintf(stderr, "certtap: %s\n", why);
	if (fd >= 0)
		close(fd);
	return err == -EINVAL ? -EIO : err;
}

static int run_view(struct show *s)
{
	int err = store_snapshot_begin(s->store);

	if (err == 0)
		err = 1u << s->format & EXPORTS ? show_export(s) : s->view->run(s);
	if (err && err != -EINVAL && err != -ECANCELED)
		fprintf(stderr, "certtap: %s: %s\n", s->options->store, store_error(s->store)[0] ?
			store_error(s->store) : strerror(-err));
	store_snapshot_end(s->store);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		if (errno != EPIPE)
			fputs("certtap: writing the output failed\n", stderr);
		return -ECANCELED;
	}
	if (err == 0 && s->rows == 0 && !s->options->quiet)
		fputs(s->view->run == show_where ? "certtap: nobody was seen to present it\n" :
		      store_latest_ns(s->store) ? "certtap: nothing in the store is what was asked for\n" :
						  "certtap: the store is empty\n", stderr);
	return err;
}

static int read_store(struct show *s, const struct store_place *place, bool by_default)
{
	struct sandbox_options sandbox = SANDBOX_OPTIONS_DEFAULT;
	char why[1500];
	int err;

	sandbox.store_dir_fd = place->dir_fd;
	err = sandbox_enter(&sandbox, why, sizeof(why));
	if (err) {
		fprintf(stderr, "certtap: giving up privileges: %s\n", why);
		return err;
	}
	err = store_open_reader(place, &s->store, why, sizeof(why));
	return err ? explain_open(err, place, why, by_default) : run_view(s);
}

static void finish(struct show *s)
{
	size_t i;

	for (i = 0; s->chains && i < SHOW_CHAINS; i++)
		store_chain_free(s->chains[i].chain);
	free(s->chains);
	show_verdicts_free(&s->verdicts);
	show_companion_free(s->companion);
	store_free(s->store);
}

static int run(struct options *options)
{
	struct show s = { .options = options, .now_s = (int64_t)time(NULL) };
	struct store_place place = { .dir_fd = -1 };
	bool by_default = !options->store;
	char why[1500];
	int err;

	if (by_default)
		options->store = STORE_DEFAULT_PATH;
	if ((err = choose_view(&s)) != 0 || (err = choose_format(&s)) != 0 || (err = show_filter_parse(&s)) != 0 ||
	    (err = take_argument(&s)) != 0)
		return exit_of(err);
	look_at_terminal(&s);
	err = store_place_open(options->store, false, 0, 0, &place, why, sizeof(why));
	if (err == -ENOENT && by_default)
		say_missing(options->store, true);
	else if (err)
		fprintf(stderr, "certtap: %s\n", why);
	if (err)
		return err == -EINVAL ? EXIT_FAILED : exit_of(err);
	if ((err = open_companion(&s)) == 0)
		err = read_store(&s, &place, by_default);
	finish(&s);
	store_place_close(&place);
	return exit_of(err);
}

int cmd_show(int argc, char **argv)
{
	struct options options;
	int err = options_parse(&options, FOR_SHOW, "show", argc, argv);

	if (err > 0)
		print_views();
	if (err)
		return options_exit(err);
	return run(&options);
}

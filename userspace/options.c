/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "parsers/text.h"
#include "userspace/command.h"
#include "userspace/handshake/keys.h"

#define FOR_BOTH (FOR_LIVE | FOR_READ)
#define FOR_TRAFFIC (FOR_BOTH | FOR_CHECK)
#define OPTIONS_MAX 128

enum value_kind {
	VALUE_FLAG,        /* bool */
	VALUE_JSON,        /* --json: the format of that name */
	VALUE_FORMAT,      /* name of an output */
	VALUE_TEXT,        /* const char * */
	VALUE_SECRETS,     /* optional: added to secret_patterns[]; "all", or nothing: everybody */
	VALUE_KEYLOG,      /* added to keylogs[] */
	VALUE_INTERFACE,   /* added to interfaces[] */
	VALUE_RENEWED,     /* added to check.renewed[] */
	VALUE_COLOR,
	VALUE_DURATION,    /* uint64_t, nanoseconds */
	VALUE_DAYS,        /* uint64_t, nanoseconds */
	VALUE_COUNT,       /* uint64_t */
	VALUE_SIZE,        /* uint64_t, with k, m, g */
	VALUE_U32, VALUE_U16, VALUE_SIZE_T, VALUE_UINT,  /* limits of other widths; sizes too */
};

struct option_row {
	const char *name;
	char letter;
	const char *argument;    /* NULL: takes none */
	enum value_kind kind;
	size_t offset;
	unsigned int commands;
	const char *help;
};

#define AT(field) offsetof(struct options, field)
#define LIMIT(field) offsetof(struct options, limits.field)
#define SHOW(field) offsetof(struct options, show.field)
#define CHECK(field) offsetof(struct options, check.field)

static const struct option_row rows[] = {
	{ "renewed", 0, "PATH", VALUE_RENEWED, 0, FOR_CHECK,
	  "a certificate that should be presented by now, or a folder of them; PEM or DER, the leaf first (a folder's files "
	  "that begin with a CA's certificate or a key are skipped); repeatable" },
	{ "expect", 0, "FILE", VALUE_TEXT, CHECK(expect), FOR_CHECK, "what may be presented where, in YAML; one file" },
	{ "days", 0, "W[,C]", VALUE_TEXT, CHECK(days), FOR_CHECK,
	  "warning below W days left, critical below C: 30,14; with one number: critical" },
	{ "since", 0, "TIME", VALUE_TEXT, CHECK(since), FOR_CHECK,
	  "when the renewal happened: 2h, 2026-11-24, 2026-11-24T22:10; default: when the renewed certificate was first "
	  "seen, else when its validity began" },
	{ "seen-since", 0, "TIME", VALUE_TEXT, CHECK(seen_since), FOR_CHECK,
	  "leave out endpoints that were last seen before: those that are gone for good" },
	{ "watch", 0, NULL, VALUE_FLAG, CHECK(watch), FOR_CHECK,
	  "wait until all is well, or the time of --for is over; the exit code as without" },
	{ "for", 0, "TIME", VALUE_DURATION, AT(duration_ns), FOR_CHECK,
	  "observe live for this time, then judge: 90s, 10m, 1h; with --watch: wait at most so long" },
	{ "live", 0, NULL, VALUE_FLAG, CHECK(live), FOR_CHECK, "with --watch: observe live rather than look into a store" },
	{ "format", 0, "NAME", VALUE_TEXT, CHECK(format), FOR_CHECK,
	  "nagios (default), json, junit or github" },
	{ "json", 0, NULL, VALUE_FLAG, CHECK(json), FOR_CHECK, "the same as --format json" },
	{ "interface", 'i', "IF", VALUE_INTERFACE, 0, FOR_LIVE | FOR_CHECK,
	  "observe this interface instead of the host's own sockets; repeatable" },
	{ "attach", 0, "HOW", VALUE_TEXT, AT(attach), FOR_LIVE | FOR_CHECK,
	  "cgroup, tcx or clsact; default: the first that works" },
	{ "capture", 0, "HOW", VALUE_TEXT, AT(capture), FOR_LIVE | FOR_CHECK,
	  "pcap: by libpcap on the interface, without eBPF" },
	{ "duration", 0, "TIME", VALUE_DURATION, AT(duration_ns), FOR_LIVE,
	  "stop after this time: 90s, 10m, 1h" },
	{ "count", 'c', "N", VALUE_COUNT, AT(count), FOR_LIVE, "stop after N rows" },
	{ "ring", 0, "SIZE", VALUE_SIZE, AT(ring_bytes), FOR_LIVE | FOR_CHECK,
	  "ring between kernel and user space; default 16m" },
	{ "no-owners", 0, NULL, VALUE_FLAG, AT(no_owners), FOR_LIVE | FOR_CHECK,
	  "do not tell which processes are at the ends" },
	{ "json", 'j', NULL, VALUE_JSON, AT(format), FOR_BOTH | FOR_SHOW,
	  "one JSON object a line, with Elastic Common Schema names" },
	{ "format", 0, "NAME", VALUE_FORMAT, 0, FOR_BOTH,
	  "table (default), json, zeek or eve: the shapes of Zeek's logs and Suricata's EVE" },
	{ "every", 0, NULL, VALUE_FLAG, AT(every), FOR_BOTH, "each sighting instead of the summed rows" },
	{ "lines", 0, NULL, VALUE_FLAG, AT(lines), FOR_LIVE,
	  "on a terminal too: lines as they come, not a table that refreshes in place" },
	{ "pem", 0, "DIR", VALUE_TEXT, AT(pem_dir), FOR_BOTH,
	  "write each distinct certificate once, as DIR/SHA256.pem" },
	{ "csv", 0, NULL, VALUE_FLAG, SHOW(csv), FOR_SHOW, "comma-separated values, safe to open in a spreadsheet" },
	{ "pem", 0, "DIR", VALUE_TEXT, AT(pem_dir), FOR_SHOW,
	  "write the certificates as DIR/SHA256.pem; with - all of them to standard output" },
	{ "cyclonedx", 0, NULL, VALUE_FLAG, SHOW(cyclonedx), FOR_SHOW,
	  "a CycloneDX 1.6 bill of the certificates, keys and algorithms, with the endpoints as evidence" },
	{ "timeline", 0, NULL, VALUE_FLAG, SHOW(timeline), FOR_SHOW,
	  "draw which certificate each endpoint presented when" },
	{ "port", 0, "PORT", VALUE_TEXT, SHOW(port), FOR_SHOW | FOR_CHECK, "at this port: 443, 443/udp" },
	{ "address", 0, "ADDRESS", VALUE_TEXT, SHOW(address), FOR_SHOW | FOR_CHECK, "at this server address" },
	{ "name", 0, "NAME", VALUE_TEXT, SHOW(name), FOR_SHOW | FOR_CHECK,
	  "this name was asked for, or is in the certificate (wildcards count)" },
	{ "issuer", 0, "TEXT", VALUE_TEXT, SHOW(issuer), FOR_SHOW | FOR_CHECK, "a part of the issuer's name, in any case" },
	{ "process", 0, "NAME", VALUE_TEXT, SHOW(process), FOR_SHOW | FOR_CHECK, "presented by this program" },
	{ "unit", 0, "NAME", VALUE_TEXT, SHOW(unit), FOR_SHOW | FOR_CHECK, "of this systemd unit: nginx, nginx.service" },
	{ "container", 0, "ID", VALUE_TEXT, SHOW(container), FOR_SHOW | FOR_CHECK, "in the container whose id begins so" },
	{ "days-left", 0, "N", VALUE_TEXT, SHOW(days_left), FOR_SHOW,
	  "valid for N days at most; 0: what has run out" },
	{ "finding", 0, "NAME", VALUE_TEXT, SHOW(finding), FOR_SHOW,
	  "with this finding: expired, expired-now, weak-key ...; several with commas: any of them" },
	{ "since", 0, "TIME", VALUE_TEXT, SHOW(since), FOR_SHOW,
	  "seen since then: 2h, 3d, 2026-11-24, 2026-11-24T22:10Z" },
	{ "verify", 0, NULL, VALUE_FLAG, SHOW(verify), FOR_SHOW | FOR_CHECK,
	  "what a client would think of each chain as presented, when it was seen and now" },
	{ "ca", 0, "FILE", VALUE_TEXT, SHOW(ca_file), FOR_SHOW | FOR_CHECK,
	  "with --verify: the roots to trust, instead of those of this host" },
	{ "keylog", 0, "FILE", VALUE_KEYLOG, 0, FOR_TRAFFIC,
	  "open TLS 1.3, QUIC ... with the secrets of this key log, which may grow; repeatable" },
	{ "secrets", 0, "[=WHO]", VALUE_SECRETS, 0, FOR_LIVE | FOR_DOCTOR | FOR_CHECK,
	  "catch TLS 1.3's handshake secrets: of all processes, or of those whose program, unit or cgroup matches; "
	  "repeatable" },
	{ "secrets-client", 0, NULL, VALUE_FLAG, AT(secrets_client), FOR_LIVE,
	  "those of clients' certificates too" },
	{ "write", 'w', "FILE", VALUE_TEXT, AT(write), FOR_LIVE,
	  "keep the packets of handshakes in this pcapng file; one of your own that is there is overwritten" },
	{ "write-secrets", 0, NULL, VALUE_FLAG, AT(write_secrets), FOR_LIVE,
	  "and the handshake secrets, so that Wireshark and certtap read show the certificates later; application data "
	  "stays closed" },
	{ "store", 0, "FILE", VALUE_TEXT, AT(store), FOR_BOTH,
	  "keep what is seen in this file; live as root: default " STORE_DEFAULT_PATH },
	{ "store", 0, "FILE", VALUE_TEXT, AT(store), FOR_SHOW | FOR_CHECK, "the store; default " STORE_DEFAULT_PATH },
	{ "no-store", 0, NULL, VALUE_FLAG, AT(no_store), FOR_LIVE, "keep nothing beyond the run" },
	{ "store-max", 0, "SIZE", VALUE_SIZE, AT(store_limits.bytes), FOR_BOTH,
	  "size of that file; default 1g, beyond it only what is known already is summed" },
	{ "keep", 0, "DAYS", VALUE_DAYS, AT(store_limits.keep_ns), FOR_BOTH,
	  "remove from it what was last seen before; default: nothing" },
	{ "silent-after", 0, "TIME", VALUE_DURATION, AT(store_limits.silent_ns), FOR_BOTH,
	  "a steady endpoint not seen for so long has gone silent; default 24h" },
	{ "quiet", 'q', NULL, VALUE_FLAG, AT(quiet), FOR_BOTH | FOR_SHOW | FOR_CHECK, "no progress and no summary" },
	{ "color", 0, "WHEN", VALUE_COLOR, AT(color), FOR_BOTH | FOR_SHOW,
	  "auto, never or always; NO_COLOR is heeded" },
	{ "max-flows", 0, "N", VALUE_U32, LIMIT(tracker.flows), FOR_TRAFFIC,
	  "connections followed at once; default 1m" },
	{ "max-held", 0, "SIZE", VALUE_U32, LIMIT(tracker.stream.held), FOR_TRAFFIC,
	  "bytes held of one direction; default 1m" },
	{ "max-ranges", 0, "N", VALUE_U16, LIMIT(tracker.stream.ranges), FOR_TRAFFIC,
	  "separate ranges held of one direction; default 256" },
	{ "max-memory", 0, "SIZE", VALUE_SIZE_T, LIMIT(tracker.memory), FOR_TRAFFIC,
	  "bytes held of all streams; default 64m" },
	{ "max-message", 0, "SIZE", VALUE_U32, LIMIT(tracker.message), FOR_TRAFFIC,
	  "largest handshake message that is kept whole; default 1m" },
	{ "max-chain", 0, "N", VALUE_U32, LIMIT(tracker.chain.chain_len), FOR_TRAFFIC,
	  "certificates kept of one chain; default and most 128" },
	{ "max-chains", 0, "N", VALUE_U32, LIMIT(tracker.chain.chains), FOR_TRAFFIC,
	  "distinct chains kept; default 64k" },
	{ "max-rows", 0, "N", VALUE_U32, LIMIT(tracker.ledger.rows), FOR_TRAFFIC,
	  "rows summed; default 256k, what is more is printed as it comes" },
	{ "max-tunnels", 0, "N", VALUE_UINT, LIMIT(tunnels), FOR_TRAFFIC,
	  "tunnels inside each other; default 4" },
	{ "max-fragments", 0, "N", VALUE_UINT, LIMIT(fragments), FOR_TRAFFIC,
	  "IP fragments held; default 4k" },
	{ "help", 'h', NULL, VALUE_FLAG, 0, FOR_BOTH | FOR_DOCTOR | FOR_SHOW | FOR_CHECK, "this text" },
};

/* 1024, 64k, 16m, 2g */
static bool parse_size(const char *text, uint64_t max, uint64_t *out)
{
	char *end;
	uint64_t value, unit = 1;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno)
		return false;
	switch (*end) {
	case 'k': case 'K':
		unit = 1u << 10;
		break;
	case 'm': case 'M':
		unit = 1u << 20;
		break;
	case 'g': case 'G':
		unit = 1u << 30;
		break;
	case '\0':
		break;
	default:
		return false;
	}
	if ((*end && end[1]) || value == 0 || value > max / unit)
		return false;
	*out = value * unit;
	return true;
}

/* 10, 10s, 500ms, 10m, 1h */
static bool parse_duration(const char *text, uint64_t *out_ns)
{
	static const struct { const char *name; double ns; } units[] = {
		{ "", 1e9 }, { "s", 1e9 }, { "ms", 1e6 }, { "m", 60e9 }, { "h", 3600e9 }, { "d", 86400e9 },
	};
	char *end;
	double value;
	size_t i;

	if ((*text < '0' || *text > '9') && *text != '.')
		return false;
	value = strtod(text, &end);
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(end, units[i].name) == 0 && value > 0 && value * units[i].ns < 1e19) {
			*out_ns = (uint64_t)(value * units[i].ns);
			return true;
		}
	}
	return false;
}

static bool parse_days(const char *text, uint64_t *out_ns)
{
	uint64_t days;

	if (!parse_size(text, 100000, &days))
		return false;
	*out_ns = days * 86400 * 1000000000ull;
	return true;
}

static bool parse_color(const char *text, enum color *out)
{
	static const char *const names[] = { "auto", "never", "always" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(text, names[i]) == 0) {
			*out = (enum color)i;
			return true;
		}
	}
	return false;
}

/* A number into a field of its own width. */
static bool store_number(enum value_kind kind, const char *text, void *at)
{
	uint64_t max = kind == VALUE_U16 ? UINT16_MAX : kind == VALUE_U32 || kind == VALUE_UINT ? UINT32_MAX :
		       INT64_MAX;
	uint64_t value;

	if (!parse_size(text, max, &value))
		return false;
	switch (kind) {
	case VALUE_U16:
		*(uint16_t *)at = (uint16_t)value;
		break;
	case VALUE_U32:
		*(uint32_t *)at = (uint32_t)value;
		break;
	case VALUE_UINT:
		*(unsigned int *)at = (unsigned int)value;
		break;
	case VALUE_SIZE_T:
		*(size_t *)at = (size_t)value;
		break;
	default:
		*(uint64_t *)at = value;
	}
	return true;
}

static bool named_before(const char *const *names, unsigned int num, const char *name)
{
	while (num--)
		if (strcmp(names[num], name) == 0)
			return true;
	return false;
}

static bool store(struct options *options, const struct option_row *row, const char *argument)
{
	void *at = (char *)options + row->offset;

	switch (row->kind) {
	case VALUE_FLAG:
		*(bool *)at = true;
		return true;
	case VALUE_JSON:
		options->format = "json";
		options->format_chosen = true;
		return true;
	case VALUE_FORMAT:
		options->format = argument;
		options->format_chosen = true;
		return output_find(argument) != NULL;
	case VALUE_TEXT:
		*(const char **)at = argument;
		return true;
	case VALUE_INTERFACE:
		if (named_before(options->interfaces, options->num_interfaces, argument))
			return true;
		if (options->num_interfaces == INTERFACES_MAX)
			return false;
		options->interfaces[options->num_interfaces++] = argument;
		return true;
	case VALUE_RENEWED:
		if (options->check.num_renewed == RENEWED_PATHS_MAX)
			return false;
		options->check.renewed[options->check.num_renewed++] = argument;
		return true;
	case VALUE_SECRETS:
		options->secrets = true;
		if (!argument || strcmp(argument, "all") == 0) {
			options->secrets_all = true;
			return true;
		}
		if (!*argument || options->num_secret_patterns == PATTERNS_MAX)
			return false;
		options->secret_patterns[options->num_secret_patterns++] = argument;
		return true;
	case VALUE_KEYLOG:
		if (options->num_keylogs == KEYLOGS_MAX)
			return false;
		options->keylogs[options->num_keylogs++] = argument;
		return true;
	case VALUE_COLOR:
		return parse_color(argument, at);
	case VALUE_DURATION:
		return parse_duration(argument, at);
	case VALUE_DAYS:
		return parse_days(argument, at);
	default:
		return store_number(row->kind, argument, at);
	}
}

static int argument_of(const struct option_row *row)
{
	if (row->kind == VALUE_SECRETS)
		return optional_argument;
	return row->argument ? required_argument : no_argument;
}

/* getopt's two descriptions of the rows that this command takes. */
static void describe(enum command_bit command, struct option *longs, char *shorts)
{
	const struct option_row *row;
	size_t n = 0, s = 0, i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row = &rows[i];
		if (!(row->commands & command))
			continue;
		longs[n++] = (struct option){ row->name, argument_of(row), NULL, 256 + (int)i };
		if (row->letter) {
			shorts[s++] = row->letter;
			if (row->argument)
				shorts[s++] = ':';
		}
	}
	longs[n] = (struct option){ 0 };
	shorts[s] = '\0';
}

static const struct option_row *row_of(int found)
{
	size_t i;

	if (found >= 256)
		return &rows[found - 256];
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (rows[i].letter == found)
			return &rows[i];
	return NULL;
}

/* Does it fill one place, so that a second value would take the first one's? */
static bool takes_one(const struct option_row *row)
{
	switch (row->kind) {
	case VALUE_FLAG:
	case VALUE_JSON:
	case VALUE_SECRETS:
	case VALUE_KEYLOG:
	case VALUE_INTERFACE:
	case VALUE_RENEWED:
		return false;
	default:
		return true;
	}
}

/* given[]: by row, what it was given so far. Silently dropped rules could make a check well that is not. */
static bool contradicts(const struct option_row *row, const char *argument, const char **given)
{
	const char **first = &given[row - rows];

	if (!takes_one(row))
		return false;
	if (!*first)
		*first = argument;
	if (strcmp(*first, argument) == 0)
		return false;
	fprintf(stderr, "certtap: --%s takes one value, and there are two: '%s' and '%s'\n", row->name, *first, argument);
	return true;
}

static bool choices_valid(const struct options *o)
{
	const char *how = o->attach;

	if (how && strcmp(how, "cgroup") && strcmp(how, "tcx") && strcmp(how, "clsact")) {
		fprintf(stderr, "certtap: --attach takes cgroup, tcx or clsact, not '%s'\n", how);
		return false;
	}
	if (o->capture && strcmp(o->capture, "pcap")) {
		fprintf(stderr, "certtap: --capture takes pcap, not '%s'\n", o->capture);
		return false;
	}
	if (o->store && o->no_store) {
		fputs("certtap: --store and --no-store exclude each other\n", stderr);
		return false;
	}
	if (o->store_limits.bytes < 1u << 20) {
		fputs("certtap: --store-max is at least 1m\n", stderr);
		return false;
	}
	if (o->limits.tracker.chain.chain_len > TLS_CHAIN_MAX) {
		fprintf(stderr, "certtap: --max-chain is at most %d\n", TLS_CHAIN_MAX);
		return false;
	}
	return true;
}

int options_parse(struct options *options, enum command_bit command, const char *name, int argc,
		  char **argv)
{
	struct option longs[OPTIONS_MAX];
	char shorts[2 * OPTIONS_MAX + 1], shown[256];
	const char *given[ARRAY_SIZE(rows)] = { 0 };
	const struct option_row *row;
	int found;

	_Static_assert(ARRAY_SIZE(rows) < OPTIONS_MAX, "more options than getopt is told");
	*options = (struct options){ .format = "table", .limits = PIPELINE_LIMITS_DEFAULT,
				     .ring_bytes = 16u << 20, .store_limits = STORE_LIMITS_DEFAULT };
	describe(command, longs, shorts);
	optind = 1;
	while ((found = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		row = found == '?' ? NULL : row_of(found);
		if (!row) {
			fprintf(stderr, "certtap: see 'certtap %s --help'\n", name);
			return -EINVAL;
		}
		if (row->letter == 'h') {
			options_print(command, stdout);
			return 1;
		}
		if (contradicts(row, optarg, given))
			return -EINVAL;
		if (!store(options, row, optarg)) {
			fprintf(stderr, "certtap: --%s does not take '%s'\n", row->name,
				optarg ? text_name(optarg, shown, sizeof(shown)) : "");
			return -EINVAL;
		}
	}
	if (options->secrets_all)
		options->num_secret_patterns = 0;
	options->arguments = argv + optind;
	options->num_arguments = argc - optind;
	return choices_valid(options) ? 0 : -EINVAL;
}

int options_exit(int parsed)
{
	if (parsed < 0)
		return EXIT_USAGE;
	return fflush(stdout) == 0 && !ferror(stdout) ? 0 : EXIT_FAILURE;
}

void options_print(enum command_bit command, FILE *out)
{
	const struct option_row *row;
	char left[40];
	size_t i;

	fputs("Options:\n", out);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		row = &rows[i];
		if (!(row->commands & command))
			continue;
		snprintf(left, sizeof(left), "%s%c%s--%s%s%s", row->letter ? "-" : " ",
			 row->letter ? row->letter : ' ', row->letter ? ", " : "  ", row->name,
			 row->argument && row->kind != VALUE_SECRETS ? " " : "", row->argument ? row->argument : "");
		fprintf(out, "  %-24s %s\n", left, row->help);
	}
	fputs("What takes a value takes one, unless it is repeatable; another one is refused.\n", out);
}

int options_keys(const struct options *options, bool follow, struct keys **out)
{
	char shown[256];
	struct keys *keys;
	unsigned int i;
	int err;

	*out = NULL;
	if (!options->num_keylogs)
		return 0;
	keys = keys_new(options->limits.secrets);
	if (!keys)
		return -ENOMEM;
	for (i = 0; i < options->num_keylogs; i++) {
		err = keys_add_file(keys, options->keylogs[i], follow);
		if (err) {
			fprintf(stderr, "certtap: %s: %s\n", text_name(options->keylogs[i], shown, sizeof(shown)),
				strerror(-err));
			keys_free(keys);
			return err;
		}
	}
	*out = keys;
	return 0;
}

bool options_want_screen(const struct options *options)
{
	return !options->format_chosen && !options->every && !options->lines && isatty(STDIN_FILENO) &&
	       isatty(STDOUT_FILENO);
}

void options_output(const struct options *options, bool flush, struct output *out)
{
	struct output_options o = { .out = stdout, .flush = flush };
	const char *no_color = getenv("NO_COLOR");
	struct winsize size;

	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		o.width = size.ws_col ? size.ws_col : 80;
	o.color = options->color == COLOR_ALWAYS ||
		  (options->color == COLOR_AUTO && o.width && !(no_color && *no_color));
	output_init(out, output_find(options->format), &o);
}

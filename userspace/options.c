/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "userspace/keys.h"

#define FOR_BOTH (FOR_LIVE | FOR_READ)
#define OPTIONS_MAX 64

enum value_kind {
	VALUE_FLAG,        /* bool */
	VALUE_JSON,        /* --json: the format of that name */
	VALUE_FORMAT,      /* name of an output */
	VALUE_TEXT,        /* const char * */
	VALUE_SECRETS,     /* optional: added to secret_patterns[]; "all", or nothing: everybody */
	VALUE_KEYLOG,      /* added to keylogs[] */
	VALUE_INTERFACE,   /* added to interfaces[] */
	VALUE_COLOR,
	VALUE_DURATION,    /* uint64_t, nanoseconds */
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

static const struct option_row rows[] = {
	{ "interface", 'i', "IF", VALUE_INTERFACE, 0, FOR_LIVE,
	  "observe this interface instead of the host's own sockets; repeatable" },
	{ "attach", 0, "HOW", VALUE_TEXT, AT(attach), FOR_LIVE,
	  "cgroup, tcx or clsact; default: the first that works" },
	{ "capture", 0, "HOW", VALUE_TEXT, AT(capture), FOR_LIVE,
	  "pcap: by libpcap on the interface, without eBPF" },
	{ "duration", 0, "TIME", VALUE_DURATION, AT(duration_ns), FOR_LIVE,
	  "stop after this time: 90s, 10m, 1h" },
	{ "count", 'c', "N", VALUE_COUNT, AT(count), FOR_LIVE, "stop after N rows" },
	{ "ring", 0, "SIZE", VALUE_SIZE, AT(ring_bytes), FOR_LIVE,
	  "ring between kernel and user space; default 16m" },
	{ "json", 'j', NULL, VALUE_JSON, AT(format), FOR_BOTH,
	  "one JSON object a line, with Elastic Common Schema names" },
	{ "format", 0, "NAME", VALUE_FORMAT, 0, FOR_BOTH,
	  "table (default), json, zeek or eve: the shapes of Zeek's logs and Suricata's EVE" },
	{ "every", 0, NULL, VALUE_FLAG, AT(every), FOR_BOTH, "each sighting instead of the summed rows" },
	{ "pem", 0, "DIR", VALUE_TEXT, AT(pem_dir), FOR_BOTH,
	  "write each distinct certificate once, as DIR/SHA256.pem" },
	{ "keylog", 0, "FILE", VALUE_KEYLOG, 0, FOR_BOTH,
	  "open TLS 1.3, QUIC ... with the secrets of this key log, which may grow; repeatable" },
	{ "secrets", 0, "[=WHO]", VALUE_SECRETS, 0, FOR_LIVE | FOR_DOCTOR,
	  "catch TLS 1.3's handshake secrets: of all processes, or of those whose program, unit or cgroup matches; "
	  "repeatable" },
	{ "secrets-client", 0, NULL, VALUE_FLAG, AT(secrets_client), FOR_LIVE,
	  "those of clients' certificates too" },
	{ "write", 'w', "FILE", VALUE_TEXT, AT(write), FOR_LIVE,
	  "keep the packets of handshakes in this pcapng file; one of your own that is there is overwritten" },
	{ "write-secrets", 0, NULL, VALUE_FLAG, AT(write_secrets), FOR_LIVE,
	  "and the handshake secrets, so that Wireshark and certtap read show the certificates later; application data "
	  "stays closed" },
	{ "quiet", 'q', NULL, VALUE_FLAG, AT(quiet), FOR_BOTH, "no progress and no summary" },
	{ "color", 0, "WHEN", VALUE_COLOR, AT(color), FOR_BOTH,
	  "auto, never or always; NO_COLOR is heeded" },
	{ "max-flows", 0, "N", VALUE_U32, LIMIT(tracker.flows), FOR_BOTH,
	  "connections followed at once; default 1m" },
	{ "max-held", 0, "SIZE", VALUE_U32, LIMIT(tracker.stream.held), FOR_BOTH,
	  "bytes held of one direction; default 1m" },
	{ "max-ranges", 0, "N", VALUE_U16, LIMIT(tracker.stream.ranges), FOR_BOTH,
	  "separate ranges held of one direction; default 256" },
	{ "max-memory", 0, "SIZE", VALUE_SIZE_T, LIMIT(tracker.memory), FOR_BOTH,
	  "bytes held of all streams; default 64m" },
	{ "max-message", 0, "SIZE", VALUE_U32, LIMIT(tracker.message), FOR_BOTH,
	  "largest handshake message that is kept whole; default 1m" },
	{ "max-chain", 0, "N", VALUE_U32, LIMIT(tracker.chain.chain_len), FOR_BOTH,
	  "certificates kept of one chain; default and most 128" },
	{ "max-chains", 0, "N", VALUE_U32, LIMIT(tracker.chain.chains), FOR_BOTH,
	  "distinct chains kept; default 64k" },
	{ "max-rows", 0, "N", VALUE_U32, LIMIT(tracker.ledger.rows), FOR_BOTH,
	  "rows summed; default 256k, what is more is printed as it comes" },
	{ "max-tunnels", 0, "N", VALUE_UINT, LIMIT(tunnels), FOR_BOTH,
	  "tunnels inside each other; default 4" },
	{ "max-fragments", 0, "N", VALUE_UINT, LIMIT(fragments), FOR_BOTH,
	  "IP fragments held; default 4k" },
	{ "help", 'h', NULL, VALUE_FLAG, 0, FOR_BOTH | FOR_DOCTOR, "this text" },
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

static bool store(struct options *options, const struct option_row *row, const char *argument)
{
	void *at = (char *)options + row->offset;

	switch (row->kind) {
	case VALUE_FLAG:
		*(bool *)at = true;
		return true;
	case VALUE_JSON:
		options->format = "json";
		return true;
	case VALUE_FORMAT:
		options->format = argument;
		return output_find(argument) != NULL;
	case VALUE_TEXT:
		*(const char **)at = argument;
		return true;
	case VALUE_INTERFACE:
		if (options->num_interfaces == INTERFACES_MAX)
			return false;
		options->interfaces[options->num_interfaces++] = argument;
		return true;
	case VALUE_SECRETS:
		options->secrets = true;
		if (!argument || strcmp(argument, "all") == 0)
			return true;
		if (options->num_secret_patterns == PATTERNS_MAX)
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
	char shorts[2 * OPTIONS_MAX + 1];
	const struct option_row *row;
	int found;

	_Static_assert(ARRAY_SIZE(rows) < OPTIONS_MAX, "more options than getopt is told");
	*options = (struct options){ .format = "table", .limits = PIPELINE_LIMITS_DEFAULT,
				     .ring_bytes = 16u << 20 };
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
		if (!store(options, row, optarg)) {
			fprintf(stderr, "certtap: --%s does not take '%s'\n", row->name, optarg);
			return -EINVAL;
		}
	}
	options->arguments = argv + optind;
	options->num_arguments = argc - optind;
	return choices_valid(options) ? 0 : -EINVAL;
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
}

int options_keys(const struct options *options, struct keys **out)
{
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
		err = keys_add_file(keys, options->keylogs[i]);
		if (err) {
			fprintf(stderr, "certtap: %s: %s\n", options->keylogs[i], strerror(-err));
			keys_free(keys);
			return err;
		}
	}
	*out = keys;
	return 0;
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

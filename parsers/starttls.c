/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/starttls.h"

#include "parsers/starttls_binary.h"

#define LINES_MAX 8             /* of a chunk that are looked at: capabilities often come in one */
#define SEARCHED_MAX 128        /* bytes that are searched for a word */

/* Names by enum starttls_protocol. */
static const char *const names[] = {
	[PROTOCOL_NONE] = "plain",
	[PROTOCOL_UNKNOWN] = "unknown",
	[PROTOCOL_ADB] = "adb",
	[PROTOCOL_AMQP] = "amqp",
	[PROTOCOL_FTP] = "ftp",
	[PROTOCOL_HTTP_CONNECT] = "http-connect",
	[PROTOCOL_HTTP_UPGRADE] = "http-upgrade",
	[PROTOCOL_IMAP] = "imap",
	[PROTOCOL_IRC] = "irc",
	[PROTOCOL_LDAP] = "ldap",
	[PROTOCOL_LMTP] = "lmtp",
	[PROTOCOL_MYSQL] = "mysql",
	[PROTOCOL_NATS] = "nats",
	[PROTOCOL_NBD] = "nbd",
	[PROTOCOL_NNTP] = "nntp",
	[PROTOCOL_NOMACHINE] = "nomachine",
	[PROTOCOL_PCEP] = "pcep",
	[PROTOCOL_POP3] = "pop3",
	[PROTOCOL_POSTGRESQL] = "postgresql",
	[PROTOCOL_PROXY] = "proxy-protocol",
	[PROTOCOL_RDP] = "rdp",
	[PROTOCOL_SIEVE] = "sieve",
	[PROTOCOL_SMTP] = "smtp",
	[PROTOCOL_SOCKS4] = "socks4",
	[PROTOCOL_SOCKS5] = "socks5",
	[PROTOCOL_TCPCL] = "tcpcl",
	[PROTOCOL_TELNET] = "telnet",
	[PROTOCOL_VNC] = "vnc",
	[PROTOCOL_XMPP] = "xmpp",
};

/*
 * How a line may begin, without regard to case. Within it may be a word that must follow. `opener`:
 * commands, which count only from the end that opened the connection, where that is known; answers
 * only from the other.
 */
struct sign {
	char begin[20];          /* in the row itself: most rows are only looked at here */
	const char *word;
	enum { BOTH, COMMAND, ANSWER } who;
	uint8_t protocol;
	uint8_t strength;
};

/* A row for each letter that a sign may begin with: of most lines no more than the first byte is looked at. */
static const struct sign begin_quote[] = {
	{ "\"IMPLEMENTATION\"", NULL, ANSWER, PROTOCOL_SIEVE, 3 },
	{ "\"SIEVE\"", NULL, ANSWER, PROTOCOL_SIEVE, 3 },
	{ "\"STARTTLS\"", NULL, ANSWER, PROTOCOL_SIEVE, 3 },
};
static const struct sign begin_star[] = {
	{ "* OK", NULL, ANSWER, PROTOCOL_IMAP, 3 },
	{ "* PREAUTH", NULL, ANSWER, PROTOCOL_IMAP, 3 },
	{ "* CAPABILITY IMAP4", NULL, ANSWER, PROTOCOL_IMAP, 3 },
};
static const struct sign begin_plus[] = {
	{ "+OK", NULL, ANSWER, PROTOCOL_POP3, 2 },
};
static const struct sign begin_2[] = {
	{ "220", "SMTP", ANSWER, PROTOCOL_SMTP, 2 },
	{ "220", "LMTP", ANSWER, PROTOCOL_LMTP, 2 },
	{ "220", "FTP", ANSWER, PROTOCOL_FTP, 2 },
	{ "220 ", NULL, ANSWER, PROTOCOL_SMTP, 1 },
	{ "220-", NULL, ANSWER, PROTOCOL_SMTP, 1 },
	{ "250-STARTTLS", NULL, ANSWER, PROTOCOL_SMTP, 3 },
	{ "250 STARTTLS", NULL, ANSWER, PROTOCOL_SMTP, 3 },
	{ "250-PIPELINING", NULL, ANSWER, PROTOCOL_SMTP, 3 },
	{ "234 ", NULL, ANSWER, PROTOCOL_FTP, 3 },
	{ "211-FEAT", NULL, ANSWER, PROTOCOL_FTP, 2 },
	{ "200 ", "NNTP", ANSWER, PROTOCOL_NNTP, 2 },
	{ "201 ", "NNTP", ANSWER, PROTOCOL_NNTP, 2 },
	{ "200 ", NULL, ANSWER, PROTOCOL_NNTP, 1 },
	{ "201 ", NULL, ANSWER, PROTOCOL_NNTP, 1 },
};
static const struct sign begin_3[] = {
	{ "382 ", NULL, ANSWER, PROTOCOL_NNTP, 3 },
};
static const struct sign begin_colon[] = {
	{ ":", " 670 ", ANSWER, PROTOCOL_IRC, 3 },
	{ ":", " NOTICE ", ANSWER, PROTOCOL_IRC, 2 },
};
static const struct sign begin_less[] = {
	{ "<?xml", "jabber", BOTH, PROTOCOL_XMPP, 3 },
	{ "<?xml", "stream:stream", BOTH, PROTOCOL_XMPP, 3 },
	{ "<?xml", NULL, BOTH, PROTOCOL_XMPP, 1 },
	{ "<stream:", NULL, BOTH, PROTOCOL_XMPP, 3 },
	{ "<starttls", NULL, COMMAND, PROTOCOL_XMPP, 3 },
	{ "<proceed", NULL, ANSWER, PROTOCOL_XMPP, 3 },
};
static const struct sign begin_A[] = {
	{ "AUTH TLS", NULL, COMMAND, PROTOCOL_FTP, 4 },
	{ "AUTH SSL", NULL, COMMAND, PROTOCOL_FTP, 4 },
	{ "AUTH GSSAPI\r", NULL, COMMAND, PROTOCOL_FTP, 3 },
	{ "AUTH GSI\r", NULL, COMMAND, PROTOCOL_FTP, 3 },
	{ "AMQP\x02", NULL, BOTH, PROTOCOL_AMQP, 3 },
};
static const struct sign begin_C[] = {
	{ "CAPA\r", NULL, COMMAND, PROTOCOL_POP3, 3 },
	{ "CAPABILITIES\r", NULL, COMMAND, PROTOCOL_NNTP, 3 },
	{ "CAP LS", NULL, COMMAND, PROTOCOL_IRC, 3 },
	{ "CONNECT ", "HTTP/1", COMMAND, PROTOCOL_HTTP_CONNECT, 4 },
	{ "CONNECT ", NULL, COMMAND, PROTOCOL_HTTP_CONNECT, 3 },
};
static const struct sign begin_D[] = {
	{ "dtn!\x04", NULL, BOTH, PROTOCOL_TCPCL, 3 },
};
static const struct sign begin_E[] = {
	{ "EHLO ", NULL, COMMAND, PROTOCOL_SMTP, 3 },
};
static const struct sign begin_H[] = {
	{ "HELO ", NULL, COMMAND, PROTOCOL_SMTP, 3 },
	{ "HTTP/1.0 200", NULL, ANSWER, PROTOCOL_HTTP_CONNECT, 1 },
	{ "HTTP/1.1 200", NULL, ANSWER, PROTOCOL_HTTP_CONNECT, 1 },
	{ "HTTP/1.1 101", NULL, ANSWER, PROTOCOL_HTTP_UPGRADE, 2 },
};
static const struct sign begin_I[] = {
	{ "INFO {", NULL, ANSWER, PROTOCOL_NATS, 3 },
};
static const struct sign begin_L[] = {
	{ "LHLO ", NULL, COMMAND, PROTOCOL_LMTP, 3 },
};
static const struct sign begin_M[] = {
	{ "MODE READER", NULL, COMMAND, PROTOCOL_NNTP, 3 },
};
static const struct sign begin_N[] = {
	{ "NICK ", NULL, COMMAND, PROTOCOL_IRC, 3 },
	{ "NBDMAGIC", NULL, ANSWER, PROTOCOL_NBD, 3 },
	{ "NXSH-", NULL, BOTH, PROTOCOL_NOMACHINE, 3 },
	{ "NXD-", NULL, BOTH, PROTOCOL_NOMACHINE, 3 },
};
static const struct sign begin_O[] = {
	{ "OK\r\n", NULL, ANSWER, PROTOCOL_SIEVE, 2 },
	{ "OK \"", NULL, ANSWER, PROTOCOL_SIEVE, 2 },
};
static const struct sign begin_P[] = {
	{ "PROXY TCP", NULL, COMMAND, PROTOCOL_PROXY, 1 },
};
static const struct sign begin_R[] = {
	{ "RFB 00", NULL, BOTH, PROTOCOL_VNC, 3 },
};
static const struct sign begin_S[] = {
	{ "STARTTLS\r", NULL, COMMAND, PROTOCOL_SMTP, 1 },
	{ "STLS\r", NULL, COMMAND, PROTOCOL_POP3, 3 },
};
static const struct sign begin_U[] = {
	{ "Upgrade: TLS", NULL, BOTH, PROTOCOL_HTTP_UPGRADE, 3 },
};

struct signs {
	const struct sign *row;
	size_t num;
};

/* Those whose first letter is `first`, without regard to case. */
static struct signs signs_of(uint8_t first)
{
#define SIGNS(row) (struct signs){ row, ARRAY_SIZE(row) }
	switch (first) {
	case '"':
		return SIGNS(begin_quote);
	case '*':
		return SIGNS(begin_star);
	case '+':
		return SIGNS(begin_plus);
	case '2':
		return SIGNS(begin_2);
	case '3':
		return SIGNS(begin_3);
	case ':':
		return SIGNS(begin_colon);
	case '<':
		return SIGNS(begin_less);
	case 'A': case 'a':
		return SIGNS(begin_A);
	case 'C': case 'c':
		return SIGNS(begin_C);
	case 'D': case 'd':
		return SIGNS(begin_D);
	case 'E': case 'e':
		return SIGNS(begin_E);
	case 'H': case 'h':
		return SIGNS(begin_H);
	case 'I': case 'i':
		return SIGNS(begin_I);
	case 'L': case 'l':
		return SIGNS(begin_L);
	case 'M': case 'm':
		return SIGNS(begin_M);
	case 'N': case 'n':
		return SIGNS(begin_N);
	case 'O': case 'o':
		return SIGNS(begin_O);
	case 'P': case 'p':
		return SIGNS(begin_P);
	case 'R': case 'r':
		return SIGNS(begin_R);
	case 'S': case 's':
		return SIGNS(begin_S);
	case 'U': case 'u':
		return SIGNS(begin_U);
	default:
		return (struct signs){ NULL, 0 };
	}
#undef SIGNS
}

static uint8_t upper(uint8_t c)
{
	return c >= 'a' && c <= 'z' ? (uint8_t)(c - 'a' + 'A') : c;
}

static bool begins(struct bytes in, const char *text)
{
	size_t i;

	/* Nearly always the first letter settles it. */
	for (i = 0; text[i]; i++)
		if (i == in.len || upper(in.data[i]) != upper((uint8_t)text[i]))
			return false;
	return true;
}

static bool contains(struct bytes in, const char *word)
{
	if (in.len > SEARCHED_MAX)
		in.len = SEARCHED_MAX;
	for (; in.len > 0; in.data++, in.len--)
		if (begins(in, word))
			return true;
	return false;
}

static void note(struct starttls_hint *hint, uint8_t protocol, uint8_t strength)
{
	if (strength <= hint->strength)
		return;
	hint->protocol = protocol;
	hint->strength = strength;
}

/* IMAP: a command behind a tag of the client's choice (RFC 9051 section 2.2.1). */
static bool is_imap_command(struct bytes in)
{
	static const char *const commands[] = {
		" STARTTLS\r", " CAPABILITY\r", " LOGIN ", " AUTHENTICATE ", " ID ",
	};
	size_t len = 0;

	while (len < in.len && len < 16 && ((in.data[len] >= '0' && in.data[len] <= '9') ||
	       (upper(in.data[len]) >= 'A' && upper(in.data[len]) <= 'Z') || in.data[len] == '.'))
		len++;
	if (len == 0)
		return false;
	in = bytes_of(in.data + len, in.len - len);
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
		if (begins(in, commands[i]))
			return true;
	return false;
}

static void look_at_line(struct starttls_hint *hint, enum starttls_speaker speaker, struct bytes in)
{
	struct signs signs = signs_of(in.data[0]);

	for (size_t i = 0; i < signs.num; i++) {
		const struct sign *sign = &signs.row[i];

		if ((sign->who == COMMAND && speaker == STARTTLS_ANSWERER) ||
		    (sign->who == ANSWER && speaker == STARTTLS_OPENER))
			continue;
		if (begins(in, sign->begin) && (!sign->word || contains(in, sign->word)))
			note(hint, sign->protocol, sign->strength);
	}
	if (speaker != STARTTLS_ANSWERER && is_imap_command(in))
		note(hint, PROTOCOL_IMAP, 3);
}

/* Empty lines too. */
static bool begins_as_text(struct bytes line)
{
	uint8_t first = line.data[0];

	return (first >= ' ' && first <= '~') || first == '\r' || first == '\n';
}

void starttls_unheard(struct starttls_hint *hint)
{
	if (hint->protocol == PROTOCOL_NONE)
		hint->protocol = PROTOCOL_UNKNOWN;
}

void starttls_look(struct starttls_hint *hint, enum starttls_speaker speaker, struct bytes text)
{
	enum starttls_protocol binary;
	uint8_t strength;
	size_t len;

	if (text.len == 0)
		return;
	starttls_unheard(hint);
	binary = starttls_binary(text, &strength);
	if (binary != PROTOCOL_NONE) {
		note(hint, binary, strength);
		return;
	}
	/* A line that does not begin as text is no line, nor is what stands behind it. */
	for (unsigned int num = 0; num < LINES_MAX && text.len > 0 && begins_as_text(text); num++) {
		const uint8_t *newline = memchr(text.data, '\n', text.len);

		look_at_line(hint, speaker, text);
		len = newline ? (size_t)(newline - text.data) + 1 : text.len;
		if (!bytes_skip(&text, len))
			return;
	}
}

const char *starttls_name(const struct starttls_hint *hint)
{
	return names[hint->protocol < ARRAY_SIZE(names) ? hint->protocol : PROTOCOL_UNKNOWN];
}

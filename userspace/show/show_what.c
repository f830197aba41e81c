/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/show/show_what.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "userspace/ledger/findings.h"

#define NS_PER_S 1000000000ull

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* --- addresses and ports --- */

static bool parse_mac(const char *text, struct ip_address *out)
{
	unsigned int part[MAC_LEN];
	uint8_t mac[MAC_LEN];
	char end;
	int i;

	if (strlen(text) != 3 * MAC_LEN - 1 ||
	    sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%c", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5],
		   &end) != MAC_LEN)
		return false;
	for (i = 0; i < MAC_LEN; i++)
		mac[i] = (uint8_t)part[i];
	*out = ip_address_of_mac(mac);
	return true;
}

bool show_parse_address(const char *text, struct ip_address *out)
{
	struct ip_address a = { .octets = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET, text, a.octets + 12) != 1 && inet_pton(AF_INET6, text, a.octets) != 1)
		return parse_mac(text, out);
	*out = a;
	return true;
}

static bool parse_transport(const char *text, enum transport *out)
{
	unsigned int i;

	for (i = 0; i < NUM_TRANSPORTS; i++) {
		if (strcmp(text, transport_name((enum transport)i)) != 0)
			continue;
		*out = (enum transport)i;
		return true;
	}
	return false;
}

bool show_parse_port(const char *text, struct show_port *out)
{
	struct show_port p = { 0 };
	unsigned long port;
	char *end;

	if (!is_digit(*text))
		return false;
	port = strtoul(text, &end, 10);
	if (port > UINT16_MAX)
		return false;
	p.port = (uint16_t)port;
	p.by_transport = *end == '/';
	if (p.by_transport ? !parse_transport(end + 1, &p.transport) : *end != '\0')
		return false;
	*out = p;
	return true;
}

static bool parse_zone(const char *text, uint32_t *out)
{
	unsigned long zone;
	char *end;

	if (!is_digit(*text))
		return false;
	zone = strtoul(text, &end, 10);
	*out = (uint32_t)zone;
	return !*end && zone <= UINT32_MAX;
}

bool show_parse_place(const char *text, struct ip_address *address, struct show_port *out)
{
	const char *colon = strrchr(text, ':'), *begin = text, *end = colon;
	char host[64], *zone;

	if (parse_mac(text, address)) {
		*out = (struct show_port){ .by_transport = true, .transport = TRANSPORT_EAPOL };
		return true;
	}
	if (!colon || colon == text)
		return false;
	if (*text == '[' && colon[-1] == ']') {
		begin++;
		end--;
	} else if (memchr(text, ':', (size_t)(colon - text))) {
		return false;           /* without brackets nobody knows where the address ends */
	}
	if ((size_t)(end - begin) >= sizeof(host))
		return false;
	snprintf(host, sizeof(host), "%.*s", (int)(end - begin), begin);
	zone = strchr(host, '%');
	if (zone)
		*zone++ = '\0';
	if (!show_parse_port(colon + 1, out) || !show_parse_address(host, address))
		return false;
	out->by_zone = zone != NULL;
	return !zone || parse_zone(zone, &out->zone);
}

/* --- times --- */

static bool parse_ago(const char *text, uint64_t now_ns, uint64_t *out_ns)
{
	static const struct { char unit; uint64_t s; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }, { 'w', 7 * 86400 },
	};
	unsigned long long n;
	char *end;
	size_t i;

	n = strtoull(text, &end, 10);
	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (*end != units[i].unit || end[1] || n > now_ns / NS_PER_S / units[i].s)
			continue;
		*out_ns = now_ns - n * units[i].s * NS_PER_S;
		return true;
	}
	return false;
}

/* Exactly `digits` digits. */
static bool take_number(const char **at, int digits, int min, int max, int *out)
{
	int value = 0, i;

	for (i = 0; i < digits; i++) {
		if (!is_digit((*at)[i]))
			return false;
		value = value * 10 + (*at)[i] - '0';
	}
	if (value < min || value > max)
		return false;
	*at += digits;
	*out = value;
	return true;
}

static bool take_char(const char **at, const char *any)
{
	if (!**at || !strchr(any, **at))
		return false;
	++*at;
	return true;
}

/* "", "Z", "+01:00", "-0530": seconds east of UTC. */
static bool take_zone(const char **at, int *out_s)
{
	int sign, hours, minutes;

	*out_s = 0;
	if (!**at || take_char(at, "Zz"))
		return true;
	sign = **at == '-' ? -1 : 1;
	if (!take_char(at, "+-") || !take_number(at, 2, 0, 23, &hours))
		return false;
	(void)take_char(at, ":");
	if (!take_number(at, 2, 0, 59, &minutes))
		return false;
	*out_s = sign * (hours * 3600 + minutes * 60);
	return true;
}

/* What is finer than a nanosecond is passed over. */
static bool take_fraction(const char **at, uint64_t *out_ns)
{
	uint64_t unit = NS_PER_S / 10;

	*out_ns = 0;
	if (!take_char(at, ".,"))
		return true;
	if (!is_digit(**at))
		return false;
	for (; is_digit(**at); ++*at, unit /= 10)
		*out_ns += (uint64_t)(**at - '0') * unit;
	return true;
}

static bool take_clock(const char **at, struct tm *tm, uint64_t *fraction_ns)
{
	*fraction_ns = 0;
	if (!take_number(at, 2, 0, 23, &tm->tm_hour) || !take_char(at, ":") ||
	    !take_number(at, 2, 0, 59, &tm->tm_min))
		return false;
	if (!take_char(at, ":"))
		return true;
	return take_number(at, 2, 0, 60, &tm->tm_sec) && take_fraction(at, fraction_ns);
}

static bool parse_iso(const char *text, uint64_t *out_ns)
{
	struct tm tm = { 0 }, check;
	uint64_t fraction_ns = 0;
	int year, month, zone_s = 0;
	time_t s;

	if (!take_number(&text, 4, 1970, 2400, &year) || !take_char(&text, "-") ||
	    !take_number(&text, 2, 1, 12, &month) || !take_char(&text, "-") ||
	    !take_number(&text, 2, 1, 31, &tm.tm_mday))
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	if (take_char(&text, "Tt ") && (!take_clock(&text, &tm, &fraction_ns) || !take_zone(&text, &zone_s)))
		return false;
	check = tm;
	s = timegm(&check) - zone_s;
	if (*text || check.tm_mday != tm.tm_mday || s < 0)   /* 31 February */
		return false;
	*out_ns = (uint64_t)s * NS_PER_S + fraction_ns;
	return true;
}

bool show_parse_time(const char *text, uint64_t now_ns, uint64_t *out_ns)
{
	return is_digit(*text) && (parse_ago(text, now_ns, out_ns) || parse_iso(text, out_ns));
}

/* --- findings --- */

bool show_parse_findings(const char *text, unsigned int *out)
{
	unsigned int bits = 0, i;
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		for (i = 0; i < NUM_FINDINGS; i++)
			if (strlen(finding_name(i)) == len && memcmp(finding_name(i), text, len) == 0)
				break;
		if (i == NUM_FINDINGS)
			return false;
		bits |= 1u << i;
		if (!text[len])
			break;
	}
	*out = bits;
	return true;
}

/* --- certificates --- */

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void fill_serial(struct show_hex *h, const uint8_t *digits)
{
	size_t skip = 0, at, i;

	while (skip + 1 < h->num_digits && digits[skip] == 0)
		skip++;
	h->serial_len = (h->num_digits - skip + 1) / 2;
	for (i = skip; i < h->num_digits; i++) {
		at = h->serial_len - 1 - (h->num_digits - 1 - i) / 2;
		h->serial[at] = (uint8_t)(h->serial[at] << 4 | digits[i]);
	}
}

bool show_parse_hex(const char *text, struct show_hex *out)
{
	struct show_hex h = { 0 };
	uint8_t digits[64];
	size_t i;
	int value;

	for (; *text; text++) {
		if (*text == ':' && h.num_digits && text[1])
			continue;
		value = hex_value(*text);
		if (value < 0 || h.num_digits == sizeof(digits))
			return false;
		digits[h.num_digits++] = (uint8_t)value;
	}
	if (!h.num_digits)
		return false;
	for (i = 0; i < sizeof(digits); i++) {
		h.first[i / 2] = (uint8_t)(h.first[i / 2] << 4 | (i < h.num_digits ? digits[i] : 0));
		h.last[i / 2] = (uint8_t)(h.last[i / 2] << 4 | (i < h.num_digits ? digits[i] : 15));
	}
	fill_serial(&h, digits);
	*out = h;
	return true;
}

static int base64_value(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Other characters are passed over, as OpenSSL does with line ends and blanks; '=' is the end. */
static size_t decode_base64(struct bytes text, uint8_t *out)
{
	uint32_t bits = 0;
	int num_bits = 0, value;
	size_t len = 0, i;

	for (i = 0; i < text.len && text.data[i] != '='; i++) {
		value = base64_value(text.data[i]);
		if (value < 0)
			continue;
		bits = bits << 6 | (uint32_t)value;
		num_bits += 6;
		if (num_bits >= 8) {
			num_bits -= 8;
			out[len++] = (uint8_t)(bits >> num_bits);
		}
	}
	return len;
}

static const uint8_t *find(struct bytes in, const char *word)
{
	return in.len ? memmem(in.data, in.len, word, strlen(word)) : NULL;
}

static struct bytes from(struct bytes in, const uint8_t *at)
{
	return bytes_of(at, in.len - (size_t)(at - in.data));
}

size_t show_parse_certificates(struct bytes file, uint8_t *der, struct bytes *out, size_t max)
{
	static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
	const uint8_t *at, *until;
	size_t num = 0, len;

	if (file.len && file.data[0] == 0x30 && max) {      /* a SEQUENCE: X.690 section 8.9 */
		memcpy(der, file.data, file.len);
		out[0] = bytes_of(der, file.len);
		return 1;
	}
	while (num < max && (at = find(file, begin)) != NULL) {
		file = from(file, at + sizeof(begin) - 1);
		until = find(file, end);
		if (!until)
			break;
		len = decode_base64(bytes_of(file.data, (size_t)(until - file.data)), der);
		if (len)
			out[num++] = bytes_of(der, len);
		der += len;
		file = from(file, until);
	}
	return num;
}

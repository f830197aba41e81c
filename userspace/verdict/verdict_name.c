/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The name asked for. In TLS it is ASCII (RFC 6066 section 3), with A-labels for others; what arrives on the wire, or
 * from somebody's keyboard, may be UTF-8. Punycode: RFC 3492 section 6.3, its names and numbers.
 */
#include "parsers/text.h"
#include "userspace/verdict/verdict_parts.h"

#define LABEL_MAX 63u                    /* RFC 1035 section 2.3.4 */

enum { BASE = 36, TMIN = 1, TMAX = 26, SKEW = 38, DAMP = 700, INITIAL_BIAS = 72, INITIAL_N = 128 };

struct host {
	char *out;
	size_t len;
	bool full;
};

static void put(struct host *host, char c)
{
	if (host->len + 1 >= VERDICT_HOST_SIZE) {
		host->full = true;
		return;
	}
	host->out[host->len++] = c;
	host->out[host->len] = '\0';
}

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	for (; delta > (BASE - TMIN) * TMAX / 2; k += BASE)
		delta /= BASE - TMIN;
	return k + (BASE - TMIN + 1) * delta / (delta + SKEW);
}

static char digit(uint32_t d)
{
	return (char)(d < 26 ? 'a' + d : '0' + d - 26);
}

static void put_number(struct host *host, uint32_t q, uint32_t bias)
{
	uint32_t k, t;

	for (k = BASE;; k += BASE) {
		t = k <= bias ? TMIN : k >= bias + TMAX ? TMAX : k - bias;
		if (q < t)
			break;
		put(host, digit(t + (q - t) % (BASE - t)));
		q = (q - t) / (BASE - t);
	}
	put(host, digit(q));
}

/* The smallest code point from n on. */
static uint32_t next_point(const uint32_t *points, size_t num, uint32_t n)
{
	uint32_t next = UINT32_MAX;
	size_t i;

	for (i = 0; i < num; i++)
		if (points[i] >= n && points[i] < next)
			next = points[i];
	return next;
}

/* At most 63 code points below 0x110000: no sum here comes near 32 bits. */
static void put_punycode(struct host *host, const uint32_t *points, size_t num)
{
	uint32_t n = INITIAL_N, delta = 0, bias = INITIAL_BIAS, handled = 0, basic, next;
	size_t i;

	for (i = 0; i < num; i++) {
		if (points[i] >= INITIAL_N)
			continue;
		put(host, (char)points[i]);
		handled++;
	}
	basic = handled;
	if (basic > 0)
		put(host, '-');
	for (; handled < num; delta++, n++) {
		next = next_point(points, num, n);
		delta += (next - n) * (handled + 1);
		n = next;
		for (i = 0; i < num; i++) {
			delta += points[i] < n;
			if (points[i] != n)
				continue;
			put_number(host, delta, bias);
			bias = adapt(delta, handled + 1, handled == basic);
			delta = 0;
			handled++;
		}
	}
}

/* Takes a label and the dot behind it. */
static bool put_label(struct bytes *name, struct host *host)
{
	uint32_t points[LABEL_MAX];
	bool beyond_ascii = false;
	size_t num = 0, i;

	while (name->len > 0 && name->data[0] != '.') {
		if (num == LABEL_MAX || !text_take_char(name, &points[num]) || points[num] == 0)
			return false;
		beyond_ascii |= points[num++] >= INITIAL_N;
	}
	if (beyond_ascii) {
		put(host, 'x');
		put(host, 'n');
		put(host, '-');
		put(host, '-');
		put_punycode(host, points, num);
	} else {
		for (i = 0; i < num; i++)
			put(host, (char)points[i]);
	}
	if (bytes_skip(name, 1))
		put(host, '.');
	return !host->full;
}

bool verdict_host(struct bytes name, char out[VERDICT_HOST_SIZE])
{
	struct host host = { .out = out };

	out[0] = '\0';
	while (name.len > 0)
		if (!put_label(&name, &host))
			return false;
	return host.len > 0;
}

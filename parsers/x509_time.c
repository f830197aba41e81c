/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Times in certificates. RFC 5280 section 4.1.2.5 asks for seconds and a Z; what X.680 sections 46
 * and 47 allow beyond that (no seconds, fractions, offsets) is understood too, except local time.
 */
#include "parsers/x509_parts.h"

struct clock {
	unsigned int year, month, day, hour, minute, second;
};

static bool take_digits(struct bytes *in, unsigned int count, unsigned int *out)
{
	struct bytes rest = *in;
	unsigned int value = 0;
	uint8_t digit;

	while (count-- > 0) {
		if (!bytes_u8(&rest, &digit) || digit < '0' || digit > '9')
			return false;
		value = value * 10 + (digit - '0');
	}
	*in = rest;
	*out = value;
	return true;
}

static unsigned int days_in_month(unsigned int year, unsigned int month)
{
	static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month - 1] + (month == 2 && leap);
}

static bool clock_valid(const struct clock *c)
{
	return c->month >= 1 && c->month <= 12 && c->day >= 1 &&
	       c->day <= days_in_month(c->year, c->month) && c->hour <= 23 && c->minute <= 59 &&
	       c->second <= 60;
}

/*
 * Seconds since 1970 in the Gregorian calendar. Years begin in March, so that the leap day comes
 * last, and are counted from -400, so that nothing divided is negative: 865565 days before 1970.
 */
static int64_t clock_seconds(const struct clock *c)
{
	unsigned int month = (c->month + 9) % 12;       /* 0 is March */
	unsigned int year = c->year + 400 - (c->month <= 2);
	unsigned int second = c->hour * 3600 + c->minute * 60 + c->second;
	int64_t days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 +
		       c->day - 1;

	return (days - 865565) * 86400 + second;
}

static void skip_fraction(struct bytes *in)
{
	unsigned int digit;

	if (in->len == 0 || (in->data[0] != '.' && in->data[0] != ','))
		return;
	in->data++;
	in->len--;
	while (take_digits(in, 1, &digit))
		;
}

/* "Z", "+hhmm" or "-hhmm": how many seconds the clock is ahead of UTC. */
static bool take_zone(struct bytes *in, int *ahead_s)
{
	unsigned int hours, minutes;
	uint8_t sign;

	if (!bytes_u8(in, &sign))
		return false;
	*ahead_s = 0;
	if (sign == 'Z')
		return true;
	if ((sign != '+' && sign != '-') || !take_digits(in, 2, &hours) ||
	    !take_digits(in, 2, &minutes) || hours > 23 || minutes > 59)
		return false;
	*ahead_s = (int)(hours * 3600 + minutes * 60) * (sign == '-' ? -1 : 1);
	return true;
}

static bool take_year(struct bytes *in, bool generalized, unsigned int *year)
{
	if (generalized)
		return take_digits(in, 4, year);
	if (!take_digits(in, 2, year))
		return false;
	*year += *year < 50 ? 2000 : 1900;      /* RFC 5280 section 4.1.2.5.1 */
	return true;
}

void x509_time_read(const struct der_element *time, struct x509_time *out)
{
	bool generalized = time->tag == DER_GENERALIZED_TIME;
	struct bytes in = time->value;
	struct clock c = { 0 };
	int ahead_s;

	*out = (struct x509_time){ 0 };
	if (!generalized && time->tag != DER_UTC_TIME)
		return;
	if (!take_year(&in, generalized, &c.year) || !take_digits(&in, 2, &c.month) ||
	    !take_digits(&in, 2, &c.day) || !take_digits(&in, 2, &c.hour) ||
	    !take_digits(&in, 2, &c.minute))
		return;
	if (take_digits(&in, 2, &c.second) && generalized)
		skip_fraction(&in);
	if (!take_zone(&in, &ahead_s) || in.len > 0 || !clock_valid(&c))
		return;
	out->unix_s = clock_seconds(&c) - ahead_s;
	out->known = true;
}

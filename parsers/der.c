/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Elements of BER and DER: X.690 sections 8.1.2 (identifier), 8.1.3 (length), 8.1.5 (end of
 * contents).
 */
#include "parsers/der.h"

#define TAG_OCTETS_MAX 5    /* after the first: numbers of 35 bits */
#define LENGTH_INDEFINITE SIZE_MAX

struct der der_walk(struct bytes in, unsigned int *budget)
{
	return (struct der){ .rest = in, .budget = budget };
}

static bool take_tag(struct bytes *in, uint8_t *tag)
{
	uint8_t octet;

	if (!bytes_u8(in, tag))
		return false;
	if ((*tag & 0x1f) != 0x1f)
		return true;
	for (int i = 0; i < TAG_OCTETS_MAX; i++) {
		if (!bytes_u8(in, &octet))
			return false;
		if (!(octet & 0x80))
			return true;
	}
	return false;
}

/* Zeros in front of a length are accepted, as many as its own count allows (127). */
static bool take_length(struct bytes *in, bool constructed, size_t *len)
{
	uint8_t first, octet;
	size_t value = 0;

	if (!bytes_u8(in, &first))
		return false;
	if (first < 0x80) {
		*len = first;
		return true;
	}
	if (first == 0x80) {
		*len = LENGTH_INDEFINITE;
		return constructed;
	}
	for (unsigned int i = first & 0x7f; i > 0; i--) {
		if (!bytes_u8(in, &octet) || value > (SIZE_MAX >> 9))
			return false;
		value = value << 8 | octet;
	}
	*len = value;
	return true;
}

static bool spend(const struct der *in)
{
	if (*in->budget == 0)
		return false;
	(*in->budget)--;
	return true;
}

/*
 * Takes the contents of an indefinite length and the two zeros at their end. Indefinite lengths
 * inside are counted, not entered, so that their nesting takes no stack.
 */
static bool take_indefinite(const struct der *in, struct bytes *rest, struct bytes *value)
{
	struct bytes at = *rest;
	size_t open = 1, len, end;
	uint8_t tag;

	while (open > 0) {
		end = rest->len - at.len;
		if (!spend(in))
			return false;
		if (at.len >= 2 && at.data[0] == 0 && at.data[1] == 0) {
			open--;
			if (!bytes_skip(&at, 2))
				return false;
			continue;
		}
		if (!take_tag(&at, &tag) || !take_length(&at, tag & DER_CONSTRUCTED, &len))
			return false;
		if (len == LENGTH_INDEFINITE)
			open++;
		else if (!bytes_skip(&at, len))
			return false;
	}
	*value = bytes_of(rest->data, end);
	*rest = at;
	return true;
}

static bool take_element(struct der *in, struct der_element *out, bool *cut)
{
	struct bytes rest = in->rest, value;
	size_t len;
	uint8_t tag;
	bool whole;

	if (in->depth >= DER_DEPTH_MAX || in->rest.len == 0 || !spend(in))
		return false;
	if (!take_tag(&rest, &tag) || !take_length(&rest, tag & DER_CONSTRUCTED, &len))
		return false;
	if (len == LENGTH_INDEFINITE)
		whole = take_indefinite(in, &rest, &value);
	else
		whole = bytes_take(&rest, len, &value);
	if (!whole) {
		if (!cut)
			return false;
		*cut = true;
		value = rest;
		rest = bytes_of(rest.data + rest.len, 0);
	}
	out->tag = tag;
	out->raw = bytes_of(in->rest.data, in->rest.len - rest.len);
	out->value = value;
	out->inside = (struct der){ .rest = value, .budget = in->budget, .depth = in->depth + 1 };
	in->rest = rest;
	return true;
}

bool der_next(struct der *in, struct der_element *out)
{
	return take_element(in, out, NULL);
}

bool der_next_cut(struct der *in, struct der_element *out, bool *cut)
{
	return take_element(in, out, cut);
}

bool der_expect(struct der *in, uint8_t tag, struct der_element *out)
{
	return in->rest.len > 0 && in->rest.data[0] == tag && take_element(in, out, NULL);
}

bool der_expect_list(struct der *in, uint8_t tag, struct der_element *out)
{
	return der_expect(in, tag, out) || der_expect(in, tag & ~DER_CONSTRUCTED, out);
}

struct bytes der_magnitude(struct bytes integer)
{
	while (integer.len > 0 && integer.data[0] == 0) {
		integer.data++;
		integer.len--;
	}
	return integer;
}

unsigned int der_bits(struct bytes integer)
{
	struct bytes magnitude = der_magnitude(integer);
	unsigned int bits;

	if (magnitude.len == 0)
		return 0;
	bits = (unsigned int)(magnitude.len - 1) * 8;
	for (uint8_t top = magnitude.data[0]; top > 0; top >>= 1)
		bits++;
	return bits;
}

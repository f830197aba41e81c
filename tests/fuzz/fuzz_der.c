/* SPDX-License-Identifier: Apache-2.0 */
/* Walks everything that is an element, down to where it stops, and checks what a walk promises. */
#include <stdlib.h>

#include "parsers/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)        \
	do {               \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_inside(struct bytes outer, struct bytes inner)
{
	CHECK(inner.len <= outer.len);
	CHECK(inner.data >= outer.data && inner.data + inner.len <= outer.data + outer.len);
}

static void walk(struct der at, unsigned int depth)
{
	struct bytes whole = at.rest;
	struct der_element element;

	CHECK(depth <= DER_DEPTH_MAX);
	while (der_next(&at, &element)) {
		struct bytes magnitude = der_magnitude(element.value);

		check_inside(whole, element.raw);
		check_inside(element.raw, element.value);
		CHECK(element.raw.len >= element.value.len + 2);
		CHECK(element.raw.data + element.raw.len == at.rest.data);
		CHECK(der_bits(element.value) <= magnitude.len * 8);
		if (element.tag & DER_CONSTRUCTED)
			walk(element.inside, depth + 1);
	}
	check_inside(whole, at.rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int budget = 20000;
	struct der at = der_walk(bytes_of(data, size), &budget);
	struct der_element element;
	bool cut = false;

	walk(at, 0);
	CHECK(budget <= 20000);
	budget = DER_ELEMENTS_MAX;
	if (der_next_cut(&at, &element, &cut)) {
		check_inside(bytes_of(data, size), element.raw);
		check_inside(element.raw, element.value);
		CHECK(!cut || at.rest.len == 0);
	}
	return 0;
}

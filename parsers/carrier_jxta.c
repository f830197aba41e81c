/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JXTA over TCP (JXTA v2.0 Protocols Specification, "Standard Message Transport Bindings"): a line
 * of greeting, then messages, each behind a few headers. TLS between two peers travels in elements
 * of the type application/x-jxta-tls-block, whose name is their number, from 1. All of a connection
 * is taken for one conversation.
 */
#include "parsers/carrier_types.h"

#define HELLO "JXTAHELLO "
#define HELLO_MAX 1024
#define MESSAGE_MAX (64u * 1024)
#define HEADERS_MAX 16
#define FLAG_TYPE 0x01
#define FLAG_ENCODING 0x02
#define FLAG_SIGNATURE 0x04

/* What is read next of a connection's end. */
enum jxta_step { STEP_HELLO, STEP_NAME_LEN, STEP_NAME, STEP_VALUE_LEN, STEP_VALUE, STEP_MESSAGE };

struct jxta_end {
	struct gather gather;
	struct order order;
	struct bytes elements;         /* of the message at hand; borrowed */
	uint64_t skip;                 /* bytes of a message over the limit still to come */
	uint64_t message_len;
	uint32_t want;                 /* of the step; HELLO: read so far */
	enum jxta_step step;
	uint16_t num_elements;         /* left in the message at hand */
	uint8_t num_headers;
	bool is_length;                /* the header at hand is content-length */
	bool popping;
};

struct jxta {
	struct jxta_end end[2];
};

struct jxta_element {
	struct bytes name, type, content;
	uint8_t flags;
};

static bool is_text(struct bytes in, const char *text)
{
	return bytes_equal(in, bytes_of(text, strlen(text)));
}

static enum parse recognise(struct bytes head)
{
	size_t len = head.len < strlen(HELLO) ? head.len : strlen(HELLO);

	if (memcmp(head.data, HELLO, len) != 0)
		return PARSE_BAD;
	return len == strlen(HELLO) ? PARSE_OK : PARSE_MORE;
}

static bool parse_element(struct bytes *in, struct jxta_element *out)
{
	struct jxta_element e = { 0 };
	struct bytes magic, encoding;
	uint32_t len;
	uint8_t namespace;

	if (!bytes_take(in, 4, &magic) || !is_text(magic, "jxel") || !bytes_u8(in, &namespace) ||
	    !bytes_u8(in, &e.flags) || !bytes_vec16(in, &e.name))
		return false;
	if ((e.flags & FLAG_TYPE && !bytes_vec16(in, &e.type)) ||
	    (e.flags & FLAG_ENCODING && !bytes_vec16(in, &encoding)))
		return false;
	if (!bytes_u32(in, &len) || !bytes_take(in, len, &e.content))
		return false;
	*out = e;
	return true;
}

/* A message up to its elements. */
static void begin_message(struct jxta_end *end, struct bytes in)
{
	struct bytes magic, name;
	uint16_t num_names, num_elements;
	uint8_t version;

	end->num_elements = 0;
	if (!bytes_take(&in, 4, &magic) || !is_text(magic, "jxmg") || !bytes_u8(&in, &version) ||
	    version != 0 || !bytes_u16(&in, &num_names))
		return;
	while (num_names-- > 0)
		if (!bytes_vec16(&in, &name))
			return;
	if (!bytes_u16(&in, &num_elements))
		return;
	end->num_elements = num_elements;
	end->elements = in;
}

static bool parse_number(struct bytes in, uint32_t *out)
{
	uint32_t number = 0;

	if (in.len == 0 || in.len > 9)
		return false;
	for (size_t i = 0; i < in.len; i++) {
		if (in.data[i] < '0' || in.data[i] > '9')
			return false;
		number = number * 10 + (in.data[i] - '0');
	}
	*out = number;
	return true;
}

/* The next block of TLS among the message's elements that is the next in order. */
static bool next_block(struct jxta_end *end, struct budget *memory, struct bytes *out)
{
	struct jxta_element e, signature;
	uint32_t number;

	while (end->num_elements > 0) {
		end->num_elements--;
		if (!parse_element(&end->elements, &e) ||
		    (e.flags & FLAG_SIGNATURE && !parse_element(&end->elements, &signature))) {
			end->num_elements = 0;
			break;
		}
		if (!is_text(e.type, "application/x-jxta-tls-block") || e.content.len == 0 ||
		    !parse_number(e.name, &number))
			continue;
		/* Far from the first: the peers have talked before, over another connection. */
		if (end->order.next == 0)
			order_begin(&end->order, memory, number < ORDER_ITEMS_MAX ? 1 : number);
		*out = e.content;
		switch (order_add(&end->order, memory, number, e.content)) {
		case ORDER_NOW:
			end->popping = true;
			return true;
		case ORDER_KEPT:
			end->popping = true;
			return false;
		case ORDER_IGNORED:
			break;
		}
	}
	return false;
}

static void expect(struct jxta_end *end, enum jxta_step step, uint32_t want)
{
	end->step = step;
	end->want = want;
}

/* The greeting: a line, passed over. */
static enum parse take_hello(struct jxta_end *end, struct bytes *in)
{
	const uint8_t *newline = in->len ? memchr(in->data, '\n', in->len) : NULL;
	size_t len = newline ? (size_t)(newline - in->data) + 1 : in->len;

	if (len > HELLO_MAX - end->want || !bytes_skip(in, len))
		return PARSE_BAD;
	end->want += (uint32_t)len;
	if (!newline)
		return PARSE_MORE;
	expect(end, STEP_NAME_LEN, 1);
	return PARSE_OK;
}

/* The headers are over: a message of a length that was told follows. */
static bool expect_message(struct jxta_end *end)
{
	uint64_t len = end->message_len;

	end->num_headers = 0;
	end->message_len = 0;
	if (len == 0)
		return false;
	if (len <= MESSAGE_MAX) {
		expect(end, STEP_MESSAGE, (uint32_t)len);
	} else {
		end->skip = len;
		expect(end, STEP_NAME_LEN, 1);
	}
	return true;
}

static bool take_length(struct jxta_end *end, struct bytes in)
{
	uint32_t high, low;

	if (end->is_length) {
		if (in.len != 8 || !bytes_u32(&in, &high) || !bytes_u32(&in, &low))
			return false;
		end->message_len = (uint64_t)high << 32 | low;
	}
	expect(end, STEP_NAME_LEN, 1);
	return true;
}

/* False: not JXTA. */
static bool take_step(struct jxta_end *end, struct bytes in)
{
	uint32_t value = 0;

	for (size_t i = 0; i < in.len && i < 2; i++)
		value = value << 8 | in.data[i];
	switch (end->step) {
	case STEP_NAME_LEN:
		if (value == 0)
			return expect_message(end);
		expect(end, STEP_NAME, value);
		return end->num_headers++ < HEADERS_MAX;
	case STEP_NAME:
		end->is_length = is_text(in, "content-length");
		expect(end, STEP_VALUE_LEN, 2);
		return true;
	case STEP_VALUE_LEN:
		if (value == 0)
			return take_length(end, bytes_of(NULL, 0));
		expect(end, STEP_VALUE, value);
		return true;
	case STEP_VALUE:
		return take_length(end, in);
	case STEP_MESSAGE:
		begin_message(end, in);
		expect(end, STEP_NAME_LEN, 1);
		return true;
	case STEP_HELLO:
		break;
	}
	return false;
}

static enum parse read_on(struct jxta_end *end, struct budget *memory, struct bytes *in)
{
	size_t skip = end->skip < in->len ? (size_t)end->skip : in->len;
	struct bytes part;
	enum parse result;

	end->skip -= skip;
	if (!bytes_skip(in, skip))
		return PARSE_BAD;
	if (in->len == 0)
		return PARSE_MORE;
	if (end->step == STEP_HELLO)
		return take_hello(end, in);
	result = gather_take(&end->gather, memory, in, end->want, &part);
	if (result != PARSE_OK)
		return result;
	return take_step(end, part) ? PARSE_OK : PARSE_BAD;
}

static enum parse next(struct carrier *c, struct budget *memory, struct carrier_piece *out)
{
	struct jxta_end *end = &((struct jxta *)c->state)->end[c->side];
	enum parse result;

	for (;;) {
		if (end->popping && order_pop(&end->order, memory, &out->bytes))
			break;
		end->popping = false;
		if (next_block(end, memory, &out->bytes))
			break;
		if (end->popping || end->num_elements > 0)
			continue;
		result = read_on(end, memory, &c->in);
		if (result != PARSE_OK)
			return result;
	}
	out->missed = order_missed(&end->order);
	return PARSE_OK;
}

static void fini(struct carrier *c, struct budget *memory)
{
	struct jxta *s = (struct jxta *)c->state;

	for (unsigned int side = 0; side < 2; side++) {
		gather_fini(&s->end[side].gather, memory);
		order_fini(&s->end[side].order, memory);
	}
}

const struct carrier_ops carrier_jxta = {
	.name = "jxta",
	.over = CARRIER_OVER_TCP,
	.state_len = sizeof(struct jxta),
	.recognise = recognise,
	.next = next,
	.fini = fini,
};

/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/pcapng.h"

#include <stdlib.h>

#define NS_PER_SECOND 1000000000u
#define BLOCK_OVERHEAD 12            /* type and length before the body, length after it */
#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define OPTION_END 0
#define OPTION_TSRESOL 9
#define OPTION_TSOFFSET 14

enum block_type {
	BLOCK_SECTION = 0x0a0d0d0a,          /* reads the same in both byte orders */
	BLOCK_INTERFACE = 1,
	BLOCK_PACKET_OLD = 2,
	BLOCK_PACKET_SIMPLE = 3,
	BLOCK_PACKET = 6,
	BLOCK_SECRETS = 10,
};

struct interface {
	int link;
	uint32_t snap_len;           /* 0: no limit */
	uint64_t ticks_per_second;
	int64_t offset_seconds;
};

struct pcapng {
	bool in_section, big_endian;
	uint32_t num_interfaces;     /* those of the section, further ones than are kept included */
	uint32_t room;
	struct interface *interfaces;
};

/* A whole block without its type and lengths, and where its parser puts what it finds. */
struct block {
	struct pcapng *file;
	struct bytes body;
	struct pcapng_frame *frame;
	struct pcapng_secrets *secrets;
	const char **why;
};

struct pcapng *pcapng_new(void)
{
	return calloc(1, sizeof(struct pcapng));
}

void pcapng_free(struct pcapng *p)
{
	if (!p)
		return;
	free(p->interfaces);
	free(p);
}

/* Integers are in the byte order of the section. */
static uint32_t to_order(uint32_t value, bool big_endian)
{
	return big_endian ? value : __builtin_bswap32(value);
}

static bool take_u16(const struct pcapng *p, struct bytes *in, uint16_t *out)
{
	if (!bytes_u16(in, out))
		return false;
	if (!p->big_endian)
		*out = __builtin_bswap16(*out);
	return true;
}

static bool take_u32(const struct pcapng *p, struct bytes *in, uint32_t *out)
{
	if (!bytes_u32(in, out))
		return false;
	*out = to_order(*out, p->big_endian);
	return true;
}

static bool take_u64(const struct pcapng *p, struct bytes *in, uint64_t *out)
{
	uint32_t first, second;

	if (!take_u32(p, in, &first) || !take_u32(p, in, &second))
		return false;
	*out = p->big_endian ? (uint64_t)first << 32 | second : (uint64_t)second << 32 | first;
	return true;
}

static bool fail(const char **why, const char *text)
{
	*why = text;
	return false;
}

/* The byte order of a section, from the magic number in its header block. */
static bool section_order(struct bytes head, bool *big_endian)
{
	uint32_t type, magic;

	if (!bytes_u32(&head, &type) || type != BLOCK_SECTION || !bytes_skip(&head, 4) ||
	    !bytes_u32(&head, &magic))
		return false;
	*big_endian = magic == BYTE_ORDER_MAGIC;
	return *big_endian || to_order(magic, false) == BYTE_ORDER_MAGIC;
}

bool pcapng_recognise(struct bytes head)
{
	bool big_endian;

	return section_order(head, &big_endian);
}

enum parse pcapng_block_len(const struct pcapng *p, struct bytes head, uint32_t *len)
{
	bool big_endian = p->big_endian;
	struct bytes rest = head;
	uint32_t type, total;

	if (head.len < PCAPNG_HEADER_LEN)
		return PARSE_MORE;
	if (!bytes_u32(&rest, &type) || !bytes_u32(&rest, &total))
		return PARSE_BAD;
	if (type == BLOCK_SECTION ? !section_order(head, &big_endian) : !p->in_section)
		return PARSE_BAD;
	total = to_order(total, big_endian);
	if (total < BLOCK_OVERHEAD || total % 4 || total > PCAPNG_BLOCK_MAX)
		return PARSE_BAD;
	*len = total;
	return PARSE_OK;
}

/* A field of `len` bytes and its padding to four. */
static bool take_padded(struct bytes *in, uint32_t len, struct bytes *out)
{
	struct bytes rest = *in, value;

	if (!bytes_take(&rest, len, &value) || !bytes_skip(&rest, (4 - len % 4) % 4))
		return false;
	*in = rest;
	*out = value;
	return true;
}

/* The next option; false at the end of the list, where `*bad` says if it ended as it should. */
static bool next_option(const struct pcapng *p, struct bytes *in, uint16_t *code,
			struct bytes *value, bool *bad)
{
	uint16_t len;

	*bad = false;
	if (in->len == 0)
		return false;
	*bad = !take_u16(p, in, code) || !take_u16(p, in, &len) || !take_padded(in, len, value);
	return !*bad && *code != OPTION_END;
}

/* if_tsresol: a negative power of 10, or of 2 where the top bit is set. */
static bool ticks_per_second(uint8_t resolution, uint64_t *out)
{
	bool binary = resolution & 0x80;
	uint8_t power = resolution & 0x7f;
	uint64_t ticks = 1;

	if (power > (binary ? 63 : 19))
		return false;
	while (power--)
		ticks *= binary ? 2 : 10;
	*out = ticks;
	return true;
}

static bool parse_interface_option(const struct block *b, uint16_t code, struct bytes value,
				   struct interface *interface)
{
	uint64_t offset;

	switch (code) {
	case OPTION_TSRESOL:
		if (value.len != 1 ||
		    !ticks_per_second(value.data[0], &interface->ticks_per_second))
			return fail(b->why, "an interface's time resolution is out of range");
		break;
	case OPTION_TSOFFSET:
		if (value.len != 8 || !take_u64(b->file, &value, &offset))
			return fail(b->why, "an interface's time offset has a wrong length");
		interface->offset_seconds = (int64_t)offset;
		break;
	}
	return true;
}

/* Keeps the interface; it grows with the blocks received and stops at the limit. */
static bool add_interface(struct pcapng *p, const struct interface *interface)
{
	uint32_t room = p->room ? p->room * 2 : 4;
	struct interface *grown;

	if (p->num_interfaces >= PCAPNG_INTERFACES_MAX) {
		p->num_interfaces++;
		return true;
	}
	if (p->num_interfaces == p->room) {
		grown = realloc(p->interfaces, room * sizeof(*grown));
		if (!grown)
			return false;
		p->interfaces = grown;
		p->room = room;
	}
	p->interfaces[p->num_interfaces++] = *interface;
	return true;
}

/* Section 4.1. */
static bool parse_section(struct block *b, enum pcapng_item *what)
{
	uint16_t major, minor;
	uint32_t magic;

	b->file->num_interfaces = 0;
	if (!take_u32(b->file, &b->body, &magic) || !take_u16(b->file, &b->body, &major) ||
	    !take_u16(b->file, &b->body, &minor) || !bytes_skip(&b->body, 8))
		return fail(b->why, "a section header is too short");
	if (major != 1)
		return fail(b->why, "a section has a version other than 1");
	*what = PCAPNG_SECTION;
	return true;
}

/* Section 4.2. */
static bool parse_interface(struct block *b, enum pcapng_item *what)
{
	struct interface interface = { .ticks_per_second = 1000000 };
	uint16_t link, reserved, code;
	struct bytes value;
	bool bad;

	if (!take_u16(b->file, &b->body, &link) || !take_u16(b->file, &b->body, &reserved) ||
	    !take_u32(b->file, &b->body, &interface.snap_len))
		return fail(b->why, "an interface description is too short");
	interface.link = link;
	while (next_option(b->file, &b->body, &code, &value, &bad)) {
		if (!parse_interface_option(b, code, value, &interface))
			return false;
	}
	if (bad)
		return fail(b->why, "an option is longer than its interface description");
	if (!add_interface(b->file, &interface))
		return fail(b->why, "out of memory");
	*what = PCAPNG_NOTHING;
	return true;
}

static const struct interface *find_interface(const struct block *b, uint32_t number)
{
	if (number >= b->file->num_interfaces)
		*b->why = "a packet names an interface that was not described";
	else if (number >= PCAPNG_INTERFACES_MAX)
		*b->why = "a section has more interfaces than are kept";
	else
		return &b->file->interfaces[number];
	return NULL;
}

/* Nanoseconds since 1970; what lies outside of 64 bits becomes the nearest that does not. */
static uint64_t to_ns(const struct interface *interface, uint64_t ticks)
{
	uint64_t scale = NS_PER_SECOND / interface->ticks_per_second;
	__int128 ns;

	if (interface->offset_seconds == 0 && ticks <= UINT64_MAX / NS_PER_SECOND && scale &&
	    scale * interface->ticks_per_second == NS_PER_SECOND)
		return ticks * scale;
	ns = (__int128)ticks * NS_PER_SECOND / interface->ticks_per_second +
	     (__int128)interface->offset_seconds * NS_PER_SECOND;
	if (ns < 0)
		return 0;
	return ns > UINT64_MAX ? UINT64_MAX : (uint64_t)ns;
}

/* What the enhanced (section 4.3) and the obsolete packet block (appendix A) have in common. */
static bool parse_captured(struct block *b, uint32_t number, enum pcapng_item *what)
{
	const struct interface *interface = find_interface(b, number);
	uint32_t high, low, captured, wire_len;
	struct bytes data;

	if (!interface)
		return false;
	if (!take_u32(b->file, &b->body, &high) || !take_u32(b->file, &b->body, &low) ||
	    !take_u32(b->file, &b->body, &captured) || !take_u32(b->file, &b->body, &wire_len))
		return fail(b->why, "a packet block is too short");
	if (!take_padded(&b->body, captured, &data))
		return fail(b->why, "a packet is longer than its block");
	*b->frame = (struct pcapng_frame){
		.link = interface->link,
		.interface = number,
		.time_ns = to_ns(interface, (uint64_t)high << 32 | low),
		.data = data,
		.wire_len = wire_len > captured ? wire_len : captured,
	};
	*what = PCAPNG_PACKET;
	return true;
}

static bool parse_packet(struct block *b, enum pcapng_item *what)
{
	uint32_t number;

	if (!take_u32(b->file, &b->body, &number))
		return fail(b->why, "a packet block is too short");
	return parse_captured(b, number, what);
}

static bool parse_packet_old(struct block *b, enum pcapng_item *what)
{
	uint16_t number, dropped;

	if (!take_u16(b->file, &b->body, &number) || !take_u16(b->file, &b->body, &dropped))
		return fail(b->why, "a packet block is too short");
	return parse_captured(b, number, what);
}

/* Section 4.4: no time, no length; the first interface's snap length says what was captured. */
static bool parse_packet_simple(struct block *b, enum pcapng_item *what)
{
	const struct interface *interface = find_interface(b, 0);
	uint32_t wire_len, captured;
	struct bytes data;

	if (!interface)
		return false;
	if (!take_u32(b->file, &b->body, &wire_len))
		return fail(b->why, "a packet block is too short");
	captured = wire_len;
	if (interface->snap_len && captured > interface->snap_len)
		captured = interface->snap_len;
	if (!take_padded(&b->body, captured, &data))
		return fail(b->why, "a packet is longer than its block");
	*b->frame = (struct pcapng_frame){
		.link = interface->link,
		.data = data,
		.wire_len = wire_len,
	};
	*what = PCAPNG_PACKET;
	return true;
}

/* Section 4.7. */
static bool parse_secrets(struct block *b, enum pcapng_item *what)
{
	uint32_t type, len;
	struct bytes data;

	if (!take_u32(b->file, &b->body, &type) || !take_u32(b->file, &b->body, &len))
		return fail(b->why, "a secrets block is too short");
	if (!take_padded(&b->body, len, &data))
		return fail(b->why, "secrets are longer than their block");
	*b->secrets = (struct pcapng_secrets){ .type = type, .data = data };
	*what = PCAPNG_SECRETS;
	return true;
}

static bool parse_body(uint32_t type, struct block *b, enum pcapng_item *what)
{
	switch (type) {
	case BLOCK_SECTION:
		return parse_section(b, what);
	case BLOCK_INTERFACE:
		return parse_interface(b, what);
	case BLOCK_PACKET:
		return parse_packet(b, what);
	case BLOCK_PACKET_OLD:
		return parse_packet_old(b, what);
	case BLOCK_PACKET_SIMPLE:
		return parse_packet_simple(b, what);
	case BLOCK_SECRETS:
		return parse_secrets(b, what);
	default:
		*what = PCAPNG_NOTHING;
		return true;
	}
}

bool pcapng_block(struct pcapng *p, struct bytes block, enum pcapng_item *what,
		  struct pcapng_frame *frame, struct pcapng_secrets *secrets, const char **why)
{
	struct block b = { .file = p, .frame = frame, .secrets = secrets, .why = why };
	struct bytes rest = block;
	uint32_t type, len, total, trailer;

	if (pcapng_block_len(p, block, &total) != PARSE_OK || total != block.len)
		return fail(why, "a block's length is wrong");
	if (section_order(block, &p->big_endian))
		p->in_section = true;
	if (!take_u32(p, &rest, &type) || !take_u32(p, &rest, &len) ||
	    !bytes_take(&rest, total - BLOCK_OVERHEAD, &b.body) || !take_u32(p, &rest, &trailer))
		return fail(why, "a block is too short");
	if (trailer != total)
		return fail(why, "the two lengths of a block differ");
	return parse_body(type, &b, what);
}

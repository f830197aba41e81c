/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/pcapng_write.h"

#define BYTE_ORDER_MAGIC 0x1a2b3c4d
#define SECRETS_TLS 0x544c534b       /* "TLSK" */
#define NANOSECONDS 9                /* if_tsresol: 10 to the minus this */
#define LENGTH_UNKNOWN UINT64_MAX    /* of a section */

enum option {
	OPTION_END = 0,
	OPTION_COMMENT = 1,
	OPTION_IF_DESCRIPTION = 3,
	OPTION_APPLICATION = 4,      /* of a section */
	OPTION_TSRESOL = 9,
};

/* A block that grows in the caller's memory; `full` when it did not fit. */
struct writer {
	uint8_t *out;
	size_t room, len;
	bool full;
};

static void put_bytes(struct writer *w, struct bytes in)
{
	if (in.len > w->room - w->len) {
		w->full = true;
		w->room = w->len;
		return;
	}
	if (in.len)
		memcpy(w->out + w->len, in.data, in.len);
	w->len += in.len;
}

static void put_number(struct writer *w, unsigned int size, uint64_t value)
{
	uint8_t octets[8];
	unsigned int i;

	for (i = 0; i < size; i++)
		octets[i] = (uint8_t)(value >> 8 * i);
	put_bytes(w, bytes_of(octets, size));
}

/* To the next multiple of four. */
static void put_padding(struct writer *w)
{
	static const uint8_t zeros[3];

	put_bytes(w, bytes_of(zeros, (4 - w->len % 4) % 4));
}

static void put_option(struct writer *w, enum option code, struct bytes value)
{
	put_number(w, 2, code);
	put_number(w, 2, value.len);
	put_bytes(w, value);
	put_padding(w);
}

static void put_text_option(struct writer *w, enum option code, const char *text)
{
	put_option(w, code, bytes_of(text, strlen(text)));
}

static struct writer begin(uint8_t *out, size_t room, enum pcapng_block_type type)
{
	struct writer w = { .out = out, .room = room };

	put_number(&w, 4, type);
	put_number(&w, 4, 0);        /* the length, known at the end */
	return w;
}

static size_t end(struct writer *w)
{
	size_t len = w->len + 4;

	put_number(w, 4, len);
	if (w->full)
		return 0;
	w->len = 4;
	put_number(w, 4, len);
	return len;
}

static uint32_t little(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

enum pcapng_block_type pcapng_written_type(const uint8_t *block)
{
	return (enum pcapng_block_type)little(block);
}

uint32_t pcapng_written_len(const uint8_t *block)
{
	return little(block + 4);
}

size_t pcapng_write_section(uint8_t *out, size_t room, const char *application)
{
	struct writer w = begin(out, room, PCAPNG_BLOCK_SECTION);

	put_number(&w, 4, BYTE_ORDER_MAGIC);
	put_number(&w, 2, 1);        /* version 1.0 */
	put_number(&w, 2, 0);
	put_number(&w, 8, LENGTH_UNKNOWN);
	put_text_option(&w, OPTION_APPLICATION, application);
	put_option(&w, OPTION_END, bytes_of(NULL, 0));
	return end(&w);
}

size_t pcapng_write_interface(uint8_t *out, size_t room, uint16_t link, const char *description)
{
	static const uint8_t resolution = NANOSECONDS;
	struct writer w = begin(out, room, PCAPNG_BLOCK_INTERFACE);

	put_number(&w, 2, link);
	put_number(&w, 2, 0);
	put_number(&w, 4, 0);        /* no limit on a packet's length */
	put_text_option(&w, OPTION_IF_DESCRIPTION, description);
	put_option(&w, OPTION_TSRESOL, bytes_of(&resolution, 1));
	put_option(&w, OPTION_END, bytes_of(NULL, 0));
	return end(&w);
}

size_t pcapng_write_packet(uint8_t *out, size_t room, const struct pcapng_write_packet *packet)
{
	struct writer w = begin(out, room, PCAPNG_BLOCK_PACKET);

	put_number(&w, 4, packet->interface);
	put_number(&w, 4, packet->time_ns >> 32);
	put_number(&w, 4, packet->time_ns & UINT32_MAX);
	put_number(&w, 4, packet->head.len + packet->data.len);
	put_number(&w, 4, packet->wire_len);
	put_bytes(&w, packet->head);
	put_bytes(&w, packet->data);
	put_padding(&w);
	if (packet->comment) {
		put_text_option(&w, OPTION_COMMENT, packet->comment);
		put_option(&w, OPTION_END, bytes_of(NULL, 0));
	}
	return end(&w);
}

static void put_hex(struct writer *w, struct bytes in)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < in.len; i++) {
		put_bytes(w, bytes_of(&digits[in.data[i] >> 4], 1));
		put_bytes(w, bytes_of(&digits[in.data[i] & 15], 1));
	}
}

size_t pcapng_write_secret(uint8_t *out, size_t room, enum keylog_label label,
			   const uint8_t client_random[KEYLOG_RANDOM_LEN], struct bytes secret)
{
	const char *name = keylog_label_name(label);
	struct writer w = begin(out, room, PCAPNG_BLOCK_SECRETS);

	if (secret.len > KEYLOG_SECRET_MAX)
		return 0;
	put_number(&w, 4, SECRETS_TLS);
	put_number(&w, 4, strlen(name) + 1 + 2 * KEYLOG_RANDOM_LEN + 1 + 2 * secret.len + 1);
	put_bytes(&w, bytes_of(name, strlen(name)));
	put_bytes(&w, bytes_of(" ", 1));
	put_hex(&w, bytes_of(client_random, KEYLOG_RANDOM_LEN));
	put_bytes(&w, bytes_of(" ", 1));
	put_hex(&w, secret);
	put_bytes(&w, bytes_of("\n", 1));
	put_padding(&w);
	return end(&w);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From one direction's bytes to handshake messages (RFC 8446 sections 4 and 5, RFC 5246 sections
 * 6.2 and 7.4; SSL 3.0 and TLCP frame alike).
 *
 * The caller feeds bytes as they come, cut anywhere; the reader gives items one at a time. A message
 * that lies whole inside one record and one chunk is given in place; otherwise its bytes are gathered as
 * they arrive, never by what its length field claims. A Certificate message longer than
 * `message_max` is given in parts, so that its certificates can still be hashed as they pass.
 */
#ifndef CERTTAP_TLS_RECORD_H
#define CERTTAP_TLS_RECORD_H

#include "parsers/budget.h"
#include "parsers/bytes.h"
#include "parsers/known.h"

#define TLS_RECORD_HEADER_LEN 5
#define TLS_BODY_MAX (16384 + 2048)      /* RFC 5246 section 6.2.3: TLSCiphertext.length */
#define TLS_MESSAGE_HEADER_LEN 4
#define TLS_MESSAGE_MAX (1u << 20)       /* default of message_max */

enum tls_content_type {
	TLS_CHANGE_CIPHER_SPEC = 20,
	TLS_ALERT = 21,
	TLS_HANDSHAKE = 22,
	TLS_APPLICATION_DATA = 23,
	TLS_HEARTBEAT = 24,
};

enum tls_handshake_type {
	TLS_HELLO_REQUEST = 0,
	TLS_CLIENT_HELLO = 1,
	TLS_SERVER_HELLO = 2,
	TLS_HELLO_VERIFY_REQUEST = 3,
	TLS_NEW_SESSION_TICKET = 4,
	TLS_ENCRYPTED_EXTENSIONS = 8,
	TLS_CERTIFICATE = 11,
	TLS_SERVER_KEY_EXCHANGE = 12,
	TLS_CERTIFICATE_REQUEST = 13,
	TLS_SERVER_HELLO_DONE = 14,
	TLS_CERTIFICATE_VERIFY = 15,
	TLS_CLIENT_KEY_EXCHANGE = 16,
	TLS_FINISHED = 20,
	TLS_CERTIFICATE_URL = 21,
	TLS_CERTIFICATE_STATUS = 22,
	TLS_SUPPLEMENTAL_DATA = 23,
	TLS_COMPRESSED_CERTIFICATE = 25,
	TLS_MESSAGE_HASH = 254,
};

enum tls_item_kind {
	TLS_ITEM_MESSAGE,      /* a whole handshake message: type, body */
	TLS_ITEM_PART,         /* of a Certificate over the limit: type, body, offset, total */
	TLS_ITEM_SKIPPED,      /* any other message over the limit: type, total; its bytes are passed over */
	TLS_ITEM_ALERT,        /* in clear: alert_level, alert_description */
	TLS_ITEM_CIPHER_SPEC,  /* ChangeCipherSpec */
	TLS_ITEM_ENCRYPTED,    /* a record that is not in clear: nothing more to read here */
};

struct tls_item {
	enum tls_item_kind kind;
	uint8_t type;             /* enum tls_handshake_type */
	uint8_t alert_level, alert_description;
	uint16_t record_version;
	struct bytes body;        /* borrowed until the next call */
	const void *known;        /* the value of the known message that this is, or NULL */
	uint32_t offset, total;   /* TLS_ITEM_PART: where body lies in the message of `total` bytes;
				   * TLS_ITEM_ENCRYPTED: the length of the record's body, 0 where nobody knows */
	bool opened;              /* came out of a protected record */
};

/* Application data of one side that is opened in search of handshake messages; beyond, it is over. */
#define TLS_APPLICATION_MAX (1u << 20)

/*
 * Opens protected records, with keys that somebody gave. Only then does it exist: most readers have none.
 */
struct record_cipher;
struct tls_opener {
	struct record_cipher *cipher;
	bool every_type;          /* up to TLS 1.2: all records behind ChangeCipherSpec; else application_data */
	uint8_t type;             /* of what was opened */
	uint32_t sealed_len, opened_len, opened_at;
	uint32_t application;     /* bytes of application data passed over */
	uint8_t *sealed;          /* a record's body as it arrives */
	uint8_t *opened;          /* what was in the last one */
};

struct tls_reader {
	struct tls_opener *opener;
	struct known *known;      /* Certificate messages to compare with in flight, or NULL; set after init */
	struct known_entry *candidate;  /* what the pieces so far are equal to: then nothing is gathered */
	uint8_t *message;         /* gathered bytes of a message that came in pieces */
	uint32_t message_len;     /* bytes gathered, or passed over */
	uint32_t message_capacity;
	uint32_t message_total;   /* body length from the message header */
	uint32_t message_max;
	uint16_t record_left;     /* bytes of the current record's body still to come */
	uint16_t record_len;
	uint16_t record_version;
	uint8_t record_type;
	uint8_t record_header[TLS_RECORD_HEADER_LEN];
	uint8_t record_header_len;
	uint8_t message_header[TLS_MESSAGE_HEADER_LEN];
	uint8_t message_header_len;
	uint8_t alert[2];
	uint8_t alert_len;
	bool cipher_spec_seen : 1;
	bool in_message : 1;      /* the message header is complete, the body is not */
	bool release : 1;         /* `message` was given out by the last call: free it now */
	const char *why;          /* after PARSE_BAD: a static text */
};

void tls_reader_init(struct tls_reader *r, uint32_t message_max);
void tls_reader_fini(struct tls_reader *r, struct budget *memory);

/*
 * Takes from `in` up to the next item. PARSE_OK: `out` is an item, call again. PARSE_MORE: `in` is
 * used up. PARSE_BAD: not TLS from here on, or over the memory budget; `r->why` says what.
 */
enum parse tls_reader_next(struct tls_reader *r, struct budget *memory, struct bytes *in,
			   struct tls_item *out);

/*
 * From the next protected record on, this side is opened with `cipher`, which the reader owns from now on. After
 * a TLS_ITEM_ENCRYPTED the call goes on with that very record. False: no memory; `cipher` is freed.
 */
MUST_CHECK bool tls_reader_protect(struct tls_reader *r, struct budget *memory,
				   struct record_cipher *cipher, bool every_type);
/* The keys open nothing more. */
void tls_reader_unprotect(struct tls_reader *r, struct budget *memory);

/* Is a message begun and not finished? Then its header said `type`, and `total` bytes of body. */
bool tls_reader_unfinished(const struct tls_reader *r, uint8_t *type, uint32_t *have,
			   uint32_t *total);

/* The unfinished message's bytes so far. */
struct bytes tls_reader_gathered(const struct tls_reader *r);

/*
 * After `len` bytes of the stream were lost: can reading go on behind them? True when they lay inside the
 * body of a record whose remaining messages can be told apart again, that is when the loss ends exactly with or
 * within a message that is being passed over. False: the caller must look for a new beginning.
 */
bool tls_reader_lose(struct tls_reader *r, struct budget *memory, uint32_t len);

/* The protocol version of a record or hello: SSL 3.0, TLS 1.0 to 1.3 and TLCP 1.1. */
static inline bool tls_version_plausible(uint16_t version)
{
	return (version >> 8 == 3 && (version & 0xff) <= 4) || version == 0x0101;
}

bool tls_handshake_type_known(uint8_t type);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SSL 2.0 (Hickman, "The SSL Protocol", Netscape 1995; draft-hickman-netscape-ssl-00): what goes
 * in clear before the keys are there. A server's certificate comes in its SERVER-HELLO, one only;
 * a client's is encrypted.
 */
#ifndef CERTTAP_SSLV2_H
#define CERTTAP_SSLV2_H

#include "parsers/tls_hello.h"

enum sslv2_message {
	SSLV2_ERROR = 0,
	SSLV2_CLIENT_HELLO = 1,
	SSLV2_CLIENT_MASTER_KEY = 2,
	SSLV2_SERVER_HELLO = 4,
};

enum sslv2_error {
	SSLV2_NO_CIPHER = 1,
	SSLV2_NO_CERTIFICATE = 2,
	SSLV2_BAD_CERTIFICATE = 4,
	SSLV2_UNSUPPORTED_CERTIFICATE_TYPE = 6,
};

struct sslv2_server_hello {
	bool session_id_hit;           /* resumed: there is no certificate then */
	uint8_t certificate_type;      /* 1: X.509 */
	struct bytes certificate;      /* DER */
	struct bytes cipher_specs;     /* triples, those of the client that the server has too */
	struct bytes connection_id;
};

/*
 * As many bytes as are needed at most to know a SERVER-HELLO: its record header and fixed fields.
 */
#define SSLV2_BEGINNING_LEN 15

/*
 * Takes one record of the clear part, its header of two or three bytes (section 1.1) and padding
 * off. An empty record is PARSE_BAD.
 */
enum parse sslv2_record_next(struct bytes *in, struct bytes *data);

/*
 * Does a SERVER-HELLO begin here? Every length must add up: some 60 bits. PARSE_MORE: so far it
 * does.
 */
enum parse sslv2_server_hello_begins(struct bytes in);

/*
 * Takes a whole SERVER-HELLO. PARSE_BAD: it is not one, known as soon as the fixed fields are
 * there.
 */
enum parse sslv2_server_hello_parse(struct bytes *in, struct sslv2_server_hello *out);

/*
 * Takes a CLIENT-HELLO of SSL 2.0 proper: version 0x0002. One that offers SSL 3.0 or newer in this
 * format is tls_sslv2_hello_parse()'s.
 */
enum parse sslv2_client_hello_parse(struct bytes *in, struct tls_client_hello *out);

/* Takes an ERROR message in clear. */
enum parse sslv2_error_parse(struct bytes *in, uint16_t *error);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/sslv2.h"

#define CONNECTION_ID_MIN 16     /* section 2.6 */
#define CONNECTION_ID_MAX 32
#define SESSION_ID_LEN 16        /* section 2.5 */
#define CHALLENGE_MIN 16
#define CHALLENGE_MAX 32

struct record_header {
	uint16_t len;            /* of the record's data, padding included */
	uint8_t padding;
};

/* Section 1.1; the bit that marks a security escape is reserved and never set. */
static enum parse header_next(struct bytes *in, struct record_header *out)
{
	struct record_header h = { 0 };
	struct bytes rest = *in;
	uint16_t first;

	if (!bytes_u16(&rest, &first))
		return PARSE_MORE;
	h.len = first & 0x7fff;
	if (!(first & 0x8000)) {
		if (first & 0x4000)
			return PARSE_BAD;
		if (!bytes_u8(&rest, &h.padding))
			return PARSE_MORE;
	}
	if (h.len <= h.padding)
		return PARSE_BAD;
	*in = rest;
	*out = h;
	return PARSE_OK;
}

enum parse sslv2_record_next(struct bytes *in, struct bytes *data)
{
	struct record_header header;
	struct bytes rest = *in, body;
	enum parse result = header_next(&rest, &header);

	if (result != PARSE_OK)
		return result;
	if (!bytes_take(&rest, header.len, &body))
		return PARSE_MORE;
	body.len -= header.padding;
	*in = rest;
	*data = body;
	return PARSE_OK;
}

/* The fixed fields of a SERVER-HELLO, section 2.6. */
struct server_fields {
	uint8_t type, hit, certificate_type;
	uint16_t version, certificate, specs, connection_id;
};

static bool fields_next(struct bytes *in, struct server_fields *f)
{
	return bytes_u8(in, &f->type) && bytes_u8(in, &f->hit) &&
	       bytes_u8(in, &f->certificate_type) && bytes_u16(in, &f->version) &&
	       bytes_u16(in, &f->certificate) && bytes_u16(in, &f->specs) &&
	       bytes_u16(in, &f->connection_id);
}

static bool fields_good(const struct server_fields *f, size_t data_len)
{
	if (f->type != SSLV2_SERVER_HELLO || f->hit > 1 || f->version != SSL_2_0 ||
	    11u + f->certificate + f->specs + f->connection_id != data_len ||
	    f->connection_id < CONNECTION_ID_MIN || f->connection_id > CONNECTION_ID_MAX)
		return false;
	if (f->hit)
		return f->certificate == 0 && f->specs == 0;
	return f->certificate_type == 1 && f->certificate >= 2 && f->specs % 3 == 0;
}

enum parse sslv2_server_hello_begins(struct bytes in)
{
	struct record_header header;
	struct server_fields fields;
	enum parse result = header_next(&in, &header);

	if (result != PARSE_OK)
		return result;
	if (in.len > 0 && in.data[0] != SSLV2_SERVER_HELLO)
		return PARSE_BAD;
	if (!fields_next(&in, &fields))
		return PARSE_MORE;
	if (!fields_good(&fields, (size_t)(header.len - header.padding)))
		return PARSE_BAD;
	if (fields.certificate == 0)
		return PARSE_OK;
	if (in.len == 0)
		return PARSE_MORE;
	return in.data[0] == 0x30 ? PARSE_OK : PARSE_BAD;
}

enum parse sslv2_server_hello_parse(struct bytes *in, struct sslv2_server_hello *out)
{
	struct sslv2_server_hello hello = { 0 };
	struct server_fields fields;
	struct bytes rest = *in, body;
	enum parse result = sslv2_server_hello_begins(rest);

	if (result == PARSE_OK)
		result = sslv2_record_next(&rest, &body);
	if (result != PARSE_OK)
		return result;
	if (!fields_next(&body, &fields) ||
	    !bytes_take(&body, fields.certificate, &hello.certificate) ||
	    !bytes_take(&body, fields.specs, &hello.cipher_specs) ||
	    !bytes_take(&body, fields.connection_id, &hello.connection_id))
		return PARSE_BAD;
	hello.session_id_hit = fields.hit == 1;
	hello.certificate_type = fields.certificate_type;
	*in = rest;
	*out = hello;
	return PARSE_OK;
}

/* Section 2.5. */
static bool client_hello_body(struct bytes body, struct tls_client_hello *hello)
{
	uint16_t specs, session_id, challenge;
	uint8_t type;

	return bytes_u8(&body, &type) && type == SSLV2_CLIENT_HELLO &&
	       bytes_u16(&body, &hello->version) && hello->version == SSL_2_0 &&
	       bytes_u16(&body, &specs) && bytes_u16(&body, &session_id) &&
	       bytes_u16(&body, &challenge) && specs > 0 && specs % 3 == 0 &&
	       (session_id == 0 || session_id == SESSION_ID_LEN) && challenge >= CHALLENGE_MIN &&
	       challenge <= CHALLENGE_MAX && bytes_take(&body, specs, &hello->cipher_suites) &&
	       bytes_take(&body, session_id, &hello->session_id) &&
	       bytes_take(&body, challenge, &hello->random) && body.len == 0;
}

enum parse sslv2_client_hello_parse(struct bytes *in, struct tls_client_hello *out)
{
	struct tls_client_hello hello = { .sslv2_format = true };
	struct record_header header;
	struct bytes rest = *in, body;
	enum parse result = header_next(&rest, &header);

	if (result != PARSE_OK)
		return result;
	if (rest.len > 0 && rest.data[0] != SSLV2_CLIENT_HELLO)
		return PARSE_BAD;
	rest = *in;
	result = sslv2_record_next(&rest, &body);
	if (result != PARSE_OK)
		return result;
	if (!client_hello_body(body, &hello))
		return PARSE_BAD;
	hello.version_max = hello.version;
	*in = rest;
	*out = hello;
	return PARSE_OK;
}

static bool error_known(uint16_t code)
{
	return code == SSLV2_NO_CIPHER || code == SSLV2_NO_CERTIFICATE ||
	       code == SSLV2_BAD_CERTIFICATE || code == SSLV2_UNSUPPORTED_CERTIFICATE_TYPE;
}

enum parse sslv2_error_parse(struct bytes *in, uint16_t *error)
{
	struct record_header header;
	struct bytes rest = *in, body;
	enum parse result = header_next(&rest, &header);
	uint16_t code;
	uint8_t type;

	if (result != PARSE_OK)
		return result;
	if (header.len - header.padding != 3)
		return PARSE_BAD;
	rest = *in;
	result = sslv2_record_next(&rest, &body);
	if (result != PARSE_OK)
		return result;
	if (!bytes_u8(&body, &type) || type != SSLV2_ERROR || !bytes_u16(&body, &code) ||
	    !error_known(code))
		return PARSE_BAD;
	*in = rest;
	*error = code;
	return PARSE_OK;
}

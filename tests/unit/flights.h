/* SPDX-License-Identifier: Apache-2.0 */
/* Whole flights of handshakes, for tests of what lies above TLS. */
#ifndef CERTTAP_TESTS_FLIGHTS_H
#define CERTTAP_TESTS_FLIGHTS_H

#include "tests/unit/certs.h"
#include "tests/unit/tls_build.h"

struct flights {
	struct bytes ders[2];           /* leaf and issuer */
	struct buffer hello;            /* ClientHello for "pool.example" */
	struct buffer server;           /* ServerHello, Certificate, ServerKeyExchange, ServerHelloDone */
	size_t certificate_at;          /* where in `server` the Certificate's record begins */
	size_t certificate_end;
	struct buffer client;           /* ClientKeyExchange, ChangeCipherSpec, Finished */
	struct buffer finish;           /* the server's ChangeCipherSpec, Finished */
	struct buffer hello13;
	struct buffer server13;         /* ServerHello, ChangeCipherSpec, encrypted */
};

static inline void flights_hello(struct buffer *out, uint8_t type, const struct hello_build *h)
{
	struct buffer body = { 0 };

	if (type == TLS_CLIENT_HELLO)
		build_client_hello(&body, h);
	else
		build_server_hello(&body, h);
	build_handshake(out, type, buffer_bytes(&body));
	buffer_free(&body);
}

static inline void flights_certificate(struct buffer *out, const struct bytes *ders, size_t num)
{
	struct buffer body = { 0 };

	build_certificate_list(&body, ders, num);
	build_handshake(out, TLS_CERTIFICATE, buffer_bytes(&body));
	buffer_free(&body);
}

static inline void flights_make(struct flights *f)
{
	uint8_t exchange[300];

	*f = (struct flights){ .ders = { cert_make("pool.example", "Issuing CA", 0),
					 cert_make("Issuing CA", "Issuing CA", 0) } };
	memset(exchange, 0xaa, sizeof(exchange));
	flights_hello(&f->hello, TLS_CLIENT_HELLO, &(struct hello_build){ .name = "pool.example" });
	flights_hello(&f->server, TLS_SERVER_HELLO, &(struct hello_build){ 0 });
	f->certificate_at = f->server.len;
	flights_certificate(&f->server, f->ders, 2);
	f->certificate_end = f->server.len;
	build_handshake(&f->server, TLS_SERVER_KEY_EXCHANGE, bytes_of(exchange, sizeof(exchange)));
	build_handshake(&f->server, TLS_SERVER_HELLO_DONE, bytes_of(NULL, 0));
	build_handshake(&f->client, TLS_CLIENT_KEY_EXCHANGE, bytes_of(exchange, 66));
	build_change_cipher_spec(&f->client);
	build_encrypted_finished(&f->client);
	build_change_cipher_spec(&f->finish);
	build_encrypted_finished(&f->finish);
	flights_hello(&f->hello13, TLS_CLIENT_HELLO,
		      &(struct hello_build){ .name = "pool.example", .supported = TLS_1_3 });
	flights_hello(&f->server13, TLS_SERVER_HELLO, &(struct hello_build){ .supported = TLS_1_3 });
	build_change_cipher_spec(&f->server13);
	build_application_data(&f->server13, 900);
}

static inline void flights_free(struct flights *f)
{
	cert_free(f->ders[0]);
	cert_free(f->ders[1]);
	buffer_free(&f->hello);
	buffer_free(&f->server);
	buffer_free(&f->client);
	buffer_free(&f->finish);
	buffer_free(&f->hello13);
	buffer_free(&f->server13);
}

#endif

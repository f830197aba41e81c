/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One handshake of TLS 1.3 as a client, for libraries that bring no program of their own:
 *
 *	tls13 ADDRESS PORT
 *
 * Built once for each, with -DWITH_WOLFSSL, -DWITH_MBEDTLS or -DWITH_BORINGSSL. The certificate is not
 * verified. Exit 0: the handshake was whole.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef WITH_WOLFSSL
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static int handshake(int fd)
{
	WOLFSSL_CTX *context = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
	WOLFSSL *tls;

	wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_NONE, NULL);
	tls = wolfSSL_new(context);
	return wolfSSL_set_fd(tls, fd) == WOLFSSL_SUCCESS && wolfSSL_connect(tls) == WOLFSSL_SUCCESS;
}
#endif

#ifdef WITH_BORINGSSL
#include <openssl/ssl.h>

static int handshake(int fd)
{
	SSL_CTX *context = SSL_CTX_new(TLS_method());
	SSL *tls = SSL_new(context);

	SSL_set_min_proto_version(tls, TLS1_3_VERSION);
	return SSL_set_fd(tls, fd) == 1 && SSL_connect(tls) == 1;
}
#endif

#ifdef WITH_MBEDTLS
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <psa/crypto.h>

static int handshake(int fd)
{
	static mbedtls_entropy_context entropy;
	static mbedtls_ctr_drbg_context random;
	static mbedtls_ssl_config config;
	static mbedtls_ssl_context tls;
	static mbedtls_net_context net;

	psa_crypto_init();
	mbedtls_entropy_init(&entropy);
	mbedtls_ctr_drbg_init(&random);
	mbedtls_ctr_drbg_seed(&random, mbedtls_entropy_func, &entropy, NULL, 0);
	mbedtls_ssl_config_init(&config);
	mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
				    MBEDTLS_SSL_PRESET_DEFAULT);
	mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
	mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &random);
	mbedtls_ssl_conf_min_tls_version(&config, MBEDTLS_SSL_VERSION_TLS1_3);
	mbedtls_ssl_init(&tls);
	mbedtls_ssl_setup(&tls, &config);
	mbedtls_ssl_set_hostname(&tls, NULL);
	net.fd = fd;
	mbedtls_ssl_set_bio(&tls, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
	return mbedtls_ssl_handshake(&tls) == 0;
}
#endif

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (argc != 3 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return 2;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		perror("connect");
		return 1;
	}
	if (handshake(fd))
		return 0;
	fputs("no handshake\n", stderr);
	return 1;
}

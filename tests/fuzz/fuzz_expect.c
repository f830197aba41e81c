/* SPDX-License-Identifier: Apache-2.0 */
/* An expectations file of any bytes: it is read, or refused with a line; what was read can be applied. */
#include <stdlib.h>

#include "parsers/text.h"
#include "userspace/check/expect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(what)          \
	do {                 \
		if (!(what)) \
			abort(); \
	} while (0)

static void check_text(const char *text, size_t most)
{
	struct bytes rest = bytes_of(text, strlen(text));
	uint32_t c;

	CHECK(rest.len > 0 && rest.len < most);
	while (rest.len > 0)
		CHECK(text_take_char(&rest, &c) && c >= 0x20 && (c < 0x7f || c > 0x9f));
}

static void check_violation(void *context, const struct expect_violation *v)
{
	unsigned int *count = context;

	++*count;
	check_text(v->text, EXPECT_TEXT_MAX);
	CHECK(v->severity != SEVERITY_OK && v->line > 0 && v->rule && strcmp(v->file, "e.yaml") == 0);
}

static void apply(struct expect *e)
{
	static const uint8_t hash[32] = { 1 }, address[16] = { [10] = 0xff, 0xff, 192, 0, 2, 21 };
	const struct bytes names[] = { { (const uint8_t *)"pool.example", 12 }, { (const uint8_t *)"*.example", 9 } };
	const struct expect_certificate chain[] = {
		{ .sha256 = hash, .spki_sha256 = hash, .issuer = "CN=Issuing CA", .issuer_cn = "Issuing CA",
		  .names = names, .num_names = 2, .not_after_known = true, .not_after_s = 1000 * 86400,
		  .key = X509_KEY_RSA, .key_bits = 2048, .signature_algorithm = "sha1WithRSAEncryption" },
		{ .sha256 = hash, .issuer = "", .issuer_cn = "", .signature_algorithm = "" },
	};
	struct expect_endpoint endpoint = {
		.address = address, .port = 443, .transport = "tcp", .server_name = "pool.example",
		.unit = "fabric.service", .process = "fabric", .carrier = "plain", .chain = chain, .num = 2,
	};
	unsigned int count = 0;

	CHECK(expect_num_rules(e) > 0);
	expect_judge(e, &endpoint, check_violation, &count);
	endpoint.server_name = NULL;
	endpoint.num = 0;
	expect_judge(e, &endpoint, check_violation, &count);
	expect_unmatched(e, check_violation, &count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct expect *e = NULL;
	char why[512];

	if (expect_parse(bytes_of(data, size), "e.yaml", &e, why, sizeof(why)) != 0) {
		CHECK(!e);
		check_text(why, sizeof(why));
		return 0;
	}
	apply(e);
	expect_free(e);
	return 0;
}

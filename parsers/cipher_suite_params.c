/* SPDX-License-Identifier: Apache-2.0 */
#include "parsers/cipher_suite_params.h"

static const struct suite_cipher_params ciphers[SUITE_NUM_CIPHERS] = {
	[SUITE_CIPHER_NULL] = { NULL, SUITE_MODE_NULL, 0, 0, 0, 0 },
	[SUITE_RC4_128] = { NULL, SUITE_MODE_STREAM, 16, 0, 0, 0 },
	/* EDE with one key three times is DES, which OpenSSL's default provider no longer has. */
	[SUITE_DES_CBC] = { "DES-EDE3-CBC", SUITE_MODE_CBC, 8, 8, 0, 0 },
	[SUITE_3DES_EDE_CBC] = { "DES-EDE3-CBC", SUITE_MODE_CBC, 24, 8, 0, 0 },
	[SUITE_IDEA_CBC] = { "IDEA-CBC", SUITE_MODE_CBC, 16, 8, 0, 0 },
	[SUITE_SEED_CBC] = { "SEED-CBC", SUITE_MODE_CBC, 16, 16, 0, 0 },
	[SUITE_AES_128_CBC] = { "AES-128-CBC", SUITE_MODE_CBC, 16, 16, 0, 0 },
	[SUITE_AES_256_CBC] = { "AES-256-CBC", SUITE_MODE_CBC, 32, 16, 0, 0 },
	[SUITE_CAMELLIA_128_CBC] = { "CAMELLIA-128-CBC", SUITE_MODE_CBC, 16, 16, 0, 0 },
	[SUITE_CAMELLIA_256_CBC] = { "CAMELLIA-256-CBC", SUITE_MODE_CBC, 32, 16, 0, 0 },
	[SUITE_ARIA_128_CBC] = { "ARIA-128-CBC", SUITE_MODE_CBC, 16, 16, 0, 0 },
	[SUITE_ARIA_256_CBC] = { "ARIA-256-CBC", SUITE_MODE_CBC, 32, 16, 0, 0 },
	[SUITE_SM4_CBC] = { "SM4-CBC", SUITE_MODE_CBC, 16, 16, 0, 0 },
	[SUITE_AES_128_GCM] = { "AES-128-GCM", SUITE_MODE_GCM, 16, 0, 4, 16 },
	[SUITE_AES_256_GCM] = { "AES-256-GCM", SUITE_MODE_GCM, 32, 0, 4, 16 },
	[SUITE_ARIA_128_GCM] = { "ARIA-128-GCM", SUITE_MODE_GCM, 16, 0, 4, 16 },
	[SUITE_ARIA_256_GCM] = { "ARIA-256-GCM", SUITE_MODE_GCM, 32, 0, 4, 16 },
	[SUITE_SM4_GCM] = { "SM4-GCM", SUITE_MODE_GCM, 16, 0, 4, 16 },
	[SUITE_AES_128_CCM] = { "AES-128-CCM", SUITE_MODE_CCM, 16, 0, 4, 16 },
	[SUITE_AES_256_CCM] = { "AES-256-CCM", SUITE_MODE_CCM, 32, 0, 4, 16 },
	[SUITE_AES_128_CCM_8] = { "AES-128-CCM", SUITE_MODE_CCM, 16, 0, 4, 8 },
	[SUITE_AES_256_CCM_8] = { "AES-256-CCM", SUITE_MODE_CCM, 32, 0, 4, 8 },
	[SUITE_SM4_CCM] = { "SM4-CCM", SUITE_MODE_CCM, 16, 0, 4, 16 },
	[SUITE_CHACHA20_POLY1305] = { "ChaCha20-Poly1305", SUITE_MODE_POLY1305, 32, 0, 12, 16 },
};

static const struct {
	const char *name;
	uint8_t len;
} hashes[SUITE_NUM_HASHES] = {
	[SUITE_MD5] = { "MD5", 16 },       [SUITE_SHA1] = { "SHA1", 20 },
	[SUITE_SHA256] = { "SHA256", 32 }, [SUITE_SHA384] = { "SHA384", 48 },
	[SUITE_SM3] = { "SM3", 32 },
};

/* clang-format off */
static const uint16_t null_md5[] = {
	0x0001,
};
static const uint16_t null_sha[] = {
	0x0002, 0x002c, 0x002d, 0x002e, 0xc001, 0xc006, 0xc00b, 0xc010, 0xc015, 0xc039,
};
static const uint16_t null_sha256[] = {
	0x003b, 0x00b0, 0x00b4, 0x00b8, 0xc03a,
};
static const uint16_t null_sha384[] = {
	0x00b1, 0x00b5, 0x00b9, 0xc03b,
};
static const uint16_t rc4_128_md5[] = {
	0x0004, 0x0018, 0x0024,
};
static const uint16_t rc4_128_sha[] = {
	0x0005, 0x0020, 0x0066, 0x008a, 0x008e, 0x0092, 0xc002, 0xc007, 0xc00c, 0xc011, 0xc016,
	0xc033,
};
static const uint16_t des_cbc_md5[] = {
	0x0022,
};
static const uint16_t des_cbc_sha[] = {
	0x0009, 0x000c, 0x000f, 0x0012, 0x0015, 0x001a, 0x001e,
};
static const uint16_t triple_des_cbc_md5[] = {
	0x0023,
};
static const uint16_t triple_des_cbc_sha[] = {
	0x000a, 0x000d, 0x0010, 0x0013, 0x0016, 0x001b, 0x001f, 0x008b, 0x008f, 0x0093, 0xc003,
	0xc008, 0xc00d, 0xc012, 0xc017, 0xc01a, 0xc01b, 0xc01c, 0xc034,
};
static const uint16_t idea_cbc_md5[] = {
	0x0025,
};
static const uint16_t idea_cbc_sha[] = {
	0x0007, 0x0021,
};
static const uint16_t seed_cbc_sha[] = {
	0x0096, 0x0097, 0x0098, 0x0099, 0x009a, 0x009b,
};
static const uint16_t aes_128_cbc_sha[] = {
	0x002f, 0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x008c, 0x0090, 0x0094, 0xc004, 0xc009,
	0xc00e, 0xc013, 0xc018, 0xc01d, 0xc01e, 0xc01f, 0xc035,
};
static const uint16_t aes_128_cbc_sha256[] = {
	0x003c, 0x003e, 0x003f, 0x0040, 0x0067, 0x006c, 0x00ae, 0x00b2, 0x00b6, 0xc023, 0xc025,
	0xc027, 0xc029, 0xc037,
};
static const uint16_t aes_256_cbc_sha[] = {
	0x0035, 0x0036, 0x0037, 0x0038, 0x0039, 0x003a, 0x008d, 0x0091, 0x0095, 0xc005, 0xc00a,
	0xc00f, 0xc014, 0xc019, 0xc020, 0xc021, 0xc022, 0xc036,
};
static const uint16_t aes_256_cbc_sha256[] = {
	0x003d, 0x0068, 0x0069, 0x006a, 0x006b, 0x006d,
};
static const uint16_t aes_256_cbc_sha384[] = {
	0x00af, 0x00b3, 0x00b7, 0xc024, 0xc026, 0xc028, 0xc02a, 0xc038,
};
static const uint16_t camellia_128_cbc_sha[] = {
	0x0041, 0x0042, 0x0043, 0x0044, 0x0045, 0x0046,
};
static const uint16_t camellia_128_cbc_sha256[] = {
	0x00ba, 0x00bb, 0x00bc, 0x00bd, 0x00be, 0x00bf, 0xc072, 0xc074, 0xc076, 0xc078, 0xc094,
	0xc096, 0xc098, 0xc09a,
};
static const uint16_t camellia_256_cbc_sha[] = {
	0x0084, 0x0085, 0x0086, 0x0087, 0x0088, 0x0089,
};
static const uint16_t camellia_256_cbc_sha256[] = {
	0x00c0, 0x00c1, 0x00c2, 0x00c3, 0x00c4, 0x00c5,
};
static const uint16_t camellia_256_cbc_sha384[] = {
	0xc073, 0xc075, 0xc077, 0xc079, 0xc095, 0xc097, 0xc099, 0xc09b,
};
static const uint16_t aria_128_cbc_sha256[] = {
	0xc03c, 0xc03e, 0xc040, 0xc042, 0xc044, 0xc046, 0xc048, 0xc04a, 0xc04c, 0xc04e, 0xc064,
	0xc066, 0xc068, 0xc070,
};
static const uint16_t aria_256_cbc_sha384[] = {
	0xc03d, 0xc03f, 0xc041, 0xc043, 0xc045, 0xc047, 0xc049, 0xc04b, 0xc04d, 0xc04f, 0xc065,
	0xc067, 0xc069, 0xc071,
};
static const uint16_t sm4_cbc_sm3[] = {
	0xe011, 0xe013,
};
static const uint16_t aes_128_gcm_sha256[] = {
	0x009c, 0x009e, 0x00a0, 0x00a2, 0x00a4, 0x00a6, 0x00a8, 0x00aa, 0x00ac, 0x1301, 0xc02b,
	0xc02d, 0xc02f, 0xc031, 0xc0b0, 0xd001,
};
static const uint16_t aes_256_gcm_sha384[] = {
	0x009d, 0x009f, 0x00a1, 0x00a3, 0x00a5, 0x00a7, 0x00a9, 0x00ab, 0x00ad, 0x1302, 0xc02c,
	0xc02e, 0xc030, 0xc032, 0xc0b1, 0xd002,
};
static const uint16_t aria_128_gcm_sha256[] = {
	0xc050, 0xc052, 0xc054, 0xc056, 0xc058, 0xc05a, 0xc05c, 0xc05e, 0xc060, 0xc062, 0xc06a,
	0xc06c, 0xc06e,
};
static const uint16_t aria_256_gcm_sha384[] = {
	0xc051, 0xc053, 0xc055, 0xc057, 0xc059, 0xc05b, 0xc05d, 0xc05f, 0xc061, 0xc063, 0xc06b,
	0xc06d, 0xc06f,
};
static const uint16_t sm4_gcm_sm3[] = {
	0x00c6, 0xe051, 0xe053,
};
static const uint16_t aes_128_ccm_sha256[] = {
	0x1304, 0xc09c, 0xc09e, 0xc0a4, 0xc0a6, 0xc0ac, 0xc0b2, 0xd005,
};
static const uint16_t aes_256_ccm_sha256[] = {
	0xc09d, 0xc09f, 0xc0a5, 0xc0a7, 0xc0ad,
};
static const uint16_t aes_256_ccm_sha384[] = {
	0xc0b3,
};
static const uint16_t aes_128_ccm_8_sha256[] = {
	0x1305, 0xc0a0, 0xc0a2, 0xc0a8, 0xc0aa, 0xc0ae, 0xc0ff, 0xd003,
};
static const uint16_t aes_256_ccm_8_sha256[] = {
	0xc0a1, 0xc0a3, 0xc0a9, 0xc0ab, 0xc0af,
};
static const uint16_t sm4_ccm_sm3[] = {
	0x00c7,
};
static const uint16_t chacha20_poly1305_sha256[] = {
	0x1303, 0xcca8, 0xcca9, 0xccaa, 0xccab, 0xccac, 0xccad, 0xccae,
};
/* clang-format on */
static const struct {
	const uint16_t *suites;
	uint8_t count;
	struct suite_params params;
} groups[] = {
#define GROUP(list, cipher, mac, prf) { list, ARRAY_SIZE(list), { cipher, mac, prf } }
	GROUP(null_md5, SUITE_CIPHER_NULL, SUITE_MD5, SUITE_SHA256),
	GROUP(null_sha, SUITE_CIPHER_NULL, SUITE_SHA1, SUITE_SHA256),
	GROUP(null_sha256, SUITE_CIPHER_NULL, SUITE_SHA256, SUITE_SHA256),
	GROUP(null_sha384, SUITE_CIPHER_NULL, SUITE_SHA384, SUITE_SHA384),
	GROUP(rc4_128_md5, SUITE_RC4_128, SUITE_MD5, SUITE_SHA256),
	GROUP(rc4_128_sha, SUITE_RC4_128, SUITE_SHA1, SUITE_SHA256),
	GROUP(des_cbc_md5, SUITE_DES_CBC, SUITE_MD5, SUITE_SHA256),
	GROUP(des_cbc_sha, SUITE_DES_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(triple_des_cbc_md5, SUITE_3DES_EDE_CBC, SUITE_MD5, SUITE_SHA256),
	GROUP(triple_des_cbc_sha, SUITE_3DES_EDE_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(idea_cbc_md5, SUITE_IDEA_CBC, SUITE_MD5, SUITE_SHA256),
	GROUP(idea_cbc_sha, SUITE_IDEA_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(seed_cbc_sha, SUITE_SEED_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(aes_128_cbc_sha, SUITE_AES_128_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(aes_128_cbc_sha256, SUITE_AES_128_CBC, SUITE_SHA256, SUITE_SHA256),
	GROUP(aes_256_cbc_sha, SUITE_AES_256_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(aes_256_cbc_sha256, SUITE_AES_256_CBC, SUITE_SHA256, SUITE_SHA256),
	GROUP(aes_256_cbc_sha384, SUITE_AES_256_CBC, SUITE_SHA384, SUITE_SHA384),
	GROUP(camellia_128_cbc_sha, SUITE_CAMELLIA_128_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(camellia_128_cbc_sha256, SUITE_CAMELLIA_128_CBC, SUITE_SHA256, SUITE_SHA256),
	GROUP(camellia_256_cbc_sha, SUITE_CAMELLIA_256_CBC, SUITE_SHA1, SUITE_SHA256),
	GROUP(camellia_256_cbc_sha256, SUITE_CAMELLIA_256_CBC, SUITE_SHA256, SUITE_SHA256),
	GROUP(camellia_256_cbc_sha384, SUITE_CAMELLIA_256_CBC, SUITE_SHA384, SUITE_SHA384),
	GROUP(aria_128_cbc_sha256, SUITE_ARIA_128_CBC, SUITE_SHA256, SUITE_SHA256),
	GROUP(aria_256_cbc_sha384, SUITE_ARIA_256_CBC, SUITE_SHA384, SUITE_SHA384),
	GROUP(sm4_cbc_sm3, SUITE_SM4_CBC, SUITE_SM3, SUITE_SM3),
	GROUP(aes_128_gcm_sha256, SUITE_AES_128_GCM, SUITE_SHA256, SUITE_SHA256),
	GROUP(aes_256_gcm_sha384, SUITE_AES_256_GCM, SUITE_SHA384, SUITE_SHA384),
	GROUP(aria_128_gcm_sha256, SUITE_ARIA_128_GCM, SUITE_SHA256, SUITE_SHA256),
	GROUP(aria_256_gcm_sha384, SUITE_ARIA_256_GCM, SUITE_SHA384, SUITE_SHA384),
	GROUP(sm4_gcm_sm3, SUITE_SM4_GCM, SUITE_SM3, SUITE_SM3),
	GROUP(aes_128_ccm_sha256, SUITE_AES_128_CCM, SUITE_SHA256, SUITE_SHA256),
	GROUP(aes_256_ccm_sha256, SUITE_AES_256_CCM, SUITE_SHA256, SUITE_SHA256),
	GROUP(aes_256_ccm_sha384, SUITE_AES_256_CCM, SUITE_SHA384, SUITE_SHA384),
	GROUP(aes_128_ccm_8_sha256, SUITE_AES_128_CCM_8, SUITE_SHA256, SUITE_SHA256),
	GROUP(aes_256_ccm_8_sha256, SUITE_AES_256_CCM_8, SUITE_SHA256, SUITE_SHA256),
	GROUP(sm4_ccm_sm3, SUITE_SM4_CCM, SUITE_SM3, SUITE_SM3),
	GROUP(chacha20_poly1305_sha256, SUITE_CHACHA20_POLY1305, SUITE_SHA256, SUITE_SHA256),
#undef GROUP
};

bool cipher_suite_params(uint16_t suite, struct suite_params *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		for (size_t k = 0; k < groups[i].count; k++) {
			if (groups[i].suites[k] == suite) {
				*out = groups[i].params;
				return true;
			}
		}
	}
	return false;
}

bool cipher_suite_is_tls13(uint16_t suite)
{
	return (suite >= 0x1301 && suite <= 0x1305) || suite == 0x00c6 || suite == 0x00c7;
}

const struct suite_cipher_params *suite_cipher_params(enum suite_cipher cipher)
{
	return &ciphers[cipher];
}

const char *suite_hash_name(enum suite_hash hash)
{
	return hashes[hash].name;
}

size_t suite_hash_len(enum suite_hash hash)
{
	return hashes[hash].len;
}

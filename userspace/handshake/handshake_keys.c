/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/handshake/handshake_keys.h"

#include <stdlib.h>

#include <openssl/crypto.h>

#include "parsers/quic.h"
#include "parsers/record_protection.h"
#include "parsers/tls_hello.h"
#include "userspace/handshake/caught.h"
#include "userspace/handshake/handshake_parts.h"
#include "userspace/handshake/keys.h"
#include "userspace/write/capture_writer.h"

#define INNER_TRIED_MAX 64
#define CAUGHT_TRIED_MAX 256     /* of one handshake; some 15 us each */

static bool keys_ensure(struct tracker *t, struct handshake *h)
{
	if (h->keys || (!t->keys && !t->caught))
		return h->keys != NULL;
	h->keys = calloc(1, sizeof(*h->keys));
	t->counters.no_memory += !h->keys;
	return h->keys != NULL;
}

void handshake_keys_client_hello(struct tracker *t, struct handshake *h,
				 const struct tls_client_hello *hello)
{
	if (hello->random.len != sizeof(h->keys->client_random) || !keys_ensure(t, h))
		return;
	memcpy(h->keys->client_random, hello->random.data, sizeof(h->keys->client_random));
	h->keys->has_client_random = true;
}

static enum keylog_label handshake_label(const struct handshake *h, unsigned int side)
{
	return side == h->client_side ? KEYLOG_CLIENT_HANDSHAKE_TRAFFIC_SECRET :
					KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET;
}

static enum caught_label caught_label(const struct handshake *h, unsigned int side)
{
	return side == h->client_side ? CAUGHT_CLIENT_HANDSHAKE : CAUGHT_SERVER_HANDSHAKE;
}

/* Opens the side's records with this secret from now on. */
static bool use_secret(struct tracker *t, struct handshake *h, unsigned int side, struct bytes secret,
		       enum witness witness)
{
	struct record_cipher *cipher;
	const char *why;

	h->keys->witness[side] = witness;
	if (h->quic) {
		h->keys->used[side] = quic_secret(h->quic, &t->memory, side, h->s.cipher, secret);
		return h->keys->used[side];
	}
	cipher = record_cipher_tls13(t->hkdf, h->s.cipher, h->keys->draft, secret, &why);
	if (!cipher)
		return false;
	h->keys->used[side] = tls_reader_protect(&h->reader[side], &t->memory, cipher, false);
	return h->keys->used[side];
}

/*
 * A secret that a probe caught, by the transcript's hash or, where the library gave it, by the client random. The
 * caller wipes the copy.
 */
static bool find_caught(struct tracker *t, const struct handshake *h, unsigned int side,
			struct caught_secret *out)
{
	const struct handshake_keys *k = h->keys;
	enum caught_label label = caught_label(h, side);

	if (!t->caught)
		return false;
	return (k->transcript_hash_len &&
		caught_find(t->caught, label, bytes_of(k->transcript_hash, k->transcript_hash_len), out)) ||
	       caught_find(t->caught, label, bytes_of(k->client_random, sizeof(k->client_random)), out);
}

static bool use_caught(struct tracker *t, struct handshake *h, unsigned int side)
{
	struct caught_secret secret;
	bool used;

	if (!find_caught(t, h, side, &secret))
		return false;
	used = use_secret(t, h, side, bytes_of(secret.secret, secret.secret_len), WITNESS_SECRET);
	OPENSSL_cleanse(&secret, sizeof(secret));
	if (used)
		caught_used(t->caught);
	return used;
}

static bool use_secret13(struct tracker *t, struct handshake *h, unsigned int side,
			 enum keylog_label label)
{
	struct bytes secret;

	if (t->keys && keys_find(t->keys, h->keys->client_random, label, &secret)) {
		keys_claim(t->keys, h->keys->client_random, label);
		return use_secret(t, h, side, secret, WITNESS_KEYLOG);
	}
	return label == handshake_label(h, side) && use_caught(t, h, side);
}

/* Who brings the secret later finds the flow by either. */
static void wait_for_caught(struct tracker *t, struct flow *flow)
{
	struct handshake_keys *k = flow->handshake->keys;

	if (!t->caught)
		return;
	k->waits = flow;
	if (k->transcript_hash_len)
		caught_wait(t->caught, bytes_of(k->transcript_hash, k->transcript_hash_len), flow);
	caught_wait(t->caught, bytes_of(k->client_random, sizeof(k->client_random)), flow);
}

/*
 * Not known, or not certain, is what the secret is known by: nobody has seen the ClientHello, all of it, or not the one
 * that counts (RFC 9849).
 */
static bool is_nameless(const struct handshake *h)
{
	return h->s.has_ech || !h->keys->transcript_hash_len;
}

static void wait_for_any(struct tracker *t, struct flow *flow)
{
	struct handshake_keys *k = flow->handshake->keys;

	if (t->caught && !k->trial && is_nameless(flow->handshake))
		k->trial = caught_trial_begin(t->caught, flow);
}

static void wait_no_more(struct tracker *t, struct handshake_keys *k)
{
	caught_trial_end(k->trial);
	k->trial = NULL;
	if (!k->waits)
		return;
	caught_wait_no_more(t->caught, bytes_of(k->transcript_hash, k->transcript_hash_len), k->waits);
	caught_wait_no_more(t->caught, bytes_of(k->client_random, sizeof(k->client_random)), k->waits);
	k->waits = NULL;
}

void handshake_keys_transcript(struct tracker *t, struct handshake *h, uint8_t type, struct bytes body)
{
	if (t->caught && h->s.protocol != PROTOCOL_DTLS && keys_ensure(t, h))
		tls_transcript_add(&h->keys->transcript, &t->memory, type, body);
}

/* The ServerHello is in: the hash is what the secrets are known by. */
static void finish_transcript(struct tracker *t, struct handshake_keys *k, uint16_t suite)
{
	k->transcript_hash_len = (uint8_t)tls_transcript_hash(&k->transcript, suite, k->transcript_hash);
	tls_transcript_fini(&k->transcript, &t->memory);
}

static uint64_t generation(const struct tracker *t)
{
	return (t->keys ? keys_generation(t->keys) : 0) + (t->caught ? caught_counters(t->caught)->caught : 0);
}

bool handshake_keys_server_hello(struct tracker *t, struct flow *flow, unsigned int side,
				 const struct tls_server_hello *hello)
{
	struct handshake *h = flow->handshake;
	struct handshake_keys *k;

	if (!keys_ensure(t, h))
		return false;
	k = h->keys;
	if (hello->is_hello_retry) {
		tls_transcript_retried(&k->transcript);
		return false;
	}
	memcpy(k->server_random, hello->random.data, sizeof(k->server_random));
	k->draft = hello->draft;
	k->encrypt_then_mac = hello->encrypt_then_mac;
	/* Captured before the ClientHello, which names the secrets: what follows is held for it. */
	if (!k->has_client_random) {
		if (hello->version == TLS_1_3)
			wait_for_any(t, flow);
		return false;
	}
	finish_transcript(t, k, hello->cipher_suite);
	if (dtls_version_as_tls(hello->version) != TLS_1_3)
		return false;
	if (hello->version == DTLS_1_3)
		return true;
	k->generation = generation(t);
	if (!use_secret13(t, h, side, handshake_label(h, side))) {
		wait_for_caught(t, flow);
		wait_for_any(t, flow);
	}
	use_secret13(t, h, !side, handshake_label(h, !side));
	return true;
}

bool handshake_keys_changed(struct tracker *t, struct handshake *h)
{
	if (!h->keys || h->keys->generation == generation(t))
		return false;
	h->keys->generation = generation(t);
	return true;
}

void handshake_keys_cipher_spec(struct tracker *t, struct handshake *h, unsigned int side)
{
	struct record_tls12_keys keys = {
		.suite = h->s.cipher, .version = h->s.version, .is_server = side != h->client_side,
	};
	struct handshake_keys *k = h->keys;
	struct record_cipher *cipher;
	const char *why;

	if (!k || !t->keys || !k->has_client_random || h->s.version >= TLS_1_3 ||
	    !keys_find(t->keys, k->client_random, KEYLOG_CLIENT_RANDOM, &keys.master_secret))
		return;
	keys.client_random = bytes_of(k->client_random, sizeof(k->client_random));
	keys.server_random = bytes_of(k->server_random, sizeof(k->server_random));
	keys.encrypt_then_mac = k->encrypt_then_mac;
	cipher = record_cipher_tls12(&keys, &why);
	k->witness[side] = WITNESS_KEYLOG;
	if (cipher)
		k->used[side] = tls_reader_protect(&h->reader[side], &t->memory, cipher, true);
}

void handshake_keys_finished(struct tracker *t, struct handshake *h, unsigned int side)
{
	if (!h->keys || h->s.version != TLS_1_3)
		return;
	/* Only a client shows a certificate later (RFC 8446 section 4.6.2). */
	if (side != h->client_side || !use_secret13(t, h, side, KEYLOG_CLIENT_TRAFFIC_SECRET_0))
		tls_reader_unprotect(&h->reader[side], &t->memory);
}

bool handshake_keys_may_come(const struct tracker *t, const struct handshake *h, unsigned int side)
{
	return t->keys || (t->caught && (t->client_secrets || side != h->client_side));
}

bool handshake_keys_wait(struct tracker *t, struct handshake *h, unsigned int side,
			 enum tls_item_kind kind)
{
	struct handshake_keys *k = h->keys;
	bool unanswered = k && k->has_client_random && !h->s.version && !h->recorded[ROLE_SERVER];

	/* What was opened once and does not any more is application data. */
	if (!k || k->used[side] ||
	    (!unanswered && (kind != TLS_ITEM_ENCRYPTED || !handshake_is_tls13(h->s.version) ||
			     !handshake_keys_may_come(t, h, side))))
		return false;
	k->holding[side] = true;
	return true;
}

bool handshake_keys_wanted(const struct handshake *h)
{
	return handshake_keys_holding(h) || (h->keys && h->quic && (quic_holds(h->quic, 0) || quic_holds(h->quic, 1)));
}

static void held_free(struct tracker *t, struct handshake_keys *k, unsigned int side)
{
	budget_give(&t->memory, k->held_capacity[side]);
	free(k->held[side]);
	k->held[side] = NULL;
	k->held_len[side] = k->held_capacity[side] = 0;
	k->holding[side] = false;
}

bool handshake_keys_hold(struct tracker *t, struct handshake *h, unsigned int side, struct bytes in)
{
	struct handshake_keys *k = h->keys;
	uint32_t capacity = k->held_capacity[side];
	uint8_t *larger;

	if (in.len > KEYS_HELD_MAX - k->held_len[side])
		goto full;
	/* Even the wait for a record that has not begun costs something: so the memory limits how many wait. */
	if (!capacity || k->held_len[side] + in.len > capacity) {
		capacity = capacity ? capacity * 2 : 2048;
		while (capacity < k->held_len[side] + in.len)
			capacity *= 2;
		if (!budget_take(&t->memory, capacity - k->held_capacity[side]))
			goto full;
		larger = realloc(k->held[side], capacity);
		if (!larger) {
			budget_give(&t->memory, capacity - k->held_capacity[side]);
			goto full;
		}
		k->held[side] = larger;
		k->held_capacity[side] = capacity;
	}
	if (in.len)
		memcpy(k->held[side] + k->held_len[side], in.data, in.len);
	k->held_len[side] += (uint32_t)in.len;
	return true;
full:
	t->counters.not_held++;
	held_free(t, k, side);
	return false;
}

/* Does this secret open the record that waits first, or one of the packets that do? */
static bool opens(struct tracker *t, const struct handshake *h, unsigned int side, struct bytes secret)
{
	const struct tls_reader *r = &h->reader[side];
	struct bytes body = bytes_of(h->keys->held[side], r->record_left);
	uint8_t opened[RECORD_OPEN_MAX], type;
	struct record_cipher *cipher;
	const char *why;
	bool does;
	size_t len;

	if (h->quic)
		return quic_secret(h->quic, &t->memory, side, h->s.cipher, secret);
	cipher = record_cipher_tls13(t->hkdf, h->s.cipher, h->keys->draft, secret, &why);
	does = cipher && record_open(cipher, r->record_type, r->record_version, body, opened,
				     sizeof(opened), &len, &type) == PARSE_OK;
	record_cipher_free(cipher);
	return does;
}

/* Is there what proves a secret? */
static bool proof_held(const struct handshake *h, unsigned int side)
{
	return h->quic ? quic_holds(h->quic, side) : h->keys->held_len[side] >= h->reader[side].record_left;
}

/*
 * With an encrypted ClientHello the secrets are logged under the inner one's random, which nobody sees: those that
 * belong to no other connection are tried, and the record's tag is the proof.
 */
static bool use_inner(struct tracker *t, struct handshake *h, unsigned int side)
{
	const enum keylog_label label = KEYLOG_SERVER_HANDSHAKE_TRAFFIC_SECRET;
	const uint8_t *randoms[INNER_TRIED_MAX];
	struct handshake_keys *k = h->keys;
	uint64_t since = k->inner_tried;
	struct bytes secret;
	unsigned int i, num;

	if (!t->keys || !h->s.has_ech || side == h->client_side || since == keys_generation(t->keys) ||
	    !proof_held(h, side))
		return false;
	/* Many a client sends an encrypted ClientHello that is none (RFC 9849 section 6.2): no secret is tried twice. */
	k->inner_tried = keys_generation(t->keys);
	num = keys_unclaimed(t->keys, label, since, randoms, INNER_TRIED_MAX);
	for (i = 0; i < num; i++) {
		if (!keys_find(t->keys, randoms[i], label, &secret) || !opens(t, h, side, secret))
			continue;
		memcpy(k->client_random, randoms[i], sizeof(k->client_random));
		return use_secret13(t, h, side, label);
	}
	return false;
}

/* By what this secret is known, this handshake's other one is found too. */
static void know_by(struct handshake_keys *k, const struct caught_secret *secret)
{
	if (secret->join == CAUGHT_BY_TRANSCRIPT) {
		memcpy(k->transcript_hash, secret->id, sizeof(k->transcript_hash));
		k->transcript_hash_len = secret->id_len;
	} else {
		memcpy(k->client_random, secret->id, sizeof(k->client_random));
		k->has_client_random = true;
	}
}

/* The same with the secrets that probes caught, where they cannot be told apart by name. */
static bool use_unpaired(struct tracker *t, struct handshake *h, unsigned int side)
{
	struct handshake_keys *k = h->keys;
	uint64_t since = k->caught_tried;
	struct caught_secret secret;
	bool found = false;
	uint32_t at = 0;

	if (!t->caught || side == h->client_side || !is_nameless(h) ||
	    since == caught_counters(t->caught)->caught || !proof_held(h, side))
		return false;
	k->caught_tried = caught_counters(t->caught)->caught;
	while (!found && k->num_tried < CAUGHT_TRIED_MAX &&
	       caught_next(t->caught, CAUGHT_SERVER_HANDSHAKE, since, &at, &secret)) {
		k->num_tried++;
		found = opens(t, h, side, bytes_of(secret.secret, secret.secret_len));
		if (found) {
			wait_no_more(t, k);
			know_by(k, &secret);
		}
		OPENSSL_cleanse(&secret, sizeof(secret));
	}
	return found && use_caught(t, h, side);
}

/* Is there what the side waits for: a secret, a hello that names it, or the ServerHello that says that none is needed? */
static bool waiting_over(struct tracker *t, struct handshake *h, unsigned int side)
{
	bool again;

	if (!h->s.version)
		return false;
	if (h->s.protocol == PROTOCOL_DTLS)
		return h->s.version != DTLS_1_3 || handshake_keys_dtls(t, h, side);
	/* Another ClientHello comes first, in clear; what is behind it waits again. */
	if (h->hello_retry) {
		again = !h->keys->retried[side];
		h->keys->retried[side] = true;
		return again;
	}
	if (!handshake_is_tls13(h->s.version)) {
		if (h->cipher_spec[side])
			handshake_keys_cipher_spec(t, h, side);
		return true;
	}
	return use_secret13(t, h, side, handshake_label(h, side)) || use_inner(t, h, side) ||
	       use_unpaired(t, h, side);
}

bool handshake_keys_arrived(struct tracker *t, struct handshake *h, unsigned int side,
			    uint8_t **data, struct bytes *held)
{
	struct handshake_keys *k = h->keys;

	if (!k || !k->holding[side] || !waiting_over(t, h, side))
		return false;
	*data = k->held[side];
	*held = bytes_of(k->held[side], k->held_len[side]);
	budget_give(&t->memory, k->held_capacity[side]);
	k->held[side] = NULL;
	k->held_len[side] = k->held_capacity[side] = 0;
	k->holding[side] = false;
	return true;
}

bool handshake_keys_quic_arrived(struct tracker *t, struct handshake *h)
{
	struct handshake_keys *k = h->keys;
	bool changed, arrived = false;
	unsigned int i, side;

	if (!k || !k->has_client_random || h->s.version != TLS_1_3)
		return false;
	changed = handshake_keys_changed(t, h);
	/* The server's first: it may show that the client's is logged under another random. */
	for (i = 0; i < 2; i++) {
		side = i == 0 ? !h->client_side : h->client_side;
		if (!k->used[side] && ((changed && use_secret13(t, h, side, handshake_label(h, side))) ||
				       use_inner(t, h, side) || use_unpaired(t, h, side)))
			changed = arrived = true;
	}
	return arrived;
}

struct record_cipher *handshake_keys_dtls(struct tracker *t, struct handshake *h, unsigned int side)
{
	struct handshake_keys *k = h->keys;
	struct bytes secret;
	const char *why;

	if (!k->dtls[side] && k->has_client_random && t->keys &&
	    keys_find(t->keys, k->client_random, handshake_label(h, side), &secret)) {
		keys_claim(t->keys, k->client_random, handshake_label(h, side));
		k->dtls[side] = record_cipher_dtls13(t->hkdf, h->s.cipher, secret, &why);
	}
	k->witness[side] = WITNESS_KEYLOG;
	k->used[side] = k->dtls[side] != NULL;
	return k->dtls[side];
}

/* Has a message been read that only this side's protected records bring? */
static bool has_opened(const struct handshake *h, unsigned int side)
{
	uint32_t protected = side == h->client_side ? 1u << TLS_CERTIFICATE | 1u << TLS_FINISHED :
						      1u << TLS_ENCRYPTED_EXTENSIONS | 1u << TLS_FINISHED;

	return h->keys->used[side] && h->messages[side] & protected;
}

/* A side's handshake secret goes into the file once it has opened something; never another secret. */
static void write_secret(struct tracker *t, struct handshake *h, unsigned int side)
{
	struct handshake_keys *k = h->keys;
	struct caught_secret caught;
	struct bytes secret;

	if (k->written[side] || !has_opened(h, side))
		return;
	k->written[side] = true;
	if (t->keys && keys_find(t->keys, k->client_random, handshake_label(h, side), &secret)) {
		capture_writer_secret(t->writer, handshake_label(h, side), k->client_random, secret);
	} else if (k->has_client_random && find_caught(t, h, side, &caught)) {
		capture_writer_secret(t->writer, handshake_label(h, side), k->client_random,
				      bytes_of(caught.secret, caught.secret_len));
		OPENSSL_cleanse(&caught, sizeof(caught));
	} else {
		capture_writer_secret_gone(t->writer);
	}
}

bool handshake_keys_write(struct tracker *t, struct handshake *h)
{
	bool both = capture_writer_wants_client_secrets(t->writer);
	unsigned int server = !h->client_side;

	if (h->client_side == SIDE_UNKNOWN)
		return false;
	/* Up to TLS 1.2 the secrets open application data too. */
	if (!h->keys || !handshake_is_tls13(h->s.version))
		return h->s.version != 0;
	write_secret(t, h, server);
	if (both)
		write_secret(t, h, h->client_side);
	return h->keys->written[server] && (!both || h->keys->written[h->client_side]);
}

void handshake_keys_free(struct tracker *t, struct handshake *h)
{
	if (!h->keys)
		return;
	if (t->writer && capture_writer_wants_secrets(t->writer))
		handshake_keys_write(t, h);
	wait_no_more(t, h->keys);
	tls_transcript_fini(&h->keys->transcript, &t->memory);
	held_free(t, h->keys, 0);
	held_free(t, h->keys, 1);
	record_cipher_free(h->keys->dtls[0]);
	record_cipher_free(h->keys->dtls[1]);
	free(h->keys);
	h->keys = NULL;
}

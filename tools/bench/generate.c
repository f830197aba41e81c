/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the captures that the benchmark reads: the same ones every time, but for keys and signatures.
 *
 *     generate KIND FILE AMOUNT
 *
 *     handshakes  AMOUNT whole TLS 1.2 handshakes over 100 chains, 64 connections at a time
 *     open        AMOUNT handshakes, all begun before any goes on: each waits inside the server's Certificate
 *     begun       the same, and none ever goes on
 *     bulk        AMOUNT megabytes in eight connections: a handshake, then application data
 *     other       AMOUNT megabytes without TLS: HTTP, SSH, DNS, and UDP as of calls
 */
#include "tools/bench/canned.h"
#include "tools/bench/capture.h"

#define NUM_CHAINS 100u
#define AT_ONCE 64u               /* connections that overlap */
#define AT_ONCE_OTHER 512u
#define STEPS_MAX 40u
#define POOL_LEN (8u << 20)
#define BULK_RECORDS 32u
#define BULK_CONNECTIONS 8u
#define TO_SERVER 0
#define TO_CLIENT 1

struct step {
	uint8_t direction;
	struct bytes data;
};

enum stage { STAGE_OVER, STAGE_SYN, STAGE_SYN_ACK, STAGE_ACK, STAGE_DATA, STAGE_FIN, STAGE_FIN_BACK,
	     STAGE_LAST_ACK };

struct connection {
	enum stage stage;
	struct address end[2];    /* client, server */
	uint32_t seq[2];          /* the next of each end */
	bool ack_due[2];          /* the peer of this direction has half an acknowledgement to send */
	unsigned int step, num_steps;
	uint32_t at;              /* bytes of the step that are sent */
	uint32_t repeats;         /* of the last step */
	struct step steps[STEPS_MAX];
};

struct generator {
	struct capture *capture;
	uint64_t random;
	uint64_t made;            /* connections */
	uint8_t *text, *noise;    /* POOL_LEN bytes each, of HTML and of what looks encrypted */
	struct canned *canned;    /* NUM_CHAINS */
};

static uint32_t pick(struct generator *g, uint32_t from, uint32_t to)
{
	return from + (uint32_t)(random_next(&g->random) % (to - from + 1));
}

static void send_tcp(struct generator *g, struct connection *c, unsigned int from, uint8_t flags,
		     struct bytes data)
{
	uint32_t seq_ack[2] = { c->seq[from], c->seq[!from] };

	capture_tcp(g->capture, &c->end[from], &c->end[!from], seq_ack, flags, data);
	c->seq[from] += (uint32_t)data.len + (flags & (TCP_SYN | TCP_FIN) ? 1 : 0);
}

/* One segment of the connection's data, or the acknowledgement that every second one gets. */
static void send_data(struct generator *g, struct connection *c)
{
	struct step *s = &c->steps[c->step];
	size_t left = s->data.len - c->at, len = left < SEGMENT_LEN ? left : SEGMENT_LEN;

	send_tcp(g, c, s->direction, TCP_ACK | (left == len ? 0x08 : 0), bytes_of(s->data.data + c->at, len));
	c->at += (uint32_t)len;
	if (c->ack_due[s->direction])
		send_tcp(g, c, !s->direction, TCP_ACK, bytes_of(NULL, 0));
	c->ack_due[s->direction] = !c->ack_due[s->direction];
	if (c->at < s->data.len)
		return;
	c->at = 0;
	if (c->step + 1 == c->num_steps && c->repeats) {
		c->repeats--;
	} else if (++c->step == c->num_steps) {
		c->stage = STAGE_FIN;
	}
}

static void connection_go_on(struct generator *g, struct connection *c)
{
	struct bytes none = bytes_of(NULL, 0);
	enum stage stage = c->stage;

	if (stage == STAGE_DATA) {
		send_data(g, c);
		return;
	}
	c->stage = stage == STAGE_LAST_ACK ? STAGE_OVER : (enum stage)(stage + 1);
	switch (stage) {
	case STAGE_SYN:
		send_tcp(g, c, 0, TCP_SYN, none);
		break;
	case STAGE_SYN_ACK:
		send_tcp(g, c, 1, TCP_SYN | TCP_ACK, none);
		break;
	case STAGE_FIN:
		send_tcp(g, c, 0, TCP_FIN | TCP_ACK, none);
		break;
	case STAGE_FIN_BACK:
		send_tcp(g, c, 1, TCP_FIN | TCP_ACK, none);
		break;
	default:
		send_tcp(g, c, 0, TCP_ACK, none);
	}
}

/* Client addresses and ports do not come again within a million connections. */
static void connection_open(struct generator *g, struct connection *c, uint32_t server, uint16_t port)
{
	uint32_t nth = (uint32_t)g->made++;

	*c = (struct connection){
		.stage = STAGE_SYN,
		.end = { { 0x0a800000 + nth % 5000, (uint16_t)(20000 + nth / 5000 % 40000) }, { server, port } },
	};
	c->seq[0] = (uint32_t)random_next(&g->random);
	c->seq[1] = (uint32_t)random_next(&g->random);
}

static void add_step(struct connection *c, uint8_t direction, struct bytes data)
{
	c->steps[c->num_steps++] = (struct step){ direction, data };
}

static void open_handshake(struct generator *g, struct connection *c)
{
	uint32_t chain = pick(g, 0, NUM_CHAINS - 1);
	unsigned int i;

	/* The first ones cover every chain, so that their number is certain. */
	if (g->made < NUM_CHAINS)
		chain = (uint32_t)g->made;
	connection_open(g, c, 0x0a000001 + chain, 443);
	for (i = 0; i < CANNED_PARTS; i++)
		add_step(c, i % 2 ? TO_CLIENT : TO_SERVER, g->canned[chain].part[i]);
}

static void make_chains(struct generator *g)
{
	unsigned int i;

	g->canned = calloc(NUM_CHAINS, sizeof(*g->canned));
	canned_need(g->canned != NULL, "memory");
	for (i = 0; i < NUM_CHAINS; i++)
		canned_make(&g->canned[i], i);
}

static void make_pools(struct generator *g)
{
	static const char words[] = "<div class=\"entry\"><a href=\"/archive/2026/index.html\">The quick brown fox"
				    " jumps over the lazy dog</a></div>\n";
	uint64_t word;
	size_t i;

	g->text = malloc(POOL_LEN);
	g->noise = malloc(POOL_LEN);
	canned_need(g->text && g->noise, "memory");
	for (i = 0; i < POOL_LEN; i++)
		g->text[i] = (uint8_t)words[i % (sizeof(words) - 1)];
	for (i = 0; i < POOL_LEN; i += sizeof(word)) {
		word = random_next(&g->random);
		memcpy(g->noise + i, &word, sizeof(word));
	}
}

static void make_handshakes(struct generator *g, uint64_t amount)
{
	struct connection slots[AT_ONCE] = { 0 };
	uint64_t over = 0;
	unsigned int i;

	while (over < amount) {
		i = pick(g, 0, AT_ONCE - 1);
		if (slots[i].stage != STAGE_OVER) {
			connection_go_on(g, &slots[i]);
			over += slots[i].stage == STAGE_OVER;
		} else if (g->made < amount) {
			open_handshake(g, &slots[i]);
		}
	}
}

/* Up to and with the server's first segment, or from there on. */
static void go_until(struct generator *g, struct connection *c, bool end)
{
	while (c->stage != STAGE_OVER && (end || !(c->step == CANNED_SERVER_FLIGHT && c->at > 0)))
		connection_go_on(g, c);
}

static void make_open(struct generator *g, uint64_t amount, bool finish)
{
	struct connection *all = finish ? calloc(amount, sizeof(*all)) : NULL, one;
	uint64_t i;

	canned_need(all || !finish, "memory");
	for (i = 0; i < amount; i++) {
		open_handshake(g, finish ? &all[i] : &one);
		go_until(g, finish ? &all[i] : &one, false);
	}
	for (i = 0; finish && i < amount; i++)
		go_until(g, &all[i], true);
	free(all);
}

static void make_begun(struct generator *g, uint64_t amount)
{
	make_open(g, amount, false);
}

static void make_open_whole(struct generator *g, uint64_t amount)
{
	make_open(g, amount, true);
}

/* The connections take turns, a window of segments each. */
static void make_bulk(struct generator *g, uint64_t amount)
{
	struct connection slots[BULK_CONNECTIONS] = { 0 };
	uint8_t *records = malloc(BULK_RECORDS * (16384 + TLS_RECORD_HEADER_LEN)), *at = records;
	uint64_t whole = amount << 20, share = whole / BULK_CONNECTIONS;
	unsigned int i, n;
	bool any = true;

	canned_need(records != NULL, "memory");
	for (i = 0; i < BULK_RECORDS; i++, at += 16384) {
		memcpy(at, "\x17\x03\x03\x40\x00", TLS_RECORD_HEADER_LEN);
		at += TLS_RECORD_HEADER_LEN;
		memcpy(at, g->noise + (size_t)i * 16384, 16384);
	}
	for (i = 0; i < BULK_CONNECTIONS; i++) {
		open_handshake(g, &slots[i]);
		add_step(&slots[i], TO_CLIENT, bytes_of(records, (size_t)(at - records)));
		slots[i].repeats = (uint32_t)(share / (size_t)(at - records));
	}
	while (any) {
		any = false;
		for (i = 0; i < BULK_CONNECTIONS; i++)
			for (n = 0; n < 16 && slots[i].stage != STAGE_OVER && g->capture->written < whole; n++, any = true)
				connection_go_on(g, &slots[i]);
	}
	free(records);
}

/* A stretch of a pool. */
static struct bytes stretch(struct generator *g, const uint8_t *pool, uint32_t least, uint32_t most)
{
	uint32_t len = pick(g, least, most);

	return bytes_of(pool + pick(g, 0, POOL_LEN - len), len);
}

/* Requests on one connection; half of the answers are text, half compressed or pictures. */
static void open_http(struct generator *g, struct connection *c)
{
	static const char request[] = "GET /archive/2026/index.html HTTP/1.1\r\nHost: host.bench.example\r\n"
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
		"Accept: text/html,application/xhtml+xml\r\nAccept-Encoding: gzip, deflate\r\n\r\n";
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nServer: nginx\r\n\r\n";
	uint32_t requests = pick(g, 1, 6);

	connection_open(g, c, 0x0a010000 + pick(g, 0, 255), 80);
	while (requests--) {
		add_step(c, TO_SERVER, bytes_of(request, sizeof(request) - 1));
		add_step(c, TO_CLIENT, bytes_of(answer, sizeof(answer) - 1));
		add_step(c, TO_CLIENT, stretch(g, pick(g, 0, 1) ? g->text : g->noise, 300, 60000));
	}
}

static void open_ssh(struct generator *g, struct connection *c)
{
	static const char banner[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n";
	uint32_t turns = pick(g, 4, 16);

	connection_open(g, c, 0x0a020000 + pick(g, 0, 63), 22);
	add_step(c, TO_SERVER, bytes_of(banner, sizeof(banner) - 1));
	add_step(c, TO_CLIENT, bytes_of(banner, sizeof(banner) - 1));
	while (turns--) {
		add_step(c, TO_SERVER, stretch(g, g->noise, 36, 200));
		add_step(c, TO_CLIENT, stretch(g, g->noise, 36, 20000));
	}
}

static void send_dns(struct generator *g)
{
	struct address resolver = { 0x0a000035, 53 };
	struct address client = { 0x0a800000 + pick(g, 0, 4999), (uint16_t)pick(g, 20000, 60000) };

	capture_udp(g->capture, &client, &resolver, stretch(g, g->noise, 30, 60));
	capture_udp(g->capture, &resolver, &client, stretch(g, g->noise, 60, 400));
}

/* A call's small datagrams, both ways, or a download's large ones. */
static void send_udp(struct generator *g)
{
	struct address a = { 0x0a030000 + pick(g, 0, 255), (uint16_t)pick(g, 30000, 30100) };
	struct address b = { 0x0a800000 + pick(g, 0, 255), (uint16_t)pick(g, 40000, 40100) };
	bool call = pick(g, 0, 1);
	unsigned int i;

	for (i = 0; i < 8; i++)
		capture_udp(g->capture, i % 2 && call ? &b : &a, i % 2 && call ? &a : &b,
			    call ? stretch(g, g->noise, 172, 172) : stretch(g, g->noise, 1200, 1350));
}

static void make_other(struct generator *g, uint64_t amount)
{
	struct connection *slots = calloc(AT_ONCE_OTHER, sizeof(*slots)), *c;
	uint32_t what;

	canned_need(slots != NULL, "memory");
	while (g->capture->written < amount << 20) {
		c = &slots[pick(g, 0, AT_ONCE_OTHER - 1)];
		if (c->stage != STAGE_OVER) {
			connection_go_on(g, c);
			continue;
		}
		what = pick(g, 0, 99);
		if (what < 50)
			open_http(g, c);
		else if (what < 60)
			open_ssh(g, c);
		else if (what < 85)
			send_dns(g);
		else
			send_udp(g);
	}
	free(slots);
}

static const struct kind {
	const char *name;
	void (*make)(struct generator *g, uint64_t amount);
	uint64_t most;
} kinds[] = {
	{ "handshakes", make_handshakes, 100000000 }, { "open", make_open_whole, 4000000 },
	{ "begun", make_begun, 100000000 }, { "bulk", make_bulk, 1u << 20 }, { "other", make_other, 1u << 20 },
};

int main(int argc, char **argv)
{
	static struct capture capture;
	struct generator g = { .capture = &capture, .random = 1 };
	uint64_t amount = argc == 4 ? strtoull(argv[3], NULL, 10) : 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(kinds) && amount; i++) {
		if (strcmp(argv[1], kinds[i].name) != 0 || amount > kinds[i].most)
			continue;
		make_chains(&g);
		make_pools(&g);
		capture_open(&capture, argv[2]);
		kinds[i].make(&g, amount);
		capture_close(&capture);
		free(g.text);
		free(g.noise);
		free(g.canned);
		return 0;
	}
	fputs("usage: generate handshakes|open|begun|bulk|other FILE AMOUNT\n", stderr);
	return 2;
}

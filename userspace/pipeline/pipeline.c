/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pipeline/pipeline.h"

#include <netinet/in.h>
#include <stdlib.h>

#include "parsers/defrag.h"
#include "parsers/eap.h"
#include "parsers/hkdf.h"
#include "parsers/packet.h"
#include "parsers/quic.h"
#include "parsers/tunnel.h"
#include "userspace/handshake/caught.h"
#include "userspace/handshake/handshake_news.h"
#include "userspace/handshake/keys.h"
#include "userspace/ledger/fingerprints.h"
#include "userspace/pipeline/capture_choice.h"
#include "userspace/pipeline/carriage.h"
#include "userspace/pipeline/conversation.h"
#include "userspace/pipeline/datagram.h"
#include "userspace/pipeline/overlap.h"
#include "userspace/pipeline/stations.h"
#include "userspace/write/capture_writer.h"

#define SWEEP_EVERY_S 2
#define CLOCK_JUMP_S 60
#define KEYS_POLL_FRAMES 8192
#define SWEEP_SHARE 8        /* between two sweeps come at least this part of the flows in packets or ticks */

struct pipeline {
	struct pipeline_limits limits;
	struct tracker tracker;
	struct defrag *defrag;
	struct stations *stations;   /* of EAPOL; NULL until there is some */
	uint32_t swept_s;            /* packet time of the last sweep */
	uint64_t since_sweep;        /* packets since then */
	const struct frame *frame;   /* that is being read; NULL: none, or it is only a part of the segment */
	struct keys *own_keys;       /* made for secrets blocks where none were given */
	struct flow_counters flows;  /* kept when the table is gone */
	struct pipeline_counters counters;
};

/* What of a frame stays the same through all layers. */
struct context {
	struct pipeline *pipeline;
	const struct frame *frame;
	unsigned int depth;
};

static void handle_packet(const struct context *c, enum packet_kind kind, struct packet *packet);

static void drop_flow(void *context, struct flow *flow)
{
	struct pipeline *p = context;

	if (flow->datagrams)
		datagram_close(&p->tracker, flow);
	else
		conversation_close(&p->tracker, flow);  /* a carriage, too, behind what its stream still holds */
	if (p->tracker.writer)
		capture_ended(&p->tracker, flow);
}

static bool flow_idle(void *context, struct flow *flow, uint32_t idle_s)
{
	struct tracker *t = &((struct pipeline *)context)->tracker;
	bool before = flow->handshake, idle = conversation_idle(t, flow, idle_s);

	if (t->writer && before && !flow->handshake && !idle)
		capture_ended(t, flow);
	return idle;
}

struct pipeline *pipeline_new(const struct pipeline_limits *limits, const struct observer *observer,
			      chain_new_certificate_fn *on_certificate, void *certificate_context)
{
	struct pipeline *p = calloc(1, sizeof(*p));
	struct tracker *t;

	if (!p)
		return NULL;
	p->limits = *limits;
	t = &p->tracker;
	t->limits = limits->tracker;
	t->observer = *observer;
	t->memory.max = limits->tracker.memory;
	t->flows = flow_table_new(limits->tracker.flows, drop_flow, p);
	t->chains = chain_table_new(&limits->tracker.chain, on_certificate, certificate_context);
	t->ledger = ledger_new(&limits->tracker.ledger);
	p->defrag = defrag_new(limits->fragments);
	t->hkdf = hkdf_new();
	t->quic = quic_crypto_new();
	t->fingerprints = fingerprints_new();
	if (!t->flows || !t->chains || !t->ledger || !p->defrag || !t->hkdf || !t->quic ||
	    !t->fingerprints) {
		pipeline_free(p);
		return NULL;
	}
	return p;
}

void pipeline_free(struct pipeline *p)
{
	if (!p)
		return;
	flow_table_free(p->tracker.flows);
	overlap_fini(&p->tracker);
	ledger_free(p->tracker.ledger);
	chain_table_free(p->tracker.chains);
	defrag_free(p->defrag);
	stations_free(p->stations);
	caught_free(p->tracker.caught);
	hkdf_free(p->tracker.hkdf);
	quic_crypto_free(p->tracker.quic);
	fingerprints_free(p->tracker.fingerprints);
	keys_free(p->own_keys);
	free(p);
}

void pipeline_use_keys(struct pipeline *p, struct keys *keys)
{
	p->tracker.keys = keys;
}

void pipeline_secrets_at_end(struct pipeline *p)
{
	p->tracker.secrets_at_end = true;
}

void pipeline_secrets(struct pipeline *p, struct bytes text)
{
	if (!p->tracker.keys)
		p->tracker.keys = p->own_keys = keys_new(p->limits.secrets);
	if (p->tracker.keys)
		keys_add_text(p->tracker.keys, text);
	else
		p->tracker.counters.no_memory++;
}

void pipeline_write(struct pipeline *p, struct capture_writer *w)
{
	p->tracker.writer = w;
}

bool pipeline_expect_secrets(struct pipeline *p, bool client_secrets)
{
	p->tracker.client_secrets = client_secrets;
	p->tracker.caught = caught_new();
	return p->tracker.caught != NULL;
}

static void keys_arrived(struct tracker *t, struct flow *flow)
{
	if (flow->datagrams)
		datagram_keys_arrived(t, flow);
	else
		conversation_keys_arrived(t, flow);
	if (t->writer)
		capture_keys_arrived(t, flow);
}

static void visit_keys_arrived(void *context, struct flow *flow)
{
	if (flow->handshake)
		keys_arrived(context, flow);
}

/* Reads what the key logs have got; if that is something, whoever waits looks whether it is for him. */
static void poll_keys(struct pipeline *p)
{
	struct tracker *t = &p->tracker;
	uint64_t before;

	if (!t->keys)
		return;
	before = keys_generation(t->keys);
	keys_poll(t->keys);
	if (keys_generation(t->keys) != before)
		flow_table_each(t->flows, visit_keys_arrived, t);
}

void pipeline_secret(struct pipeline *p, const struct caught_secret *secret)
{
	struct tracker *t = &p->tracker;
	struct flow *flow;

	if (!t->caught)
		return;
	caught_add(t->caught, secret, secret->time_ns);
	flow = caught_waiting(t->caught, bytes_of(secret->id, secret->id_len));
	if (flow)
		keys_arrived(t, flow);
}

static void sweep(struct pipeline *p, uint32_t now_s)
{
	/* Clocks of several interfaces differ a little; a jump back is another capture. */
	if (now_s < p->swept_s + SWEEP_EVERY_S && p->swept_s < now_s + CLOCK_JUMP_S)
		return;
	/* A clock that jumps to and fro must not make every packet look at every flow. */
	if (p->since_sweep < flow_table_counters(p->tracker.flows)->live / SWEEP_SHARE)
		return;
	p->swept_s = now_s;
	p->since_sweep = 0;
	flow_table_sweep(p->tracker.flows, now_s, flow_idle);
}

void pipeline_tick(struct pipeline *p, uint64_t now_ns, uint64_t monotonic_ns)
{
	poll_keys(p);
	/* By now what came together has been joined: what is left may be theirs. */
	if (p->tracker.caught)
		caught_trial_each(p->tracker.caught, visit_keys_arrived, &p->tracker);
	if (p->tracker.caught)
		caught_expire(p->tracker.caught, monotonic_ns);
	handshake_news_turn(&p->tracker, monotonic_ns);
	p->since_sweep = UINT32_MAX;     /* the real clock does not jump for every tick */
	sweep(p, (uint32_t)(now_ns / 1000000000u));
	if (p->tracker.writer)
		capture_writer_turn(p->tracker.writer, monotonic_ns);
}

static void read_segment(struct pipeline *p, const struct segment *segment)
{
	unsigned int side;
	struct flow *flow;

	if (segment->transport != TRANSPORT_TCP) {
		datagram_segment(&p->tracker, segment);
		return;
	}
	flow = flow_table_get(p->tracker.flows, segment, &side);
	if (!flow) {
		p->tracker.counters.no_memory++;
		return;
	}
	if (segment->owner)
		flow_own(flow, segment->owner_is_src ? side : !side, segment->owner);
	conversation_segment(&p->tracker, flow, side, segment);
}

void pipeline_segment(struct pipeline *p, const struct segment *segment)
{
	struct capture_before before;

	p->since_sweep++;
	sweep(p, (uint32_t)(segment->time_ns / 1000000000u));
	if (!p->tracker.writer) {
		read_segment(p, segment);
		return;
	}
	before = capture_before(&p->tracker, segment);
	read_segment(p, segment);
	capture_after(&p->tracker, &before, segment, p->frame);
}

static void handle_tcp(const struct context *c, const struct packet *packet)
{
	struct segment segment;

	c->pipeline->counters.tcp++;
	/* A bare acknowledgement tells nothing that is used. */
	if (!packet->payload.len && !(packet->tcp_flags & (TCP_SYN | TCP_FIN | TCP_RST)) &&
	    !packet->payload_cut)
		return;
	segment = (struct segment){
		.src = { .address = packet->src, .port = packet->sport },
		.dst = { .address = packet->dst, .port = packet->dport },
		.transport = TRANSPORT_TCP, .flags = packet->tcp_flags, .seq = packet->seq,
		.ack = packet->ack, .payload = packet->payload, .payload_cut = packet->payload_cut,
		.time_ns = c->frame->time_ns, .frame_number = c->frame->number,
	};
	pipeline_segment(c->pipeline, &segment);
}

static void handle_udp(const struct context *c, const struct packet *packet)
{
	struct segment segment = {
		.src = { .address = packet->src, .port = packet->sport },
		.dst = { .address = packet->dst, .port = packet->dport },
		.transport = TRANSPORT_UDP, .payload = packet->payload, .payload_cut = packet->payload_cut,
		.time_ns = c->frame->time_ns, .frame_number = c->frame->number,
	};

	pipeline_segment(c->pipeline, &segment);
}

/* An SCTP packet, whole: its carrier takes it apart. Returns false when it is none. */
static bool handle_sctp(const struct context *c, const struct packet *packet)
{
	struct bytes ports = packet->payload;
	struct segment segment = {
		.src = { .address = packet->src }, .dst = { .address = packet->dst },
		.transport = TRANSPORT_SCTP, .payload = packet->payload, .payload_cut = packet->payload_cut,
		.time_ns = c->frame->time_ns, .frame_number = c->frame->number,
	};

	if (packet->ip_protocol != IPPROTO_SCTP || !bytes_u16(&ports, &segment.src.port) ||
	    !bytes_u16(&ports, &segment.dst.port))
		return false;
	pipeline_segment(c->pipeline, &segment);
	return true;
}

/* Only EAP matters: key exchanges and announcements, by far the most, have no TLS inside. */
static void handle_eapol(const struct context *c, const struct packet *packet)
{
	struct pipeline *p = c->pipeline;
	struct segment segment = {
		.src = { .address = packet->src }, .dst = { .address = packet->dst },
		.transport = TRANSPORT_EAPOL, .payload = packet->payload, .payload_cut = packet->payload_cut,
		.time_ns = c->frame->time_ns, .frame_number = c->frame->number,
	};
	struct eap_packet eap;
	struct bytes inside;

	p->counters.other++;
	if (!eap_eapol(packet->payload, &inside) || !eap_parse(inside, &eap))
		return;
	if (!p->stations)
		p->stations = stations_new();
	if (!p->stations)
		p->tracker.counters.no_memory++;
	else if (stations_resolve(p->stations, &eap, &segment.src.address, &segment.dst.address))
		pipeline_segment(p, &segment);
}

static enum packet_kind open_inner(const struct tunnel *tunnel, struct packet *inner)
{
	switch (tunnel->inner) {
	case TUNNEL_IP:
		return packet_parse_ip(tunnel->frame, tunnel->wire_len, inner);
	case TUNNEL_LINK:
		return packet_parse(tunnel->link, tunnel->frame, tunnel->wire_len, inner);
	case TUNNEL_ETHERTYPE:
		return packet_parse_ethertype(tunnel->ethertype, tunnel->frame, tunnel->wire_len, inner);
	case TUNNEL_NONE:
		break;
	}
	return PACKET_OTHER;
}

static bool packet_kind_good(enum packet_kind kind)
{
	return kind == PACKET_TCP || kind == PACKET_UDP || kind == PACKET_IP_OTHER ||
	       kind == PACKET_FRAGMENT || kind == PACKET_EAPOL;
}

/* Returns false when the payload is no tunnel's. */
static bool handle_tunnel(const struct context *c, const struct packet *packet)
{
	struct context deeper = *c;
	struct tunnel tunnel;
	struct packet inner;
	enum packet_kind kind;
	unsigned int nth;

	for (nth = 0; tunnel_open(packet, nth, &tunnel); nth++) {
		kind = open_inner(&tunnel, &inner);
		if (!packet_kind_good(kind))
			continue;
		if (c->depth >= c->pipeline->limits.tunnels) {
			c->pipeline->counters.too_deep++;
			return true;
		}
		c->pipeline->counters.tunnelled++;
		deeper.depth++;
		handle_packet(&deeper, kind, &inner);
		return true;
	}
	return false;
}

static void handle_fragment(const struct context *c, struct packet *packet)
{
	struct bytes whole;
	enum packet_kind kind;

	/* The last fragment's frame is not the packet. */
	c->pipeline->frame = NULL;
	c->pipeline->counters.fragments++;
	if (!defrag_add(c->pipeline->defrag, packet, c->frame->time_ns, &whole))
		return;
	kind = packet_parse_transport(whole, whole.len, packet);
	if (kind != PACKET_FRAGMENT)
		handle_packet(c, kind, packet);
}

static void handle_packet(const struct context *c, enum packet_kind kind, struct packet *packet)
{
	struct pipeline_counters *counters = &c->pipeline->counters;

	switch (kind) {
	case PACKET_TCP:
		handle_tcp(c, packet);
		break;
	case PACKET_UDP:
		counters->udp++;
		if (!handle_tunnel(c, packet))
			handle_udp(c, packet);
		break;
	case PACKET_IP_OTHER:
		if (!handle_tunnel(c, packet) && !handle_sctp(c, packet))
			counters->other++;
		break;
	case PACKET_FRAGMENT:
		handle_fragment(c, packet);
		break;
	case PACKET_EAPOL:
		handle_eapol(c, packet);
		break;
	case PACKET_OTHER:
		counters->other++;
		break;
	case PACKET_CUT:
		counters->cut++;
		break;
	case PACKET_MALFORMED:
		counters->malformed++;
		break;
	case PACKET_UNKNOWN_LINK:
		counters->unknown_link++;
		break;
	}
}

void pipeline_frame(struct pipeline *p, const struct frame *frame)
{
	struct context c = { .pipeline = p, .frame = frame };
	struct packet packet;
	enum packet_kind kind;

	/* A key log may grow while we read. */
	if (p->counters.frames++ % KEYS_POLL_FRAMES == 0)
		poll_keys(p);
	p->counters.bytes += frame->wire_len;
	p->frame = frame;
	kind = packet_parse(frame->link, frame->data, frame->wire_len, &packet);
	handle_packet(&c, kind, &packet);
	p->frame = NULL;
}

void pipeline_finish(struct pipeline *p)
{
	poll_keys(p);
	p->flows = *flow_table_counters(p->tracker.flows);
	flow_table_free(p->tracker.flows);
	p->tracker.flows = NULL;
}

const struct ledger *pipeline_ledger(const struct pipeline *p)
{
	return p->tracker.ledger;
}

const struct pipeline_counters *pipeline_counters(const struct pipeline *p)
{
	return &p->counters;
}

const struct flow_counters *pipeline_flow_counters(const struct pipeline *p)
{
	return p->tracker.flows ? flow_table_counters(p->tracker.flows) : &p->flows;
}

const struct defrag_stats *pipeline_fragment_counters(const struct pipeline *p)
{
	return defrag_stats(p->defrag);
}

const struct tracker *pipeline_tracker(const struct pipeline *p)
{
	return &p->tracker;
}

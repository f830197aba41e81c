/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/flow/preamble.h"

#include <stdlib.h>

#define LINE_MAX_LEN 255u

/* A line that has not ended. */
struct preamble {
	uint8_t len;
	uint8_t bytes[LINE_MAX_LEN];
};

static enum starttls_speaker speaker_of(const struct flow *flow, unsigned int side)
{
	int opener = flow_opener(flow);

	if (opener < 0)
		return STARTTLS_SPEAKER_UNKNOWN;
	return (unsigned int)opener == side ? STARTTLS_OPENER : STARTTLS_ANSWERER;
}

void preamble_free(struct side *s)
{
	free(s->preamble);
	s->preamble = NULL;
}

static void look_at_line(struct flow *flow, unsigned int side)
{
	struct preamble *line = flow->side[side].preamble;

	if (line && line->len)
		starttls_look(&flow->hint, speaker_of(flow, side), bytes_of(line->bytes, line->len));
	preamble_free(&flow->side[side]);
}

void preamble_ends(struct flow *flow)
{
	look_at_line(flow, 0);
	look_at_line(flow, 1);
}

void preamble_said(struct flow *flow, unsigned int side, struct bytes text)
{
	struct side *s = &flow->side[side];
	struct preamble *line = s->preamble;

	/* An answer ends what the other side was saying, with a line's end or without. */
	look_at_line(flow, !side);
	/* Long enough to show what it is. */
	if (!line && text.len >= LINE_MAX_LEN) {
		starttls_look(&flow->hint, speaker_of(flow, side), text);
		return;
	}
	if (!line) {
		line = s->preamble = malloc(sizeof(*line));
		if (!line)
			return;
		line->len = 0;
	}
	if (text.len > LINE_MAX_LEN - line->len)
		text.len = LINE_MAX_LEN - line->len;
	memcpy(line->bytes + line->len, text.data, text.len);
	line->len += (uint8_t)text.len;
	if (line->len == LINE_MAX_LEN || line->bytes[line->len - 1] == '\n')
		look_at_line(flow, side);
}

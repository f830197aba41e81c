/* SPDX-License-Identifier: Apache-2.0 */
/* What libyaml is given: bounds, and what it says when that is no YAML. */
#include "userspace/check/expect_parts.h"

#define DEPTH_MAX 8              /* the format needs 5 */
#define TOKENS_MAX 200000u

static const char no_aliases[] = "anchors and aliases (& and *) are not allowed; quote a text that begins with one";
static const char no_tags[] = "tags (!) are not allowed; quote a text that begins with one";

bool expect_complain_yaml(struct expect_reading *r, const yaml_parser_t *parser)
{
	const char *context = parser->context ? parser->context : "";
	unsigned int line = (unsigned int)parser->problem_mark.line + 1;

	if (parser->error == YAML_MEMORY_ERROR) {
		r->no_memory = true;
		return expect_complain(r, 1, "out of memory");
	}
	/* *.example without quotes: what libyaml says of it helps nobody. */
	if (strstr(context, "alias") || strstr(context, "anchor"))
		return expect_complain(r, line, "%s", no_aliases);
	if (strstr(context, "tag"))
		return expect_complain(r, line, "%s", no_tags);
	return expect_complain(r, line, "%s%s%s", context, *context ? ", " : "",
			       parser->problem ? parser->problem : "this is not YAML");
}

static const char *refused_token(yaml_token_type_t type)
{
	switch (type) {
	case YAML_ALIAS_TOKEN:
	case YAML_ANCHOR_TOKEN:
		return no_aliases;
	case YAML_TAG_TOKEN:
	case YAML_TAG_DIRECTIVE_TOKEN:
		return no_tags;
	default:
		return NULL;
	}
}

static int deeper(yaml_token_type_t type)
{
	switch (type) {
	case YAML_BLOCK_SEQUENCE_START_TOKEN:
	case YAML_BLOCK_MAPPING_START_TOKEN:
	case YAML_FLOW_SEQUENCE_START_TOKEN:
	case YAML_FLOW_MAPPING_START_TOKEN:
		return 1;
	case YAML_BLOCK_END_TOKEN:
	case YAML_FLOW_SEQUENCE_END_TOKEN:
	case YAML_FLOW_MAPPING_END_TOKEN:
		return -1;
	default:
		return 0;
	}
}

/*
 * Once over the tokens, before a document is made of them: what is nested deeply makes libyaml slow, and an alias makes
 * a small file large.
 */
static bool check_tokens(struct expect_reading *r, yaml_parser_t *parser)
{
	yaml_token_type_t type = YAML_NO_TOKEN;
	unsigned int count = 0, line;
	const char *refused;
	yaml_token_t token;
	int depth = 0;

	while (type != YAML_STREAM_END_TOKEN) {
		if (!yaml_parser_scan(parser, &token))
			return expect_complain_yaml(r, parser);
		type = token.type;
		line = (unsigned int)token.start_mark.line + 1;
		yaml_token_delete(&token);
		depth += deeper(type);
		refused = refused_token(type);
		if (refused)
			return expect_complain(r, line, "%s", refused);
		if (depth > DEPTH_MAX)
			return expect_complain(r, line, "nested too deeply");
		if (++count > TOKENS_MAX)
			return expect_complain(r, line, "too long");
	}
	return true;
}

bool expect_check_bounds(struct expect_reading *r, struct bytes text)
{
	yaml_parser_t parser;
	bool fine = false;

	if (!yaml_parser_initialize(&parser))
		return expect_complain(r, 1, "out of memory");
	yaml_parser_set_input_string(&parser, text.data, text.len);
	fine = check_tokens(r, &parser);
	yaml_parser_delete(&parser);
	return fine;
}

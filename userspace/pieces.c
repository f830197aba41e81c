/* SPDX-License-Identifier: Apache-2.0 */
#include "userspace/pieces.h"

#include <stdalign.h>
#include <stdlib.h>

#define BLOCK (16u << 10)

struct piece {
	struct piece *next;
	size_t used, size;
	alignas(16) uint8_t room[];
};

static struct piece *add_block(struct pieces *p, size_t size)
{
	size_t room = size > BLOCK ? size : BLOCK;
	struct piece *block = calloc(1, sizeof(*block) + room);

	if (!block) {
		p->failed = true;
		return NULL;
	}
	block->size = room;
	block->next = p->newest;
	p->newest = block;
	return block;
}

void *pieces_take(struct pieces *p, size_t size)
{
	struct piece *block = p->newest;
	void *at;

	size = (size + 15) & ~(size_t)15;
	if (!block || block->size - block->used < size)
		block = add_block(p, size);
	if (!block)
		return NULL;
	at = block->room + block->used;
	block->used += size;
	return at;
}

const char *pieces_text(struct pieces *p, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy;

	if (size == 1)
		return "";
	copy = pieces_take(p, size);
	if (!copy)
		return "";
	memcpy(copy, text, size);
	return copy;
}

void pieces_fini(struct pieces *p)
{
	struct piece *block;

	while ((block = p->newest)) {
		p->newest = block->next;
		free(block);
	}
}

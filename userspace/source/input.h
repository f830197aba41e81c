/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A capture's bytes: from a file or standard input, taken out of gzip or zstd where they are in it. Recognised by
 * content, never by name.
 */
#ifndef CERTTAP_INPUT_H
#define CERTTAP_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "parsers/bytes.h"

struct input;

/* "-": standard input. Returns 0, or a negative errno. The caller frees with input_close(). */
int input_open(const char *path, struct input **out);
void input_close(struct input *in);

/*
 * For a signal's handler: who writes into a pipe may have been told to end as well, and is still to say its last. So
 * the input goes on, until it ends, or nothing comes for half a second.
 */
void input_interrupt(void);

/* The first bytes, unpacked; at most `len` of them are put into `head` and stay to be read. */
size_t input_peek(struct input *in, void *head, size_t len);

/*
 * The bytes that come next: at least `want`, fewer only where the input ends or breaks off. They are valid until the
 * next call. The buffer grows with what arrives, never by what is wanted alone.
 */
struct bytes input_window(struct input *in, size_t want);
/* Of those, `len` are done with. */
void input_advance(struct input *in, size_t len);

/* For libpcap, instead of the window: a stream to read from; owned by `in`. NULL: out of memory. */
FILE *input_stream(struct input *in);

/* Whoever read from the stream has closed it. */
void input_stream_closed(struct input *in);

/* NULL, or what went wrong while reading: "compressed data breaks off" ... */
const char *input_error(const struct input *in);

/* Bytes read of the file itself, and its size (0: unknown, a pipe). */
uint64_t input_position(const struct input *in);
uint64_t input_size(const struct input *in);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layers of the sandbox that have a file of their own. Only sandbox.c calls them; each is
 * entered once and cannot be left.
 */
#ifndef CERTTAP_SANDBOX_LAYERS_H
#define CERTTAP_SANDBOX_LAYERS_H

#include "userspace/sandbox/sandbox.h"

/*
 * AddressSanitizer's leak check at exit starts a tracer thread and reads /proc. In such a build
 * (tests only) the sandbox leaves that much open; everything else is as in the real one.
 */
#if defined(__SANITIZE_ADDRESS__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

/*
 * No file system but the directory of the options, no TCP bind or connect, no signal or abstract
 * socket to the outside. Does as much of it as this kernel knows; 0 also where it knows none.
 * Returns a negative errno when a kernel that has Landlock refuses. Needs no_new_privs.
 */
int sandbox_landlock(const struct sandbox_options *options);

/* The filter of system calls. Returns 0 or a negative errno. Sets no_new_privs if need be. */
int sandbox_seccomp(const struct sandbox_options *options);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fuzz target and its driver.
 *
 * A target is LLVMFuzzerTestOneInput(). With -Dlibfuzzer=true (and clang)
 * libFuzzer drives it; otherwise fuzz-driver.c does, which mutates the
 * target's seeds for a fixed number of rounds, always the same ones, so that
 * it can be a test. Either program also replays the files that it is given.
 */

#ifndef FUZZ_H
#define FUZZ_H

#include <glib.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Inputs that are known to reach far: GByteArray, freed by the caller. */
GPtrArray *fuzz_make_seeds(void);

#endif /* FUZZ_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver where there is no libFuzzer.
 *
 *   fuzz-TARGET [--rounds N] [--first N] [FILE...]
 *
 * Round n depends on n alone: after a crash, "--first n --rounds 1" repeats
 * it. With files, those are run and nothing else.
 */

#include "fuzz.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FUZZ_MAX_INPUT 65536

static volatile sig_atomic_t current_round;

static void fuzz_report(int signal)
{
    char text[64];
    int n = snprintf(text, sizeof(text), "\nfuzz: in round %d\n",
                     (int)current_round);

    if (write(STDERR_FILENO, text, n) < 0) {
        _exit(1);
    }
    raise(signal);
}

static uint32_t fuzz_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 16;
}

/* Values at which checks tend to be off by one. */
static void fuzz_put_magic(GByteArray *input, uint64_t *state)
{
    static const uint64_t magic[] = {
        0,          1,          0x7f,     0x80,     0xff,
        0xfff,      0x1000,     0x3fff,   0x4000,   0x7fffffff,
        0x80000000, 0xffffffff, 0x100000, 0x100001, UINT64_MAX,
        1ULL << 63, 0x2000,     0x10000,  16,       48,
    };
    uint64_t value = magic[fuzz_random(state) % G_N_ELEMENTS(magic)];
    size_t len = 1u << fuzz_random(state) % 4;
    size_t at;

    if (input->len < len) {
        return;
    }
    at = fuzz_random(state) % (input->len - len + 1);
    memcpy(input->data + at, &value, len);
}

static void fuzz_mutate(GByteArray *input, const GPtrArray *seeds,
                        uint64_t *state)
{
    const GByteArray *other =
        g_ptr_array_index(seeds, fuzz_random(state) % seeds->len);
    size_t at = input->len ? fuzz_random(state) % input->len : 0;
    size_t n;

    switch (fuzz_random(state) % 6) {
    case 0:
        if (input->len) {
            input->data[at] ^= 1u << fuzz_random(state) % 8;
        }
        break;
    case 1:
        if (input->len) {
            input->data[at] = fuzz_random(state);
        }
        break;
    case 2:
        fuzz_put_magic(input, state);
        break;
    case 3: /* cut something out */
        if (input->len) {
            n = 1 + fuzz_random(state) % 16;
            n = MIN(n, input->len - at);
            g_byte_array_remove_range(input, at, n);
        }
        break;
    case 4: /* go on with another seed */
        if (input->len + other->len < FUZZ_MAX_INPUT) {
            g_byte_array_append(input, other->data, other->len);
        }
        break;
    default: /* repeat a piece */
        if (input->len && input->len < FUZZ_MAX_INPUT / 2) {
            g_autofree uint8_t *piece = NULL;

            n = 1 + fuzz_random(state) % 64;
            n = MIN(n, input->len - at);
            piece = g_memdup2(input->data + at, n);
            g_byte_array_append(input, piece, n);
        }
        break;
    }
}

static void fuzz_round(const GPtrArray *seeds, int round)
{
    g_autoptr(GByteArray) input = g_byte_array_new();
    uint64_t state = 0x9e3779b97f4a7c15ULL * (round + 1);
    const GByteArray *seed;
    unsigned i, n;

    current_round = round;
    seed = g_ptr_array_index(seeds, fuzz_random(&state) % seeds->len);
    g_byte_array_append(input, seed->data, seed->len);
    n = fuzz_random(&state) % 12;
    for (i = 0; i < n; i++) {
        fuzz_mutate(input, seeds, &state);
    }
    LLVMFuzzerTestOneInput(input->data, input->len);
}

static int fuzz_run_file(const char *path)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *data = NULL;
    gsize len;

    if (!g_file_get_contents(path, &data, &len, &error)) {
        fprintf(stderr, "fuzz: %s\n", error->message);
        return 1;
    }
    LLVMFuzzerTestOneInput((const uint8_t *)data, len);
    return 0;
}

int main(int argc, char **argv)
{
    struct sigaction action = {
        .sa_handler = fuzz_report,
        .sa_flags = SA_RESETHAND,
    };
    g_auto(GStrv) files = NULL;
    int rounds = 20000;
    int first = 0;
    const GOptionEntry entries[] = {
        { "rounds", 0, 0, G_OPTION_ARG_INT, &rounds, "How many", "N" },
        { "first", 0, 0, G_OPTION_ARG_INT, &first, "From which on", "N" },
        { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &files, NULL,
          "FILE..." },
        { NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GPtrArray) seeds = fuzz_make_seeds();
    g_autoptr(GError) error = NULL;
    guint i;

    g_ptr_array_set_free_func(seeds, (GDestroyNotify)g_byte_array_unref);
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "fuzz: %s\n", error->message);
        return 1;
    }
    if (files) {
        for (i = 0; files[i]; i++) {
            if (fuzz_run_file(files[i])) {
                return 1;
            }
        }
        return 0;
    }

    sigaction(SIGABRT, &action, NULL);
    /* The seeds as they are come first. */
    for (i = 0; i < seeds->len; i++) {
        const GByteArray *seed = g_ptr_array_index(seeds, i);

        current_round = -1 - (int)i;
        LLVMFuzzerTestOneInput(seed->data, seed->len);
    }
    for (int round = first; round < first + rounds; round++) {
        fuzz_round(seeds, round);
    }
    printf("%d rounds from %d on\n", rounds, first);
    return 0;
}

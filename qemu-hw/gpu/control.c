/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The control socket's commands. control-socket.c carries them. */

#include "control.h"

#include <string.h>

#include "engine.h"
#include "fault.h"
#include "gpu-priv.h"
#include "inject.h"
#include "log.h"
#include "machine.h"

typedef struct Words {
    GpuMachine *machine;
    char **word;
    unsigned n;
    char *answer; /* set: instead of "ok" */
} Words;

typedef const char *(*Handler)(Words *words);

typedef struct Command {
    const char *name;
    unsigned min, max; /* words after the name */
    const char *arguments;
    Handler run; /* returns why not, or NULL */
} Command;

/* --- arguments ------------------------------------------------------------*/

static Gpu *word_gpu(Words *words, unsigned at)
{
    char *end;
    uint64_t number;

    for (unsigned i = 0; i < gpu_machine_count(words->machine); i++) {
        Gpu *gpu = gpu_machine_get(words->machine, i);

        if (strcmp(gpu->config->id, words->word[at]) == 0) {
            return gpu;
        }
    }
    number = g_ascii_strtoull(words->word[at], &end, 10);
    if (end == words->word[at] || *end || number >= SVMGPU_MAX_GPUS) {
        return NULL;
    }
    return gpu_machine_get(words->machine, number);
}

static bool word_number(Words *words, unsigned at, uint64_t max,
                        uint64_t *value)
{
    char *end;

    *value = g_ascii_strtoull(words->word[at], &end, 0);
    return end != words->word[at] && !*end && *value <= max;
}

/* The last word may be left out: once. */
static bool word_count(Words *words, unsigned at, uint64_t *count)
{
    *count = 1;
    return at >= words->n || word_number(words, at, 1000000, count);
}

static void note(Gpu *gpu, Words *words)
{
    g_autofree char *text = g_strjoinv(" ", words->word);

    gpu_log_injected(gpu, text);
}

static const char no_gpu[] = "no such GPU";
static const char no_number[] = "not a number in range";

/* --- status ---------------------------------------------------------------*/

static void append_engines(GString *json, Gpu *gpu)
{
    g_string_append(json, ",\"engines\":[");
    for (unsigned i = 0; i < gpu->config->n_engines; i++) {
        GpuEngineStatus status;
        char name[8];

        gpu_engines_status(gpu->engines, i, &status);
        gpu_engine_name(&gpu->config->engines[i], name, sizeof(name));
        g_string_append_printf(json, "%s{\"name\":\"%s\",\"context\":%u,"
                               "\"hung\":%s,\"busy_ns\":%" G_GUINT64_FORMAT
                               ",\"turns\":%" G_GUINT64_FORMAT "}",
                               i ? "," : "", name, status.context,
                               status.hung ? "true" : "false",
                               status.busy_ns, status.turns);
    }
    g_string_append(json, "]");
}

static void append_number(GString *json, const char *name, uint64_t value)
{
    g_string_append_printf(json, ",\"%s\":%" G_GUINT64_FORMAT, name, value);
}

/* Others count meanwhile. */
static void append_counter(GString *json, const char *name,
                           const uint64_t *counter)
{
    append_number(json, name, __atomic_load_n(counter, __ATOMIC_RELAXED));
}

static void append_gpu(GString *json, Gpu *gpu)
{
    const GpuCounters *c = &gpu->counters;
    GpuPortStats tlb;
    VfuStats vfu;

    gpu_mmu_get_stats(gpu->mmu, &tlb);
    vfu_server_get_stats(gpu->vfu, &vfu);
    g_string_append_printf(json, "{\"index\":%u,\"id\":\"%s\","
                           "\"connected\":%s,\"enabled\":%s,\"wedged\":%s,"
                           "\"unplugged\":%s", gpu->index, gpu->config->id,
                           vfu_server_is_connected(gpu->vfu) ? "true" :
                           "false", gpu_is_enabled(gpu) ? "true" : "false",
                           g_atomic_int_get(&gpu->wedged) ? "true" : "false",
                           g_atomic_int_get(&gpu->unplugged) ? "true" :
                           "false");
    append_number(json, "vram_bytes", gpu->config->vram_bytes);
    append_number(json, "links_up", gpu_fabric_up(gpu->fabric, gpu->index));
    append_number(json, "contexts", gpu_engines_contexts(gpu->engines));
    append_number(json, "faults_outstanding",
                  gpu_faults_outstanding(gpu->faults));
    append_counter(json, "guest_errors", &c->guest_errors);
    g_string_append_printf(json, ",\"last_error\":\"%s\"",
                           gpu_error_name(g_atomic_int_get(
                                              &gpu->error_last)));
    append_counter(json, "jobs", &c->jobs);
    append_counter(json, "jobs_failed", &c->jobs_failed);
    append_counter(json, "faults_raised", &c->faults_raised);
    append_counter(json, "faults_answered", &c->faults_answered);
    append_counter(json, "faults_replayed", &c->faults_replayed);
    append_counter(json, "bad_answers", &c->bad_answers);
    append_counter(json, "fatal_faults", &c->fatal_faults);
    append_counter(json, "flushes", &c->flushes);
    append_counter(json, "commands", &c->commands);
    append_counter(json, "descriptors", &c->descriptors);
    append_counter(json, "bytes_copied", &c->bytes_copied);
    append_counter(json, "interrupts", &c->interrupts);
    append_counter(json, "interrupts_dropped", &c->interrupts_dropped);
    append_counter(json, "events_dropped", &c->events_dropped);
    append_counter(json, "resets", &c->resets);
    append_number(json, "tlb_hits", tlb.hits);
    append_number(json, "tlb_misses", tlb.misses);
    append_number(json, "tlb_stale_hits", tlb.stale_hits);
    append_number(json, "dma_faults", vfu.dma_faults);
    append_number(json, "bad_messages", vfu.bad_messages);
    append_engines(json, gpu);
    g_string_append(json, "}");
}

static const char *run_status(Words *words)
{
    GString *json = g_string_new("{\"gpus\":[");

    for (unsigned i = 0; i < gpu_machine_count(words->machine); i++) {
        if (i) {
            g_string_append_c(json, ',');
        }
        append_gpu(json, gpu_machine_get(words->machine, i));
    }
    g_string_append(json, "]");
    if (gpu_machine_get(words->machine, 0)->log) {
        EventlogStats log;

        eventlog_get_stats(gpu_machine_get(words->machine, 0)->log, &log);
        g_string_append_printf(json, ",\"log\":{\"rows\":%" G_GUINT64_FORMAT,
                               log.rows);
        append_number(json, "device_events", log.device_events);
        append_number(json, "driver_records", log.driver_records);
        append_number(json, "lost", log.lost);
        append_number(json, "bad_records", log.bad_records);
        append_number(json, "write_errors", log.write_errors);
        g_string_append(json, "}");
    }
    g_string_append(json, "}");
    words->answer = g_string_free(json, FALSE);
    return NULL;
}

/* --- what breaks things ---------------------------------------------------*/

static const char *run_link(Words *words)
{
    Gpu *a = word_gpu(words, 1);
    Gpu *b = word_gpu(words, 2);
    bool up = strcmp(words->word[3], "up") == 0;

    if (!a || !b || a == b) {
        return "no such link";
    }
    if (!up && strcmp(words->word[3], "down") != 0) {
        return "a link goes up or down";
    }
    note(a, words);
    gpu_machine_set_link(words->machine, a->index, b->index, up);
    return NULL;
}

static const char *run_poison(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);
    uint64_t page;

    if (!gpu) {
        return no_gpu;
    }
    if (!word_number(words, 2, UINT64_MAX, &page)) {
        return no_number;
    }
    note(gpu, words);
    return gpu_poison_page(gpu, page, words->word[0][0] == 'p') ? NULL :
           "no such page";
}

static const char *run_hang(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);

    if (!gpu) {
        return no_gpu;
    }
    for (unsigned i = 0; i < gpu->config->n_engines; i++) {
        char name[8];

        gpu_engine_name(&gpu->config->engines[i], name, sizeof(name));
        if (strcmp(name, words->word[2]) == 0) {
            note(gpu, words);
            gpu_engines_set_hung(gpu->engines, i, words->word[0][0] == 'h');
            return NULL;
        }
    }
    return "no such engine";
}

static const char *run_drop_irq(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);
    uint64_t vector, count;

    if (!gpu) {
        return no_gpu;
    }
    if (!word_number(words, 2, SVMGPU_VECTORS - 1, &vector) ||
        !word_count(words, 3, &count)) {
        return no_number;
    }
    note(gpu, words);
    gpu_inject_drop_irq(gpu, vector, count);
    return NULL;
}

static const char *run_late_irq(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);
    uint64_t vector, ms, count;

    if (!gpu) {
        return no_gpu;
    }
    if (!word_number(words, 2, SVMGPU_VECTORS - 1, &vector) ||
        !word_number(words, 3, 10000, &ms) ||
        !word_count(words, 4, &count)) {
        return no_number;
    }
    note(gpu, words);
    gpu_inject_late_irq(gpu, vector, count, ms);
    return NULL;
}

static const char *run_fail_copy(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);
    uint64_t count;

    if (!gpu) {
        return no_gpu;
    }
    if (!word_count(words, 2, &count)) {
        return no_number;
    }
    note(gpu, words);
    gpu_inject_copy_failures(gpu, count);
    return NULL;
}

static const char *run_late_answer(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);
    uint64_t ms, count;

    if (!gpu) {
        return no_gpu;
    }
    if (!word_number(words, 2, 10000, &ms) || !word_count(words, 3, &count)) {
        return no_number;
    }
    note(gpu, words);
    gpu_inject_late_answers(gpu, count, ms);
    return NULL;
}

static const char *run_check_tlb(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);
    bool on = strcmp(words->word[2], "on") == 0;

    if (!gpu) {
        return no_gpu;
    }
    if (!on && strcmp(words->word[2], "off") != 0) {
        return "write on or off";
    }
    gpu_mmu_set_check(gpu->mmu, on);
    return NULL;
}

static const char *run_unplug(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);

    if (!gpu) {
        return no_gpu;
    }
    note(gpu, words);
    if (words->word[0][0] == 'u') {
        gpu_unplug(gpu);
    } else {
        gpu_plug(gpu);
    }
    return NULL;
}

static const char *run_reset(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);

    if (!gpu) {
        return no_gpu;
    }
    note(gpu, words);
    gpu_reset(gpu, GPU_RESET_GLOBAL);
    return NULL;
}

static const char *run_clear(Words *words)
{
    Gpu *gpu = word_gpu(words, 1);

    if (!gpu) {
        return no_gpu;
    }
    gpu_inject_clear(gpu);
    for (unsigned i = 0; i < gpu->config->n_engines; i++) {
        gpu_engines_set_hung(gpu->engines, i, false);
    }
    return NULL;
}

static const char *run_cost(Words *words)
{
    GpuFabric *fabric = gpu_machine_get(words->machine, 0)->fabric;
    uint64_t mib_per_s, latency_ns;
    GpuPath path;

    if (strcmp(words->word[1], "pcie") == 0) {
        path = GPU_PATH_PCIE;
    } else if (strcmp(words->word[1], "link") == 0) {
        path = GPU_PATH_LINK;
    } else {
        return "the path is pcie or link";
    }
    if (!word_number(words, 2, 1u << 20, &mib_per_s) ||
        !word_number(words, 3, 1000000000, &latency_ns)) {
        return no_number;
    }
    gpu_fabric_set_cost(fabric, path, mib_per_s << 20, latency_ns);
    return NULL;
}

static const char *run_help(Words *words);

static const Command commands[] = {
    { "check-tlb", 2, 2, "GPU on|off", run_check_tlb },
    { "clear", 1, 1, "GPU", run_clear },
    { "cost", 3, 3, "pcie|link MIB_PER_S LATENCY_NS", run_cost },
    { "drop-irq", 2, 3, "GPU VECTOR [COUNT]", run_drop_irq },
    { "fail-copy", 1, 2, "GPU [COUNT]", run_fail_copy },
    { "hang", 2, 2, "GPU ENGINE", run_hang },
    { "help", 0, 0, "", run_help },
    { "late-answer", 2, 3, "GPU MS [COUNT]", run_late_answer },
    { "late-irq", 3, 4, "GPU VECTOR MS [COUNT]", run_late_irq },
    { "link", 3, 3, "GPU GPU up|down", run_link },
    { "plug", 1, 1, "GPU", run_unplug },
    { "poison", 2, 2, "GPU PAGE", run_poison },
    { "reset", 1, 1, "GPU", run_reset },
    { "status", 0, 0, "", run_status },
    { "unhang", 2, 2, "GPU ENGINE", run_hang },
    { "unplug", 1, 1, "GPU", run_unplug },
    { "unpoison", 2, 2, "GPU PAGE", run_poison },
};

static const char *run_help(Words *words)
{
    GString *text = g_string_new("commands:");

    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        g_string_append_printf(text, "%s %s%s%s", i ? ";" : "",
                               commands[i].name,
                               *commands[i].arguments ? " " : "",
                               commands[i].arguments);
    }
    words->answer = g_string_free(text, FALSE);
    return NULL;
}

char *gpu_control_execute(GpuMachine *machine, const char *line)
{
    g_auto(GStrv) split = g_strsplit_set(line, " \t", -1);
    g_autoptr(GPtrArray) kept = g_ptr_array_new();
    const char *reason = NULL;
    Words words = { .machine = machine };

    for (char **word = split; *word; word++) {
        if (**word) {
            g_ptr_array_add(kept, *word);
        }
    }
    words.n = kept->len;
    g_ptr_array_add(kept, NULL);
    words.word = (char **)kept->pdata;
    if (words.n == 0) {
        return g_strdup("error: empty command; try help");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
        const Command *command = &commands[i];

        if (strcmp(command->name, words.word[0]) != 0) {
            continue;
        }
        if (words.n - 1 < command->min || words.n - 1 > command->max) {
            return g_strdup_printf("error: write %s %s", command->name,
                                   command->arguments);
        }
        reason = command->run(&words);
        if (reason) {
            return g_strdup_printf("error: %s", reason);
        }
        return words.answer ? words.answer : g_strdup("ok");
    }
    return g_strdup("error: unknown command; try help");
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The text of --gpu: how one GPU is described on the command line. */

#include <errno.h>
#include <string.h>

#include "gpu.h"
#include "memory.h"

#define VRAM_MIN (64ull << 20)
#define VRAM_MAX (16ull << 30)
#define VRAM_STEP (2ull << 20)
#define VRAM_DEFAULT (256ull << 20)
#define TRACE_DEFAULT (16ull << 20)
#define TRACE_MAX (1ull << 30)

typedef struct EngineClass {
    const char *name;
    enum svmgpu_engine_class class;
} EngineClass;

static const EngineClass engine_classes[] = {
    { "rcs", SVMGPU_ENGINE_RENDER },
    { "bcs", SVMGPU_ENGINE_COPY },
    { "vcs", SVMGPU_ENGINE_VIDEO_DECODE },
    { "vecs", SVMGPU_ENGINE_VIDEO_ENHANCE },
    { "ccs", SVMGPU_ENGINE_COMPUTE },
};

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

static bool refuse(GError **error, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    g_clear_error(error);
    if (error) {
        *error = g_error_new_valist(G_OPTION_ERROR,
                                    G_OPTION_ERROR_BAD_VALUE, format,
                                    arguments);
    }
    va_end(arguments);
    return false;
}

void gpu_engine_name(const GpuEngineConfig *engine, char *name, size_t size)
{
    const char *class = "???";

    for (size_t i = 0; i < G_N_ELEMENTS(engine_classes); i++) {
        if (engine_classes[i].class == engine->class) {
            class = engine_classes[i].name;
        }
    }
    g_snprintf(name, size, "%s%u", class, engine->instance);
}

static bool parse_size(const char *key, const char *text, uint64_t *bytes,
                       GError **error)
{
    unsigned shift = 0;
    char *end;

    errno = 0;
    *bytes = g_ascii_strtoull(text, &end, 0);
    switch (g_ascii_toupper(*end)) {
    case 'K':
        shift = 10;
        break;
    case 'M':
        shift = 20;
        break;
    case 'G':
        shift = 30;
        break;
    }
    if (shift) {
        end++;
    }
    if (end == text || *end || errno || *bytes > UINT64_MAX >> shift) {
        return refuse(error, "%s=%s is not a size; write 256M or 4G", key,
                      text);
    }
    *bytes <<= shift;
    return true;
}

static bool parse_engine(GpuConfig *config, const char *text, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(engine_classes); i++) {
        size_t len = strlen(engine_classes[i].name);
        GpuEngineConfig *engine = &config->engines[config->n_engines];
        uint64_t instance;
        char *end;

        if (strncmp(text, engine_classes[i].name, len) != 0 ||
            !g_ascii_isdigit(text[len])) {
            continue;
        }
        instance = g_ascii_strtoull(text + len, &end, 10);
        if (*end || instance > 9) {
            break;
        }
        for (unsigned e = 0; e < config->n_engines; e++) {
            if (config->engines[e].class == engine_classes[i].class &&
                config->engines[e].instance == instance) {
                return refuse(error, "engine %s is named twice", text);
            }
        }
        engine->class = engine_classes[i].class;
        engine->instance = instance;
        config->n_engines++;
        return true;
    }
    return refuse(error, "%s is no engine; write bcs0, vcs0, vcs1, ccs0, "
                  "rcs0 or vecs0", text);
}

static bool parse_engines(GpuConfig *config, const char *text, GError **error)
{
    g_auto(GStrv) names = g_strsplit_set(text, "+:", -1);

    config->n_engines = 0;
    for (char **name = names; *name; name++) {
        if (config->n_engines == SVMGPU_MAX_ENGINES) {
            return refuse(error, "more than %u engines", SVMGPU_MAX_ENGINES);
        }
        if (!parse_engine(config, *name, error)) {
            return false;
        }
    }
    return config->n_engines || refuse(error, "a GPU needs an engine");
}

static bool parse_number(const char *key, const char *text, unsigned *value,
                         GError **error)
{
    char *end;
    uint64_t number = g_ascii_strtoull(text, &end, 0);

    if (end == text || *end || number > UINT32_MAX) {
        return refuse(error, "%s=%s is not a number", key, text);
    }
    *value = number;
    return true;
}

static bool parse_pair(GpuConfig *config, const char *key, const char *value,
                       GError **error)
{
    unsigned number = 0;

    if (strcmp(key, "socket") == 0) {
        g_free(config->socket);
        config->socket = g_strdup(value);
        return true;
    }
    if (strcmp(key, "id") == 0) {
        g_free(config->id);
        config->id = g_strdup(value);
        return true;
    }
    if (strcmp(key, "vram") == 0) {
        return parse_size(key, value, &config->vram_bytes, error);
    }
    if (strcmp(key, "visible") == 0) {
        return parse_size(key, value, &config->visible_bytes, error);
    }
    if (strcmp(key, "trace") == 0) {
        return parse_size(key, value, &config->trace_bytes, error);
    }
    if (strcmp(key, "engines") == 0) {
        return parse_engines(config, value, error);
    }
    if (strcmp(key, "hot") == 0) {
        return parse_number(key, value, &config->hot_threshold, error);
    }
    if (strcmp(key, "check-tlb") == 0) {
        if (!parse_number(key, value, &number, error)) {
            return false;
        }
        config->check_tlb = number;
        return true;
    }
    return refuse(error, "unknown property %s of a GPU; known are socket, id, "
                  "vram, visible, engines, trace, hot and check-tlb", key);
}

static bool check(GpuConfig *config, GError **error)
{
    if (!config->socket || !*config->socket) {
        return refuse(error, "a GPU needs socket=PATH");
    }
    if (config->vram_bytes < VRAM_MIN || config->vram_bytes > VRAM_MAX ||
        config->vram_bytes % VRAM_STEP) {
        return refuse(error, "vram must be 64M to 16G, in steps of 2M");
    }
    if (config->visible_bytes == 0) {
        config->visible_bytes = GPU_PAGE_BYTES;
        while (config->visible_bytes < config->vram_bytes) {
            config->visible_bytes <<= 1;
        }
    }
    if (config->visible_bytes < GPU_PAGE_BYTES ||
        (config->visible_bytes & (config->visible_bytes - 1)) ||
        config->visible_bytes / 2 >= config->vram_bytes) {
        return refuse(error, "visible must be a power of two, 4K to vram");
    }
    if (config->trace_bytes < GPU_PAGE_BYTES ||
        config->trace_bytes % GPU_PAGE_BYTES ||
        config->trace_bytes > TRACE_MAX) {
        return refuse(error, "trace must be 4K to 1G, in steps of 4K");
    }
    return true;
}

bool gpu_config_parse(GpuConfig *config, const char *text, GError **error)
{
    g_auto(GStrv) pairs = g_strsplit(text, ",", -1);

    memset(config, 0, sizeof(*config));
    config->vram_bytes = VRAM_DEFAULT;
    config->trace_bytes = TRACE_DEFAULT;
    parse_engines(config, "bcs0+vcs0+vcs1", NULL);
    for (char **pair = pairs; *pair; pair++) {
        char *value = strchr(*pair, '=');

        if (!value) {
            refuse(error, "\"%s\" of --gpu is not KEY=VALUE", *pair);
            goto fail;
        }
        *value++ = '\0';
        if (!parse_pair(config, *pair, value, error)) {
            goto fail;
        }
    }
    if (!check(config, error)) {
        goto fail;
    }
    if (!config->id) {
        config->id = g_strdup("gpu");
    }
    return true;

fail:
    gpu_config_clear(config);
    return false;
}

void gpu_config_clear(GpuConfig *config)
{
    g_clear_pointer(&config->id, g_free);
    g_clear_pointer(&config->socket, g_free);
}

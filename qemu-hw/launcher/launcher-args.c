/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line between libvirt and QEMU.
 */

#include "launcher-args.h"

#include <gio/gio.h>
#include <json-glib/json-glib.h>
#include <string.h>

#define LAUNCHER_MAX_CHASSIS 255

/* The ids of what we add. */
#define LAUNCHER_ROOT_PORT "svmgpu-root"
#define LAUNCHER_UPSTREAM "svmgpu-switch"
#define LAUNCHER_DOWNSTREAM "svmgpu-port%u"

#define LAUNCHER_SET_ERROR(error, ...) \
    g_set_error(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, __VA_ARGS__)

static void launcher_gpu_free(LauncherGpu *gpu)
{
    g_free(gpu->id);
    g_free(gpu->bus);
    g_free(gpu->addr);
    g_free(gpu->properties);
    g_free(gpu);
}

void launcher_args_free(LauncherArgs *args)
{
    g_strfreev(args->argv);
    g_clear_pointer(&args->gpus, g_ptr_array_unref);
    g_free(args->log);
    g_free(args->ctl);
    g_free(args);
}

GHashTable *launcher_keyval_parse(const char *text, const char *implied,
                                  GPtrArray *order, GError **error)
{
    g_autoptr(GHashTable) table =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    const char *p = text;
    bool first = true;

    while (*p) {
        g_autoptr(GString) item = g_string_new(NULL);
        char *key, *equals;

        for (; *p; p++) {
            if (*p == ',') {
                if (p[1] != ',') {
                    break;
                }
                p++;
            }
            g_string_append_c(item, *p);
        }
        if (*p) {
            p++;
        }

        equals = strchr(item->str, '=');
        if (first && !equals) {
            key = g_strdup(implied);
            g_hash_table_replace(table, key, g_strdup(item->str));
        } else if (equals && equals > item->str) {
            key = g_strndup(item->str, equals - item->str);
            g_hash_table_replace(table, key, g_strdup(equals + 1));
        } else {
            LAUNCHER_SET_ERROR(error, "'%s' in '%s' is not KEY=VALUE",
                               item->str, text);
            return NULL;
        }
        if (order) {
            g_ptr_array_add(order, key);
        }
        first = false;
    }
    return g_steal_pointer(&table);
}

/* The same from {"key":value}; values that are no scalars are left out. */
static GHashTable *launcher_json_parse(const char *text, GPtrArray *order)
{
    g_autoptr(GHashTable) table =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_autoptr(JsonNode) root = json_from_string(text, NULL);
    JsonObjectIter iter;
    const char *member;
    JsonNode *node;

    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        return NULL;
    }
    json_object_iter_init_ordered(&iter, json_node_get_object(root));
    while (json_object_iter_next_ordered(&iter, &member, &node)) {
        g_autofree char *value = NULL;
        char *key;

        if (!JSON_NODE_HOLDS_VALUE(node)) {
            continue;
        }
        switch (json_node_get_value_type(node)) {
        case G_TYPE_STRING:
            value = g_strdup(json_node_get_string(node));
            break;
        case G_TYPE_BOOLEAN:
            value = g_strdup(json_node_get_boolean(node) ? "on" : "off");
            break;
        case G_TYPE_INT64:
            value =
                g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
            break;
        default:
            continue;
        }
        key = g_strdup(member);
        g_hash_table_replace(table, key, g_steal_pointer(&value));
        if (order) {
            g_ptr_array_add(order, key);
        }
    }
    return g_steal_pointer(&table);
}

/* An option's argument in either of its two forms; NULL: neither. */
static GHashTable *launcher_option_parse(const char *text, const char *implied,
                                         GPtrArray *order)
{
    if (*text == '{') {
        return launcher_json_parse(text, order);
    }
    return launcher_keyval_parse(text, implied, order, NULL);
}

static bool launcher_is_option(const char *arg, const char *name)
{
    if (*arg != '-') {
        return false;
    }
    arg++;
    if (*arg == '-') {
        arg++;
    }
    return g_str_equal(arg, name);
}

/* Which guest memory the command line makes, and which of it is shared. */
typedef struct LauncherMemory {
    GHashTable *shared;   /* ids of shared backends */
    GHashTable *backends; /* ids of all */
    GPtrArray *used;      /* ids that the machine or its nodes use */
} LauncherMemory;

static void launcher_note_object(LauncherMemory *memory, const char *text)
{
    g_autoptr(GHashTable) object =
        launcher_option_parse(text, "qom-type", NULL);
    const char *type, *id, *share;

    if (!object) {
        return;
    }
    type = g_hash_table_lookup(object, "qom-type");
    id = g_hash_table_lookup(object, "id");
    share = g_hash_table_lookup(object, "share");
    if (!type || !id || !g_str_has_prefix(type, "memory-backend-")) {
        return;
    }
    g_hash_table_add(memory->backends, g_strdup(id));
    /* memory-backend-ram has no descriptor that could be passed on. */
    if (g_str_equal(type, "memory-backend-ram")) {
        return;
    }
    if (share ? g_str_equal(share, "on") || g_str_equal(share, "true")
                    || g_str_equal(share, "yes")
              : g_str_equal(type, "memory-backend-memfd")
                    || g_str_equal(type, "memory-backend-shm")) {
        g_hash_table_add(memory->shared, g_strdup(id));
    }
}

static void launcher_note_memory_use(LauncherMemory *memory, const char *text,
                                     const char *implied, const char *key)
{
    g_autoptr(GHashTable) option = launcher_option_parse(text, implied, NULL);
    const char *id = option ? g_hash_table_lookup(option, key) : NULL;

    if (id) {
        g_ptr_array_add(memory->used, g_strdup(id));
    }
}

static bool launcher_memory_check(const LauncherMemory *memory, GError **error)
{
    guint i;

    for (i = 0; i < memory->used->len; i++) {
        const char *id = g_ptr_array_index(memory->used, i);

        if (!g_hash_table_contains(memory->shared, id)) {
            LAUNCHER_SET_ERROR(
                error,
                "guest memory '%s' is not shared with the GPUs; in the domain"
                " XML use <memoryBacking><source type='memfd'/><access"
                " mode='shared'/></memoryBacking>",
                id);
            return false;
        }
    }
    if (memory->used->len == 0) {
        LAUNCHER_SET_ERROR(
            error,
            "guest memory is private to QEMU; in the domain XML add"
            " <memoryBacking><source type='memfd'/><access mode='shared'/>"
            "</memoryBacking>, by hand -object"
            " memory-backend-memfd,id=ram,share=on,size=SIZE -machine"
            " memory-backend=ram");
        return false;
    }
    return true;
}

/* A value for "key=value,...": commas are doubled. */
static void launcher_append_property(GString *properties, const char *key,
                                     const char *value)
{
    if (properties->len > 0) {
        g_string_append_c(properties, ',');
    }
    g_string_append_printf(properties, "%s=", key);
    for (; *value; value++) {
        if (*value == ',') {
            g_string_append_c(properties, ',');
        }
        g_string_append_c(properties, *value);
    }
}

/* A path of the device process, which all GPUs share. */
static bool launcher_take_path(char **path, const char *key, const char *value,
                               GError **error)
{
    if (*path && !g_str_equal(*path, value)) {
        LAUNCHER_SET_ERROR(error,
                           "svmgpu: %s='%s' and %s='%s': all GPUs of a"
                           " machine share one",
                           key, *path, key, value);
        return false;
    }
    g_free(*path);
    *path = g_strdup(value);
    return true;
}

static bool launcher_add_gpu(LauncherArgs *args, const GPtrArray *order,
                             GHashTable *device, GError **error)
{
    g_autoptr(GString) properties = g_string_new(NULL);
    LauncherGpu *gpu = g_new0(LauncherGpu, 1);
    guint i;

    g_ptr_array_add(args->gpus, gpu);
    for (i = 0; i < order->len; i++) {
        const char *key = g_ptr_array_index(order, i);
        const char *value = g_hash_table_lookup(device, key);

        if (g_str_equal(key, "driver")) {
            continue;
        } else if (g_str_equal(key, "id")) {
            gpu->id = g_strdup(value);
        } else if (g_str_equal(key, "bus")) {
            gpu->bus = g_strdup(value);
        } else if (g_str_equal(key, "addr")) {
            gpu->addr = g_strdup(value);
        } else if (g_str_equal(key, "log")) {
            if (!launcher_take_path(&args->log, key, value, error)) {
                return false;
            }
        } else if (g_str_equal(key, "ctl")) {
            if (!launcher_take_path(&args->ctl, key, value, error)) {
                return false;
            }
        } else if (g_str_equal(key, "socket")) {
            LAUNCHER_SET_ERROR(error, "svmgpu: socket= is chosen by the"
                                      " launcher");
            return false;
        } else {
            launcher_append_property(properties, key, value);
        }
    }
    if (gpu->addr && !gpu->bus) {
        LAUNCHER_SET_ERROR(error,
                           "svmgpu: addr='%s' without a bus=", gpu->addr);
        return false;
    }
    if (!gpu->id) {
        gpu->id = g_strdup_printf("gpu%u", args->gpus->len - 1);
    }
    for (i = 0; i + 1 < args->gpus->len; i++) {
        LauncherGpu *other = g_ptr_array_index(args->gpus, i);

        if (g_str_equal(other->id, gpu->id)) {
            LAUNCHER_SET_ERROR(error, "svmgpu: two GPUs have id='%s'", gpu->id);
            return false;
        }
    }
    gpu->properties = g_string_free(g_steal_pointer(&properties), FALSE);
    return true;
}

/* An IOMMU would hide guest memory from the device process. */
static bool launcher_is_iommu(const char *driver)
{
    return g_str_equal(driver, "intel-iommu")
           || g_str_equal(driver, "amd-iommu")
           || g_str_has_prefix(driver, "virtio-iommu");
}

static bool launcher_note_device(LauncherArgs *args, const char *text,
                                 const char **iommu, GError **error)
{
    g_autoptr(GPtrArray) order = g_ptr_array_new();
    g_autoptr(GHashTable) device = NULL;
    const char *driver, *chassis;

    device = launcher_option_parse(text, "driver", order);
    driver = device ? g_hash_table_lookup(device, "driver") : NULL;
    if (!driver) {
        if (g_str_has_prefix(text, "svmgpu")) {
            g_clear_pointer(&device, g_hash_table_unref);
            device = launcher_keyval_parse(text, "driver", NULL, error);
            return false;
        }
        return true; /* QEMU says what is wrong with it */
    }
    if (launcher_is_iommu(driver)) {
        *iommu = text;
    }
    chassis = g_hash_table_lookup(device, "chassis");
    if (chassis) {
        guint64 number = g_ascii_strtoull(chassis, NULL, 0);

        if (number <= LAUNCHER_MAX_CHASSIS) {
            args->max_chassis = MAX(args->max_chassis, number);
        }
    }
    if (!g_str_equal(driver, "svmgpu")) {
        return true;
    }
    return launcher_add_gpu(args, order, device, error);
}

LauncherArgs *launcher_args_parse(char **argv, GError **error)
{
    g_autoptr(LauncherArgs) args = g_new0(LauncherArgs, 1);
    g_autoptr(GHashTable) shared =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GHashTable) backends =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(GPtrArray) used = g_ptr_array_new_with_free_func(g_free);
    LauncherMemory memory = { shared, backends, used };
    const char *iommu = NULL;
    bool daemonize = false;
    unsigned i;

    args->argv = g_strdupv(argv);
    args->gpus =
        g_ptr_array_new_with_free_func((GDestroyNotify)launcher_gpu_free);
    for (i = 0; argv[i]; i++) {
        const char *value = argv[i + 1];

        if (launcher_is_option(argv[i], "daemonize")) {
            daemonize = true;
        }
        if (!value) {
            break;
        }
        if (launcher_is_option(argv[i], "device")) {
            if (!launcher_note_device(args, value, &iommu, error)) {
                return NULL;
            }
        } else if (launcher_is_option(argv[i], "object")) {
            launcher_note_object(&memory, value);
        } else if (launcher_is_option(argv[i], "machine")
                   || launcher_is_option(argv[i], "M")) {
            launcher_note_memory_use(&memory, value, "type", "memory-backend");
        } else if (launcher_is_option(argv[i], "numa")) {
            launcher_note_memory_use(&memory, value, "type", "memdev");
        } else {
            continue;
        }
        i++;
    }
    if (args->gpus->len == 0) {
        return g_steal_pointer(&args);
    }

    if (daemonize) {
        LAUNCHER_SET_ERROR(error, "-daemonize changes QEMU's process id, by"
                                  " which the GPUs know that it lives; leave it"
                                  " out");
        return NULL;
    }
    if (iommu) {
        LAUNCHER_SET_ERROR(error,
                           "svmgpu does not work behind a virtual"
                           " IOMMU; remove -device %s",
                           iommu);
        return NULL;
    }
    if (!launcher_memory_check(&memory, error)) {
        return NULL;
    }
    return g_steal_pointer(&args);
}

static void launcher_add_device(GPtrArray *out, const char *text)
{
    g_ptr_array_add(out, g_strdup("-device"));
    g_ptr_array_add(out, g_strdup(text));
}

static char *launcher_make_device(const LauncherGpu *gpu, const char *bus,
                                  const char *socket_path,
                                  unsigned msg_timeout_ms)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "driver");
    json_builder_add_string_value(builder, "vfio-user-pci");
    json_builder_set_member_name(builder, "id");
    json_builder_add_string_value(builder, gpu->id);
    json_builder_set_member_name(builder, "bus");
    json_builder_add_string_value(builder, bus);
    if (gpu->addr) {
        json_builder_set_member_name(builder, "addr");
        json_builder_add_string_value(builder, gpu->addr);
    }
    if (msg_timeout_ms) {
        json_builder_set_member_name(builder, "x-msg-timeout");
        json_builder_add_int_value(builder, msg_timeout_ms);
    }
    json_builder_set_member_name(builder, "socket");
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "type");
    json_builder_add_string_value(builder, "unix");
    json_builder_set_member_name(builder, "path");
    json_builder_add_string_value(builder, socket_path);
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

/*
 * Root port and the switch's upstream port, before the first of its GPUs. In
 * JSON, as libvirt's own devices are: QEMU makes all others before those, and
 * ours would take a slot that libvirt has given to one of its ports.
 */
static void launcher_add_switch(GPtrArray *out, unsigned *chassis)
{
    g_autofree char *root = g_strdup_printf(
        "{\"driver\":\"pcie-root-port\",\"id\":\"" LAUNCHER_ROOT_PORT
        "\",\"bus\":\"pcie.0\",\"chassis\":%u}",
        (*chassis)++);

    launcher_add_device(out, root);
    launcher_add_device(
        out, "{\"driver\":\"x3130-upstream\",\"id\":\"" LAUNCHER_UPSTREAM
             "\",\"bus\":\"" LAUNCHER_ROOT_PORT "\"}");
}

char **launcher_args_rewrite(const LauncherArgs *args,
                             char *const *socket_paths, unsigned msg_timeout_ms,
                             GError **error)
{
    g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func(g_free);
    unsigned chassis = args->max_chassis + 1;
    unsigned ports = 0;
    unsigned n = 0;
    unsigned i;

    for (i = 0; args->argv[i]; i++) {
        g_autoptr(GHashTable) device = NULL;
        g_autofree char *bus = NULL;
        g_autofree char *text = NULL;
        const char *value = args->argv[i + 1];
        const char *driver = NULL;
        LauncherGpu *gpu;

        if (value && launcher_is_option(args->argv[i], "device")) {
            device = launcher_option_parse(value, "driver", NULL);
            driver = device ? g_hash_table_lookup(device, "driver") : NULL;
        }
        if (!driver || !g_str_equal(driver, "svmgpu")) {
            g_ptr_array_add(out, g_strdup(args->argv[i]));
            if (driver) {
                g_ptr_array_add(out, g_strdup(args->argv[++i]));
            }
            continue;
        }

        i++;
        gpu = g_ptr_array_index(args->gpus, n);
        if (gpu->bus) {
            bus = g_strdup(gpu->bus);
        } else {
            g_autofree char *port = NULL;

            if (ports == 0) {
                launcher_add_switch(out, &chassis);
            }
            bus = g_strdup_printf(LAUNCHER_DOWNSTREAM, ports);
            port = g_strdup_printf("{\"driver\":\"xio3130-downstream\","
                                   "\"id\":\"%s\",\"bus\":\"" LAUNCHER_UPSTREAM
                                   "\",\"chassis\":%u}",
                                   bus, chassis++);
            launcher_add_device(out, port);
            ports++;
        }
        text = launcher_make_device(gpu, bus, socket_paths[n], msg_timeout_ms);
        launcher_add_device(out, text);
        n++;
    }
    if (chassis - 1 > LAUNCHER_MAX_CHASSIS) {
        LAUNCHER_SET_ERROR(error,
                           "svmgpu: chassis numbers up to %u are in"
                           " use, none is left for %u ports",
                           args->max_chassis, ports + 1);
        return NULL;
    }
    g_ptr_array_add(out, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&out), FALSE);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A device process for the launcher's tests.
 *
 * Understands the command line of svmgpu-device as far as the launcher uses
 * it. Each of its functions copies between guest memory and its own: BAR0 has
 * registers and MSI-X, BAR2 is 64 KiB of memory.
 *
 *   0x00  ADDRESS  64 bits, in guest memory
 *   0x08  LENGTH   32 bits, at most 64 KiB, from the start of BAR2
 *   0x0c  COMMAND  1: guest to BAR2, 2: BAR2 to guest, 3: nothing; then
 *                  vector 0 is raised
 *   0x10  STATUS   ~0 while it runs, then 0 or the errno
 *   0x14  RESETS   DEVICE_RESET messages so far
 */

#include "vfu.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MEMORY_SIZE 0x10000

typedef struct TestDevice {
    VfuServer *server;
    uint8_t *memory;
    GAsyncQueue *commands;
    _Atomic(uint64_t) address;
    atomic_uint length;
    atomic_uint status;
    atomic_uint resets;
} TestDevice;

static int device_read(void *opaque, unsigned bar G_GNUC_UNUSED,
                       uint64_t offset, unsigned len, uint64_t *value)
{
    TestDevice *device = opaque;

    if (len != 4) {
        return -EINVAL;
    }
    switch (offset) {
    case 0x00:
        *value = atomic_load(&device->address);
        return 0;
    case 0x04:
        *value = atomic_load(&device->address) >> 32;
        return 0;
    case 0x08:
        *value = atomic_load(&device->length);
        return 0;
    case 0x10:
        *value = atomic_load(&device->status);
        return 0;
    case 0x14:
        *value = atomic_load(&device->resets);
        return 0;
    default:
        return -EIO;
    }
}

static int device_write(void *opaque, unsigned bar G_GNUC_UNUSED,
                        uint64_t offset, unsigned len, uint64_t value)
{
    TestDevice *device = opaque;
    uint64_t address = atomic_load(&device->address);

    if (len != 4) {
        return -EINVAL;
    }
    switch (offset) {
    case 0x00:
        atomic_store(&device->address, (address >> 32 << 32) | value);
        return 0;
    case 0x04:
        atomic_store(&device->address, (uint32_t)address | value << 32);
        return 0;
    case 0x08:
        atomic_store(&device->length, MIN(value, MEMORY_SIZE));
        return 0;
    case 0x0c:
        atomic_store(&device->status, ~0u);
        g_async_queue_push(device->commands,
                           GUINT_TO_POINTER((guint)value + 1));
        return 0;
    default:
        return -EIO;
    }
}

static void device_reset(void *opaque, VfuReset kind)
{
    TestDevice *device = opaque;

    atomic_store(&device->address, 0);
    atomic_store(&device->length, 0);
    if (kind == VFU_RESET_DEVICE) {
        atomic_fetch_add(&device->resets, 1);
    }
}

static const VfuOps device_ops = {
    .region_read = device_read,
    .region_write = device_write,
    .reset = device_reset,
};

static gpointer device_worker(gpointer opaque)
{
    TestDevice *device = opaque;

    for (;;) {
        guint command =
            GPOINTER_TO_UINT(g_async_queue_pop(device->commands)) - 1;
        uint64_t address = atomic_load(&device->address);
        unsigned length = atomic_load(&device->length);
        int ret = 0;

        if (command == 1) {
            ret = vfu_dma_read(device->server, address, device->memory, length);
        } else if (command == 2) {
            ret =
                vfu_dma_write(device->server, address, device->memory, length);
        }
        atomic_store(&device->status, -ret);
        vfu_irq_trigger(device->server, 0);
    }
    return NULL;
}

/* From "socket=PATH,id=ID,..." */
static char *get_property(const char *gpu, const char *key)
{
    g_auto(GStrv) items = g_strsplit(gpu, ",", -1);
    unsigned i;

    for (i = 0; items[i]; i++) {
        size_t len = strlen(key);

        if (g_str_has_prefix(items[i], key) && items[i][len] == '=') {
            return g_strdup(items[i] + len + 1);
        }
    }
    return NULL;
}

static bool device_start(const char *gpu, GError **error)
{
    TestDevice *device = g_new0(TestDevice, 1);
    g_autofree char *path = get_property(gpu, "socket");
    g_autofree char *id = get_property(gpu, "id");
    int fd = memfd_create("memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    VfuDescription desc = {
        .name = id,
        .vendor_id = 0x1234,
        .device_id = 0x5679,
        .class_code = 0xff0000,
        .bars = {
            [0] = { .size = 0x4000, .fd = -1 },
            [2] = { .size = MEMORY_SIZE, .is_64bit = true,
                    .prefetchable = true, .fd = fd },
        },
        .msix = { .vectors = 4, .table_offset = 0x2000,
                  .pba_offset = 0x3000 },
    };

    g_assert(path && id && fd >= 0);
    if (ftruncate(fd, MEMORY_SIZE) < 0) {
        return false;
    }
    device->memory =
        mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    device->commands = g_async_queue_new();
    device->server = vfu_server_new(&desc, &device_ops, device, error);
    if (!device->server || !vfu_server_listen(device->server, path, error)) {
        return false;
    }
    g_thread_unref(g_thread_new("worker", device_worker, device));
    return true;
}

int main(int argc, char **argv)
{
    g_auto(GStrv) gpus = NULL;
    g_autofree char *log = NULL;
    g_autofree char *ctl = NULL;
    int watch_pid = 0;
    int ready_fd = -1;
    const GOptionEntry entries[] = {
        { "gpu", 0, 0, G_OPTION_ARG_STRING_ARRAY, &gpus, NULL, NULL },
        { "log", 0, 0, G_OPTION_ARG_FILENAME, &log, NULL, NULL },
        { "ctl", 0, 0, G_OPTION_ARG_FILENAME, &ctl, NULL, NULL },
        { "watch-pid", 0, 0, G_OPTION_ARG_INT, &watch_pid, NULL, NULL },
        { "ready-fd", 0, 0, G_OPTION_ARG_INT, &ready_fd, NULL, NULL },
        { NULL },
    };
    g_autoptr(GOptionContext) context = g_option_context_new(NULL);
    g_autoptr(GError) error = NULL;
    struct pollfd parent;
    unsigned i;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error)) {
        fprintf(stderr, "vfu-test-device: %s\n", error->message);
        return 1;
    }
    parent.fd = syscall(SYS_pidfd_open, watch_pid, 0);
    parent.events = POLLIN;
    if (parent.fd < 0) {
        fprintf(stderr, "vfu-test-device: nobody to watch\n");
        return 1;
    }
    /* The test finds this process, and what it was told, by its log. */
    if (log) {
        g_autoptr(GString) text = g_string_new(NULL);

        g_string_append_printf(text, "%ld\n", (long)getpid());
        for (i = 0; gpus && gpus[i]; i++) {
            g_string_append_printf(text, "%s\n", gpus[i]);
        }
        g_file_set_contents(log, text->str, -1, NULL);
    }
    for (i = 0; gpus && gpus[i]; i++) {
        if (strstr(gpus[i], "vram=refused")) {
            fprintf(stderr, "vfu-test-device: vram=refused\n");
            return 1;
        }
        if (!device_start(gpus[i], &error)) {
            fprintf(stderr, "vfu-test-device: %s\n",
                    error ? error->message : "no memory");
            return 1;
        }
    }
    if (ready_fd >= 0) {
        if (write(ready_fd, "", 1) != 1) {
            return 1;
        }
        close(ready_fd);
    }
    while (poll(&parent, 1, -1) < 0 && errno == EINTR) {
        continue;
    }
    /* Threads of functions still run: they end with the process. */
    _exit(0);
}

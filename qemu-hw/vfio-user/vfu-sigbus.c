/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory that vanishes: the SIGBUS handler.
 *
 * The handler may run at any instruction of any thread, so that it only reads
 * atomics and calls mmap. Slots are never freed, only emptied.
 */

#include "vfu-sigbus.h"

#include <glib.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>

#define VFU_SIGBUS_SLOTS 1024

typedef struct VfuSigbusChunk VfuSigbusChunk;
struct VfuSigbusChunk {
    struct {
        atomic_uintptr_t start; /* 0: empty; written last, cleared first */
        atomic_size_t len;
        atomic_size_t page_size;
    } slots[VFU_SIGBUS_SLOTS];
    _Atomic(VfuSigbusChunk *) next;
};

static VfuSigbusChunk vfu_sigbus_first;
static atomic_uint_fast64_t vfu_sigbus_count;
static struct sigaction vfu_sigbus_previous;

/* Guards the choice of slots; the handler does without. */
static GMutex vfu_sigbus_lock;

static void vfu_sigbus_handler(int signal, siginfo_t *info, void *context)
{
    uintptr_t addr = (uintptr_t)info->si_addr;
    VfuSigbusChunk *chunk;
    size_t i;

    if (info->si_code == BUS_ADRERR) {
        for (chunk = &vfu_sigbus_first; chunk;
             chunk = atomic_load(&chunk->next)) {
            for (i = 0; i < VFU_SIGBUS_SLOTS; i++) {
                uintptr_t start = atomic_load(&chunk->slots[i].start);
                size_t len = atomic_load(&chunk->slots[i].len);
                size_t page = atomic_load(&chunk->slots[i].page_size);

                if (start == 0 || addr < start || addr - start >= len) {
                    continue;
                }
                if (mmap((void *)(addr & ~(page - 1)), page,
                         PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0)
                    != MAP_FAILED) {
                    atomic_fetch_add(&vfu_sigbus_count, 1);
                    return;
                }
            }
        }
    }

    if ((vfu_sigbus_previous.sa_flags & SA_SIGINFO)
        && vfu_sigbus_previous.sa_sigaction) {
        vfu_sigbus_previous.sa_sigaction(signal, info, context);
        return;
    }
    /* Not ours: the access is repeated and takes the default action. */
    sigaction(SIGBUS, &vfu_sigbus_previous, NULL);
}

static void vfu_sigbus_install(void)
{
    static gsize installed;

    if (g_once_init_enter(&installed)) {
        struct sigaction action = {
            .sa_sigaction = vfu_sigbus_handler,
            .sa_flags = SA_SIGINFO | SA_NODEFER,
        };

        sigemptyset(&action.sa_mask);
        sigaction(SIGBUS, &action, &vfu_sigbus_previous);
        g_once_init_leave(&installed, 1);
    }
}

void vfu_sigbus_watch(void *addr, size_t len, size_t page_size)
{
    VfuSigbusChunk *chunk = &vfu_sigbus_first;
    size_t i;

    vfu_sigbus_install();
    g_mutex_lock(&vfu_sigbus_lock);
    for (;;) {
        VfuSigbusChunk *next;

        for (i = 0; i < VFU_SIGBUS_SLOTS; i++) {
            if (atomic_load(&chunk->slots[i].start) == 0) {
                atomic_store(&chunk->slots[i].len, len);
                atomic_store(&chunk->slots[i].page_size, page_size);
                atomic_store(&chunk->slots[i].start, (uintptr_t)addr);
                g_mutex_unlock(&vfu_sigbus_lock);
                return;
            }
        }
        next = atomic_load(&chunk->next);
        if (!next) {
            next = g_new0(VfuSigbusChunk, 1);
            atomic_store(&chunk->next, next);
        }
        chunk = next;
    }
}

void vfu_sigbus_unwatch(void *addr)
{
    VfuSigbusChunk *chunk;
    size_t i;

    g_mutex_lock(&vfu_sigbus_lock);
    for (chunk = &vfu_sigbus_first; chunk; chunk = atomic_load(&chunk->next)) {
        for (i = 0; i < VFU_SIGBUS_SLOTS; i++) {
            if (atomic_load(&chunk->slots[i].start) == (uintptr_t)addr) {
                atomic_store(&chunk->slots[i].start, 0);
                g_mutex_unlock(&vfu_sigbus_lock);
                return;
            }
        }
    }
    g_mutex_unlock(&vfu_sigbus_lock);
}

uint64_t vfu_sigbus_get_count(void)
{
    return atomic_load(&vfu_sigbus_count);
}

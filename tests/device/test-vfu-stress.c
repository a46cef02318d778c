/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vfio-user: device threads that never stop, while clients come and go.
 *
 * The device threads do every kind of DMA at addresses that may or may not be
 * there, and raise interrupts; the clients lend and take memory, reset the
 * device, and die in the middle of it. Nothing may crash, hang or leak, and
 * no byte may land where it does not belong.
 */

#include "vfu-fixture.h"

#include <errno.h>
#include <linux/pci_regs.h>
#include <stdatomic.h>
#include <string.h>

#define SLOTS 8
#define SLOT_SIZE 0x4000ULL
#define SLOT_IOVA(i) (0x100000ULL + (i)*0x10000ULL)

/* What the device writes, everywhere; what is not this is a stray byte. */
#define PATTERN 0x5a

typedef struct Stress {
    VfuFixture *fixture;
    atomic_bool stop;
    atomic_ulong n_ok;
    atomic_ulong n_refused;
} Stress;

typedef struct Worker {
    Stress *stress;
    GThread *thread;
    uint64_t state;
} Worker;

static uint32_t stress_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state >> 16;
}

static gpointer worker_thread(gpointer opaque)
{
    Worker *worker = opaque;
    Stress *stress = worker->stress;
    VfuServer *server = stress->fixture->server;
    g_autofree uint8_t *pattern = g_malloc(SLOT_SIZE);
    g_autofree uint8_t *buf = g_malloc(SLOT_SIZE);

    memset(pattern, PATTERN, SLOT_SIZE);
    while (!atomic_load(&stress->stop)) {
        uint64_t iova = SLOT_IOVA(stress_random(&worker->state) % SLOTS)
                        + stress_random(&worker->state) % (SLOT_SIZE + 64);
        size_t len = stress_random(&worker->state) % SLOT_SIZE;
        VfuDmaMap map;
        int ret = 0;

        switch (stress_random(&worker->state) % 4) {
        case 0:
            ret = vfu_dma_read(server, iova, buf, len);
            break;
        case 1:
            ret = vfu_dma_write(server, iova, pattern, len);
            break;
        case 2:
            if (vfu_dma_map_begin(server, iova, len, VFU_DMA_RW, &map)) {
                memset(map.host, PATTERN, len);
                vfu_dma_map_end(server, &map);
            }
            ret = map.error;
            break;
        default:
            vfu_irq_trigger(server, stress_random(&worker->state) % 64);
            vfu_dma_is_mapped(server, iova, len, VFU_DMA_READ);
            break;
        }
        atomic_fetch_add(ret < 0 ? &stress->n_refused : &stress->n_ok, 1);
    }
    return NULL;
}

static void client_life(Stress *stress, uint64_t *state)
{
    VfuClient *client = vfu_fixture_connect(stress->fixture);
    bool present[SLOTS] = { false };
    unsigned steps = stress_random(state) % 60;
    unsigned exp = vfu_client_find_cap(client, PCI_CAP_ID_EXP);
    unsigned i, k;

    vfu_client_enable(client);
    while (steps-- > 0) {
        i = stress_random(state) % SLOTS;
        switch (stress_random(state) % 10) {
        case 0:
            g_assert_cmpint(vfu_client_reset(client), ==, 0);
            vfu_client_enable(client);
            break;
        case 1:
            vfu_client_config_write(client, exp + PCI_EXP_DEVCTL, 2,
                                    PCI_EXP_DEVCTL_BCR_FLR);
            vfu_client_enable(client);
            break;
        case 2:
            vfu_client_config_write(client, PCI_COMMAND, 2, 0);
            vfu_client_enable(client);
            break;
        default:
            if (present[i]) {
                const uint8_t *bytes = vfu_client_at(client, SLOT_IOVA(i));

                for (k = 0; k < SLOT_SIZE; k++) {
                    g_assert_true(bytes[k] == 0 || bytes[k] == PATTERN);
                }
                g_assert_cmpint(vfu_client_remove_ram(client, SLOT_IOVA(i)), ==,
                                0);
            } else if (stress_random(state) % 3) {
                vfu_client_add_ram(client, SLOT_IOVA(i), SLOT_SIZE);
            } else {
                vfu_client_add_ram_unmapped(client, SLOT_IOVA(i), SLOT_SIZE);
            }
            present[i] = !present[i];
            break;
        }
    }
    vfu_client_free(client);
}

static void test_stress(void)
{
    g_autoptr(VfuFixture) fixture = vfu_fixture_new();
    Stress stress = { .fixture = fixture };
    Worker workers[3] = { 0 };
    gint64 end =
        g_get_monotonic_time() + (g_test_slow() ? 60 : 5) * G_USEC_PER_SEC;
    uint64_t state = 0x2545f4914f6cdd1dULL;
    unsigned lives = 0;
    unsigned i;

    for (i = 0; i < G_N_ELEMENTS(workers); i++) {
        workers[i].stress = &stress;
        workers[i].state = 88172645463325252ULL + i;
        workers[i].thread = g_thread_new("worker", worker_thread, &workers[i]);
    }
    while (g_get_monotonic_time() < end) {
        client_life(&stress, &state);
        lives++;
    }
    atomic_store(&stress.stop, true);
    for (i = 0; i < G_N_ELEMENTS(workers); i++) {
        g_thread_join(workers[i].thread);
    }
    g_test_message("%u clients, %lu accesses, %lu refused", lives,
                   atomic_load(&stress.n_ok), atomic_load(&stress.n_refused));
    g_assert_cmpuint(lives, >, 1);
    g_assert_cmpuint(atomic_load(&stress.n_ok), >, 0);
    vfu_fixture_wait(fixture, &fixture->n_resets[VFU_RESET_DISCONNECT], lives);
    vfu_fixture_assert_alive(fixture);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/vfu/stress", test_stress);
    return g_test_run();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fabric: links between the GPUs of one process, and their cost. */

#include "fabric.h"

/* A sleep shorter than this costs more than it models. */
#define DEBT_WORTH_SLEEPING_NS 100000
#define DEBT_MAX_NS 1000000000ull

typedef struct GpuCost {
    uint64_t bytes_per_s;
    uint64_t latency_ns;
} GpuCost;

struct GpuFabric {
    unsigned gpus;
    uint32_t id;
    uint32_t up[SVMGPU_MAX_GPUS]; /* atomic */
    bool priced;
    GpuCost cost[GPU_PATHS];
};

static __thread uint64_t debt_ns;

GpuFabric *gpu_fabric_new(unsigned gpus)
{
    GpuFabric *fabric = g_new0(GpuFabric, 1);

    fabric->gpus = gpus;
    fabric->id = g_random_int() | 1;
    for (unsigned i = 0; i < gpus; i++) {
        fabric->up[i] = gpu_fabric_peers(fabric, i);
    }
    return fabric;
}

void gpu_fabric_free(GpuFabric *fabric)
{
    g_free(fabric);
}

uint32_t gpu_fabric_id(GpuFabric *fabric)
{
    return fabric->id;
}

uint32_t gpu_fabric_peers(GpuFabric *fabric, unsigned gpu)
{
    return ((1u << fabric->gpus) - 1) & ~(1u << gpu);
}

uint32_t gpu_fabric_up(GpuFabric *fabric, unsigned gpu)
{
    return __atomic_load_n(&fabric->up[gpu], __ATOMIC_ACQUIRE);
}

bool gpu_fabric_is_up(GpuFabric *fabric, unsigned from, unsigned to)
{
    return to < fabric->gpus && (gpu_fabric_up(fabric, from) & 1u << to);
}

bool gpu_fabric_set_link(GpuFabric *fabric, unsigned a, unsigned b, bool up)
{
    uint32_t old;

    if (up) {
        old = __atomic_fetch_or(&fabric->up[a], 1u << b, __ATOMIC_SEQ_CST);
        __atomic_fetch_or(&fabric->up[b], 1u << a, __ATOMIC_SEQ_CST);
    } else {
        old = __atomic_fetch_and(&fabric->up[a], ~(1u << b), __ATOMIC_SEQ_CST);
        __atomic_fetch_and(&fabric->up[b], ~(1u << a), __ATOMIC_SEQ_CST);
    }
    return !!(old & 1u << b) != up;
}

void gpu_fabric_set_cost(GpuFabric *fabric, GpuPath path,
                         uint64_t bytes_per_s, uint64_t latency_ns)
{
    __atomic_store_n(&fabric->cost[path].bytes_per_s, bytes_per_s,
                     __ATOMIC_RELAXED);
    __atomic_store_n(&fabric->cost[path].latency_ns, latency_ns,
                     __ATOMIC_RELAXED);
    if (bytes_per_s || latency_ns) {
        __atomic_store_n(&fabric->priced, true, __ATOMIC_RELEASE);
    }
}

void gpu_fabric_charge(GpuFabric *fabric, GpuPath path, uint64_t bytes)
{
    uint64_t rate, price;

    if (!__atomic_load_n(&fabric->priced, __ATOMIC_ACQUIRE)) {
        return;
    }
    rate = __atomic_load_n(&fabric->cost[path].bytes_per_s, __ATOMIC_RELAXED);
    price = __atomic_load_n(&fabric->cost[path].latency_ns, __ATOMIC_RELAXED);
    if (rate) {
        price += bytes * 1000000000ull / rate;
    }
    debt_ns = MIN(debt_ns + price, DEBT_MAX_NS);
}

void gpu_fabric_settle(void)
{
    if (debt_ns >= DEBT_WORTH_SLEEPING_NS) {
        g_usleep(debt_ns / 1000);
        debt_ns = 0;
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker: one thread that sleeps until it is kicked. */

#include "worker.h"

struct GpuWorker {
    GThread *thread;
    GMutex lock; /* protects what follows, innermost */
    GCond changed;
    bool kicked;
    bool busy;
    bool quit;
    unsigned paused;
    int stop; /* atomic copy of "paused or quit" */

    void (*work)(void *opaque);
    void *opaque;
};

static gpointer worker_main(gpointer data)
{
    GpuWorker *worker = data;

    g_mutex_lock(&worker->lock);
    while (!worker->quit) {
        if (!worker->kicked || worker->paused) {
            g_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        worker->kicked = false;
        worker->busy = true;
        g_mutex_unlock(&worker->lock);
        worker->work(worker->opaque);
        g_mutex_lock(&worker->lock);
        worker->busy = false;
        g_cond_broadcast(&worker->changed);
    }
    g_mutex_unlock(&worker->lock);
    return NULL;
}

GpuWorker *gpu_worker_new(const char *name, void (*work)(void *opaque),
                          void *opaque)
{
    GpuWorker *worker = g_new0(GpuWorker, 1);

    worker->work = work;
    worker->opaque = opaque;
    g_mutex_init(&worker->lock);
    g_cond_init(&worker->changed);
    worker->thread = g_thread_new(name, worker_main, worker);
    return worker;
}

void gpu_worker_free(GpuWorker *worker)
{
    g_mutex_lock(&worker->lock);
    worker->quit = true;
    g_atomic_int_set(&worker->stop, 1);
    g_cond_broadcast(&worker->changed);
    g_mutex_unlock(&worker->lock);
    g_thread_join(worker->thread);
    g_cond_clear(&worker->changed);
    g_mutex_clear(&worker->lock);
    g_free(worker);
}

void gpu_worker_kick(GpuWorker *worker)
{
    g_mutex_lock(&worker->lock);
    worker->kicked = true;
    g_cond_broadcast(&worker->changed);
    g_mutex_unlock(&worker->lock);
}

void gpu_worker_pause(GpuWorker *worker)
{
    g_mutex_lock(&worker->lock);
    worker->paused++;
    g_atomic_int_set(&worker->stop, 1);
    while (worker->busy) {
        g_cond_wait(&worker->changed, &worker->lock);
    }
    g_mutex_unlock(&worker->lock);
}

void gpu_worker_resume(GpuWorker *worker)
{
    g_mutex_lock(&worker->lock);
    worker->paused--;
    if (worker->paused == 0 && !worker->quit) {
        g_atomic_int_set(&worker->stop, 0);
    }
    /* what arrived during the pause, and what the pause interrupted */
    worker->kicked = true;
    g_cond_broadcast(&worker->changed);
    g_mutex_unlock(&worker->lock);
}

bool gpu_worker_should_stop(GpuWorker *worker)
{
    return g_atomic_int_get(&worker->stop);
}

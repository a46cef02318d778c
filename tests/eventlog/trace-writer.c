/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's side of the trace area, for tests: trace-writer.h.
 */
#include "trace-writer.h"

#include <glib.h>
#include <string.h>
#include <sys/mman.h>

static uint64_t ring_stride(unsigned records)
{
    return SVMGPU_TRACE_RING_HEADER_BYTES +
           (uint64_t)records * SVMGPU_TRACE_RECORD_BYTES;
}

void *trace_area_new(unsigned rings, unsigned records, size_t *bytes)
{
    void *area;

    *bytes = svmgpu_trace_area_bytes(rings, records);
    area = mmap(NULL, *bytes, PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    g_assert_true(area != MAP_FAILED);
    return area;
}

void trace_area_free(void *area, size_t bytes)
{
    munmap(area, bytes);
}

struct svmgpu_trace_ring *trace_writer_ring(TraceWriter *writer, unsigned cpu)
{
    return (struct svmgpu_trace_ring *)(writer->area +
                                        SVMGPU_TRACE_HEADER_BYTES +
                                        cpu * ring_stride(writer->records));
}

static void ring_doorbell(TraceWriter *writer)
{
    writer->doorbells++;
    if (writer->doorbell) {
        writer->doorbell(writer->opaque);
    }
}

void trace_writer_begin(TraceWriter *writer, void *area, size_t bytes,
                        unsigned rings, unsigned records, uint64_t session,
                        uint64_t now_ns)
{
    struct svmgpu_trace_header *h = area;

    writer->area = area;
    writer->bytes = bytes;
    writer->rings = rings;
    writer->records = records;
    __atomic_store_n(&h->magic, 0, __ATOMIC_SEQ_CST);
    for (unsigned r = 0; r < rings; r++) {
        memset(trace_writer_ring(writer, r), 0, ring_stride(records));
    }
    h->version = SVMGPU_TRACE_VERSION;
    h->record_bytes = SVMGPU_TRACE_RECORD_BYTES;
    h->ring_count = rings;
    h->ring_records = records;
    h->ring_stride_bytes = ring_stride(records);
    h->session = session;
    h->session_start_ns = now_ns;
    h->gpu = 0;
    h->gpu_count = 2;
    h->flags = 0;
    strncpy(h->driver, "svmgpu 0.1 (test)", sizeof(h->driver));
    strncpy(h->kernel, "7.2.12-test", sizeof(h->kernel));
    h->consumer_asleep = 1;
    __atomic_store_n(&h->magic, SVMGPU_TRACE_MAGIC, __ATOMIC_RELEASE);
    ring_doorbell(writer);
}

void trace_writer_end(TraceWriter *writer)
{
    struct svmgpu_trace_header *h =
        (struct svmgpu_trace_header *)writer->area;

    ring_doorbell(writer);
    __atomic_store_n(&h->magic, 0, __ATOMIC_RELEASE);
}

/* The position that was reserved, or UINT64_MAX when the ring is full. */
static uint64_t ring_reserve(TraceWriter *writer,
                             struct svmgpu_trace_ring *ring)
{
    uint64_t pos = __atomic_load_n(&ring->head, __ATOMIC_RELAXED);

    do {
        if (pos - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) >=
            writer->records) {
            return UINT64_MAX;
        }
    } while (!__atomic_compare_exchange_n(&ring->head, &pos, pos + 1, false,
                                          __ATOMIC_RELAXED,
                                          __ATOMIC_RELAXED));
    return pos;
}

bool trace_writer_put(TraceWriter *writer, unsigned cpu, uint64_t ts_ns,
                      uint32_t tid, unsigned type, const void *payload,
                      size_t size)
{
    struct svmgpu_trace_header *h =
        (struct svmgpu_trace_header *)writer->area;
    struct svmgpu_trace_ring *ring = trace_writer_ring(writer, cpu);
    uint64_t pos = ring_reserve(writer, ring);
    struct svmgpu_trace_record *rec;

    if (pos == UINT64_MAX) {
        if (!ring->lost) {
            ring->lost_first_ns = ts_ns;
        }
        ring->lost_last_ns = ts_ns;
        __atomic_add_fetch(&ring->lost, 1, __ATOMIC_RELEASE);
        return false;
    }
    rec = (struct svmgpu_trace_record *)((uint8_t *)ring +
                                         SVMGPU_TRACE_RING_HEADER_BYTES) +
          (pos & (writer->records - 1));
    rec->ts_ns = ts_ns;
    rec->tid = tid;
    memcpy(rec->payload, payload, size);
    memset(rec->payload + size, 0, SVMGPU_TRACE_PAYLOAD_BYTES - size);
    __atomic_store_n(&rec->tag, svmgpu_trace_tag(type, pos, writer->records),
                     __ATOMIC_RELEASE);

    if (__atomic_load_n(&h->consumer_asleep, __ATOMIC_RELAXED) &&
        __atomic_exchange_n(&h->consumer_asleep, 0, __ATOMIC_SEQ_CST)) {
        ring_doorbell(writer);
    } else if (pos + 1 - __atomic_load_n(&ring->tail, __ATOMIC_RELAXED) ==
               writer->records / 2) {
        ring_doorbell(writer);
    }
    return true;
}

void trace_writer_tear(TraceWriter *writer, unsigned cpu)
{
    ring_reserve(writer, trace_writer_ring(writer, cpu));
}

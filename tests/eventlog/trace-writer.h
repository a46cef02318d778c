/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The driver's side of the trace area, for tests: produces records as
 * svmgpu_trace.h tells the driver to, from any number of "CPUs", each of
 * which is to be used by one thread at a time.
 */
#ifndef TRACE_WRITER_H
#define TRACE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "svmgpu_trace.h"

typedef struct TraceWriter {
    uint8_t *area;
    size_t bytes;
    unsigned rings;
    uint32_t records;
    /* Rings the trace doorbell; may be NULL. */
    void (*doorbell)(void *opaque);
    void *opaque;
    uint64_t doorbells;
} TraceWriter;

/* A zeroed area of the size that fits. */
void *trace_area_new(unsigned rings, unsigned records, size_t *bytes);
void trace_area_free(void *area, size_t bytes);

/* Begins a session in an area: steps 1 to 3 of the protocol. */
void trace_writer_begin(TraceWriter *writer, void *area, size_t bytes,
                        unsigned rings, unsigned records, uint64_t session,
                        uint64_t now_ns);
void trace_writer_end(TraceWriter *writer);

/* False when the ring was full (the loss is counted in it). */
bool trace_writer_put(TraceWriter *writer, unsigned cpu, uint64_t ts_ns,
                      uint32_t tid, unsigned type, const void *payload,
                      size_t size);

/* Reserves and never commits: a producer that was stopped in the middle. */
void trace_writer_tear(TraceWriter *writer, unsigned cpu);

struct svmgpu_trace_ring *trace_writer_ring(TraceWriter *writer,
                                            unsigned cpu);

/* The payload of a type, as a compound literal's address. */
#define TRACE_PUT(writer, cpu, ts, tid, NAME, member, ...)                   \
    trace_writer_put(writer, cpu, ts, tid, SVMGPU_TRACE_##NAME,              \
                     &(struct svmgpu_trace_##member) { __VA_ARGS__ },        \
                     sizeof(struct svmgpu_trace_##member))

#endif /* TRACE_WRITER_H */

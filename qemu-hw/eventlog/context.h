/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One record of the driver, with what its numbers refer to.
 *
 * A record names things, intervals and faults by the driver's keys. The
 * functions here find the ids that these have in the log, and begin, end and
 * store what the record tells: with its time, on the driver's clock, by its
 * thread.
 *
 * Numbers of a record are the guest's: enumerations that select a row's
 * meaning are checked by who translates the record, everything else is only
 * stored.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_CONTEXT_H
#define EVENTLOG_CONTEXT_H

#include "locks.h"
#include "model.h"
#include "svmgpu_trace.h"
#include "timeline.h"

/* GPU numbers beyond are wild. */
#define EVENT_MAX_GPUS 64

typedef struct EventContext {
    EventModel *model;
    EventScope *scope; /* of the session */
    EventTimeline *timeline;
    EventLocks *locks;
    const struct svmgpu_trace_record *rec;
    unsigned type;
    unsigned cpu;
    int64_t t;
} EventContext;

/* --- time ---------------------------------------------------------------- */

/* What the driver does about a fault lies between the device's two events. */
void context_within_fault(EventContext *ctx, const EventOpen *fault);

/* --- things -------------------------------------------------------------- */

/* Threads, and interrupts on a CPU, in one space of keys. */
uint64_t context_thread_key(const EventContext *ctx);
int64_t context_thread(EventContext *ctx);
/* Id of a driver object, EVENT_NULL for key 0. */
int64_t context_thing(EventContext *ctx, EventThingKind kind, uint32_t key);
int64_t context_vm(EventContext *ctx, uint32_t vm);
int64_t context_gpu(EventContext *ctx, unsigned gpu);
int64_t context_vm_or_gpu(EventContext *ctx, uint32_t vm, unsigned gpu);
int64_t context_lane(EventContext *ctx, EventThingKind kind, unsigned gpu);
/* Value of a column gpu. */
int64_t context_gpu_column(unsigned gpu);

/* Defines or redefines a thing: event_model_define(). Its id. */
int64_t context_define(EventContext *ctx, EventThing *row);
void context_gone(EventContext *ctx, EventThingKind kind, uint64_t key);

/* --- intervals ----------------------------------------------------------- */

/* An interval of the session begins, by the record's thread; or NULL. */
EventOpen *context_begin(EventContext *ctx, EventIntervalKind kind,
                         uint64_t key, int64_t thing_id, uint32_t vm,
                         unsigned gpu);
EventOpen *context_open(EventContext *ctx, EventIntervalKind kind,
                        uint64_t key);
void context_end(EventContext *ctx, EventOpen *open);

/* A fault of the device's scope, or NULL; fault 0 is none. */
EventOpen *context_fault(EventContext *ctx, unsigned gpu, uint64_t fault);
/* Its id or EVENT_NULL. */
int64_t context_fault_id(EventContext *ctx, unsigned gpu, uint64_t fault);
/* Id of the interval on whose behalf the record is: enum svmgpu_trace_owner. */
int64_t context_owner(EventContext *ctx, unsigned owner, uint64_t key,
                      unsigned gpu);

/* --- points -------------------------------------------------------------- */

/* A point of the record's type at its time, of a thing and about an object. */
void context_point_init(EventContext *ctx, EventPoint *row, int64_t thing_id,
                        int64_t object_id, uint32_t vm, unsigned gpu);
/* Stores it, unless what it is about is beyond the model's bound. */
void context_point(EventContext *ctx, EventPoint *row);

#endif /* EVENTLOG_CONTEXT_H */

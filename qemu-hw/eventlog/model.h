/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the log knows of the world: things, and intervals that are open.
 *
 * Concepts
 *   A scope is a space of keys: one for the device, one for each session of
 *   a driver. Within it, a thing is named by kind and key; a thing that is
 *   mentioned before it was defined (its definition was lost, or comes
 *   later) exists from then on, without a name.
 *   An interval that has begun is an EventOpen until it ends. It is stored
 *   once, complete, when it ends; when a commit comes first it is stored
 *   with t1 NULL and rewritten later, so that a killed process leaves it in
 *   the log.
 *   All times are those of the log. Keys and numbers come from the guest:
 *   the number of things and open intervals is bounded, what is beyond is
 *   counted and dropped.
 *
 * Used by the writer thread alone.
 */
#ifndef EVENTLOG_MODEL_H
#define EVENTLOG_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "map.h"
#include "store.h"

typedef struct EventOpen {
    EventInterval row;
    uint64_t key;
    uint32_t index;
    bool open;   /* in use */
    bool stored; /* the file has a row of it already */
    bool fresh;  /* its slot is looked at by the next commit */
    /* faults are answered twice: as the driver tells and as the device sees */
    bool device_ended;
    bool driver_ended;
} EventOpen;

typedef struct EventScope {
    int64_t session_id; /* 0: the device */
    EventMap thing[EVENT_THING_KINDS];
    EventMap open[EVENT_INTERVAL_KINDS];
} EventScope;

typedef struct EventModel EventModel;

/* Key of an open fault in the device's scope. */
static inline uint64_t event_fault_key(unsigned gpu, uint64_t fault)
{
    return ((uint64_t)gpu << 48) ^ fault;
}

EventModel *event_model_new(EventStore *store);
void event_model_free(EventModel *model);

EventStore *event_model_store(EventModel *model);
/* The device's scope. */
EventScope *event_model_device(EventModel *model);
/* What was dropped because of a bound. */
uint64_t event_model_dropped(const EventModel *model);

void event_scope_init(EventScope *scope, int64_t session_id);
void event_scope_destroy(EventScope *scope);

/* An empty row of a thing, an interval, a point: all columns NULL. */
void event_thing_init(EventThing *row, EventThingKind kind, uint64_t key,
                      int64_t t);
void event_point_init(EventPoint *row, int64_t kind, int64_t t, int clock);

/* The thing's id, or 0 when unknown. */
int64_t event_model_find_thing(EventScope *scope, EventThingKind kind,
                               uint64_t key);
/* The thing's id; made up at t when unknown. EVENT_NULL beyond the bound. */
int64_t event_model_thing(EventModel *model, EventScope *scope,
                          EventThingKind kind, uint64_t key, int64_t t);
/* Defines or redefines a thing: row without id and session. Its id. */
int64_t event_model_define(EventModel *model, EventScope *scope,
                           EventThing *row);
/* The thing ceases to exist; its key may come again as another thing. */
void event_model_gone(EventModel *model, EventScope *scope,
                      EventThingKind kind, uint64_t key, int64_t t);

/* Things that every GPU has: itself, and its lanes. Made when first used. */
int64_t event_model_gpu(EventModel *model, unsigned gpu, int64_t t);
int64_t event_model_lane(EventModel *model, EventThingKind kind,
                         unsigned gpu, int64_t t);
int64_t event_model_guest(EventModel *model, int64_t t);

/*
 * An interval begins. One of the same kind and key that is open still is
 * ended first (its end was lost). NULL beyond the bound. The caller fills in
 * the row's columns.
 */
EventOpen *event_model_begin(EventModel *model, EventScope *scope,
                             EventIntervalKind kind, uint64_t key,
                             int64_t thing_id, int64_t t0, int clock);
EventOpen *event_model_find(EventModel *model, EventScope *scope,
                            EventIntervalKind kind, uint64_t key);
/* It ended at t1: stored and forgotten. */
void event_model_end(EventModel *model, EventScope *scope, EventOpen *open,
                     int64_t t1);
/* It changed although it was stored already. */
void event_model_touch(EventModel *model, EventOpen *open);

/* Every open interval of the scope ends at t1, cut. */
void event_model_cut_scope(EventModel *model, EventScope *scope, int64_t t1);

/* Stores what is open and not stored yet. */
void event_model_before_commit(EventModel *model);

/* A name from the guest: terminated, valid UTF-8. */
char *event_model_text(const char *text, size_t bytes);

#endif /* EVENTLOG_MODEL_H */

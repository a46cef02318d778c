/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Things and open intervals: model.h.
 */
#include "model.h"

#include <glib.h>
#include <string.h>

/* Bounds: about 400 MB of memory if a guest exhausts all of them. */
#define MODEL_THINGS (1u << 20)
#define MODEL_OPEN (1u << 20)
#define POOL_CHUNK 1024

struct EventModel {
    EventStore *store;
    EventScope device;
    GPtrArray *chunks;    /* of POOL_CHUNK EventOpen each */
    GArray *free_indices; /* uint32_t */
    GArray *fresh;        /* uint32_t: begun or changed since the commit */
    uint32_t allocated;
    uint64_t dropped;
};

static void restore_device_thing(void *opaque, int64_t id, int64_t kind,
                                 uint64_t key)
{
    EventModel *model = opaque;

    if (kind > 0 && kind < EVENT_THING_KINDS) {
        event_map_put(&model->device.thing[kind], key, id);
    }
}

EventModel *event_model_new(EventStore *store)
{
    EventModel *model = g_new0(EventModel, 1);

    model->store = store;
    model->chunks = g_ptr_array_new_with_free_func(g_free);
    model->free_indices = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    model->fresh = g_array_new(FALSE, FALSE, sizeof(uint32_t));
    event_scope_init(&model->device, 0);
    event_store_each_device_thing(store, restore_device_thing, model);
    return model;
}

void event_model_free(EventModel *model)
{
    event_scope_destroy(&model->device);
    g_ptr_array_unref(model->chunks);
    g_array_unref(model->free_indices);
    g_array_unref(model->fresh);
    g_free(model);
}

EventStore *event_model_store(EventModel *model)
{
    return model->store;
}

EventScope *event_model_device(EventModel *model)
{
    return &model->device;
}

uint64_t event_model_dropped(const EventModel *model)
{
    return model->dropped;
}

void event_scope_init(EventScope *scope, int64_t session_id)
{
    scope->session_id = session_id;
    for (unsigned i = 0; i < EVENT_THING_KINDS; i++) {
        event_map_init(&scope->thing[i], MODEL_THINGS);
    }
    for (unsigned i = 0; i < EVENT_INTERVAL_KINDS; i++) {
        event_map_init(&scope->open[i], MODEL_OPEN);
    }
}

void event_scope_destroy(EventScope *scope)
{
    for (unsigned i = 0; i < EVENT_THING_KINDS; i++) {
        event_map_destroy(&scope->thing[i]);
    }
    for (unsigned i = 0; i < EVENT_INTERVAL_KINDS; i++) {
        event_map_destroy(&scope->open[i]);
    }
}

/* --- things --------------------------------------------------------------- */

void event_thing_init(EventThing *row, EventThingKind kind, uint64_t key,
                      int64_t t)
{
    *row = (EventThing) {
        .kind = kind,
        .key = (int64_t)key,
        .gpu = EVENT_NULL,
        .parent_id = EVENT_NULL,
        .t0 = t,
        .t1 = EVENT_NULL,
        .va = EVENT_NULL,
        .bytes = EVENT_NULL,
        .sub = EVENT_NULL,
        .a0 = EVENT_NULL,
        .a1 = EVENT_NULL,
    };
}

int64_t event_model_find_thing(EventScope *scope, EventThingKind kind,
                               uint64_t key)
{
    return event_map_get(&scope->thing[kind], key);
}

int64_t event_model_define(EventModel *model, EventScope *scope,
                           EventThing *row)
{
    int64_t id = event_map_get(&scope->thing[row->kind], row->key);

    if (!id) {
        id = event_store_next_thing(model->store);
        if (!event_map_put(&scope->thing[row->kind], row->key, id)) {
            model->dropped++;
            return EVENT_NULL;
        }
    }
    row->id = id;
    row->session_id = scope->session_id;
    event_store_thing(model->store, row);
    return id;
}

int64_t event_model_thing(EventModel *model, EventScope *scope,
                          EventThingKind kind, uint64_t key, int64_t t)
{
    int64_t id = event_map_get(&scope->thing[kind], key);
    EventThing row;

    if (id) {
        return id;
    }
    event_thing_init(&row, kind, key, t);
    return event_model_define(model, scope, &row);
}

void event_model_gone(EventModel *model, EventScope *scope,
                      EventThingKind kind, uint64_t key, int64_t t)
{
    int64_t id = event_map_take(&scope->thing[kind], key);

    if (id) {
        event_store_thing_gone(model->store, id, t);
    }
}

int64_t event_model_gpu(EventModel *model, unsigned gpu, int64_t t)
{
    int64_t id = event_map_get(&model->device.thing[EVENT_THING_GPU], gpu);
    g_autofree char *name = NULL;
    EventThing row;

    if (id) {
        return id;
    }
    name = g_strdup_printf("gpu%u", gpu);
    event_thing_init(&row, EVENT_THING_GPU, gpu, t);
    row.gpu = gpu;
    row.name = name;
    return event_model_define(model, &model->device, &row);
}

int64_t event_model_lane(EventModel *model, EventThingKind kind,
                         unsigned gpu, int64_t t)
{
    static const char *const what[EVENT_THING_KINDS] = {
        [EVENT_THING_COPY_LANE] = "copies",
        [EVENT_THING_FAULT_LANE] = "faults",
        [EVENT_THING_MIGRATION_LANE] = "migrations",
        [EVENT_THING_TLB_LANE] = "TLB flushes",
    };
    int64_t id = event_map_get(&model->device.thing[kind], gpu);
    g_autofree char *name = NULL;
    EventThing row;

    if (id) {
        return id;
    }
    name = g_strdup_printf("gpu%u %s", gpu, what[kind]);
    event_thing_init(&row, kind, gpu, t);
    row.gpu = gpu;
    row.parent_id = event_model_gpu(model, gpu, t);
    row.name = name;
    return event_model_define(model, &model->device, &row);
}

int64_t event_model_guest(EventModel *model, int64_t t)
{
    int64_t id = event_map_get(&model->device.thing[EVENT_THING_GUEST], 0);
    EventThing row;

    if (id) {
        return id;
    }
    event_thing_init(&row, EVENT_THING_GUEST, 0, t);
    row.name = "guest";
    return event_model_define(model, &model->device, &row);
}

/* --- intervals ------------------------------------------------------------- */

static EventOpen *pool_at(EventModel *model, uint32_t index)
{
    EventOpen *chunk = g_ptr_array_index(model->chunks, index / POOL_CHUNK);

    return &chunk[index % POOL_CHUNK];
}

static EventOpen *pool_take(EventModel *model)
{
    uint32_t index;
    EventOpen *open;

    if (model->free_indices->len) {
        index = g_array_index(model->free_indices, uint32_t,
                              model->free_indices->len - 1);
        g_array_set_size(model->free_indices, model->free_indices->len - 1);
    } else {
        if (model->allocated >= MODEL_OPEN) {
            return NULL;
        }
        if (model->allocated % POOL_CHUNK == 0) {
            g_ptr_array_add(model->chunks, g_new0(EventOpen, POOL_CHUNK));
        }
        index = model->allocated++;
    }
    open = pool_at(model, index);
    open->index = index;
    open->open = true;
    open->stored = false;
    open->device_ended = false;
    open->driver_ended = false;
    return open;
}

/* A slot is listed once, however often it is used until the next commit. */
static void model_freshen(EventModel *model, EventOpen *open)
{
    if (!open->fresh) {
        open->fresh = true;
        g_array_append_val(model->fresh, open->index);
    }
}

EventOpen *event_model_begin(EventModel *model, EventScope *scope,
                             EventIntervalKind kind, uint64_t key,
                             int64_t thing_id, int64_t t0, int clock)
{
    EventOpen *open = event_model_find(model, scope, kind, key);
    int64_t *value;

    if (open) {
        open->row.cut = 1;
        event_model_end(model, scope, open, t0);
    }
    if (thing_id == EVENT_NULL) {
        model->dropped++;
        return NULL;
    }
    open = pool_take(model);
    if (!open) {
        model->dropped++;
        return NULL;
    }
    if (!event_map_put(&scope->open[kind], key, open->index + 1)) {
        open->open = false;
        g_array_append_val(model->free_indices, open->index);
        model->dropped++;
        return NULL;
    }
    open->key = key;
    value = (int64_t *)&open->row;
    for (unsigned i = 0; i < EVENT_INTERVAL_COLUMNS; i++) {
        value[i] = EVENT_NULL;
    }
    open->row.id = event_store_next_interval(model->store);
    open->row.kind = kind;
    open->row.thing_id = thing_id;
    open->row.t0 = t0;
    open->row.clock = clock;
    model_freshen(model, open);
    return open;
}

EventOpen *event_model_find(EventModel *model, EventScope *scope,
                            EventIntervalKind kind, uint64_t key)
{
    uint64_t found = event_map_get(&scope->open[kind], key);

    return found ? pool_at(model, found - 1) : NULL;
}

void event_model_end(EventModel *model, EventScope *scope, EventOpen *open,
                     int64_t t1)
{
    open->row.t1 = MAX(t1, open->row.t0);
    event_store_interval(model->store, &open->row, open->stored);
    event_store_count_interval(model->store, open->row.kind,
                               open->row.thing_id, open->row.t0,
                               open->row.t1);
    event_map_take(&scope->open[open->row.kind], open->key);
    open->open = false;
    g_array_append_val(model->free_indices, open->index);
}

void event_model_touch(EventModel *model, EventOpen *open)
{
    model_freshen(model, open);
}

void event_model_cut_scope(EventModel *model, EventScope *scope, int64_t t1)
{
    for (unsigned kind = 1; kind < EVENT_INTERVAL_KINDS; kind++) {
        g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(uint64_t));
        EventMap *map = &scope->open[kind];

        for (size_t i = 0; i <= map->mask; i++) {
            if (map->slots[i].value) {
                g_array_append_val(keys, map->slots[i].key);
            }
        }
        for (guint i = 0; i < keys->len; i++) {
            EventOpen *open = event_model_find(
                model, scope, kind, g_array_index(keys, uint64_t, i));

            if (open->row.t1 == EVENT_NULL) {
                open->row.cut = 1;
                event_model_end(model, scope, open, t1);
            } else {
                event_model_end(model, scope, open, open->row.t1);
            }
        }
    }
}

void event_model_before_commit(EventModel *model)
{
    for (guint i = 0; i < model->fresh->len; i++) {
        EventOpen *open =
            pool_at(model, g_array_index(model->fresh, uint32_t, i));

        open->fresh = false;
        if (open->open) {
            event_store_interval(model->store, &open->row, open->stored);
            open->stored = true;
        }
    }
    g_array_set_size(model->fresh, 0);
}

/* --- points ---------------------------------------------------------------- */

void event_point_init(EventPoint *row, int64_t kind, int64_t t, int clock)
{
    int64_t *value = (int64_t *)row;

    for (unsigned i = 0; i < EVENT_POINT_COLUMNS - 1; i++) {
        value[i] = EVENT_NULL;
    }
    row->text = NULL;
    row->kind = kind;
    row->t = t;
    row->clock = clock;
}

char *event_model_text(const char *text, size_t bytes)
{
    g_autofree char *copy = g_strndup(text, bytes);

    return g_utf8_make_valid(copy, -1);
}

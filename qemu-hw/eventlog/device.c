/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events of the device, turned into things, intervals and points.
 *
 * EventlogKind documents which fields each kind has. The device process is
 * trusted; the numbers that it passes on from the guest (addresses, ids) are
 * only stored, never used as an index.
 */
#include "device.h"

#include <glib.h>
#include <string.h>

#include "svmgpu_trace.h"

static uint64_t engine_key(const EventlogEvent *ev)
{
    return ((uint64_t)ev->gpu << 16) | ev->engine;
}

static int64_t device_engine(EventModel *model, const EventlogEvent *ev,
                             const char *name, int64_t t)
{
    EventScope *scope = event_model_device(model);
    int64_t id = event_model_find_thing(scope, EVENT_THING_ENGINE,
                                        engine_key(ev));
    g_autofree char *label = NULL;
    EventThing row;

    if (id && !name) {
        return id;
    }
    if (ev->engine == EVENTLOG_NO_ENGINE) {
        return event_model_gpu(model, ev->gpu, t);
    }
    if (name) {
        label = g_strdup_printf("gpu%u %s", ev->gpu, name);
    } else if (ev->engine == EVENTLOG_ENGINE_COPY) {
        label = g_strdup_printf("gpu%u copy engine", ev->gpu);
    } else {
        label = g_strdup_printf("gpu%u engine %u", ev->gpu, ev->engine);
    }
    event_thing_init(&row, EVENT_THING_ENGINE, engine_key(ev), t);
    row.gpu = ev->gpu;
    row.parent_id = event_model_gpu(model, ev->gpu, t);
    row.name = label;
    row.sub = ev->engine;
    return event_model_define(model, scope, &row);
}

static void device_define(EventModel *model, const EventlogEvent *ev,
                          int64_t t)
{
    EventScope *scope = event_model_device(model);
    g_autofree char *name = event_model_text(ev->text, sizeof(ev->text));
    EventThing row;

    switch (ev->kind) {
    case EVENTLOG_GPU_DEFINED:
        event_thing_init(&row, EVENT_THING_GPU, ev->gpu, t);
        row.gpu = ev->gpu;
        row.bytes = ev->bytes;
        row.name = name;
        event_model_define(model, scope, &row);
        event_model_lane(model, EVENT_THING_FAULT_LANE, ev->gpu, t);
        event_model_lane(model, EVENT_THING_MIGRATION_LANE, ev->gpu, t);
        event_model_lane(model, EVENT_THING_COPY_LANE, ev->gpu, t);
        event_model_lane(model, EVENT_THING_TLB_LANE, ev->gpu, t);
        break;
    case EVENTLOG_ENGINE_DEFINED:
        device_engine(model, ev, name, t);
        break;
    default: /* EVENTLOG_LINK_DEFINED */
        event_thing_init(&row, EVENT_THING_LINK,
                         ((uint64_t)ev->gpu << 16) | (ev->a & 0xffff), t);
        row.gpu = ev->gpu;
        row.parent_id = event_model_gpu(model, ev->gpu, t);
        row.name = name;
        row.a0 = ev->a;
        event_model_define(model, scope, &row);
        break;
    }
}

static void device_point(EventModel *model, const EventlogEvent *ev,
                         int64_t t, int64_t thing_id, int64_t parent_id)
{
    EventPoint row;

    if (thing_id == EVENT_NULL) {
        return;
    }
    event_point_init(&row, ev->kind, t, EVENT_CLOCK_DEVICE);
    row.thing_id = thing_id;
    row.parent_id = parent_id;
    if (ev->gpu != EVENTLOG_NO_GPU) {
        row.gpu = ev->gpu;
    }
    switch (ev->kind) {
    case EVENTLOG_GPU_RESET:
        row.a0 = ev->a;
        break;
    case EVENTLOG_FAULT_ANSWERED:
        row.key = (int64_t)ev->id;
        row.result = ev->result;
        break;
    case EVENTLOG_ACCESS_REPLAYED:
        row.key = (int64_t)ev->id;
        row.va = (int64_t)ev->va;
        break;
    case EVENTLOG_CONTEXT_KILLED:
    case EVENTLOG_STALE_HIT_FOUND:
    case EVENTLOG_ENGINE_RESET:
        row.va = (int64_t)ev->va;
        row.a0 = ev->asid;
        row.a1 = ev->engine;
        row.a2 = ev->context;
        row.a3 = ev->a;
        break;
    case EVENTLOG_FLUSHED:
        row.key = (int64_t)ev->id;
        row.va = (int64_t)ev->va;
        row.bytes = (int64_t)ev->bytes;
        row.a0 = ev->asid;
        break;
    case EVENTLOG_FENCE_WRITTEN:
        row.va = (int64_t)ev->va;
        row.a0 = (int64_t)ev->id;
        row.a1 = ev->engine;
        row.a2 = ev->context;
        break;
    case EVENTLOG_INTERRUPT_RAISED:
    case EVENTLOG_DOORBELL_RUNG:
        row.a0 = ev->a;
        break;
    case EVENTLOG_ACCESS_COUNTED:
        row.va = (int64_t)ev->va;
        row.a0 = ev->asid;
        row.a1 = (int64_t)ev->id;
        break;
    case EVENTLOG_PAGE_STATE_CHANGED:
        row.va = (int64_t)ev->va;
        row.bytes = (int64_t)ev->bytes;
        row.a0 = ev->a;
        row.a1 = ev->asid;
        row.key = (int64_t)ev->id;
        break;
    case EVENTLOG_INPUT_REJECTED:
        row.va = (int64_t)ev->va;
        row.a0 = ev->a;
        break;
    case EVENTLOG_LINK_CHANGED:
        row.a0 = ev->a;
        row.a1 = ev->b;
        break;
    default:
        break;
    }
    if (ev->text[0]) {
        row.text = event_model_text(ev->text, sizeof(ev->text));
    }
    event_store_point(event_model_store(model), &row);
}

/* INT64_MIN is EVENT_NULL in a row: an address like that is no address. */
static void device_fault_raised(EventModel *model, const EventlogEvent *ev,
                                int64_t t)
{
    EventOpen *open = event_model_begin(
        model, event_model_device(model), EVENT_FAULT,
        event_fault_key(ev->gpu, ev->id),
        event_model_lane(model, EVENT_THING_FAULT_LANE, ev->gpu, t), t,
        EVENT_CLOCK_DEVICE);

    if (!open) {
        return;
    }
    open->row.key = (int64_t)ev->id;
    open->row.gpu = ev->gpu;
    open->row.va = (int64_t)ev->va;
    open->row.sub = ev->a;
    open->row.src = ev->context;
    open->row.dst = ev->engine;
    open->row.outcome = SVMGPU_TRACE_FAULT_OPEN;
    open->row.a1 = 0;
    open->row.bytes = 0; /* answers */
}

static void device_fault_answered(EventModel *model, const EventlogEvent *ev,
                                  int64_t t, bool driver_present)
{
    EventScope *scope = event_model_device(model);
    EventOpen *open = event_model_find(model, scope, EVENT_FAULT,
                                       event_fault_key(ev->gpu, ev->id));
    int64_t lane = event_model_lane(model, EVENT_THING_FAULT_LANE, ev->gpu, t);

    /* Rule S6 counts these points; one without a fault is one too many. */
    device_point(model, ev, t, lane, open ? open->row.id : EVENT_NULL);
    if (!open) {
        return;
    }
    open->row.bytes = (open->row.bytes == EVENT_NULL ? 0 : open->row.bytes) + 1;
    if (open->device_ended) {
        event_model_touch(model, open);
        return;
    }
    open->device_ended = true;
    open->row.t1 = MAX(t, open->row.t0);
    if (!open->driver_ended) {
        open->row.result = ev->result;
        open->row.outcome = ev->result ? SVMGPU_TRACE_FAULT_REFUSED
                                       : SVMGPU_TRACE_FAULT_SERVED;
    }
    if (open->driver_ended || !driver_present) {
        event_model_end(model, scope, open, open->row.t1);
    } else {
        event_model_touch(model, open);
    }
}

static void device_run(EventModel *model, const EventlogEvent *ev, int64_t t)
{
    EventScope *scope = event_model_device(model);
    int64_t engine = device_engine(model, ev, NULL, t);
    EventOpen *open;

    if (ev->kind == EVENTLOG_RUN_STARTED) {
        open = event_model_begin(model, scope, EVENT_ENGINE_RUN,
                                 engine_key(ev), engine, t,
                                 EVENT_CLOCK_DEVICE);
        if (open) {
            open->row.gpu = ev->gpu;
            open->row.key = ev->context;
            open->row.sub = ev->context;
            open->row.a0 = ev->asid;
        }
        return;
    }
    open = event_model_find(model, scope, EVENT_ENGINE_RUN, engine_key(ev));
    if (open) {
        open->row.outcome = ev->a;
        event_model_end(model, scope, open, t);
    }
}

static void device_copy(EventModel *model, const EventlogEvent *ev, int64_t t)
{
    EventScope *scope = event_model_device(model);
    uint64_t key = ((uint64_t)ev->gpu << 48) ^ ev->id;
    EventOpen *open;

    if (ev->kind == EVENTLOG_COPY_STARTED) {
        open = event_model_begin(
            model, scope, EVENT_COPY, key,
            event_model_lane(model, EVENT_THING_COPY_LANE, ev->gpu, t), t,
            EVENT_CLOCK_DEVICE);
        if (open) {
            open->row.gpu = ev->gpu;
            open->row.key = (int64_t)ev->id;
            open->row.va = (int64_t)ev->va;
            open->row.bytes = (int64_t)ev->bytes;
            open->row.src = ev->a;
            open->row.dst = ev->b;
        }
        return;
    }
    open = event_model_find(model, scope, EVENT_COPY, key);
    if (open) {
        if (ev->bytes) {
            open->row.bytes = (int64_t)ev->bytes;
        }
        open->row.result = ev->result;
        event_model_end(model, scope, open, t);
    }
}

void event_device_event(EventModel *model, const EventlogEvent *ev,
                        bool driver_present)
{
    int64_t t = event_store_time(event_model_store(model), ev->time_ns);
    int64_t gpu = ev->gpu == EVENTLOG_NO_GPU ?
                      event_model_guest(model, t) :
                      event_model_gpu(model, ev->gpu, t);

    switch (ev->kind) {
    case EVENTLOG_GPU_DEFINED:
    case EVENTLOG_ENGINE_DEFINED:
    case EVENTLOG_LINK_DEFINED:
        device_define(model, ev, t);
        break;
    case EVENTLOG_FAULT_RAISED:
        device_fault_raised(model, ev, t);
        break;
    case EVENTLOG_FAULT_ANSWERED:
        device_fault_answered(model, ev, t, driver_present);
        break;
    case EVENTLOG_RUN_STARTED:
    case EVENTLOG_RUN_ENDED:
        device_run(model, ev, t);
        break;
    case EVENTLOG_COPY_STARTED:
    case EVENTLOG_COPY_ENDED:
        device_copy(model, ev, t);
        break;
    case EVENTLOG_ACCESS_REPLAYED:
        device_point(model, ev, t,
                     event_model_lane(model, EVENT_THING_FAULT_LANE, ev->gpu,
                                      t), EVENT_NULL);
        break;
    case EVENTLOG_FLUSHED:
    case EVENTLOG_STALE_HIT_FOUND:
        device_point(model, ev, t,
                     event_model_lane(model, EVENT_THING_TLB_LANE, ev->gpu, t),
                     EVENT_NULL);
        break;
    case EVENTLOG_CONTEXT_KILLED:
    case EVENTLOG_ENGINE_RESET:
    case EVENTLOG_FENCE_WRITTEN:
        device_point(model, ev, t, device_engine(model, ev, NULL, t),
                     EVENT_NULL);
        break;
    default:
        device_point(model, ev, t, gpu, EVENT_NULL);
        break;
    }
}

void event_device_expire(EventModel *model, int64_t t)
{
    EventScope *scope = event_model_device(model);
    EventMap *map = &scope->open[EVENT_FAULT];
    g_autoptr(GArray) keys = g_array_new(FALSE, FALSE, sizeof(uint64_t));

    for (size_t i = 0; i <= map->mask; i++) {
        if (map->slots[i].value) {
            g_array_append_val(keys, map->slots[i].key);
        }
    }
    for (guint i = 0; i < keys->len; i++) {
        EventOpen *open = event_model_find(
            model, scope, EVENT_FAULT, g_array_index(keys, uint64_t, i));

        if (open->device_ended && open->row.t1 < t) {
            event_model_end(model, scope, open, open->row.t1);
        }
    }
}

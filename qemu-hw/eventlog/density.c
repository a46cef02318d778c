/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Level of detail, summed: density.h says how.
 */
#include "density.h"

#include <glib.h>
#include <string.h>

#include "map.h"

#define DENSITY_SLOTS 2
/* Lanes times kinds; beyond that, sums go out one by one. */
#define DENSITY_CELLS (1u << 18)

typedef struct DensitySlot {
    int64_t bucket;
    int64_t count;
    int64_t busy_ns;
} DensitySlot;

typedef struct DensityCell {
    int64_t thing_id;
    int64_t kind;
    bool dirty;
    DensitySlot slot[EVENT_DENSITY_LEVELS][DENSITY_SLOTS];
} DensityCell;

struct EventDensity {
    EventDensitySink *sink;
    void *opaque;
    EventMap map;     /* lane and kind -> index of a cell + 1 */
    GPtrArray *cells; /* DensityCell */
    GArray *dirty;    /* indices of cells with differences */
};

EventDensity *event_density_new(EventDensitySink *sink, void *opaque)
{
    EventDensity *density = g_new0(EventDensity, 1);

    density->sink = sink;
    density->opaque = opaque;
    event_map_init(&density->map, DENSITY_CELLS);
    density->cells = g_ptr_array_new_with_free_func(g_free);
    density->dirty = g_array_new(FALSE, FALSE, sizeof(guint));
    return density;
}

void event_density_free(EventDensity *density)
{
    event_map_destroy(&density->map);
    g_ptr_array_unref(density->cells);
    g_array_unref(density->dirty);
    g_free(density);
}

static void slot_emit(EventDensity *density, DensityCell *cell,
                      unsigned level, DensitySlot *slot)
{
    if (slot->count || slot->busy_ns) {
        density->sink(density->opaque, cell->thing_id, level, slot->bucket,
                      cell->kind, slot->count, slot->busy_ns);
        slot->count = 0;
        slot->busy_ns = 0;
    }
}

static void cell_add(EventDensity *density, DensityCell *cell,
                     unsigned level, int64_t bucket, int64_t count,
                     int64_t busy_ns)
{
    DensitySlot *slot = &cell->slot[level][bucket & (DENSITY_SLOTS - 1)];

    if (slot->bucket != bucket) {
        slot_emit(density, cell, level, slot);
        slot->bucket = bucket;
    }
    slot->count += count;
    slot->busy_ns += busy_ns;
}

static DensityCell *density_cell(EventDensity *density, int64_t thing_id,
                                 int64_t kind)
{
    uint64_t key = ((uint64_t)thing_id << 20) | (uint64_t)kind;
    uint64_t index = event_map_get(&density->map, key);
    DensityCell *cell;
    guint i;

    if (!index) {
        cell = g_new0(DensityCell, 1);
        cell->thing_id = thing_id;
        cell->kind = kind;
        g_ptr_array_add(density->cells, cell);
        index = density->cells->len;
        if (!event_map_put(&density->map, key, index)) {
            g_ptr_array_set_size(density->cells, index - 1);
            return NULL;
        }
    }
    i = index - 1;
    cell = g_ptr_array_index(density->cells, i);
    if (!cell->dirty) {
        cell->dirty = true;
        g_array_append_val(density->dirty, i);
    }
    return cell;
}

static void lane_add(EventDensity *density, int64_t thing_id, int64_t kind,
                     int64_t t0, int64_t t1)
{
    DensityCell *cell = density_cell(density, thing_id, kind);

    for (unsigned level = 0; level < EVENT_DENSITY_LEVELS; level++) {
        const unsigned shift = EVENT_DENSITY_SHIFT(level);
        int64_t first = t0 >> shift;
        int64_t last = t1 >> shift;

        for (int64_t b = first; b <= last; b++) {
            int64_t begin = MAX(t0, b << shift);
            int64_t end = MIN(t1, (b + 1) << shift);

            if (cell) {
                cell_add(density, cell, level, b, b == first, end - begin);
            } else {
                density->sink(density->opaque, thing_id, level, b, kind,
                              b == first, end - begin);
            }
        }
    }
}

void event_density_add(EventDensity *density, int64_t thing_id, int64_t kind,
                       int64_t t0, int64_t t1)
{
    if (t0 < 0 || t1 < t0 || t1 - t0 > EVENT_DENSITY_SHORT_NS) {
        return;
    }
    lane_add(density, thing_id, kind, t0, t1);
    lane_add(density, 0, kind, t0, t1);
}

void event_density_flush(EventDensity *density)
{
    for (guint i = 0; i < density->dirty->len; i++) {
        DensityCell *cell = g_ptr_array_index(
            density->cells, g_array_index(density->dirty, guint, i));

        for (unsigned level = 0; level < EVENT_DENSITY_LEVELS; level++) {
            for (unsigned s = 0; s < DENSITY_SLOTS; s++) {
                slot_emit(density, cell, level, &cell->slot[level][s]);
            }
        }
        cell->dirty = false;
    }
    g_array_set_size(density->dirty, 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash map of the log, against GLib's; and its limit.
 */
#include <glib.h>

#include "map.h"

/* Keys that collide often: few of them, in and out, again and again. */
static void test_against_glib(void)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(42);
    g_autoptr(GHashTable) model =
        g_hash_table_new(g_direct_hash, g_direct_equal);
    EventMap map;

    event_map_init(&map, 1000);
    for (unsigned i = 0; i < 300000; i++) {
        uint64_t key = g_rand_int_range(rand, 0, 700);
        gpointer known = g_hash_table_lookup(model, GSIZE_TO_POINTER(key));

        g_assert_cmpuint(event_map_get(&map, key), ==,
                         GPOINTER_TO_SIZE(known));
        if (g_rand_int_range(rand, 0, 2)) {
            uint64_t value = i + 1;

            g_assert_true(event_map_put(&map, key, value));
            g_hash_table_insert(model, GSIZE_TO_POINTER(key),
                                GSIZE_TO_POINTER(value));
        } else {
            g_assert_cmpuint(event_map_take(&map, key), ==,
                             GPOINTER_TO_SIZE(known));
            g_hash_table_remove(model, GSIZE_TO_POINTER(key));
        }
        g_assert_cmpuint(map.used, ==, g_hash_table_size(model));
    }
    event_map_destroy(&map);
}

static void test_limit(void)
{
    EventMap map;

    event_map_init(&map, 100);
    for (uint64_t key = 0; key < 100; key++) {
        g_assert_true(event_map_put(&map, key << 40, key + 1));
    }
    g_assert_false(event_map_put(&map, 1, 1));
    /* a known key may change, and what is taken makes room */
    g_assert_true(event_map_put(&map, 0, 77));
    g_assert_cmpuint(event_map_get(&map, 0), ==, 77);
    g_assert_cmpuint(event_map_take(&map, 0), ==, 77);
    g_assert_true(event_map_put(&map, 1, 1));
    g_assert_cmpuint(event_map_take(&map, 2), ==, 0);
    event_map_clear(&map);
    g_assert_cmpuint(event_map_get(&map, 1), ==, 0);
    event_map_destroy(&map);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/eventlog/map/against-glib", test_against_glib);
    g_test_add_func("/eventlog/map/limit", test_limit);
    return g_test_run();
}

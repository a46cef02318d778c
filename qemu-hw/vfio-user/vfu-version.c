/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Version negotiation.
 */

#include "vfu-version.h"

#include <errno.h>
#include <json-glib/json-glib.h>
#include <string.h>

/* What a peer means that does not say. */
#define VFU_DEFAULT_DATA_XFER (1024 * 1024)

/* A proposal is a few hundred bytes; json-glib recurses into nested ones. */
#define VFU_MAX_VERSION_JSON 4096
#define VFU_MAX_VERSION_DEPTH 8

/* The largest integer that a proposal may hold. */
static bool vfu_json_get_uint(JsonObject *object, const char *member,
                              uint64_t *value)
{
    JsonNode *node = json_object_get_member(object, member);
    gint64 number;

    if (!node || !JSON_NODE_HOLDS_VALUE(node)
        || json_node_get_value_type(node) != G_TYPE_INT64) {
        return false;
    }
    number = json_node_get_int(node);
    if (number < 0) {
        return false;
    }
    *value = number;
    return true;
}

static bool vfu_json_is_shallow(const char *json)
{
    unsigned depth = 0;

    for (; *json; json++) {
        if (*json == '{' || *json == '[') {
            if (++depth > VFU_MAX_VERSION_DEPTH) {
                return false;
            }
        } else if ((*json == '}' || *json == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

/* The capabilities object, or NULL and -errno in `error`. */
static JsonObject *vfu_version_parse(JsonParser *parser, const char *json,
                                     size_t len, int *error)
{
    JsonNode *root, *node;

    *error = -EINVAL;
    if (len == 0) {
        *error = 0;
        return NULL;
    }
    if (len > VFU_MAX_VERSION_JSON || json[len - 1] != '\0'
        || !g_utf8_validate(json, len - 1, NULL) || !vfu_json_is_shallow(json)
        || !json_parser_load_from_data(parser, json, len - 1, NULL)) {
        return NULL;
    }
    root = json_parser_get_root(parser);
    if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
        return NULL;
    }
    node = json_object_get_member(json_node_get_object(root), "capabilities");
    if (!node) {
        *error = 0;
        return NULL;
    }
    if (!JSON_NODE_HOLDS_OBJECT(node)) {
        return NULL;
    }
    *error = 0;
    return json_node_get_object(node);
}

static void vfu_version_add_uint(JsonBuilder *builder, JsonObject *proposed,
                                 const char *member, gint64 value)
{
    if (proposed && json_object_has_member(proposed, member)) {
        json_builder_set_member_name(builder, member);
        json_builder_add_int_value(builder, value);
    }
}

static char *vfu_version_make_json(JsonObject *proposed)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;

    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "capabilities");
    json_builder_begin_object(builder);
    vfu_version_add_uint(builder, proposed, "max_msg_fds", VFU_MAX_MSG_FDS);
    vfu_version_add_uint(builder, proposed, "max_data_xfer_size",
                         VFU_MAX_DATA_XFER);
    vfu_version_add_uint(builder, proposed, "max_dma_maps", VFU_MAX_DMA_MAPS);
    vfu_version_add_uint(builder, proposed, "pgsizes", VFU_PAGE_SIZE);
    if (proposed && json_object_has_member(proposed, "write_multiple")) {
        json_builder_set_member_name(builder, "write_multiple");
        json_builder_add_boolean_value(builder, TRUE);
    }
    json_builder_end_object(builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    return json_to_string(root, FALSE);
}

int vfu_version_negotiate(const void *payload, size_t len,
                          VfuPeerLimits *limits, GByteArray **reply)
{
    g_autoptr(JsonParser) parser = json_parser_new();
    g_autofree char *json = NULL;
    JsonObject *proposed;
    VfuWireVersion version;
    uint64_t value;
    int error;

    limits->max_data_xfer_size = VFU_DEFAULT_DATA_XFER;
    if (len < sizeof(version)) {
        return -EINVAL;
    }
    memcpy(&version, payload, sizeof(version));
    if (version.major != VFU_PROTOCOL_MAJOR) {
        return -EPROTONOSUPPORT;
    }
    proposed =
        vfu_version_parse(parser, (const char *)payload + sizeof(version),
                          len - sizeof(version), &error);
    if (error < 0) {
        return error;
    }
    if (proposed && json_object_has_member(proposed, "max_data_xfer_size")) {
        if (!vfu_json_get_uint(proposed, "max_data_xfer_size", &value)
            || value == 0) {
            return -EINVAL;
        }
        limits->max_data_xfer_size = MIN(value, VFU_MAX_DATA_XFER);
    }

    version.minor = MIN(version.minor, VFU_PROTOCOL_MINOR);
    json = vfu_version_make_json(proposed);
    *reply = g_byte_array_new();
    g_byte_array_append(*reply, (const uint8_t *)&version, sizeof(version));
    g_byte_array_append(*reply, (const uint8_t *)json, strlen(json) + 1);
    return 0;
}

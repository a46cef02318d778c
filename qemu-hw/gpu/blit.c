/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets that move blocks of memory: MEM_COPY, MEM_SET, XY_FAST_COPY_BLT.
 *
 * A block is rows of bytes. It is moved in chunks that lie in one page and
 * one contiguous run on each side: the chunk is read into the stream's
 * buffer, then written, each as one access. GpuBlit knows how far it came, so
 * that a fault between or within chunks repeats nothing that has retired.
 */

#include <string.h>

#include "context.h"
#include "stream.h"

/* blitter opcodes, bits 28:22 */
enum {
    XY_FAST_COPY_BLT = 0x42,
    MEM_COPY = 0x5a,
    MEM_SET = 0x5b,
};

typedef enum Tiling {
    TILING_LINEAR = 0,
    TILING_X = 1,  /* 512 bytes x 8 rows */
    TILING_4 = 2,  /* 128 bytes x 32 rows, of 16 x 4 pieces */
    TILING_64 = 3, /* 64 KiB of Tile-4 blocks, row by row */
} Tiling;

/* Chunks between two chances to leave the engine. */
#define CHUNKS_PER_STEP 16

static uint64_t address(const uint32_t *at)
{
    return at[0] | (uint64_t)at[1] << 32;
}

static uint64_t tile4_offset(uint32_t x, uint32_t y)
{
    return (x & 15) | (y & 3) << 4 | (x >> 4 & 3) << 6 | (y >> 2 & 1) << 8 |
           (x >> 6 & 1) << 9 | (y >> 3 & 3) << 10;
}

/* Width of a 64 KiB tile in bytes for elements of this size. */
static uint32_t tile64_width(unsigned element_bytes)
{
    return element_bytes == 1 ? 256 : element_bytes <= 4 ? 512 : 1024;
}

/*
 * Where the byte at column x (in bytes), row y of a surface lies, and how
 * many bytes follow it contiguously in the same row.
 */
static uint64_t surface_offset(Tiling tiling, unsigned element_bytes,
                               uint64_t pitch, uint64_t x, uint64_t y,
                               uint64_t *run)
{
    uint64_t width, height, within;

    switch (tiling) {
    case TILING_X:
        *run = 512 - x % 512;
        return y / 8 * 8 * pitch + x / 512 * 4096 + y % 8 * 512 + x % 512;
    case TILING_4:
        *run = 16 - x % 16;
        return y / 32 * 32 * pitch + x / 128 * 4096 +
               tile4_offset(x % 128, y % 32);
    case TILING_64:
        width = tile64_width(element_bytes);
        height = 65536 / width;
        within = (y % height / 32 * (width / 128) + x % width / 128) * 4096;
        *run = 16 - x % 16;
        return y / height * height * pitch + x / width * 65536 + within +
               tile4_offset(x % 128, y % 32);
    default:
        *run = UINT64_MAX;
        return y * pitch + x;
    }
}

static uint64_t source_va(const GpuBlit *blit, uint64_t *run)
{
    return blit->source +
           surface_offset(blit->source_tiling, blit->element_bytes,
                          blit->source_pitch, blit->source_x + blit->column,
                          blit->source_y + blit->row, run);
}

static uint64_t target_va(const GpuBlit *blit, uint64_t *run)
{
    return blit->target +
           surface_offset(blit->target_tiling, blit->element_bytes,
                          blit->target_pitch, blit->target_x + blit->column,
                          blit->target_y + blit->row, run);
}

static bool blit_chunk(GpuContext *context, GpuPort *port)
{
    GpuStream *stream = &context->stream;
    GpuBlit *blit = &stream->blit;
    uint64_t source_run = UINT64_MAX, target_run;
    uint64_t target = target_va(blit, &target_run);
    uint64_t source = blit->fill ? 0 : source_va(blit, &source_run);

    if (blit->chunk == 0) {
        uint64_t len = blit->width - blit->column;

        len = MIN(len, target_run);
        len = MIN(len, gpu_page_room(target));
        if (blit->fill) {
            len = MIN(len, GPU_STREAM_BUFFER);
            memset(stream->buffer, blit->fill_byte, len);
        } else {
            len = MIN(len, source_run);
            len = MIN(len, gpu_page_room(source));
            if (!gpu_stream_access(context, port, SVMGPU_ACCESS_READ, source,
                                   stream->buffer, len)) {
                return false;
            }
        }
        blit->chunk = len;
    }
    if (!gpu_stream_access(context, port, SVMGPU_ACCESS_WRITE, target,
                           stream->buffer, blit->chunk)) {
        return false;
    }
    blit->column += blit->chunk;
    blit->chunk = 0;
    if (blit->column == blit->width) {
        blit->column = 0;
        blit->row++;
    }
    return true;
}

static bool setup_copy(GpuBlit *blit, const uint32_t *p, unsigned dwords)
{
    bool pages = p[0] & 1u << 19;
    bool matrix = (p[0] >> 17 & 3) == 1;
    uint64_t unit = pages ? 256 : 1;

    if (dwords != 10) {
        return false;
    }
    blit->width = ((uint64_t)(p[1] & (pages ? 0xffffff : 0x3ffff)) + 1) * unit;
    blit->height = matrix ? (uint64_t)(p[2] & 0x3ffff) + 1 : 1;
    blit->source_pitch = (uint64_t)(p[3] & 0x3ffff) + 1;
    blit->target_pitch = (uint64_t)(p[4] & 0x3ffff) + 1;
    blit->source = address(&p[5]);
    blit->target = address(&p[7]);
    return true;
}

static bool setup_set(GpuBlit *blit, const uint32_t *p, unsigned dwords)
{
    bool matrix = (p[0] >> 17 & 3) == 1;

    if (dwords != 7) {
        return false;
    }
    blit->width = (uint64_t)(p[1] & (matrix ? 0x3ffff : 0xffffff)) + 1;
    blit->height = matrix ? (uint64_t)(p[2] & 0x3ffff) + 1 : 1;
    blit->target_pitch = (uint64_t)(p[3] & 0x3ffff) + 1;
    blit->target = address(&p[4]);
    blit->fill = true;
    blit->fill_byte = p[6] >> 24;
    return true;
}

static bool setup_fast_copy(GpuBlit *blit, const uint32_t *p, unsigned dwords)
{
    static const uint8_t element[8] = { 1, 2, 0, 4, 8, 16, 0, 0 };
    uint32_t x1 = p[2] & 0xffff, y1 = p[2] >> 16;
    uint32_t x2 = p[3] & 0xffff, y2 = p[3] >> 16;

    blit->element_bytes = element[p[1] >> 24 & 7];
    if (dwords != 10 || blit->element_bytes == 0) {
        return false;
    }
    blit->target_tiling = p[0] >> 13 & 3;
    blit->source_tiling = p[0] >> 20 & 3;
    blit->width = x2 > x1 ? (uint64_t)(x2 - x1) * blit->element_bytes : 0;
    blit->height = y2 > y1 ? y2 - y1 : 0;
    blit->target_x = x1 * blit->element_bytes;
    blit->target_y = y1;
    blit->source_x = (p[6] & 0xffff) * blit->element_bytes;
    blit->source_y = p[6] >> 16;
    /* pitches count dwords when tiled */
    blit->target_pitch = (p[1] & 0xffff) *
                         (blit->target_tiling == TILING_LINEAR ? 1 : 4);
    blit->source_pitch = (p[7] & 0xffff) *
                         (blit->source_tiling == TILING_LINEAR ? 1 : 4);
    blit->target = address(&p[4]);
    blit->source = address(&p[8]);
    return true;
}

GpuStep gpu_stream_blit(GpuContext *context, GpuPort *port)
{
    GpuStream *stream = &context->stream;
    GpuBlit *blit = &stream->blit;
    const uint32_t *p = stream->packet;

    if (stream->step == 0) {
        bool valid;

        memset(blit, 0, sizeof(*blit));
        blit->element_bytes = 1;
        switch (p[0] >> 22 & 0x7f) {
        case MEM_COPY:
            valid = setup_copy(blit, p, stream->fetched);
            break;
        case MEM_SET:
            valid = setup_set(blit, p, stream->fetched);
            break;
        case XY_FAST_COPY_BLT:
            valid = setup_fast_copy(blit, p, stream->fetched);
            break;
        default:
            valid = false;
        }
        if (!valid) {
            return GPU_STEP_ERROR;
        }
        stream->step = 1;
    }
    for (unsigned i = 0; i < CHUNKS_PER_STEP; i++) {
        if (blit->row >= blit->height || blit->width == 0) {
            return GPU_STEP_NEXT;
        }
        if (!blit_chunk(context, port)) {
            return GPU_STEP_FAULT;
        }
    }
    return GPU_STEP_MORE;
}

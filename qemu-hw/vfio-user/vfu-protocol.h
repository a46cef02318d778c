/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The vfio-user protocol on the wire.
 *
 * Layouts and numbers of the messages, as QEMU's docs/interop/vfio-user.rst
 * defines them; where a message wraps a VFIO ioctl structure, <linux/vfio.h>
 * is the authority. All fields are in host byte order. Server and test client
 * share this file.
 */

#ifndef VFU_PROTOCOL_H
#define VFU_PROTOCOL_H

#include <glib.h>
#include <stdint.h>

#define VFU_PROTOCOL_MAJOR 0
#define VFU_PROTOCOL_MINOR 1

typedef enum VfuCommand {
    VFU_CMD_VERSION = 1,
    VFU_CMD_DMA_MAP = 2,
    VFU_CMD_DMA_UNMAP = 3,
    VFU_CMD_DEVICE_GET_INFO = 4,
    VFU_CMD_DEVICE_GET_REGION_INFO = 5,
    VFU_CMD_DEVICE_GET_REGION_IO_FDS = 6,
    VFU_CMD_DEVICE_GET_IRQ_INFO = 7,
    VFU_CMD_DEVICE_SET_IRQS = 8,
    VFU_CMD_REGION_READ = 9,
    VFU_CMD_REGION_WRITE = 10,
    VFU_CMD_DMA_READ = 11,  /* server to client */
    VFU_CMD_DMA_WRITE = 12, /* server to client */
    VFU_CMD_DEVICE_RESET = 13,
    VFU_CMD_REGION_WRITE_MULTI = 15,
    VFU_CMD_DEVICE_FEATURE = 16,
    VFU_CMD_MIG_DATA_READ = 17,
    VFU_CMD_MIG_DATA_WRITE = 18,
} VfuCommand;

#define VFU_FLAG_TYPE_MASK 0xfu
#define VFU_FLAG_COMMAND 0x0u
#define VFU_FLAG_REPLY 0x1u
#define VFU_FLAG_NO_REPLY 0x10u
#define VFU_FLAG_ERROR 0x20u

typedef struct VfuHeader {
    uint16_t id;
    uint16_t command;
    uint32_t size; /* of the whole message */
    uint32_t flags;
    uint32_t error; /* errno of an error reply */
} VfuHeader;
G_STATIC_ASSERT(sizeof(VfuHeader) == 16);

/* VERSION; a NUL-terminated JSON object follows, if any. */
typedef struct VfuWireVersion {
    uint16_t major;
    uint16_t minor;
} VfuWireVersion;
G_STATIC_ASSERT(sizeof(VfuWireVersion) == 4);

typedef struct VfuWireDmaMap {
    uint32_t argsz;
    uint32_t flags; /* VFIO_DMA_MAP_FLAG_READ, _WRITE */
    uint64_t offset;
    uint64_t address;
    uint64_t size;
} VfuWireDmaMap;
G_STATIC_ASSERT(sizeof(VfuWireDmaMap) == 32);

typedef struct VfuWireDmaUnmap {
    uint32_t argsz;
    uint32_t flags; /* VFIO_DMA_UNMAP_FLAG_ALL */
    uint64_t address;
    uint64_t size;
} VfuWireDmaUnmap;
G_STATIC_ASSERT(sizeof(VfuWireDmaUnmap) == 24);

typedef struct VfuWireDeviceInfo {
    uint32_t argsz;
    uint32_t flags;
    uint32_t num_regions;
    uint32_t num_irqs;
} VfuWireDeviceInfo;
G_STATIC_ASSERT(sizeof(VfuWireDeviceInfo) == 16);

typedef struct VfuWireRegionInfo {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t cap_offset;
    uint64_t size;
    uint64_t offset;
} VfuWireRegionInfo;
G_STATIC_ASSERT(sizeof(VfuWireRegionInfo) == 32);

typedef struct VfuWireRegionIoFds {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t count;
} VfuWireRegionIoFds;
G_STATIC_ASSERT(sizeof(VfuWireRegionIoFds) == 16);

typedef struct VfuWireIrqInfo {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t count;
} VfuWireIrqInfo;
G_STATIC_ASSERT(sizeof(VfuWireIrqInfo) == 16);

/* SET_IRQS; for DATA_BOOL `count` bytes follow. */
typedef struct VfuWireIrqSet {
    uint32_t argsz;
    uint32_t flags;
    uint32_t index;
    uint32_t start;
    uint32_t count;
} VfuWireIrqSet;
G_STATIC_ASSERT(sizeof(VfuWireIrqSet) == 20);

/* REGION_READ and REGION_WRITE, both directions; data may follow. */
typedef struct VfuWireRegionAccess {
    uint64_t offset;
    uint32_t region;
    uint32_t count;
} VfuWireRegionAccess;
G_STATIC_ASSERT(sizeof(VfuWireRegionAccess) == 16);

/* One entry of REGION_WRITE_MULTI, which begins with a 64-bit count. */
typedef struct VfuWireWrite {
    uint64_t offset;
    uint32_t region;
    uint32_t count;
    uint8_t data[8];
} VfuWireWrite;
G_STATIC_ASSERT(sizeof(VfuWireWrite) == 24);

/* DMA_READ and DMA_WRITE, both directions; data may follow. */
typedef struct VfuWireDma {
    uint64_t address;
    uint64_t count;
} VfuWireDma;
G_STATIC_ASSERT(sizeof(VfuWireDma) == 16);

/*
 * QEMU (10.1 to 11.1) lays the same messages out differently: its count has
 * 32 bits and the data follow at once, 12 bytes after the header, while the
 * message keeps the documented length. Its DMA_WRITE reply is a bare header,
 * which is how the server tells the two apart (vfu-upcall.c).
 */
#define VFU_DMA_COMPACT_DATA_OFFSET 12

/*
 * Limits of this server. QEMU refuses more than 16 descriptors and proposes
 * 1 MiB; the others bound what a peer can make the process hold.
 */
#define VFU_MAX_MSG_FDS 16
#define VFU_MAX_DATA_XFER (1024 * 1024)
#define VFU_MAX_DMA_MAPS 8192
#define VFU_PAGE_SIZE 4096
#define VFU_MAX_MSG_SIZE (sizeof(VfuHeader) + 64 + VFU_MAX_DATA_XFER)

#endif /* VFU_PROTOCOL_H */

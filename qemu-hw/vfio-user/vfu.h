/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PCI function served over vfio-user.
 *
 * A VfuServer is one PCI function that lives in this process and is used by a
 * virtual machine monitor over a UNIX socket. The caller describes the
 * function once (ids, BARs, MSI-X) and gives a table of operations; this
 * layer owns everything that is PCI or protocol: configuration space with its
 * capabilities, BAR sizing, the COMMAND bits, power states, function-level
 * reset, the MSI-X table and pending bits, DMA mappings, interrupts,
 * negotiation, and a peer that cannot be trusted. It knows PCI, not GPUs.
 *
 * Concepts
 *
 * - Protocol thread: each server has one thread that reads messages and runs
 *   every operation of VfuOps. Operations must not wait for a guest or for a
 *   client: the client gives up after 5 seconds. They may wait for device
 *   threads, provided that those finish promptly.
 * - Device threads: any other thread. They call vfu_dma_* and
 *   vfu_irq_trigger() at any time, also without a client: the calls then
 *   return an error or do nothing.
 * - Trapped and mapped areas: the client maps what VfuBar.fd and
 *   VfuBar.mmap_areas offer, and those accesses are never seen here. All other
 *   accesses arrive as region_read and region_write. A message for a mapped
 *   area is legal too; this layer serves it from the memory behind the fd.
 * - Re-connection: the socket serves one client after another. When a client
 *   goes, its DMA mappings and interrupt descriptors go, `disconnected` runs,
 *   and the function is reset before the next client sees it.
 *
 * Errors are returned as -errno, or as GError where a person reads them.
 */

#ifndef VFU_H
#define VFU_H

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VFU_NUM_BARS 6
#define VFU_MAX_MSIX_VECTORS 2048

typedef struct VfuServer VfuServer;

/* A page-aligned piece of a BAR that the client may map. */
typedef struct VfuArea {
    uint64_t offset;
    uint64_t size;
} VfuArea;

/* One base address register. With 64 bits it also takes the next index. */
typedef struct VfuBar {
    uint64_t size; /* bytes, a power of two of at least 4096; 0: absent */
    bool is_64bit;
    bool prefetchable;

    /*
     * Memory behind the BAR, or -1 when all of it is trapped. The descriptor
     * stays the caller's and must stay open as long as the server exists. It
     * must be a memfd (MFD_ALLOW_SEALING) that is large enough: the server
     * seals its size, because a client that shrank it could kill the process.
     */
    int fd;
    uint64_t fd_offset;
    const VfuArea *mmap_areas; /* copied; none with fd >= 0: the whole BAR */
    size_t n_mmap_areas;
} VfuBar;

/*
 * MSI-X. Table and pending bits lie in trapped areas and are handled by this
 * layer: region_read and region_write never see them.
 */
typedef struct VfuMsix {
    uint16_t vectors; /* 0: the function has no interrupts */
    uint8_t table_bar;
    uint32_t table_offset; /* 8-byte aligned, 16 bytes per vector */
    uint8_t pba_bar;
    uint32_t pba_offset; /* 8-byte aligned, one bit per vector */
} VfuMsix;

typedef struct VfuDescription {
    const char *name; /* for messages, such as "gpu0"; copied */
    uint16_t vendor_id;
    uint16_t device_id;
    uint16_t subsystem_vendor_id;
    uint16_t subsystem_id;
    uint32_t class_code; /* 24 bits: class, subclass, interface */
    uint8_t revision;
    uint8_t link_speed; /* PCIe generation 1-5; 0: 4 */
    uint8_t link_width; /* lanes 1-16; 0: 16 */
    VfuBar bars[VFU_NUM_BARS];
    VfuMsix msix;
} VfuDescription;

typedef enum VfuReset {
    VFU_RESET_FLR,        /* the guest wrote Initiate Function Level Reset */
    VFU_RESET_DEVICE,     /* the client sent DEVICE_RESET (VM reset) */
    VFU_RESET_DISCONNECT, /* the client has gone */
} VfuReset;

typedef enum VfuDmaAccess {
    VFU_DMA_READ = 1 << 0,
    VFU_DMA_WRITE = 1 << 1,
    VFU_DMA_RW = VFU_DMA_READ | VFU_DMA_WRITE,
} VfuDmaAccess;

/* A range of guest addresses that the client lent to the device. */
typedef struct VfuDmaRegion {
    uint64_t iova;
    uint64_t size;
    unsigned access; /* VfuDmaAccess bits that the client permits */
    void *host;      /* NULL: no descriptor, reached by messages only */
} VfuDmaRegion;

/*
 * All members are optional; all run on the protocol thread.
 *
 * A trapped access has 1, 2, 4 or 8 bytes and is naturally aligned: longer or
 * crooked messages are cut up by this layer. Return 0 or -errno; an error is
 * counted and reaches the client as an error reply.
 */
typedef struct VfuOps {
    int (*region_read)(void *opaque, unsigned bar, uint64_t offset,
                       unsigned len, uint64_t *value);
    int (*region_write)(void *opaque, unsigned bar, uint64_t offset,
                        unsigned len, uint64_t value);

    /*
     * Bring the function to its power-on state. Bus mastering is already off,
     * no vfu_dma_map_begin() pointer is held by anyone, and DMA calls fail
     * until the guest enables bus mastering again.
     */
    void (*reset)(void *opaque, VfuReset kind);

    void (*dma_mapped)(void *opaque, const VfuDmaRegion *region);
    /*
     * The range is already out of reach for vfu_dma_* calls, and every
     * pointer into it has been given back, when this runs. Drop cached copies
     * of region->host here; the memory is unmapped when it returns.
     */
    void (*dma_unmapped)(void *opaque, const VfuDmaRegion *region);

    void (*connected)(void *opaque);
    void (*disconnected)(void *opaque);

    /* The guest switched bus mastering (and D0) on or off. */
    void (*bus_master)(void *opaque, bool on);

    /*
     * The peer did something that it must not do. Called for the first of
     * each kind per connection; vfu_server_get_stats() counts all of them.
     */
    void (*peer_error)(void *opaque, const char *what, int error);
} VfuOps;

/* Monotonic counters since the server was made. */
typedef struct VfuStats {
    uint64_t connections;
    uint64_t messages;
    uint64_t error_replies;
    uint64_t bad_messages; /* malformed: connection closed or error reply */
    uint64_t bad_accesses; /* region accesses that were refused */
    uint64_t dma_faults;   /* vfu_dma_* calls outside what was lent */
    uint64_t dma_messages; /* DMA_READ and DMA_WRITE commands sent */
    uint64_t irqs_sent;
    uint64_t irqs_pended;  /* no descriptor yet: the pending bit was set */
    uint64_t irqs_dropped; /* MSI-X is off */
    uint64_t resets;
    uint64_t sigbus_pages; /* guest pages lost under us (process wide) */
} VfuStats;

/*
 * Makes the function; nothing is served yet. `desc` and what it points to are
 * copied, `ops` is not. Returns NULL and sets `error` for a description that
 * no PCI function can have.
 */
VfuServer *vfu_server_new(const VfuDescription *desc, const VfuOps *ops,
                          void *opaque, GError **error);

/*
 * Listens on the UNIX socket `path` (mode 0600; a stale socket there is
 * replaced) and starts the protocol thread. After a true return a client can
 * connect.
 */
bool vfu_server_listen(VfuServer *server, const char *path, GError **error);

/*
 * Disconnects the client, ends the protocol thread and removes the socket.
 * DMA calls fail from then on. Not from the protocol thread.
 */
void vfu_server_stop(VfuServer *server);

/* Stops, then frees. No device thread may use the server any more. */
void vfu_server_free(VfuServer *server);

const char *vfu_server_get_name(const VfuServer *server);
void vfu_server_get_stats(VfuServer *server, VfuStats *stats);

/*
 * True while a client is connected and has negotiated. Any thread.
 */
bool vfu_server_is_connected(VfuServer *server);

G_DEFINE_AUTOPTR_CLEANUP_FUNC(VfuServer, vfu_server_free)

/*
 * DMA by copying: any kind of mapping, any length, across neighbouring
 * mappings. Any thread; on the protocol thread only for memory that has a
 * descriptor (-EDEADLK otherwise). May sleep for a message to the client.
 * Do not call while holding a VfuDmaMap unless the range has a descriptor.
 *
 * Returns 0, or
 *   -EPERM      bus mastering is off, the function is not in D0, no client
 *   -EFAULT     a byte lies outside of guest RAM
 *   -EACCES     the client did not permit this direction
 *   -ETIMEDOUT  the client did not answer a message
 *   -ECANCELED  reset, unmap or disconnection came in between
 *   -EIO        the client answered with an error
 * After an error an unknown part of the range may have been transferred.
 */
int vfu_dma_read(VfuServer *server, uint64_t iova, void *buf, size_t len);
int vfu_dma_write(VfuServer *server, uint64_t iova, const void *buf,
                  size_t len);

/*
 * A pointer into guest memory, held. `host` stays valid until
 * vfu_dma_map_end(), and DMA_UNMAP, reset and disconnection wait for that, so
 * hold it for a copy, not for a wait. Costs two atomic operations and a
 * binary search, no system call. Maps may be nested freely.
 */
typedef struct VfuDmaMap {
    void *host; /* NULL: failed */
    int error;  /* 0, or -errno as for vfu_dma_read() */
    unsigned epoch;
} VfuDmaMap;

/*
 * Returns map->host, or NULL with map->error set: the errors of
 * vfu_dma_read(), and -ENOTSUP for memory without a descriptor, or a range
 * that crosses two mappings (use the copying calls). A failed map needs no
 * vfu_dma_map_end(). Any thread.
 */
void *vfu_dma_map_begin(VfuServer *server, uint64_t iova, size_t len,
                        VfuDmaAccess access, VfuDmaMap *map);
void vfu_dma_map_end(VfuServer *server, VfuDmaMap *map);

/* Whether all of the range is guest RAM that permits `access` now. */
bool vfu_dma_is_mapped(VfuServer *server, uint64_t iova, uint64_t len,
                       VfuDmaAccess access);

/*
 * Raises an MSI-X vector: signals its eventfd, or, when MSI-X is enabled but
 * the vector has none, sets its pending bit, which is delivered when a
 * descriptor arrives. Any thread, never sleeps. Vectors out of range are
 * counted as dropped.
 */
void vfu_irq_trigger(VfuServer *server, unsigned vector);

/*
 * Asks the client to take the function away (QEMU unplugs it, as for a card
 * that is pulled out). False when it did not ask to be told. Any thread.
 */
bool vfu_request_removal(VfuServer *server);

#endif /* VFU_H */

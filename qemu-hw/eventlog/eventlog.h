/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The event log, as the rest of the device process sees it.
 *
 * Concepts
 *   One Eventlog is one SQLite file (schema.sql) and the threads that write
 *   it. Events come from two sides:
 *   - the device: any thread calls eventlog_emit(), which copies the event
 *     into a bounded queue and never waits, takes no lock and does no I/O. A
 *     full queue loses the event, counted and logged with its time span;
 *     eventlog_emit_wait() waits for room instead;
 *   - the driver: it writes records into the rings of the trace area in BAR4
 *     (abi/svmgpu_trace.h). eventlog_drain_add() makes such an area known;
 *     the doorbell handler calls eventlog_drain_kick().
 *   One thread takes records out of the rings; another maps driver time to
 *   device time, turns starts and ends into intervals, and commits at least
 *   every 50 ms while there is something to write. Without anything to do
 *   both sleep without a timer.
 *
 *   Device time is the host's CLOCK_MONOTONIC in nanoseconds; the device's
 *   time register must return eventlog_now_ns() too.
 *
 * Every function may be called with log == NULL (no log wanted) and does
 * nothing then. Functions that can fail return 0 or -errno.
 */
#ifndef EVENTLOG_H
#define EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Eventlog Eventlog;
typedef struct EventlogDrain EventlogDrain;

/* EventlogEvent.gpu of an event that is about no GPU in particular. */
#define EVENTLOG_NO_GPU 0xffff
/* EventlogEvent.engine of the kernel's copy (migration) engine. */
#define EVENTLOG_ENGINE_COPY 0xfffe
/* EventlogEvent.engine of an event that is about no engine. */
#define EVENTLOG_NO_ENGINE 0xffff
/* Bytes of EventlogEvent.text, its final NUL included. */
#define EVENTLOG_TEXT_BYTES 48

/*
 * What the device reports. Fields that a kind does not name are zero and are
 * not looked at. `gpu` is always set (or EVENTLOG_NO_GPU).
 */
typedef enum EventlogKind {
    /* A GPU exists: bytes = VRAM, text = its id ("gpu0"). Once, at start. */
    EVENTLOG_GPU_DEFINED = 0x100,
    /* An engine exists: engine, text = its name ("bcs0"). Once, at start. */
    EVENTLOG_ENGINE_DEFINED = 0x101,
    /* A link exists: a = peer GPU, text = its name. */
    EVENTLOG_LINK_DEFINED = 0x102,
    /* A VM connected to, or left, the GPU's socket. */
    EVENTLOG_CLIENT_CONNECTED = 0x103,
    EVENTLOG_CLIENT_DISCONNECTED = 0x104,
    /* The GPU was reset: a = 0 power-on, 1 function-level, 2 global; text. */
    EVENTLOG_GPU_RESET = 0x105,
    /* A context was reset on an engine: engine, context; text = why. */
    EVENTLOG_ENGINE_RESET = 0x106,

    /* A recoverable fault went to the ring: id, va, a = enum
     * svmgpu_trace_access, asid, context, engine, b = page-table level. */
    EVENTLOG_FAULT_RAISED = 0x110,
    /* Its answer arrived: id, result = 0 retry, -errno refused. */
    EVENTLOG_FAULT_ANSWERED = 0x111,
    /* The access retired after an answer: id, va. */
    EVENTLOG_ACCESS_REPLAYED = 0x112,
    /* A context without fault mode died of a fault: engine, context, asid,
     * va, a = access. */
    EVENTLOG_CONTEXT_KILLED = 0x113,

    /* A context runs on an engine: engine, context, asid. */
    EVENTLOG_RUN_STARTED = 0x120,
    /* It left the engine: engine, context, a = EventlogRunEnd. */
    EVENTLOG_RUN_ENDED = 0x121,

    /* A descriptor of the migration engine runs: id, a = from, b = to
     * (SVMGPU_TRACE_PLACE_*), bytes. Fill: from = SVMGPU_TRACE_PLACE_NONE. */
    EVENTLOG_COPY_STARTED = 0x122,
    /* It retired: id, bytes = moved, result. */
    EVENTLOG_COPY_ENDED = 0x123,

    /* A TLB flush was acknowledged: asid, va, bytes (0: all), id. */
    EVENTLOG_FLUSHED = 0x130,
    /* The checking mode met a stale translation: asid, va, engine, context. */
    EVENTLOG_STALE_HIT_FOUND = 0x131,

    /* A fence or user fence was written: engine, context, va, id = value. */
    EVENTLOG_FENCE_WRITTEN = 0x140,
    /* An interrupt was raised: a = vector. */
    EVENTLOG_INTERRUPT_RAISED = 0x141,
    /* A doorbell was rung: a = register offset. */
    EVENTLOG_DOORBELL_RUNG = 0x142,
    /* An access counter crossed its threshold: asid, va, id = count. */
    EVENTLOG_ACCESS_COUNTED = 0x143,

    /* Pages of VRAM changed: va = offset in VRAM, bytes, a =
     * EventlogPageState, asid = owner, id = owner's virtual address. */
    EVENTLOG_PAGE_STATE_CHANGED = 0x150,

    /* A fault was injected through the control socket: text. */
    EVENTLOG_FAULT_INJECTED = 0x160,
    /* Input of guest or peer was refused: va = register offset or descriptor
     * address, a = code, text = what was wrong. */
    EVENTLOG_INPUT_REJECTED = 0x161,
    /* A link went down or up: a = peer GPU, b = 1 up, 0 down. */
    EVENTLOG_LINK_CHANGED = 0x162,
    /* Anything worth a line: text. */
    EVENTLOG_NOTE_WRITTEN = 0x163,
} EventlogKind;

typedef enum EventlogRunEnd {
    EVENTLOG_RUN_IDLE = 0,      /* its ring is empty */
    EVENTLOG_RUN_PREEMPTED = 1, /* timeslice over */
    EVENTLOG_RUN_FAULTED = 2,   /* waits for a fault's answer */
    EVENTLOG_RUN_RESET = 3,
    EVENTLOG_RUN_KILLED = 4,
    EVENTLOG_RUN_WAITING = 5,   /* for a semaphore or the like */
} EventlogRunEnd;

typedef enum EventlogPageState {
    EVENTLOG_PAGE_FREE = 0,
    EVENTLOG_PAGE_OWNED = 1,
    EVENTLOG_PAGE_MIGRATING = 2,
    EVENTLOG_PAGE_POISONED = 3,
} EventlogPageState;

typedef struct EventlogEvent {
    /* eventlog_now_ns() when it happened; 0: now. */
    uint64_t time_ns;
    uint16_t kind; /* EventlogKind */
    uint16_t gpu;
    uint16_t engine;
    uint16_t reserved;
    uint32_t context;
    uint32_t asid;
    uint64_t id;
    uint64_t va;
    uint64_t bytes;
    uint32_t a;
    uint32_t b;
    int32_t result;
    char text[EVENTLOG_TEXT_BYTES]; /* UTF-8, terminated */
} EventlogEvent;

typedef struct EventlogConfig {
    /* File to write. It is created, or, when it is a log of this schema
     * version already, continued as a further run. */
    const char *path;
    /* Device events that can wait for the writer; 0: 65536. */
    unsigned queue_events;
    /* Longest time between commits while there is something; 0: 50. */
    unsigned commit_ms;
    /* Program and version, for the log. */
    const char *creator;
    /* Device clock at the beginning of the run; 0: now. Programs that write
     * a log of the past set it. */
    uint64_t start_ns;
} EventlogConfig;

typedef struct EventlogStats {
    uint64_t device_events;  /* taken from the queue */
    uint64_t driver_records; /* taken from rings */
    uint64_t lost;           /* on any way */
    uint64_t bad_records;    /* refused: unknown type, wild values */
    uint64_t rows;           /* written */
    uint64_t commits;
    uint64_t write_errors;   /* commits that failed: disk full, ... */
} EventlogStats;

/* The device clock. */
uint64_t eventlog_now_ns(void);

/*
 * Opens or creates a log and starts its thread. On failure returns -errno
 * and puts a message into *errmsg (g_free() it): -EEXIST when the file is
 * not a log of this version.
 */
int eventlog_open(Eventlog **log, const EventlogConfig *config,
                  char **errmsg);

/* Writes what is queued or in rings, marks the run closed, frees. */
void eventlog_close(Eventlog *log);

/* Any thread; false when the event was lost (and counted). */
bool eventlog_emit(Eventlog *log, const EventlogEvent *event);

/* Any thread but the writer; sleeps until there is room. */
void eventlog_emit_wait(Eventlog *log, const EventlogEvent *event);

/* Returns when all that was emitted or recorded before is committed. */
void eventlog_sync(Eventlog *log);

void eventlog_get_stats(Eventlog *log, EventlogStats *stats);

/*
 * Makes the trace area of `gpu` known. `area` (BAR4's host memory) must stay
 * mapped until eventlog_drain_remove(). The guest can write to it at any
 * time; nothing in it is trusted. The area may be empty for as long as the
 * driver likes.
 */
EventlogDrain *eventlog_drain_add(Eventlog *log, unsigned gpu, void *area,
                                  size_t bytes);

/* The trace doorbell was rung; any thread. NULL is allowed. */
void eventlog_drain_kick(EventlogDrain *drain);

/*
 * The GPU was reset or the VM is gone: reads what is left, ends the driver's
 * session and zeroes the header's magic. Returns when that is done.
 */
void eventlog_drain_reset(EventlogDrain *drain);

/* As reset, and forgets the area: afterwards it may be unmapped. */
void eventlog_drain_remove(EventlogDrain *drain);

#endif /* EVENTLOG_H */

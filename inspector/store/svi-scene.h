/* SPDX-License-Identifier: GPL-3.0-or-later */

/* A scene is what the timeline draws: for each wanted lane the spans of one time window, already
 * thinned to the width in pixels. It is made in a worker thread, never changes afterwards, and is
 * reference counted, so that the main thread can keep drawing the old one while the next is read.
 * Its times are nanoseconds since the start of the log: a stale scene can be drawn at any zoom.
 *
 * A catalog is the list of lanes that a log has, in the order of the screen: groups (a GPU, the
 * ranges of a VM, the locks of a class) and the lanes in them.
 */

#pragma once

#include <glib.h>

G_BEGIN_DECLS

typedef enum
{
  SVI_LANE_GROUP,
  SVI_LANE_ENGINE,  /* what one engine runs */
  SVI_LANE_COPY,    /* copies and migrations of one GPU, coloured by where the bytes go */
  SVI_LANE_FAULT,   /* recoverable faults of one GPU */
  SVI_LANE_FLUSH,   /* TLB flushes of one GPU */
  SVI_LANE_RANGE,   /* where an SVM range lives */
  SVI_LANE_LOCK,    /* who holds a lock, and who waits */
  SVI_LANE_VM,      /* binds and invalidations of one GPU VM */
  SVI_LANE_QUEUE,   /* execs and jobs of one exec queue */
  SVI_LANE_OTHER,   /* any other thing that has intervals */
  SVI_LANE_MARKS,   /* notes, injected faults, errors and losses of the whole log */
} SviLaneKind;

typedef enum
{
  SVI_TINT_NONE,      /* nothing there: unpopulated */
  SVI_TINT_SYSTEM,    /* system memory */
  SVI_TINT_GPU,       /* value: which GPU */
  SVI_TINT_MIXED,     /* value 0: system and device; 1: several devices */
  SVI_TINT_THREAD,    /* value: a number that is the thread's own */
  SVI_TINT_WAITING,
  SVI_TINT_GOOD,
  SVI_TINT_WARNING,
  SVI_TINT_ERROR,
} SviTintClass;

typedef guint32 SviTint;

static inline SviTint
svi_tint (SviTintClass class_,
          guint        value)
{
  return ((guint32) class_ << 24) | (value & 0xffffff);
}

static inline SviTintClass
svi_tint_class (SviTint tint)
{
  return (SviTintClass) (tint >> 24);
}

static inline guint
svi_tint_value (SviTint tint)
{
  return tint & 0xffffff;
}

/* What a span is; the intervals in the order of the log's interval_kind. With the row id it names
 * one event.
 */
typedef enum
{
  SVI_EVENT_NONE,
  SVI_EVENT_RANGE_STATE,
  SVI_EVENT_LOCK_WAIT,
  SVI_EVENT_LOCK_HOLD,
  SVI_EVENT_MIGRATION,
  SVI_EVENT_FAULT,
  SVI_EVENT_JOB,
  SVI_EVENT_ENGINE_RUN,
  SVI_EVENT_COPY,
  SVI_EVENT_BIND,
  SVI_EVENT_INVALIDATION,
  SVI_EVENT_EVICTION,
  SVI_EVENT_EXEC,
  SVI_EVENT_TLB_FLUSH,
  SVI_EVENT_RACE_HOLD,
  SVI_EVENT_INTERVAL, /* a kind that this version does not know */
  SVI_EVENT_POINT,
  SVI_EVENT_LOST,
} SviEventKind;

typedef struct
{
  SviEventKind kind;
  gint64       id;
} SviEventRef;

static inline gboolean
svi_event_ref_equal (SviEventRef a,
                     SviEventRef b)
{
  return a.kind == b.kind && a.id == b.id;
}

typedef enum
{
  SVI_SPAN_OPEN   = 1 << 0, /* not finished when the log ended */
  SVI_SPAN_DENSE  = 1 << 1, /* stands for count spans that are too short to draw alone */
  SVI_SPAN_POINT  = 1 << 2, /* has no length */
  SVI_SPAN_SHARED = 1 << 3, /* a lock held for reading */
} SviSpanFlags;

typedef struct
{
  double       start_ns;
  double       end_ns;
  SviEventRef  event;
  SviTint      tint;
  guint16      row;     /* sub-row in the lane, 0 on top */
  guint8       flags;
  float        fill;    /* how much of its time a dense span really covers, 0 to 1 */
  guint        count;   /* events that it stands for */
  const char  *label;   /* owned by the scene */
} SviSpan;

typedef struct
{
  SviLaneKind  kind;
  gint64       key;       /* id of the thing in the log, 0: none */
  int          parent;    /* index of the group in the catalog, -1 at the top */
  int          level;
  SviTint      tint;      /* of the group's dot */
  guint        rows;      /* sub-rows that the lane reserves */
  guint        children;  /* of a group */
  gboolean     folded;    /* a group that starts collapsed */
  gint64       weight;    /* about how many events it has, its children included */
  gint64       alive_from; /* when the thing existed; -1: not known, or always */
  gint64       alive_to;
  char        *title;
  char        *subtitle;
  char        *path;      /* stable name over reloads: "gpu/0/bcs0" */
} SviLane;

typedef struct
{
  gatomicrefcount ref_count;
  GPtrArray      *lanes;  /* of SviLane */
  GHashTable     *names;  /* thing id to what to call it: threads, places, queues */
  GHashTable     *tints;  /* thread id to its number */
  guint           n_gpus;
} SviCatalog;

SviCatalog    *svi_catalog_new   (void);
SviCatalog    *svi_catalog_ref   (SviCatalog       *self);
void           svi_catalog_unref (SviCatalog       *self);
SviLane       *svi_catalog_add   (SviCatalog       *self,
                                  SviLaneKind       kind,
                                  int               parent,
                                  gint64            key,
                                  const char       *path,
                                  const char       *title,
                                  const char       *subtitle);
guint          svi_catalog_size  (const SviCatalog *self);
const SviLane *svi_catalog_get   (const SviCatalog *self,
                                  guint             index);
int            svi_catalog_find  (const SviCatalog *self,
                                  const char       *path);
int            svi_catalog_find_thing (const SviCatalog *self,
                                       gint64            thing);
const char    *svi_catalog_name  (const SviCatalog *self,
                                  gint64            thing);
SviTint        svi_catalog_thread_tint (const SviCatalog *self,
                                        gint64            thread);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SviCatalog, svi_catalog_unref)

typedef struct
{
  guint lane;       /* index in the catalog */
  guint first;      /* index of its first span */
  guint n_spans;
  guint n_rows;     /* sub-rows in use; a lock's waiters lie beyond them */
} SviSceneLane;

typedef struct
{
  gatomicrefcount ref_count;
  double          from_ns;
  double          to_ns;
  double          bucket_ns;  /* spans shorter than this are thinned */
  SviCatalog     *catalog;
  GArray         *spans;      /* of SviSpan, by lane, then by start */
  GArray         *lanes;      /* of SviSceneLane, by lane */
  GStringChunk   *strings;
  char           *damage;     /* what was noticed while it was read, or NULL */
} SviScene;

SviScene           *svi_scene_new       (SviCatalog     *catalog,
                                         double          from_ns,
                                         double          to_ns,
                                         double          bucket_ns);
SviScene           *svi_scene_ref       (SviScene       *self);
void                svi_scene_unref     (SviScene       *self);
void                svi_scene_begin     (SviScene       *self,
                                         guint           lane);
SviSpan            *svi_scene_add       (SviScene       *self,
                                         double          start_ns,
                                         double          end_ns,
                                         SviTint         tint,
                                         SviEventRef     event,
                                         const char     *label);
void                svi_scene_end       (SviScene       *self);
void                svi_scene_stack     (SviScene       *self,
                                         guint           first_row,
                                         guint           max_rows);
const SviSceneLane *svi_scene_find_lane (const SviScene *self,
                                         guint           lane);
const SviSpan      *svi_scene_spans     (const SviScene *self,
                                         const SviSceneLane *lane);
const SviSpan      *svi_scene_hit       (const SviScene *self,
                                         guint           lane,
                                         double          ns,
                                         double          slack_ns,
                                         int             row);
gboolean            svi_scene_covers    (const SviScene *self,
                                         double          from_ns,
                                         double          to_ns,
                                         double          bucket_ns);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (SviScene, svi_scene_unref)

G_END_DECLS

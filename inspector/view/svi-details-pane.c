/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-details-pane.h"

#include <math.h>
#include <string.h>

#include "store/svi-text.h"
#include "view/svi-palette.h"

/* A cursor that is dragged asks again only when it rests */
#define HOLDINGS_DELAY_MS 60

/* More rows than this help nobody; the lanes show them all */
#define MAX_HOLDINGS 120

struct _SviDetailsPane
{
  AdwBin         parent_instance;

  GtkWidget     *hint;
  GtkWidget     *event_box;
  GtkDrawingArea *swatch;
  GtkLabel      *title;
  GtkLabel      *subtitle;
  GtkListBox    *fields;
  GtkWidget     *related_title;
  GtkListBox    *related;
  GtkWidget     *steps_title;
  GtkListBox    *steps;
  GtkWidget     *cursor_box;
  GtkLabel      *cursor_time;
  GtkListBox    *holdings;

  SviSession    *session;
  SviTint        tint;
  GString       *text;         /* the fields as plain text */
  guint          holdings_source;
  GCancellable  *holdings_cancellable;
};

G_DEFINE_FINAL_TYPE (SviDetailsPane, svi_details_pane, ADW_TYPE_BIN)

/* What a row leads to */
typedef struct
{
  SviEventRef event;
  gint64      thing;
  double      start_ns;
  double      end_ns;
} Target;

static void
clear_list (GtkListBox *list)
{
  GtkListBoxRow *row;

  while ((row = gtk_list_box_get_row_at_index (list, 0)) != NULL)
    gtk_list_box_remove (list, GTK_WIDGET (row));
}

static void
draw_dot (GtkDrawingArea *area,
          cairo_t        *cr,
          int             width,
          int             height,
          gpointer        data)
{
  SviPalette palette;

  svi_palette_init (&palette, adw_style_manager_get_dark (adw_style_manager_get_default ()));
  svi_color_set (cr, svi_palette_tint (&palette, (SviTint) GPOINTER_TO_UINT (data)));
  cairo_arc (cr, width / 2.0, height / 2.0, MIN (width, height) / 2.0, 0, 2 * G_PI);
  cairo_fill (cr);
}

static void
draw_swatch (GtkDrawingArea *area,
             cairo_t        *cr,
             int             width,
             int             height,
             gpointer        data)
{
  SviDetailsPane *self = data;
  SviPalette palette;

  svi_palette_init (&palette, adw_style_manager_get_dark (adw_style_manager_get_default ()));
  svi_color_set (cr, svi_palette_tint (&palette, self->tint));
  cairo_new_sub_path (cr);
  cairo_arc (cr, width / 2.0, width / 2.0, width / 2.0, G_PI, 0);
  cairo_arc (cr, width / 2.0, height - width / 2.0, width / 2.0, 0, G_PI);
  cairo_close_path (cr);
  cairo_fill (cr);
}

static GtkWidget *
make_label (const char *text,
            double      xalign,
            gboolean    dim,
            gboolean    selectable)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), (float) xalign);
  gtk_label_set_selectable (GTK_LABEL (label), selectable);
  if (selectable)
    {
      gtk_label_set_wrap (GTK_LABEL (label), TRUE);
      gtk_label_set_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
    }
  else
    gtk_label_set_ellipsize (GTK_LABEL (label), PANGO_ELLIPSIZE_END);
  gtk_widget_add_css_class (label, "numeric");
  if (dim)
    gtk_widget_add_css_class (label, "dim-label");
  return label;
}

static void
add_field (SviDetailsPane *self,
           const char     *name,
           const char     *value)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 12);
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *value_label = make_label (value, 1, FALSE, TRUE);

  gtk_widget_set_hexpand (value_label, TRUE);
  gtk_box_append (GTK_BOX (box), make_label (name, 0, TRUE, FALSE));
  gtk_box_append (GTK_BOX (box), value_label);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_list_box_append (self->fields, row);
  g_string_append_printf (self->text, "%s: %s\n", name, value);
}

static GtkWidget *
add_link (GtkListBox  *list,
          const char  *title,
          const char  *value,
          SviTint      tint,
          int          indent,
          gboolean     current,
          Target       target)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 10);
  GtkWidget *row = gtk_list_box_row_new ();
  GtkWidget *dot = gtk_drawing_area_new ();
  GtkWidget *title_label = make_label (title, 0, FALSE, FALSE);
  GtkWidget *value_label = make_label (value, 1, TRUE, FALSE);
  g_autofree char *spoken = g_strdup_printf ("%s, %s", title, value);

  gtk_drawing_area_set_content_width (GTK_DRAWING_AREA (dot), 9);
  gtk_drawing_area_set_content_height (GTK_DRAWING_AREA (dot), 9);
  gtk_drawing_area_set_draw_func (GTK_DRAWING_AREA (dot), draw_dot, GUINT_TO_POINTER (tint), NULL);
  gtk_widget_set_valign (dot, GTK_ALIGN_CENTER);
  gtk_widget_set_margin_start (dot, indent * 12);
  gtk_widget_set_hexpand (value_label, TRUE);
  if (current)
    gtk_widget_add_css_class (title_label, "heading");

  gtk_box_append (GTK_BOX (box), dot);
  gtk_box_append (GTK_BOX (box), title_label);
  gtk_box_append (GTK_BOX (box), value_label);
  gtk_list_box_row_set_child (GTK_LIST_BOX_ROW (row), box);
  gtk_widget_set_tooltip_text (row, value);
  gtk_accessible_update_property (GTK_ACCESSIBLE (row), GTK_ACCESSIBLE_PROPERTY_LABEL, spoken, -1);
  g_object_set_data_full (G_OBJECT (row), "target", g_memdup2 (&target, sizeof target), g_free);
  gtk_list_box_append (list, row);
  return row;
}

static void
on_row_activated (SviDetailsPane *self,
                  GtkListBoxRow  *row)
{
  const Target *target = g_object_get_data (G_OBJECT (row), "target");

  if (target == NULL || self->session == NULL)
    return;

  if (target->event.kind == SVI_EVENT_POINT)
    svi_session_set_cursor (self->session, target->start_ns);
  else
    svi_session_reveal (self->session, target->event, target->thing, target->start_ns,
                        target->end_ns);
}

static void
on_details_changed (SviDetailsPane *self)
{
  SviDetails *details = svi_session_get_details (self->session);
  gboolean selected = svi_session_get_selected (self->session).kind != SVI_EVENT_NONE;
  g_autofree char *start = NULL;
  g_autofree char *length = NULL;

  gtk_widget_set_visible (self->hint, !selected);
  gtk_widget_set_visible (self->event_box, details != NULL);
  clear_list (self->fields);
  clear_list (self->related);
  clear_list (self->steps);
  g_string_truncate (self->text, 0);
  if (details == NULL)
    return;

  self->tint = details->event->tint;
  gtk_widget_queue_draw (GTK_WIDGET (self->swatch));
  gtk_label_set_label (self->title, details->event->title);
  gtk_label_set_label (self->subtitle, details->event->summary);
  gtk_widget_set_visible (GTK_WIDGET (self->subtitle), *details->event->summary != '\0');
  g_string_append_printf (self->text, "%s: %s\n", details->event->title, details->event->summary);

  start = svi_text_time (details->event->start_ns);
  length = svi_text_span (details->event->end_ns - details->event->start_ns);
  if (details->event->open)
    {
      char *known = g_strdup_printf ("%s at least, its end was not seen", length);

      g_free (length);
      length = known;
    }
  add_field (self, "Start", start);
  if (details->event->event.kind != SVI_EVENT_POINT)
    add_field (self, "Duration", length);
  for (guint i = 0; i < details->fields->len; i++)
    {
      const SviField *field = g_ptr_array_index (details->fields, i);

      add_field (self, field->name, field->value);
    }

  gtk_widget_set_visible (self->related_title, details->related->len > 1);
  gtk_widget_set_visible (GTK_WIDGET (self->related), details->related->len > 1);
  for (guint i = 0; i < details->related->len && details->related->len > 1; i++)
    {
      const SviEventSummary *event = g_ptr_array_index (details->related, i);
      Target target = { event->event, event->thing, event->start_ns, event->end_ns };

      add_link (self->related, event->title, event->summary, event->tint, event->depth,
                svi_event_ref_equal (event->event, details->event->event), target);
    }

  gtk_widget_set_visible (self->steps_title, details->steps->len > 0);
  gtk_widget_set_visible (GTK_WIDGET (self->steps), details->steps->len > 0);
  for (guint i = 0; i < details->steps->len; i++)
    {
      const SviEventSummary *step = g_ptr_array_index (details->steps, i);
      g_autofree char *offset = svi_text_span (step->start_ns - details->event->start_ns);
      g_autofree char *after = g_strdup_printf ("+%s", offset);
      Target target = { step->event, step->thing, step->start_ns, step->end_ns };

      add_link (self->steps, step->title, after, step->tint, 0, FALSE, target);
    }
}

/* Where a lane belongs in the list: what runs, then who holds what, then where memory is, of which
 * there is most
 */
static const char *
section_of (SviLaneKind kind)
{
  switch (kind)
    {
    case SVI_LANE_LOCK:
      return "Locks";
    case SVI_LANE_RANGE:
      return "SVM ranges";
    default:
      return "Activity";
    }
}

static void
update_header (GtkListBoxRow *row,
               GtkListBoxRow *before,
               gpointer       data)
{
  const char *section = g_object_get_data (G_OBJECT (row), "section");
  const char *previous = before != NULL ? g_object_get_data (G_OBJECT (before), "section") : NULL;
  GtkWidget *label;

  if (section == NULL || g_strcmp0 (section, previous) == 0)
    {
      gtk_list_box_row_set_header (row, NULL);
      return;
    }

  label = make_label (section, 0, TRUE, FALSE);
  gtk_widget_add_css_class (label, "section");
  gtk_list_box_row_set_header (row, label);
}

static void
add_holdings (SviDetailsPane *self,
              GPtrArray      *holdings,
              const char     *section,
              guint          *room)
{
  SviCatalog *catalog = svi_session_get_catalog (self->session);

  for (guint i = 0; i < holdings->len && *room > 0; i++)
    {
      const SviHolding *holding = g_ptr_array_index (holdings, i);
      const SviLane *lane;
      const SviLane *group;
      g_autofree char *title = NULL;
      g_autofree char *value = NULL;
      Target target = { holding->event->event, holding->event->thing, holding->event->start_ns,
                        holding->event->end_ns };
      GtkWidget *row;

      if (holding->lane >= svi_catalog_size (catalog))
        continue;
      lane = svi_catalog_get (catalog, holding->lane);
      if (strcmp (section_of (lane->kind), section) != 0)
        continue;

      /* Every GPU has a vcs0 */
      group = lane->parent >= 0 ? svi_catalog_get (catalog, (guint) lane->parent) : NULL;
      if (group != NULL && g_str_has_prefix (group->path, "gpu/"))
        title = g_strdup_printf ("%s %s", group->title, lane->title);
      value = g_strdup_printf ("%s%s",
                               holding->event->event.kind == SVI_EVENT_LOCK_WAIT ? "waited for by "
                                                                                 : "",
                               holding->event->summary);
      row = add_link (self->holdings, title != NULL ? title : lane->title, value,
                      holding->event->tint, 0, FALSE, target);
      g_object_set_data (G_OBJECT (row), "section", (gpointer) section);
      (*room)--;
    }
}

static void
on_holdings (GObject      *source,
             GAsyncResult *result,
             gpointer      data)
{
  g_autoptr (SviDetailsPane) self = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray)
    holdings = svi_session_holdings_finish (SVI_SESSION (source), result, &error);
  guint room = MAX_HOLDINGS;

  if (holdings == NULL || self->session == NULL)
    return;

  clear_list (self->holdings);
  add_holdings (self, holdings, section_of (SVI_LANE_ENGINE), &room);
  add_holdings (self, holdings, section_of (SVI_LANE_LOCK), &room);
  add_holdings (self, holdings, section_of (SVI_LANE_RANGE), &room);
  gtk_list_box_invalidate_headers (self->holdings);
}

static gboolean
on_holdings_due (gpointer data)
{
  SviDetailsPane *self = data;
  double cursor;

  self->holdings_source = 0;
  if (self->session == NULL || svi_session_get_catalog (self->session) == NULL)
    return G_SOURCE_REMOVE;

  cursor = svi_session_get_cursor (self->session);
  if (isnan (cursor))
    return G_SOURCE_REMOVE;

  g_cancellable_cancel (self->holdings_cancellable);
  g_clear_object (&self->holdings_cancellable);
  self->holdings_cancellable = g_cancellable_new ();
  svi_session_holdings_async (self->session, cursor, self->holdings_cancellable, on_holdings,
                              g_object_ref (self));
  return G_SOURCE_REMOVE;
}

static void
on_cursor_changed (SviDetailsPane *self)
{
  double cursor = svi_session_get_cursor (self->session);
  g_autofree char *time = isnan (cursor) ? g_strdup ("") : svi_text_time (cursor);

  gtk_widget_set_visible (self->cursor_box, !isnan (cursor));
  gtk_label_set_label (self->cursor_time, time);
  if (self->holdings_source == 0)
    self->holdings_source = g_timeout_add (HOLDINGS_DELAY_MS, on_holdings_due, self);
}

void
svi_details_pane_set_session (SviDetailsPane *self,
                              SviSession     *session)
{
  g_return_if_fail (SVI_IS_DETAILS_PANE (self));

  if (self->session != NULL)
    g_signal_handlers_disconnect_by_data (self->session, self);
  g_set_object (&self->session, session);
  if (session == NULL)
    return;

  g_signal_connect_object (session, "details-changed", G_CALLBACK (on_details_changed), self,
                           G_CONNECT_SWAPPED);
  g_signal_connect_object (session, "cursor-changed", G_CALLBACK (on_cursor_changed), self,
                           G_CONNECT_SWAPPED);
  on_details_changed (self);
  on_cursor_changed (self);
}

/* The fields as text, one per line: what is copied. */
char *
svi_details_pane_dup_text (SviDetailsPane *self)
{
  g_return_val_if_fail (SVI_IS_DETAILS_PANE (self), NULL);

  return g_strdup (self->text->str);
}

static void
svi_details_pane_dispose (GObject *object)
{
  SviDetailsPane *self = SVI_DETAILS_PANE (object);

  g_clear_handle_id (&self->holdings_source, g_source_remove);
  g_cancellable_cancel (self->holdings_cancellable);
  g_clear_object (&self->holdings_cancellable);
  if (self->session != NULL)
    g_signal_handlers_disconnect_by_data (self->session, self);
  g_clear_object (&self->session);
  gtk_widget_dispose_template (GTK_WIDGET (self), SVI_TYPE_DETAILS_PANE);

  G_OBJECT_CLASS (svi_details_pane_parent_class)->dispose (object);
}

static void
svi_details_pane_finalize (GObject *object)
{
  SviDetailsPane *self = SVI_DETAILS_PANE (object);

  g_string_free (self->text, TRUE);

  G_OBJECT_CLASS (svi_details_pane_parent_class)->finalize (object);
}

static void
svi_details_pane_class_init (SviDetailsPaneClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = svi_details_pane_dispose;
  G_OBJECT_CLASS (klass)->finalize = svi_details_pane_finalize;

  gtk_widget_class_set_template_from_resource (widget_class,
                                               "/org/svmgpu/Inspector/svi-details-pane.ui");
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, hint);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, event_box);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, swatch);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, title);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, subtitle);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, fields);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, related_title);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, related);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, steps_title);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, steps);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, cursor_box);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, cursor_time);
  gtk_widget_class_bind_template_child (widget_class, SviDetailsPane, holdings);
}

static void
svi_details_pane_init (SviDetailsPane *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));

  self->text = g_string_new (NULL);
  gtk_list_box_set_header_func (self->holdings, update_header, NULL, NULL);
  gtk_drawing_area_set_draw_func (self->swatch, draw_swatch, self, NULL);
  g_signal_connect_swapped (self->related, "row-activated", G_CALLBACK (on_row_activated), self);
  g_signal_connect_swapped (self->steps, "row-activated", G_CALLBACK (on_row_activated), self);
  g_signal_connect_swapped (self->holdings, "row-activated", G_CALLBACK (on_row_activated), self);
}

/* SPDX-License-Identifier: GPL-3.0-or-later */

/* What svi-window.c and svi-window-actions.c share: the window's parts. */

#pragma once

#include "svi-window.h"
#include "view/svi-details-pane.h"
#include "view/svi-events-page.h"
#include "view/svi-locks-page.h"
#include "view/svi-query-page.h"
#include "view/svi-statistics-page.h"
#include "view/svi-timeline.h"

G_BEGIN_DECLS

struct _SviWindow
{
  AdwApplicationWindow  parent_instance;

  AdwToastOverlay      *toasts;
  GtkStack             *title_stack;
  AdwViewSwitcherTitle *switcher_title;
  AdwWindowTitle       *window_title;
  GtkWidget            *follow_button;
  GtkWidget            *details_button;
  GtkWidget            *search_button;
  GtkInfoBar           *damage_bar;
  GtkLabel             *damage_label;
  GtkStack             *stack;
  AdwStatusPage        *error_page;
  AdwViewStack         *pages;
  AdwFlap              *flap;
  GtkSearchBar         *search_bar;
  GtkEditable          *search_entry;
  SviTimeline          *timeline;
  SviDetailsPane       *details;
  SviEventsPage        *events;
  SviLocksPage         *locks;
  SviStatisticsPage    *statistics;
  SviQueryPage         *sql;

  SviSession           *session;
  GCancellable         *open_cancellable;
};

void svi_window_update_actions  (SviWindow      *self);
void svi_window_add_actions     (SviWindow      *self);

G_END_DECLS

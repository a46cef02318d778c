/* SPDX-License-Identifier: GPL-3.0-or-later */

/* The palette turns what a span means (its tint) into a colour, for a light and for a dark
 * background. The hues are those of the GNOME palette. A GPU has one hue everywhere: its group, the
 * memory that lives in its VRAM, copies towards it. Colour is never the only carrier: spans have
 * labels, mixed states are hatched, and the details pane spells everything out.
 */

#pragma once

#include <cairo.h>
#include <glib.h>

#include "store/svi-scene.h"

G_BEGIN_DECLS

typedef struct
{
  double red;
  double green;
  double blue;
  double alpha;
} SviColor;

typedef struct
{
  gboolean dark;
  SviColor background; /* behind the spans */
  SviColor chrome;     /* ruler, lane names */
  SviColor group;      /* group headings */
  SviColor text;
  SviColor dim;        /* secondary text, tick marks */
  SviColor line;       /* separators */
  SviColor accent;     /* cursor, selection, focus */
  SviColor warning;
  SviColor error;
} SviPalette;

void     svi_palette_init  (SviPalette       *self,
                            gboolean          dark);
SviColor svi_palette_gpu   (const SviPalette *self,
                            guint             gpu);
SviColor svi_palette_tint  (const SviPalette *self,
                            SviTint           tint);
SviColor svi_palette_over  (const SviPalette *self,
                            SviColor          fill);
SviColor svi_color_alpha   (SviColor          color,
                            double            alpha);
void     svi_color_set     (cairo_t          *cr,
                            SviColor          color);

G_END_DECLS

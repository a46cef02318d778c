/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-palette.h"

#define CHANNEL(hex, shift) ((((hex) >> (shift)) & 0xff) / 255.0)
#define RGBA(hex, alpha) { CHANNEL (hex, 16), CHANNEL (hex, 8), CHANNEL (hex, 0), (alpha) }
#define RGB(hex) RGBA (hex, 1.0)

/* One hue per GPU: blue, orange, green, purple, then their darker siblings */
static const SviColor gpu_light[] = {
  RGB (0x3584e4), RGB (0xff7800), RGB (0x2ec27e), RGB (0x9141ac),
  RGB (0x1a5fb4), RGB (0xc64600), RGB (0x26a269), RGB (0x613583),
};
static const SviColor gpu_dark[] = {
  RGB (0x4a90e8), RGB (0xf08437), RGB (0x33c481), RGB (0xb06ec9),
  RGB (0x2f6fc4), RGB (0xc85a1e), RGB (0x2b9c68), RGB (0x8453a8),
};

/* Threads: hues that stay apart from each other when they lie side by side */
static const SviColor thread_light[] = {
  RGB (0x5b8dd6), RGB (0xc0619e), RGB (0x3aa7b8), RGB (0xd9704f), RGB (0x8a76c9), RGB (0x98a63c),
  RGB (0x57a773), RGB (0xb5835a), RGB (0x7a8fa6), RGB (0xcf6679), RGB (0x4f7f86), RGB (0xa97fc0),
};
static const SviColor thread_dark[] = {
  RGB (0x5f93df), RGB (0xc46aa4), RGB (0x3daabc), RGB (0xdb7757), RGB (0x9381d4), RGB (0x9bab42),
  RGB (0x58ad78), RGB (0xb98a63), RGB (0x8096af), RGB (0xd4707f), RGB (0x5f949c), RGB (0xb08ac8),
};

void
svi_palette_init (SviPalette *self,
                  gboolean    dark)
{
  static const SviPalette light_palette = {
    FALSE, RGB (0xffffff), RGB (0xfafafa), RGB (0xf2f2f2), RGB (0x2e2e32), RGBA (0x2e2e32, 0.58),
    RGBA (0x000000, 0.10), RGB (0x1c71d8), RGB (0xe5a50a), RGB (0xc01c28),
  };
  static const SviPalette dark_palette = {
    TRUE, RGB (0x1e1e1e), RGB (0x242424), RGB (0x2d2d2d), RGB (0xf6f5f4), RGBA (0xffffff, 0.58),
    RGBA (0xffffff, 0.10), RGB (0x78aeed), RGB (0xcd9309), RGB (0xff7b63),
  };

  g_return_if_fail (self != NULL);

  *self = dark ? dark_palette : light_palette;
}

SviColor
svi_palette_gpu (const SviPalette *self,
                 guint             gpu)
{
  return self->dark ? gpu_dark[gpu % G_N_ELEMENTS (gpu_dark)]
                    : gpu_light[gpu % G_N_ELEMENTS (gpu_light)];
}

SviColor
svi_palette_tint (const SviPalette *self,
                  SviTint           tint)
{
  static const SviColor system_light = RGB (0xb5b1ab), system_dark = RGB (0x77767b);
  static const SviColor void_light = RGB (0xe6e4e1), void_dark = RGB (0x36363a);
  static const SviColor mixed_light = RGB (0xd6b21e), mixed_dark = RGB (0xc9a227);
  static const SviColor waiting_light = RGB (0xed6a5e), waiting_dark = RGB (0xd9604f);
  static const SviColor good_light = RGB (0x57a773), good_dark = RGB (0x4f9e6c);
  guint value = svi_tint_value (tint);

  switch (svi_tint_class (tint))
    {
    case SVI_TINT_NONE:
      return self->dark ? void_dark : void_light;
    case SVI_TINT_SYSTEM:
      return self->dark ? system_dark : system_light;
    case SVI_TINT_GPU:
      return svi_palette_gpu (self, value);
    case SVI_TINT_MIXED:
      return self->dark ? mixed_dark : mixed_light;
    case SVI_TINT_THREAD:
      return self->dark ? thread_dark[value % G_N_ELEMENTS (thread_dark)]
                        : thread_light[value % G_N_ELEMENTS (thread_light)];
    case SVI_TINT_WAITING:
      return self->dark ? waiting_dark : waiting_light;
    case SVI_TINT_GOOD:
      return self->dark ? good_dark : good_light;
    case SVI_TINT_WARNING:
      return self->warning;
    case SVI_TINT_ERROR:
      return self->error;
    default:
      return self->dim;
    }
}

static double
luminance (SviColor color)
{
  return 0.299 * color.red + 0.587 * color.green + 0.114 * color.blue;
}

/* The colour of text upon @fill. */
SviColor
svi_palette_over (const SviPalette *self,
                  SviColor          fill)
{
  static const SviColor light = RGB (0xffffff), ink = RGBA (0x000000, 0.85);

  return luminance (fill) > 0.62 ? ink : light;
}

SviColor
svi_color_alpha (SviColor color,
                 double   alpha)
{
  color.alpha *= alpha;
  return color;
}

void
svi_color_set (cairo_t  *cr,
               SviColor  color)
{
  cairo_set_source_rgba (cr, color.red, color.green, color.blue, color.alpha);
}

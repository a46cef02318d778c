/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-text.h"

#include <math.h>
#include <string.h>

/* U+2009 THIN SPACE groups digits by three: a nanosecond time of an hour has thirteen of them */
#define THIN_SPACE "\xe2\x80\x89"

/* The time as seconds with every nanosecond spelled out: 12.345 678 901 s */
char *
svi_text_time (double ns)
{
  g_autoptr (GString) out = g_string_new (NULL);
  gint64 value = (gint64) llround (fabs (ns));
  gint64 seconds = value / 1000000000;
  gint64 rest = value % 1000000000;

  if (ns <= -0.5)
    g_string_append (out, "\xe2\x88\x92");
  if (seconds >= 3600)
    g_string_append_printf (out, "%d:%02d:%02d", (int) (seconds / 3600), (int) (seconds / 60 % 60),
                            (int) (seconds % 60));
  else if (seconds >= 60)
    g_string_append_printf (out, "%d:%02d", (int) (seconds / 60), (int) (seconds % 60));
  else
    g_string_append_printf (out, "%d", (int) seconds);

  g_string_append_printf (out, ".%03d" THIN_SPACE "%03d" THIN_SPACE "%03d",
                          (int) (rest / 1000000), (int) (rest / 1000 % 1000), (int) (rest % 1000));
  if (seconds < 60)
    g_string_append (out, " s");

  return g_string_free (g_steal_pointer (&out), FALSE);
}

static char *
format_scaled (double value,
               double step)
{
  static const struct
  {
    double      scale;
    const char *unit;
  } units[] = {
    { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "µs" }, { 1, "ns" },
  };
  guint i;
  int decimals;

  if (value == 0)
    return g_strdup ("0");

  for (i = 0; i < G_N_ELEMENTS (units) - 1; i++)
    if (fabs (value) >= units[i].scale)
      break;

  decimals = (int) ceil (log10 (units[i].scale / step) - 1e-9);
  decimals = CLAMP (decimals, 0, 9);

  return g_strdup_printf ("%.*f %s", decimals, value / units[i].scale, units[i].unit);
}

/* A ruler label: no more digits than the distance of the ticks needs. */
char *
svi_text_tick (double ns,
                    double step_ns)
{
  double seconds = ns / 1e9;

  if (step_ns >= 1e9 && fabs (seconds) >= 60)
    {
      gint64 whole = (gint64) llround (fabs (seconds));
      const char *sign = seconds < 0 ? "\xe2\x88\x92" : "";

      if (whole >= 3600)
        return g_strdup_printf ("%s%d:%02d:%02d", sign,
                                (int) (whole / 3600), (int) (whole / 60 % 60), (int) (whole % 60));
      return g_strdup_printf ("%s%d:%02d", sign, (int) (whole / 60), (int) (whole % 60));
    }

  return format_scaled (ns, step_ns);
}

char *
svi_text_tick_offset (double offset_ns,
                        double step_ns)
{
  g_autofree char *text = format_scaled (offset_ns, step_ns);

  return g_strdup_printf ("+%s", text);
}

/* A length of time with three significant digits. */
char *
svi_text_span (double ns)
{
  double size = fabs (ns);

  if (size < 1000)
    return g_strdup_printf ("%.0f ns", ns);
  if (size < 999.5e3)
    return g_strdup_printf ("%.*f µs", size < 9995 ? 2 : size < 99950 ? 1 : 0, ns / 1e3);
  if (size < 999.5e6)
    return g_strdup_printf ("%.*f ms", size < 9.995e6 ? 2 : size < 99.95e6 ? 1 : 0, ns / 1e6);
  if (size < 60e9)
    return g_strdup_printf ("%.*f s", size < 9.995e9 ? 2 : 1, ns / 1e9);
  if (size < 3600e9)
    return g_strdup_printf ("%d min %d s", (int) (ns / 60e9), (int) (fmod (size, 60e9) / 1e9));
  return g_strdup_printf ("%d h %d min", (int) (ns / 3600e9), (int) (fmod (size, 3600e9) / 60e9));
}

char *
svi_text_bytes (guint64 bytes)
{
  static const char *units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
  double value = bytes / 1024.0;
  guint i = 0;

  if (bytes < 1024)
    return g_strdup_printf ("%u B", (guint) bytes);

  while (value >= 1023.5 && i < G_N_ELEMENTS (units) - 1)
    {
      value /= 1024;
      i++;
    }

  if (value == floor (value) || value >= 100)
    return g_strdup_printf ("%.0f %s", value, units[i]);
  return g_strdup_printf ("%.1f %s", value, units[i]);
}

/* Reads "1.5 ms", "20us", "3 s", "1234" (nanoseconds). */
gboolean
svi_text_parse_time (const char *text,
                double     *ns)
{
  char *end = NULL;
  double value;
  g_autofree char *unit = NULL;

  g_return_val_if_fail (text != NULL && ns != NULL, FALSE);

  value = g_ascii_strtod (text, &end);
  if (end == text || !isfinite (value))
    return FALSE;

  unit = g_strstrip (g_strdup (end));
  if (*unit == '\0' || g_str_equal (unit, "ns"))
    *ns = value;
  else if (g_str_equal (unit, "us") || g_str_equal (unit, "µs"))
    *ns = value * 1e3;
  else if (g_str_equal (unit, "ms"))
    *ns = value * 1e6;
  else if (g_str_equal (unit, "s"))
    *ns = value * 1e9;
  else if (g_str_equal (unit, "min"))
    *ns = value * 60e9;
  else
    return FALSE;
  return TRUE;
}

/* "gpu_vm_bound" to "GPU VM bound": names of the log's columns and kinds as people read them. */
char *
svi_text_humanize (const char *name)
{
  static const struct
  {
    const char *word;
    const char *text;
  } words[] = {
    { "gpu", "GPU" },    { "vm", "VM" },         { "bo", "BO" },
    { "va", "address" }, { "tlb", "TLB" },       { "asid", "ASID" },
    { "vma", "VMA" },    { "pt", "page table" }, { "seqno", "fence number" },
    { "t0", "start" },   { "t1", "end" },        { "t", "time" },
    { "id", "id" },
  };
  g_auto (GStrv) parts = g_strsplit (name != NULL ? name : "", "_", -1);
  g_autoptr (GString) text = g_string_new (NULL);

  for (guint i = 0; parts[i] != NULL; i++)
    {
      const char *part = parts[i];

      for (guint w = 0; w < G_N_ELEMENTS (words); w++)
        if (strcmp (part, words[w].word) == 0)
          part = words[w].text;
      if (text->len > 0)
        g_string_append_c (text, ' ');
      g_string_append (text, part);
    }

  if (text->len > 0)
    text->str[0] = g_ascii_toupper (text->str[0]);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

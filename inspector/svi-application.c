/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-application.h"

#include "config.h"
#include "svi-window.h"
#include "view/svi-render.h"

struct _SviApplication
{
  AdwApplication parent_instance;
};

G_DEFINE_FINAL_TYPE (SviApplication, svi_application, ADW_TYPE_APPLICATION)

static const GOptionEntry options[] = {
  { "render", 'r', 0, G_OPTION_ARG_FILENAME, NULL,
    "Draw the log into a PNG or SVG file and exit; needs no display", "PICTURE" },
  { "view", 0, 0, G_OPTION_ARG_STRING, NULL,
    "What to draw: timeline (the default), fault, gpus, ranges, map or locks", "VIEW" },
  { "from", 0, 0, G_OPTION_ARG_STRING, NULL,
    "Start of the time to draw: nanoseconds, or with ns, µs, ms, s, min", "TIME" },
  { "to", 0, 0, G_OPTION_ARG_STRING, NULL, "End of the time to draw", "TIME" },
  { "cursor", 0, 0, G_OPTION_ARG_STRING, NULL, "Where to put the time cursor", "TIME" },
  { "size", 0, 0, G_OPTION_ARG_STRING, NULL, "Size of the picture in pixels (1600x1000)", "WxH" },
  { "dark", 0, 0, G_OPTION_ARG_NONE, NULL, "Draw light on dark", NULL },
  { "version", 0, 0, G_OPTION_ARG_NONE, NULL, "Print the version and exit", NULL },
  { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, NULL, NULL, "[LOG…]" },
  { NULL }
};

static int
render (GVariantDict *arguments,
        const char   *picture)
{
  SviRenderOptions render_options = { .width = 1600, .height = 1000 };
  g_autofree const char **files = NULL;
  g_autoptr (GError) error = NULL;
  const char *size = NULL;

  if (!g_variant_dict_lookup (arguments, G_OPTION_REMAINING, "^a&ay", &files) || files[0] == NULL ||
      files[1] != NULL)
    {
      g_printerr ("svmgpu-inspector: --render needs exactly one log: svmgpu-inspector --render "
                  "PICTURE.png LOG\n");
      return 2;
    }

  g_variant_dict_lookup (arguments, "view", "&s", &render_options.view);
  g_variant_dict_lookup (arguments, "from", "&s", &render_options.from);
  g_variant_dict_lookup (arguments, "to", "&s", &render_options.to);
  g_variant_dict_lookup (arguments, "cursor", "&s", &render_options.cursor);
  g_variant_dict_lookup (arguments, "dark", "b", &render_options.dark);
  if (g_variant_dict_lookup (arguments, "size", "&s", &size))
    {
      char end;

      if (sscanf (size, "%dx%d%c", &render_options.width, &render_options.height, &end) != 2)
        {
          g_printerr ("svmgpu-inspector: --size “%s” is not a size; write it like 1600x1000\n",
                      size);
          return 2;
        }
    }

  if (!svi_render_picture (files[0], picture, &render_options, &error))
    {
      g_printerr ("svmgpu-inspector: %s\n", error->message);
      return g_error_matches (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE) ? 2 : 1;
    }
  return 0;
}

static int
svi_application_handle_local_options (GApplication *application,
                                      GVariantDict *arguments)
{
  const char *picture = NULL;
  gboolean version = FALSE;

  if (g_variant_dict_lookup (arguments, "version", "b", &version) && version)
    {
      g_print ("svmgpu-inspector %s\n", PACKAGE_VERSION);
      return 0;
    }
  if (g_variant_dict_lookup (arguments, "render", "^&ay", &picture))
    return render (arguments, picture);
  return -1;
}

static void
svi_application_activate (GApplication *application)
{
  GtkWindow *window = gtk_application_get_active_window (GTK_APPLICATION (application));

  if (window == NULL)
    window = GTK_WINDOW (svi_window_new (GTK_APPLICATION (application)));
  gtk_window_present (window);
}

static void
open_file (SviApplication *self,
           GFile          *file)
{
  GtkWindow *active = gtk_application_get_active_window (GTK_APPLICATION (self));
  SviWindow *window;

  window = active != NULL && SVI_IS_WINDOW (active) && svi_window_is_unused (SVI_WINDOW (active))
             ? SVI_WINDOW (active) : svi_window_new (GTK_APPLICATION (self));
  svi_window_open (window, file);
  gtk_window_present (GTK_WINDOW (window));
}

static int
svi_application_command_line (GApplication            *application,
                              GApplicationCommandLine *command_line)
{
  GVariantDict *arguments = g_application_command_line_get_options_dict (command_line);
  g_autofree const char **files = NULL;

  if (!g_variant_dict_lookup (arguments, G_OPTION_REMAINING, "^a&ay", &files) || files[0] == NULL)
    {
      g_application_activate (application);
      return 0;
    }

  for (guint i = 0; files[i] != NULL; i++)
    {
      g_autoptr (GFile)
        file = g_application_command_line_create_file_for_arg (command_line, files[i]);

      open_file (SVI_APPLICATION (application), file);
    }
  return 0;
}

static void
action_about (GSimpleAction *action,
              GVariant      *parameter,
              gpointer       data)
{
  adw_show_about_window (
    gtk_application_get_active_window (GTK_APPLICATION (data)), "application-name", "Inspector",
    "application-icon", "org.svmgpu.Inspector", "version", PACKAGE_VERSION, "developer-name",
    "The svmgpu developers", "license-type", GTK_LICENSE_GPL_3_0, "comments",
    "Shows what the memory of virtual GPUs did: every fault, migration, range and lock, over time.",
    NULL);
}

static void
action_new_window (GSimpleAction *action,
                   GVariant      *parameter,
                   gpointer       data)
{
  gtk_window_present (GTK_WINDOW (svi_window_new (GTK_APPLICATION (data))));
}

static void
action_quit (GSimpleAction *action,
             GVariant      *parameter,
             gpointer       data)
{
  GList *windows;

  while ((windows = gtk_application_get_windows (GTK_APPLICATION (data))) != NULL)
    gtk_window_destroy (windows->data);
}

static void
svi_application_startup (GApplication *application)
{
  static const GActionEntry entries[] = {
    { .name = "about", .activate = action_about },
    { .name = "new-window", .activate = action_new_window },
    { .name = "quit", .activate = action_quit },
  };
  static const struct
  {
    const char *action;
    const char *keys[4];
  } keys[] = {
    { "app.quit", { "<Control>q" } },
    { "app.new-window", { "<Control>n" } },
    { "win.open", { "<Control>o" } },
    { "win.close", { "<Control>w" } },
    { "win.search", { "<Control>f" } },
    { "win.show-details", { "F9" } },
    { "win.follow", { "<Control>l" } },
    { "win.go-to", { "<Control>g" } },
    { "win.compact", { "<Control>m" } },
    { "win.copy-details", { "<Control><Shift>c" } },
    { "win.fit", { "<Control>0" } },
    { "win.zoom(1.5625)", { "<Control>plus", "<Control>equal", "<Control>KP_Add" } },
    { "win.zoom(0.64)", { "<Control>minus", "<Control>KP_Subtract" } },
    { "win.page::timeline", { "<Alt>1" } },
    { "win.page::events", { "<Alt>2" } },
    { "win.page::locks", { "<Alt>3" } },
    { "win.page::statistics", { "<Alt>4" } },
    { "win.page::sql", { "<Alt>5" } },
  };

  G_APPLICATION_CLASS (svi_application_parent_class)->startup (application);

  g_action_map_add_action_entries (G_ACTION_MAP (application), entries, G_N_ELEMENTS (entries),
                                   application);
  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    gtk_application_set_accels_for_action (GTK_APPLICATION (application), keys[i].action,
                                           keys[i].keys);
}

static void
svi_application_class_init (SviApplicationClass *klass)
{
  GApplicationClass *application_class = G_APPLICATION_CLASS (klass);

  application_class->handle_local_options = svi_application_handle_local_options;
  application_class->activate = svi_application_activate;
  application_class->command_line = svi_application_command_line;
  application_class->startup = svi_application_startup;
}

static void
svi_application_init (SviApplication *self)
{
  g_application_add_main_option_entries (G_APPLICATION (self), options);
  g_application_set_option_context_parameter_string (G_APPLICATION (self), "[LOG…]");
  g_application_set_option_context_summary (
    G_APPLICATION (self),
    "Shows an event log of svmgpu: faults, migrations, ranges and locks over time.");
}

SviApplication *
svi_application_new (void)
{
  return g_object_new (SVI_TYPE_APPLICATION,
                       "application-id", "org.svmgpu.Inspector",
                       "flags", G_APPLICATION_HANDLES_COMMAND_LINE,
                       "resource-base-path", "/org/svmgpu/Inspector",
                       NULL);
}

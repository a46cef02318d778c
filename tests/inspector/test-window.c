/* SPDX-License-Identifier: GPL-3.0-or-later */

/* Starts the real application on a display and a bus of its own, drives it with keys and with its
 * actions, and checks what it says that it shows. Skipped, with the reason, only where there is no
 * Xvfb or no D-Bus.
 */

#include <fcntl.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "synthetic-log.h"

#define WINDOW_PATH "/org/svmgpu/Inspector/window/1"
#define PATIENCE_US (40 * G_USEC_PER_SEC)

static const char *program;
static char *directory;
static char *log_path;
static char *state_path;
static char *display;
static SyntheticLogFacts facts;
static GSubprocess *xvfb;
static GTestDBus *bus_daemon;
static GDBusConnection *bus;
static gboolean have_keys;

static gboolean
start_display (void)
{
  g_autoptr (GSubprocessLauncher) launcher = NULL;
  g_autofree char *xvfb_path = g_find_program_in_path ("Xvfb");
  g_autofree char *number = NULL;
  int fds[2];
  char buffer[32] = { 0 };
  gsize length = 0;

  if (xvfb_path == NULL)
    return FALSE;

  /* Xvfb picks a free display by itself, and says which when it can be used */
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDOUT_SILENCE |
                                        G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_take_fd (launcher, fds[1], 3);
  xvfb = g_subprocess_launcher_spawn (launcher, NULL, xvfb_path, "-displayfd", "3", "-screen", "0",
                                      "1400x900x24", "-nolisten", "tcp", NULL);
  g_assert_nonnull (xvfb);
  while (length < sizeof buffer - 1 && memchr (buffer, '\n', length) == NULL)
    {
      gssize n = read (fds[0], buffer + length, 1);

      if (n <= 0)
        break;
      length += (gsize) n;
    }
  close (fds[0]);
  g_assert_cmpuint (length, >, 1);
  display = g_strdup_printf (":%s", g_strstrip (buffer));
  return TRUE;
}

static GSubprocess *
start_application (const char *file)
{
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_NONE);
  g_autoptr (GError) error = NULL;
  GSubprocess *application;

  g_subprocess_launcher_setenv (launcher, "DISPLAY", display, TRUE);
  g_subprocess_launcher_setenv (launcher, "GDK_BACKEND", "x11", TRUE);
  g_subprocess_launcher_setenv (launcher, "GSK_RENDERER", "cairo", TRUE);
  /* the drivers that GDK looks for at its start leave memory behind */
  g_subprocess_launcher_setenv (launcher, "GDK_DEBUG", "gl-disable", TRUE);
  g_subprocess_launcher_setenv (launcher, "GTK_A11Y", "none", TRUE);
  g_subprocess_launcher_setenv (launcher, "GSETTINGS_BACKEND", "memory", TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_RUNTIME_DIR", directory, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_CONFIG_HOME", directory, TRUE);
  g_subprocess_launcher_setenv (launcher, "XDG_CACHE_HOME", directory, TRUE);
  g_subprocess_launcher_unsetenv (launcher, "WAYLAND_DISPLAY");
  application = g_subprocess_launcher_spawn (launcher, &error, program, file, NULL);
  g_assert_no_error (error);
  return application;
}

/* TRUE when the window exists and took the action */
static gboolean
activate (const char *action,
          GVariant   *parameter)
{
  g_autoptr (GVariant) reply = NULL;
  GVariantBuilder parameters;

  g_variant_builder_init (&parameters, G_VARIANT_TYPE ("av"));
  if (parameter != NULL)
    g_variant_builder_add (&parameters, "v", parameter);
  reply = g_dbus_connection_call_sync (bus, "org.svmgpu.Inspector", WINDOW_PATH, "org.gtk.Actions",
                                       "Activate",
                                       g_variant_new ("(sava{sv})", action, &parameters, NULL),
                                       NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, 5000, NULL, NULL);
  return reply != NULL;
}

static char *
dump (void)
{
  char *text = NULL;

  g_unlink (state_path);
  if (!activate ("dump-state", g_variant_new_string (state_path)))
    return NULL;

  for (guint i = 0; i < 200; i++)
    {
      if (g_file_get_contents (state_path, &text, NULL, NULL))
        return text;
      g_usleep (10000);
    }
  return NULL;
}

static char *
state (const char *name)
{
  g_autofree char *text = dump ();
  g_autofree char *key = g_strdup_printf ("\n%s: ", name);
  g_autofree char *padded = g_strdup_printf ("\n%s", text != NULL ? text : "");
  const char *at = strstr (padded, key);

  if (at == NULL)
    return g_strdup ("");
  at += strlen (key);
  return g_strndup (at, strcspn (at, "\n"));
}

static double
number (const char *name)
{
  g_autofree char *text = state (name);

  return g_ascii_strtod (text, NULL);
}

/* Asks until the answer is as it should be */
static void
wait_for (const char *name,
          const char *value)
{
  gint64 give_up = g_get_monotonic_time () + PATIENCE_US;
  g_autofree char *seen = NULL;

  while (g_get_monotonic_time () < give_up)
    {
      g_free (seen);
      seen = state (name);
      if (g_str_equal (seen, value))
        return;
      g_usleep (50000);
    }
  g_test_message ("%s is “%s”, not “%s”", name, seen, value);
  g_assert_cmpstr (seen, ==, value);
}

static void
wait_idle (void)
{
  wait_for ("busy", "0");
}

static void
wait_above (const char *name,
            double      value)
{
  gint64 give_up = g_get_monotonic_time () + PATIENCE_US;

  while (number (name) <= value)
    {
      if (g_get_monotonic_time () > give_up)
        {
          g_autofree char *text = dump ();

          g_test_message ("%s never rose above %f:\n%s", name, value, text);
          g_assert_not_reached ();
        }
      g_usleep (50000);
    }
}

static void
press (const char *key)
{
  g_autofree char *command = g_strdup_printf ("xdotool key --clearmodifiers %s", key);
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "DISPLAY", display, TRUE);
  g_auto (GStrv) argv = g_strsplit (command, " ", -1);
  int status = -1;

  g_assert_true (g_spawn_sync (NULL, argv, environment, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL,
                               &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_usleep (120000);
}

/* Without a window manager nobody gives the window the keyboard */
static void
focus_window (void)
{
  g_auto (GStrv) environment = g_environ_setenv (g_get_environ (), "DISPLAY", display, TRUE);
  const char *argv[] = { "xdotool",     "search", "--onlyvisible", "--class", "inspector",
                         "windowfocus", NULL };
  int status = -1;

  g_assert_true (g_spawn_sync (NULL, (char **) argv, environment,
                               G_SPAWN_SEARCH_PATH | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, NULL,
                               NULL, &status, NULL));
  g_assert_cmpint (status, ==, 0);
  g_usleep (200000);
}

static void
stop (GSubprocess *application)
{
  g_autoptr (GError) error = NULL;

  activate ("close", NULL);
  g_subprocess_wait (application, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (g_subprocess_get_if_exited (application));
  g_assert_cmpint (g_subprocess_get_exit_status (application), ==, 0);
}

static void
test_log (void)
{
  g_autoptr (GSubprocess) application = start_application (log_path);
  double span, from, rows, cursor;
  g_autofree char *details = NULL;
  g_autofree char *focus = NULL;

  wait_for ("state", "log");
  wait_idle ();
  wait_for ("page", "timeline");
  g_assert_cmpfloat (number ("length_ns"), ==, (double) facts.length_ns);
  rows = number ("rows");
  g_assert_cmpfloat (rows, >, 40);
  g_assert_cmpfloat (number ("spans"), >, 100);

  /* By its actions */
  span = number ("span_ns");
  g_assert_true (activate ("zoom", g_variant_new_double (2)));
  wait_idle ();
  g_assert_cmpfloat_with_epsilon (number ("span_ns"), span / 2, span / 100);
  g_assert_true (activate ("fit", NULL));
  wait_idle ();
  g_assert_cmpfloat_with_epsilon (number ("span_ns"), span, 1);

  g_assert_true (activate ("set-cursor", g_variant_new_double (1300000)));
  wait_for ("cursor_ns", "1300000.000");
  g_assert_true (activate ("show-time", g_variant_new ("(dd)", 1000000.0, 2000000.0)));
  wait_idle ();
  g_assert_cmpfloat_with_epsilon (number ("span_ns"), 1e6, 1);

  g_assert_true (activate ("fold-all", g_variant_new_boolean (TRUE)));
  wait_idle ();
  g_assert_cmpfloat (number ("rows"), <, 10);
  g_assert_true (activate ("fold-all", g_variant_new_boolean (FALSE)));
  wait_idle ();
  g_assert_cmpfloat (number ("rows"), ==, rows);

  g_assert_true (activate ("show-lanes", g_variant_new_string ("notifier")));
  wait_for ("search", "notifier");
  wait_idle ();
  wait_for ("rows", "2");
  g_assert_true (activate ("search", NULL));
  wait_idle ();

  /* The other pages */
  g_assert_true (activate ("page", g_variant_new_string ("events")));
  wait_for ("events", "400");
  g_assert_true (activate ("page", g_variant_new_string ("locks")));
  wait_for ("lock_classes", "7");
  wait_above ("lock_holders", 0);
  g_assert_true (activate ("page", g_variant_new_string ("statistics")));
  wait_idle ();
  for (guint i = 0; i < 100 && details == NULL; i++)
    {
      g_autofree char *text = dump ();

      if (strstr (text, "faults served: 400") != NULL && strstr (text, "system → GPU 0") != NULL)
        details = g_steal_pointer (&text);
      else
        g_usleep (100000);
    }
  g_assert_nonnull (details);
  g_assert_true (activate ("run-query", g_variant_new_string (
                                          "SELECT * FROM migration WHERE gpu = 1 LIMIT 12")));
  wait_for ("sql_rows", "12");
  g_assert_true (activate ("run-query", g_variant_new_string ("DROP TABLE meta")));
  wait_for ("sql_status", "Error");

  g_assert_true (activate ("page", g_variant_new_string ("timeline")));
  wait_for ("page", "timeline");
  g_assert_true (activate ("fit", NULL));
  wait_idle ();

  /* By its keys */
  if (have_keys)
    {
      focus_window ();
      span = number ("span_ns");
      press ("plus");
      wait_idle ();
      g_assert_cmpfloat (number ("span_ns"), <, span * 0.8);
      from = number ("from_ns");
      press ("Right");
      wait_idle ();
      g_assert_cmpfloat (number ("from_ns"), >, from);
      press ("minus");
      press ("Home");
      wait_idle ();
      g_assert_cmpfloat_with_epsilon (number ("span_ns"), span, 1);

      /* Down to a lane with events, then to the next event: it is selected, and its fields are
       * shown
       */
      press ("Page_Up");
      press ("Page_Up");
      press ("Page_Up");
      press ("Page_Up");
      press ("Page_Up");
      for (guint i = 0; i < 60; i++)
        {
          g_free (focus);
          focus = state ("focus");
          if (g_str_has_prefix (focus, "gpu/0/"))
            break;
          press ("Down");
        }
      g_assert_true (g_str_has_prefix (focus, "gpu/0/"));
      g_assert_true (activate ("set-cursor", g_variant_new_double (0)));
      press ("period");
      wait_above ("selected_id", 0);
      cursor = number ("cursor_ns");
      press ("period");
      wait_above ("cursor_ns", cursor);
      wait_idle ();
      g_clear_pointer (&details, g_free);
      details = dump ();
      g_assert_nonnull (strstr (details, "Duration: "));

      press ("f");
      wait_idle ();
      g_assert_cmpfloat (number ("span_ns"), <, span / 2);
      press ("Escape");
      wait_for ("selected_id", "0");

      press ("ctrl+f");
      press ("c");
      press ("o");
      press ("p");
      press ("y");
      wait_for ("search", "copy");
      press ("Escape");
      press ("alt+5");
      wait_for ("page", "sql");
      press ("alt+1");
      wait_for ("page", "timeline");
    }
  else
    g_test_message ("No xdotool: keys are not tested");

  stop (application);
}

/* What is written while the log is open is shown, and followed */
static void
test_live (void)
{
  g_autoptr (GSubprocess) application = start_application (log_path);
  double length;

  wait_for ("state", "log");
  wait_idle ();
  length = number ("length_ns");
  g_assert_true (activate ("follow", NULL));
  wait_for ("follow", "1");
  synthetic_log_append (log_path, (gint64) length + 5000000, 100, facts.lock_vm);
  wait_above ("length_ns", length);
  wait_idle ();
  g_assert_cmpfloat (number ("from_ns") + number ("span_ns"), >, length);
  stop (application);
}

static void
test_wrong_file (void)
{
  g_autofree char *path = g_build_filename (directory, "letter.txt", NULL);
  g_autoptr (GSubprocess) application = NULL;
  g_autofree char *error = NULL;

  g_assert_true (g_file_set_contents (
    path, "Not a log, but long enough to look at for a moment or two.", -1, NULL));
  application = start_application (path);
  wait_for ("state", "error");
  error = state ("error");
  g_assert_nonnull (strstr (error, "is not an event log"));

  /* And from there a good one opens */
  g_assert_true (activate ("open-file", g_variant_new_string (log_path)));
  wait_for ("state", "log");
  stop (application);
  g_unlink (path);
}

static void
remove_all (void)
{
  g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
  const char *name;
  const char *argv[] = { "rm", "-rf", directory, NULL };

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (directory, name, NULL);

      g_unlink (path);
    }
  /* Caches that libraries leave are folders of their own */
  g_spawn_sync (NULL, (char **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
}

int
main (int    argc,
      char **argv)
{
  SyntheticLogOptions options = SYNTHETIC_LOG_DEFAULTS;
  g_autofree char *keys = g_find_program_in_path ("xdotool");
  g_autofree char *daemon = g_find_program_in_path ("dbus-daemon");
  int result;

  g_test_init (&argc, &argv, NULL);
  g_assert_cmpint (argc, ==, 2);
  program = argv[1];
  have_keys = keys != NULL;

  if (daemon == NULL || !start_display ())
    {
      g_print ("1..0 # SKIP %s is not installed\n", daemon == NULL ? "dbus-daemon" : "Xvfb");
      return 0;
    }

  directory = g_dir_make_tmp ("svi-window-XXXXXX", NULL);
  log_path = g_build_filename (directory, "run.db", NULL);
  state_path = g_build_filename (directory, "state", NULL);
  synthetic_log_write (log_path, SCHEMA_PATH, &options, &facts);

  bus_daemon = g_test_dbus_new (G_TEST_DBUS_NONE);
  g_test_dbus_up (bus_daemon);
  bus = g_bus_get_sync (G_BUS_TYPE_SESSION, NULL, NULL);
  g_assert_nonnull (bus);

  g_test_add_func ("/window/log", test_log);
  g_test_add_func ("/window/live", test_live);
  g_test_add_func ("/window/wrong-file", test_wrong_file);
  result = g_test_run ();

  g_clear_object (&bus);
  g_test_dbus_down (bus_daemon);
  g_object_unref (bus_daemon);
  g_subprocess_send_signal (xvfb, SIGTERM);
  g_subprocess_wait (xvfb, NULL, NULL);
  g_object_unref (xvfb);
  remove_all ();
  g_free (directory);
  g_free (log_path);
  g_free (state_path);
  g_free (display);
  return result;
}

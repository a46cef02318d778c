/* SPDX-License-Identifier: GPL-3.0-or-later */

#include "svi-application.h"

int
main (int    argc,
      char **argv)
{
  g_autoptr (SviApplication) application = svi_application_new ();

  return g_application_run (G_APPLICATION (application), argc, argv);
}

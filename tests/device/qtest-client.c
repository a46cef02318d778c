/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's qtest protocol.
 */

#include "qtest-client.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct QTest {
    FILE *qtest;
    FILE *qmp;
};

static FILE *qtest_open(const char *path)
{
    struct sockaddr_un addr = { .sun_family = AF_UNIX };
    unsigned i;

    g_assert_cmpuint(g_strlcpy(addr.sun_path, path, sizeof(addr.sun_path)), <,
                     sizeof(addr.sun_path));
    for (i = 0; i < 1500; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0) {
            return fdopen(fd, "r+");
        }
        close(fd);
        g_usleep(20000);
    }
    g_error("QEMU does not listen on %s", path);
}

/* The line that answers, or NULL at the end; events and other noise are skipped. */
static char *qtest_try_line(FILE *file, const char *prefix)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, file) > 0) {
        if (g_str_has_prefix(line, prefix)) {
            return line;
        }
        g_assert_false(g_str_has_prefix(line, "FAIL")
                       || g_str_has_prefix(line, "{\"error\""));
    }
    free(line);
    return NULL;
}

static char *qtest_wait_line(FILE *file, const char *prefix)
{
    char *line = qtest_try_line(file, prefix);

    if (!line) {
        g_error("QEMU has gone");
    }
    return line;
}

static uint64_t G_GNUC_PRINTF(2, 3)
    qtest_command(QTest *qtest, const char *format, ...)
{
    uint64_t value = 0;
    char *line;
    va_list ap;

    va_start(ap, format);
    vfprintf(qtest->qtest, format, ap);
    va_end(ap);
    fputc('\n', qtest->qtest);
    fflush(qtest->qtest);
    line = qtest_wait_line(qtest->qtest, "OK");
    if (line[2] == ' ') {
        value = g_ascii_strtoull(line + 3, NULL, 0);
    }
    free(line);
    return value;
}

void qtest_qmp(QTest *qtest, const char *command)
{
    fprintf(qtest->qmp, "{\"execute\":\"%s\"}\n", command);
    fflush(qtest->qmp);
    free(qtest_wait_line(qtest->qmp, "{\"return\""));
}

QTest *qtest_connect(const char *qtest_path, const char *qmp_path)
{
    QTest *qtest = g_new0(QTest, 1);

    qtest->qmp = qtest_open(qmp_path);
    qtest->qtest = qtest_open(qtest_path);
    qtest_qmp(qtest, "qmp_capabilities");
    return qtest;
}

void qtest_free(QTest *qtest)
{
    fclose(qtest->qtest);
    fclose(qtest->qmp);
    g_free(qtest);
}

uint32_t qtest_inl(QTest *qtest, uint16_t port)
{
    return qtest_command(qtest, "inl 0x%x", port);
}

void qtest_outl(QTest *qtest, uint16_t port, uint32_t value)
{
    qtest_command(qtest, "outl 0x%x 0x%x", port, value);
}

uint32_t qtest_readl(QTest *qtest, uint64_t addr)
{
    return qtest_command(qtest, "readl 0x%" G_GINT64_MODIFIER "x", addr);
}

bool qtest_try_readl(QTest *qtest, uint64_t addr, uint32_t *value)
{
    char *line;

    fprintf(qtest->qtest, "readl 0x%" G_GINT64_MODIFIER "x\n", addr);
    fflush(qtest->qtest);
    line = qtest_try_line(qtest->qtest, "OK");
    if (!line) {
        return false;
    }
    *value = g_ascii_strtoull(line + 3, NULL, 0);
    free(line);
    return true;
}

void qtest_writel(QTest *qtest, uint64_t addr, uint32_t value)
{
    qtest_command(qtest, "writel 0x%" G_GINT64_MODIFIER "x 0x%x", addr, value);
}

uint64_t qtest_readq(QTest *qtest, uint64_t addr)
{
    return qtest_command(qtest, "readq 0x%" G_GINT64_MODIFIER "x", addr);
}

void qtest_writeq(QTest *qtest, uint64_t addr, uint64_t value)
{
    qtest_command(qtest,
                  "writeq 0x%" G_GINT64_MODIFIER "x 0x%" G_GINT64_MODIFIER "x",
                  addr, value);
}

uint32_t qtest_config_read(QTest *qtest, unsigned bus, unsigned dev,
                           unsigned offset)
{
    qtest_outl(qtest, 0xcf8, 0x80000000 | bus << 16 | dev << 11 | offset);
    return qtest_inl(qtest, 0xcfc);
}

void qtest_config_write(QTest *qtest, unsigned bus, unsigned dev,
                        unsigned offset, uint32_t value)
{
    qtest_outl(qtest, 0xcf8, 0x80000000 | bus << 16 | dev << 11 | offset);
    qtest_outl(qtest, 0xcfc, value);
}

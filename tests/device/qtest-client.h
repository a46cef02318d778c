/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QEMU's qtest protocol: a machine without a guest.
 *
 * With "-accel qtest" QEMU executes nothing; a test reads and writes memory,
 * ports and configuration space over a socket, line by line. The same socket
 * code speaks the monitor protocol (QMP) for a reset or an orderly end.
 */

#ifndef QTEST_CLIENT_H
#define QTEST_CLIENT_H

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct QTest QTest;

/* Waits for QEMU's two sockets. The test ends when they do not appear. */
QTest *qtest_connect(const char *qtest_path, const char *qmp_path);
void qtest_free(QTest *qtest);

uint32_t qtest_inl(QTest *qtest, uint16_t port);
void qtest_outl(QTest *qtest, uint16_t port, uint32_t value);
uint32_t qtest_readl(QTest *qtest, uint64_t addr);
/* False when QEMU has gone instead of answering. */
bool qtest_try_readl(QTest *qtest, uint64_t addr, uint32_t *value);
void qtest_writel(QTest *qtest, uint64_t addr, uint32_t value);
uint64_t qtest_readq(QTest *qtest, uint64_t addr);
void qtest_writeq(QTest *qtest, uint64_t addr, uint64_t value);

/* PCI configuration by the ports 0xcf8 and 0xcfc. */
uint32_t qtest_config_read(QTest *qtest, unsigned bus, unsigned dev,
                           unsigned offset);
void qtest_config_write(QTest *qtest, unsigned bus, unsigned dev,
                        unsigned offset, uint32_t value);

/* A monitor command without arguments; waits for its answer. */
void qtest_qmp(QTest *qtest, const char *command);

#endif /* QTEST_CLIENT_H */

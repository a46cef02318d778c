/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The trace sink: the way of the tracepoints into the device's event log.
 */
#ifndef SVMGPU_TRACE_SINK_H
#define SVMGPU_TRACE_SINK_H

struct svmgpu_device;

/* Probe: as soon as registers and dev->caps can be read. */
void svmgpu_trace_sink_add(struct svmgpu_device *dev);
/* Remove: last, while registers can still be written. */
void svmgpu_trace_sink_remove(struct svmgpu_device *dev);

/* The module's exit. */
void svmgpu_trace_sink_module_fini(void);

/* Around a time in which BAR 4 cannot be reached: events are counted as lost. */
void svmgpu_trace_sink_pause(struct svmgpu_device *dev);
void svmgpu_trace_sink_resume(struct svmgpu_device *dev);

#endif

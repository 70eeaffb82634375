/*
 * What happened in a run, instant by instant, as Chrome trace-event JSON: operations, waits for
 * locks, holds, CPUs, interrupts, and who woke whom. Perfetto and chrome://tracing show it.
 * Equal runs give equal bytes. docs/timeline.md describes the events.
 */
#ifndef PCLSIM_TIMELINE_H
#define PCLSIM_TIMELINE_H

#include <pclsim/run.h>

#include <stdio.h>

struct pcl_timeline_opts {
    pcl_ns from, to; /* simulated time since the run's start, warm-up included; what overlaps is
                        cut to it */
    uint64_t max_bytes; /* of the file; the run ends where it is full */
};

struct pcl_timeline_info {
    uint64_t events, bytes;
    pcl_ns from, to; /* what the file shows */
    bool full;       /* it ended before the window or the run did */
};

struct pcl_timeline;
struct pcl_timeline *pcl_timeline_new(FILE *out, const struct pcl_timeline_opts *opts);

/** Runs a job and adds it to the file, as three processes (tasks, CPUs, interrupts) of this
 * title. out is its result as far as it went, and must be initialised. */
int pcl_timeline_run(struct pcl_timeline *t, const struct pcl_job *job, const char *title,
                     struct pcl_result *out, const volatile int *cancel, struct pcl_err *err);

/** Ends the file, which stays open, and frees. PCL_EIO when it could not be written. */
int pcl_timeline_end(struct pcl_timeline *t, struct pcl_timeline_info *info);

#endif

/*
 * Times as strace prints them, made into one clock that starts with the first line and, within
 * a thread, never goes back.
 */
#ifndef PCLSIM_TRACE_CLOCK_H
#define PCLSIM_TRACE_CLOCK_H

#include "strace_line.h"

enum clock_kind {
    CLOCK_UNSET,
    CLOCK_EPOCH,    /* -ttt */
    CLOCK_DAY,      /* -t, -tt */
    CLOCK_RELATIVE, /* -r: since the line before */
    CLOCK_ORDER     /* no times: 1 us per line */
};

struct clock {
    enum clock_kind kind;
    bool whole_seconds, started;
    pcl_ns first; /* raw time of the first line */
    pcl_ns start; /* the first time of EPOCH that was read, less what came before; 0 none */
    pcl_ns last_raw;
    int64_t days; /* midnights passed */
    pcl_ns shift; /* steps of the clock undone */
    pcl_ns now, latest;
};

/** The time of a line, since the first. line counts from 1. */
pcl_ns clock_read(struct clock *k, const struct strace_line *l, uint32_t line);

/** A thread whose last line was at last_ns cannot have one at t_ns < last_ns: the clock was set
 * back. Undoes the step and returns last_ns. */
pcl_ns clock_step_back(struct clock *k, pcl_ns t_ns, pcl_ns last_ns);

const char *clock_name(const struct clock *k);

#endif

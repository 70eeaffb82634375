/*
 * What a recording with lock events measured: waits and holds by lock class and mode, in the
 * columns that the simulator's own lock rows have.
 */
#ifndef PCLSIM_TRACE_LOCKS_H
#define PCLSIM_TRACE_LOCKS_H

#include <pclsim/base.h>

struct pcl_trace_lock {
    const char *name; /* "iolock", "mmap", "page" ... where the simulator has the class, else
                       * "other rwsem", "spinlock" ...; static */
    char mode;        /* 'S' shared, 'X' exclusive */
    bool all;         /* each acquisition shows; else only those that waited do */
    uint64_t acquisitions, contentions;
    uint64_t holds;   /* of acquisitions, those whose release shows too */
    uint64_t trylock_failures;
    pcl_ns wait_min, wait_max, wait_total; /* 0 without contentions */
    pcl_ns hold_min, hold_max, hold_total; /* 0 without holds */
};

#endif

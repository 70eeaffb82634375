/*
 * A scenario carried out for real: its operations as system calls and memory accesses, by
 * threads and processes, on files in a directory. The operations, offsets and think times are
 * those that the simulator would draw; the results have the simulator's metric names.
 */
#ifndef PCLSIM_REAL_H
#define PCLSIM_REAL_H

#include <pclsim/result.h>
#include <pclsim/scenario.h>

struct pcl_real_opts {
    const char *dir;
    const struct pcl_scenario *scenario;
    uint64_t seed;
    uint32_t replication;
    int64_t space;              /* bytes that the files may take in dir */
    const volatile int *cancel; /* may be NULL */
};

/** Whether the scenario can be carried out on a file system: PCL_OK, or PCL_EINVAL with the
 * reason (an operation that user space cannot ask for, or that the file system does not have).
 */
int pcl_real_can(const struct pcl_scenario *s, enum pcl_fs fs, struct pcl_err *err);

/** Carries it out once, for its warm-up and duration of real time. Files have no name in dir,
 * so that nothing is left behind, however it ends. out must be initialised; it gets throughput
 * and latency metrics and histograms, of all transactions and by operation.
 * @return PCL_OK; PCL_EIO, PCL_EINVAL, PCL_EINTR with a message */
int pcl_real_run(const struct pcl_real_opts *o, struct pcl_result *out, struct pcl_err *err);

/** What reading the clock costs here, ns: each operation is timed with one reading. */
double pcl_real_clock_ns(void);

#endif

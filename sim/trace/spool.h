/*
 * Operations on their way from a reader to the finished trace: put in any order, taken in order
 * of (time, line). What does not fit a chunk of memory waits in an unnamed file, one sorted run
 * per chunk.
 */
#ifndef PCLSIM_TRACE_SPOOL_H
#define PCLSIM_TRACE_SPOOL_H

#include <pclsim/trace.h>

#define SPOOL_CHUNK 524288 /* operations: 24 MiB */

struct spool_run {
    uint64_t at, end;         /* operations of the file that are not in the buffer yet */
    struct pcl_trace_op *buf; /* [first, n) is next */
    size_t first, n, cap;
};

struct spool {
    size_t chunk; /* at most so many operations in memory */
    struct pcl_trace_op *ops;
    size_t n, cap;
    int fd;
    bool has_file, failed; /* failed: the disk is full, memory has to do */
    uint64_t total, in_file;
    struct spool_run *runs;
    size_t n_runs, cap_runs;
    size_t *heap; /* runs by their next operation */
    size_t n_heap;
};

void spool_init(struct spool *s, size_t chunk);
void spool_put(struct spool *s, const struct pcl_trace_op *op);

/** No more is put: from here on spool_next gives the operations in order. */
void spool_turn(struct spool *s);
bool spool_next(struct spool *s, struct pcl_trace_op *out);
void spool_fini(struct spool *s);

#endif

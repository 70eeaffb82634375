/*
 * What the parts of a real run share: files of the scenario, the workers, and the operations.
 */
#ifndef HOST_REAL_H
#define HOST_REAL_H

#include <pclsim/hist.h>
#include <pclsim/real.h>
#include <pclsim/source.h>

#include <pthread.h>
#include <stdatomic.h>

/* A file, open as it is and for direct I/O (-1: the file system has none). */
struct real_file {
    int fd, direct;
    int64_t map_at, map_len; /* part that faults may touch, 0: none */
};

/* What all workers look at; in memory that child processes share. */
struct real_board {
    _Atomic unsigned ready;
    _Atomic bool go, stop;
    _Atomic uint64_t measure_from, end; /* ns of the clock */
};

/* A task. Counts are of the measured interval. */
struct real_worker {
    const struct pcl_source *source;
    const struct real_file *file; /* [n_files] of the source */
    struct real_board *board;
    uint32_t task;
    char **map; /* [n_files] of its address space; NULL: not mapped */
    char *buf;  /* aligned, buf_size bytes */
    size_t buf_size;
    struct pcl_hist latency[PCL_N_OPS], all; /* all: of transactions */
    uint64_t transactions, failed;
    int error; /* errno of the first that failed, 0: none */
    enum pcl_op error_op;
};

/* --- real_files.c --- */

/** Makes and fills the files of the source; on failure those made are closed. */
int real_files_open(struct real_file *f, const struct pcl_real_opts *o,
                    const struct pcl_source *s, struct pcl_err *err);
void real_files_close(struct real_file *f, uint32_t n);

/** Bytes that one operation of the scenario moves at most. */
int64_t real_most_bytes(const struct pcl_scenario *s);

/* --- real_ops.c --- */

/** Carries out one request; 0 or an errno. */
int real_do(struct real_worker *w, const struct pcl_request *r);
/** Makes a fault behind the end of its file an error in place of the program's death; for the
 * process, until it ends. */
void real_guard_faults(void);
/** Whether the operation exists for real on that file system; NULL or what is missing. */
const char *real_lacks(enum pcl_op op, enum pcl_fs fs);

/* --- real_work.c --- */

/** A task's life: operations until the board says stop. */
void real_work(struct real_worker *w);

#endif

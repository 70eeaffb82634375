/*
 * The canonical forms of a trace, text and binary, as a stream of records; and what can be done
 * to such a stream without holding it in memory: cut, merge, multiply. docs/traces.md describes
 * the bytes.
 *
 * Files and threads are declared before their first use, with the numbers 0, 1, 2 ... in order.
 */
#ifndef PCLSIM_TRACE_CANON_H
#define PCLSIM_TRACE_CANON_H

#include <pclsim/trace.h>

#include <stdio.h>

enum pcl_record_type { PCL_RECORD_OP = 1, PCL_RECORD_FILE, PCL_RECORD_THREAD, PCL_RECORD_META };

struct pcl_trace_record {
    enum pcl_record_type type;
    struct pcl_trace_op op; /* OP; line is not kept */
    uint32_t id;            /* FILE, THREAD */
    int64_t size;           /* FILE: when the trace begins, -1 unknown */
    bool created;           /* FILE: by the trace itself */
    const char *path;       /* FILE: not 0-terminated, valid until the next record */
    size_t path_len;
    int64_t tid, pid;  /* THREAD */
    unsigned evidence; /* META, enum pcl_evidence */
    pcl_ns span_ns;    /* META: the trace goes on so long at least */
    pcl_ns start_ns;   /* META: when it began, by a clock that recordings share; 0 unknown */
};

/* Reading: a canonical file record by record; any other format is read into memory first. */
struct pcl_trace_stream;
int pcl_trace_stream_open(const char *path, struct pcl_trace_stream **out, struct pcl_err *err);
/** The same of an input, which is the stream's from now on. */
int pcl_trace_stream_from(struct pcl_trace_input *in, struct pcl_trace_stream **out,
                          struct pcl_err *err);
/** Sets *more to false at the end. */
int pcl_trace_stream_next(struct pcl_trace_stream *s, struct pcl_trace_record *r, bool *more,
                          struct pcl_err *err);
void pcl_trace_stream_close(struct pcl_trace_stream *s);

/* Writing. */
struct pcl_trace_sink;
struct pcl_trace_sink *pcl_trace_sink_new(FILE *f, bool binary);
void pcl_trace_put(struct pcl_trace_sink *k, const struct pcl_trace_record *r);
/** Writes what is left; without the end record unless the trace is whole, so that a part never
 * passes for all of it. PCL_OK or PCL_EIO. The file stays open. */
int pcl_trace_sink_end(struct pcl_trace_sink *k, bool whole);

/* What slice keeps. Zeroed, with until PCL_NS_MAX, keeps all. */
struct pcl_slice {
    pcl_ns from, until;  /* operations that start in [from, until); times stay as they are */
    const int64_t *tids; /* n_tids of them; 0: all threads */
    size_t n_tids;
    const char *const *files; /* whole path, or a part of it; 0: all */
    size_t n_files;
    uint32_t sample; /* above 1: one file of so many, by its path; with all its operations */
};

struct pcl_scale {
    uint32_t clones;  /* of each thread, at least 1 */
    bool own_files;   /* each clone on its own copies; else all on the same */
    int64_t shift;    /* clone k works k * shift bytes further on */
    double speed;     /* times are divided by it, above 0 */
};

int pcl_trace_slice(struct pcl_trace_stream *in, const struct pcl_slice *how,
                    struct pcl_trace_sink *out, struct pcl_err *err);
int pcl_trace_scale(struct pcl_trace_stream *in, const struct pcl_scale *how,
                    struct pcl_trace_sink *out, struct pcl_err *err);
/** Threads stay apart; files of one path are one file unless separate. Recordings whose starts are known and lie
 * within a day of each other keep their distance in time (strace -ff), others begin together. */
int pcl_trace_merge(struct pcl_trace_stream *const *in, size_t n, bool separate,
                    struct pcl_trace_sink *out, struct pcl_err *err);

#endif

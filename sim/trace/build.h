/*
 * What every reader fills: operations, the files they name, threads, and the account of lines.
 * A reader says for each line of its input either tb_op() or tb_skip(), so that the sum comes
 * out; what kind of file something is may become known long after its first operation, so it is
 * asked at the end.
 */
#ifndef PCLSIM_TRACE_BUILD_H
#define PCLSIM_TRACE_BUILD_H

#include "map.h"
#include "spool.h"

#include <pclsim/trace.h>

#define TB_MAX_REASONS 256

/* A file as far as the reader knows it. */
struct tb_file {
    char *path;
    int64_t size; /* at the beginning of the trace, -1 unknown */
    bool created;
    const char *skip; /* not NULL: no regular file, its lines are skipped for this reason */
};

struct tb {
    struct pcl_trace *t;
    struct spool spool;
    size_t thread_cap, file_cap, skip_cap, note_cap;
    struct tb_file *files;
    size_t n_files;
    pcl_ns last_ns;   /* the latest time on any line */
    uint64_t n_tasks; /* threads seen, with operations or not */
    /* Last word on an operation, in order of time, when everything has been read: NULL, or why
     * it is skipped after all. May be NULL. */
    const char *(*settle)(void *arg, struct pcl_trace_op *op);
    void *settle_arg;
};

void tb_init(struct tb *b, const char *format, const char *name);

/** Adds a thread or a file; the index is good for tb_op. path is copied. */
uint32_t tb_thread(struct tb *b, int64_t tid, int64_t pid);
uint32_t tb_file(struct tb *b, const char *path);

/** Adds an operation made from that many lines: 1, 2 for a call in two halves, 0 for the second
 * operation of one line, directly behind the first. */
void tb_op(struct tb *b, const struct pcl_trace_op *op, unsigned lines);

/** Counts lines that make no operation, but are used otherwise: lock events. */
void tb_used(struct tb *b, uint64_t lines);

/** Counts lines that make no operation. reason is copied. */
void tb_skip(struct tb *b, const char *reason, uint64_t lines);

/** Adds a remark once; text is static. */
void tb_note(struct tb *b, const char *text);

/** Completes the trace: sorts, numbers threads and files by first use, drops those without any
 * operation, counts. The builder keeps nothing. */
struct pcl_trace *tb_finish(struct tb *b);

/** Drops everything, the trace included. */
void tb_abandon(struct tb *b);

#endif

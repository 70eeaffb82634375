/*
 * What the readers of line-by-line formats share: lists of operations in which each line stands
 * for itself. A reader says what one line is; files and threads are made as they appear.
 */
#ifndef PCLSIM_TRACE_PLAIN_H
#define PCLSIM_TRACE_PLAIN_H

#include "build.h"
#include "source.h"

struct plain {
    struct tb b;
    struct map by_name;   /* hash -> file */
    struct map by_thread; /* tid -> thread */
    pcl_ns *last;         /* by thread */
    size_t cap_last;
    pcl_ns now, latest;  /* of lines that bear no time */
    uint32_t number;     /* of the line, from 1 */
    uint64_t recognised; /* lines of this format */
    bool durations, times;
    void *state; /* the reader's own */
};

/* One line. Returns NULL when it made operations (plain_op), else why it is skipped. */
typedef const char *plain_line_fn(struct plain *p, struct text line);

/** Reads all lines; end may be NULL: last words before the trace is finished. NULL when no line
 * was recognised. */
struct pcl_trace *plain_parse(const char *format, const char *name, struct source *src,
                              plain_line_fn *line, void (*end)(struct plain *), void *state);

uint32_t plain_file(struct plain *p, const char *prefix, struct text name);
uint32_t plain_thread(struct plain *p, int64_t tid);

/** An operation; all of op but its line is read. lines: 1, and 0 for a further operation of the
 * same line. Returns NULL, or why it cannot be one. */
const char *plain_op(struct plain *p, struct pcl_trace_op op, unsigned lines);

/** Splits at commas, tabs or semicolons (sep), or at runs of blanks (sep ' '). */
unsigned plain_split(struct text line, char sep, struct text *out, unsigned max);

#define PLAIN_BAD_FIELDS "fields not understood"
#define PLAIN_BAD_RANGE "offset or length out of range"

#endif

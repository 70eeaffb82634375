/*
 * What a trace format gives the front. formats.def lists the formats; a new one is one file
 * with a struct trace_reader and one line there.
 */
#ifndef PCLSIM_TRACE_READER_H
#define PCLSIM_TRACE_READER_H

#include <pclsim/trace.h>

struct trace_reader {
    const char *name;  /* "strace" */
    const char *known; /* as named in messages: "strace text" */

    /* How many of the first lines of data are lines of this format, and how many lines were
     * looked at. The data may be cut anywhere. */
    void (*look)(const char *data, size_t size, size_t *hits, size_t *lines);

    /* Reads it all. NULL when no line at all is of this format. */
    struct pcl_trace *(*parse)(const char *name, const char *data, size_t size);
};

/* inflate.c */
bool trace_is_gzip(const char *data, size_t size);

/** Inflates all members; at most max bytes. *out is malloc'ed. */
int trace_inflate(const char *name, const char *data, size_t size, size_t max, char **out,
                  size_t *out_size, struct pcl_err *err);

/** Inflates the beginning: at most n bytes into out, returns how many. */
size_t trace_inflate_head(const char *data, size_t size, char *out, size_t n);

/* zstd.c: the same for zstd. */
bool trace_is_zstd(const char *data, size_t size);
int trace_unzstd(const char *name, const char *data, size_t size, size_t max, char **out,
                 size_t *out_size, struct pcl_err *err);
size_t trace_unzstd_head(const char *data, size_t size, char *out, size_t n);

#endif

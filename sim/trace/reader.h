/*
 * What a trace format gives the front. formats.def lists the formats; a new one is one file
 * with a struct trace_reader and one line there.
 */
#ifndef PCLSIM_TRACE_READER_H
#define PCLSIM_TRACE_READER_H

#include "source.h"

#include <pclsim/trace.h>

struct trace_reader {
    const char *name;  /* "strace" */
    const char *known; /* as named in messages: "strace text" */

    /* How many of the first lines of data are lines of this format, and how many lines were
     * looked at. The data may be cut anywhere. */
    void (*look)(const char *data, size_t size, size_t *hits, size_t *lines);

    /* Reads it all. NULL when no line at all is of this format. */
    struct pcl_trace *(*parse)(const char *name, struct source *src);
};

struct pcl_trace_input;
struct source *trace_input_source(struct pcl_trace_input *in); /* trace.c */

/* What files may be packed in. */
extern const struct unpacker trace_gzip; /* inflate.c */
extern const struct unpacker trace_zstd; /* zstd.c */
extern const struct unpacker trace_dat;  /* dat.c: trace-cmd's binary form becomes text */

#endif

/*
 * The bytes of a recording as a window that moves forward: from memory, a file or a pipe,
 * unpacked on the way. A line or record is whole in the window; what came before it is gone.
 *
 *   raw bytes -> SHA-256 -> unpacker (none, gzip, zstd, trace.dat) -> window -> lines, records
 */
#ifndef PCLSIM_TRACE_SOURCE_PRIVATE_H
#define PCLSIM_TRACE_SOURCE_PRIVATE_H

#include "text.h"

#include <pclsim/base.h>

#include <string.h>

/* The longest line that is kept whole. What is longer is cut to one byte more. */
#define SOURCE_MAX_LINE ((size_t)16 << 20)
#define SOURCE_HEAD 65536 /* a format shows itself within this */

struct source;

/* Puts up to n unpacked bytes into out; 0 at the end or on failure (source_failed). */
struct unpacker {
    const char *name;
    bool (*is)(const char *data, size_t size);
    void *(*open)(struct source *s, struct pcl_err *err); /* NULL: failed */
    size_t (*read)(struct source *s, void *state, char *out, size_t n);
    void (*close)(void *state);
};

struct source {
    const char *name;
    const char *data; /* the window's buffer */
    size_t at, end;   /* unread bytes are data[at, end) */
    bool last;        /* nothing comes behind end */
    bool synthesise;  /* the reader is to make up the page faults that it cannot see */
    /* private */
    char *own;
    size_t cap;
    int fd; /* -1: in memory */
    const char *raw, *mem;
    size_t raw_at, raw_end, mem_at, mem_end;
    char *raw_own;
    bool raw_last, opened;
    struct pcl_sha256 sha;
    const struct unpacker *unpacker;
    void *state;
    struct pcl_err err; /* code is not PCL_OK: damaged, or not readable */
};

/** The bytes stay the caller's. */
int source_memory(struct source *s, const char *name, const char *data, size_t size,
                  struct pcl_err *err);

/** path "-" is standard input. */
int source_open(struct source *s, const char *path, struct pcl_err *err);
void source_close(struct source *s);

/** Reads what is left of the raw bytes, for their hash. */
void source_hash(struct source *s, char out[65]);

/** True once something about the bytes is wrong: s->err says what. */
bool source_failed(const struct source *s);

/** Tries to have n bytes in the window; says how many there are. */
size_t source_fill(struct source *s, size_t n);

static inline size_t source_want(struct source *s, size_t n)
{
    return s->end - s->at >= n || s->last ? s->end - s->at : source_fill(s, n);
}

/** source_line for one that the window does not hold whole. */
bool source_long_line(struct source *s, struct text *line);

/** The next line without its newline; valid until the next call. False at the end. */
static inline bool source_line(struct source *s, struct text *line)
{
    const char *from = s->data + s->at, *nl;

    nl = s->end > s->at ? memchr(from, '\n', s->end - s->at) : NULL;
    if (!nl)
        return source_long_line(s, line);
    *line = (struct text){from, (size_t)(nl - from)};
    s->at += line->n + 1;
    return true;
}

/* For unpackers. */

/** Up to n bytes as they come from what is unpacked already. */
size_t source_take(struct source *s, char *out, size_t n);

/** Raw bytes at *p, as many as there are at hand; 0 at the end. */
size_t source_raw(struct source *s, const char **p);
void source_raw_take(struct source *s, size_t n);
void source_fail(struct source *s, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif

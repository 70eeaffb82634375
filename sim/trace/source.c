/*
 * Bytes on their way to a reader; see source.h.
 */
#include "source.h"
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define DAT_MAGIC 10
#define RAW ((size_t)256 << 10)
#define WINDOW ((size_t)1 << 20)
#define CAP (SOURCE_MAX_LINE + 2)

static const struct unpacker *const unpackers[] = {&trace_gzip, &trace_zstd, &trace_dat};

void source_fail(struct source *s, const char *format, ...)
{
    va_list ap;
    char text[256];

    if (source_failed(s))
        return;
    va_start(ap, format);
    (void)vsnprintf(text, sizeof(text), format, ap);
    va_end(ap);
    (void)pcl_fail_at(&s->err, s->name, 0, 0, "%s", text);
}

bool source_failed(const struct source *s)
{
    return s->err.code != PCL_OK;
}

/* --- raw bytes --------------------------------------------------------------------------- */

static size_t read_some(struct source *s, char *out, size_t n)
{
    for (;;) {
        ssize_t got = read(s->fd, out, n);
        if (got >= 0)
            return (size_t)got;
        if (errno == EINTR)
            continue;
        if (!source_failed(s))
            (void)pcl_fail(&s->err, PCL_EINVAL, "cannot read '%s': %s", s->name,
                           strerror(errno));
        return 0;
    }
}

size_t source_raw(struct source *s, const char **p)
{
    if (s->raw_at == s->raw_end && !s->raw_last) {
        if (s->fd < 0) {
            s->raw = s->mem + s->mem_at;
            s->raw_end = s->mem_end - s->mem_at < RAW ? s->mem_end - s->mem_at : RAW;
            s->mem_at += s->raw_end;
        } else {
            s->raw = s->raw_own;
            s->raw_end = read_some(s, s->raw_own, RAW);
        }
        s->raw_at = 0;
        s->raw_last = s->raw_end == 0;
        if (s->raw_end > 0)
            pcl_sha256_add(&s->sha, s->raw, s->raw_end);
    }
    *p = s->raw + s->raw_at;
    return s->raw_end - s->raw_at;
}

void source_raw_take(struct source *s, size_t n)
{
    s->raw_at += n;
}

void source_hash(struct source *s, char out[65])
{
    const char *p;
    size_t n;

    while (s->opened && (n = source_raw(s, &p)) > 0)
        source_raw_take(s, n);
    pcl_sha256_end(&s->sha, out);
}

/* --- the window -------------------------------------------------------------------------- */

static size_t unpacked(struct source *s, char *out, size_t n)
{
    const char *p;
    size_t got;

    if (source_failed(s))
        return 0;
    if (s->unpacker)
        return s->unpacker->read(s, s->state, out, n);
    got = source_raw(s, &p);
    if (got > n)
        got = n;
    memcpy(out, p, got);
    source_raw_take(s, got);
    return got;
}

size_t source_take(struct source *s, char *out, size_t n)
{
    size_t have = s->end - s->at;

    if (have == 0)
        return unpacked(s, out, n);
    n = n < have ? n : have;
    memcpy(out, s->data + s->at, n);
    s->at += n;
    return n;
}

size_t source_fill(struct source *s, size_t n)
{
    if (s->last)
        return s->end - s->at;
    if (n > s->cap) {
        while (s->cap < n)
            s->cap *= 2;
        s->data = s->own = pcl_xrealloc(s->own, s->cap, 1);
    }
    memmove(s->own, s->own + s->at, s->end - s->at);
    s->end -= s->at;
    s->at = 0;
    while (s->end < n && !s->last) {
        size_t got = unpacked(s, s->own + s->end, s->cap - s->end);
        s->last = got == 0;
        s->end += got;
    }
    return s->end;
}

/* The line does not end in the window: more of it, up to what is kept, the rest thrown away. */
bool source_long_line(struct source *s, struct text *line)
{
    size_t have = s->end - s->at, seen = 0;
    const char *nl = NULL;

    while (!nl && have < CAP && !s->last) {
        size_t want = have * 2 > WINDOW ? have * 2 : WINDOW;
        seen = have;
        have = source_fill(s, want < CAP ? want : CAP);
        nl = memchr(s->data + s->at + seen, '\n', have - seen);
    }
    if (have == 0)
        return false;
    *line = (struct text){s->data + s->at, nl ? (size_t)(nl - s->data) - s->at : have};
    if (nl || s->last) {
        s->at += line->n + (nl ? 1 : 0);
        return true;
    }
    /* its beginning is shown, the rest goes */
    memmove(s->own, s->own + s->at, have);
    *line = (struct text){s->own, SOURCE_MAX_LINE + 1};
    while (!nl && !s->last) {
        size_t kept = line->n, got = unpacked(s, s->own + kept, s->cap - kept);
        s->last = got == 0;
        nl = memchr(s->own + kept, '\n', got);
        s->at = nl ? (size_t)(nl - s->own) + 1 : kept;
        s->end = kept + got;
    }
    if (!nl)
        s->at = s->end;
    return true;
}

/* --- beginning and end ------------------------------------------------------------------- */

static void put_on(struct source *s, const struct unpacker *u)
{
    void *state = u->open(s, &s->err), *under = s->state;

    if (under) /* it has been read to its end */
        s->unpacker->close(under);
    s->state = state;
    s->unpacker = state ? u : NULL;
}

static int begin(struct source *s, struct pcl_err *err)
{
    const char *p;
    size_t n;

    s->opened = true;
    pcl_sha256_init(&s->sha);
    n = source_raw(s, &p);
    for (size_t i = 0; i < sizeof(unpackers) / sizeof(unpackers[0]) && !s->unpacker; i++) {
        if (unpackers[i]->is(p, n))
            put_on(s, unpackers[i]);
    }
    if (!s->unpacker && s->fd < 0 && !source_failed(s)) { /* read where it lies */
        s->data = s->mem;
        s->end = s->mem_end;
        s->last = true;
        return PCL_OK;
    }
    s->cap = WINDOW;
    s->data = s->own = pcl_xcalloc(WINDOW, 1);
    if (s->unpacker && s->unpacker != &trace_dat &&
        trace_dat.is(s->data, source_want(s, DAT_MAGIC)) && !source_failed(s)) {
        put_on(s, &trace_dat);
        s->at = s->end = 0;
        s->last = source_failed(s);
    }
    if (source_failed(s) && !s->unpacker && err)
        *err = s->err;
    return s->unpacker || !source_failed(s) ? PCL_OK : s->err.code;
}

int source_memory(struct source *s, const char *name, const char *data, size_t size,
                  struct pcl_err *err)
{
    *s = (struct source){.name = name, .fd = -1, .mem = data, .mem_end = size};
    return begin(s, err);
}

int source_open(struct source *s, const char *path, struct pcl_err *err)
{
    bool standard = strcmp(path, "-") == 0;
    struct stat st;

    *s = (struct source){.name = standard ? "standard input" : path, .fd = -1};
    s->fd =
        standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return pcl_fail(err, errno == ENOENT || errno == ENOTDIR ? PCL_ENOENT : PCL_EIO,
                        "cannot read '%s': %s", s->name, strerror(errno));
    if (fstat(s->fd, &st) == 0 && S_ISDIR(st.st_mode))
        return pcl_fail(err, PCL_EIO, "cannot read '%s': %s", s->name, strerror(EISDIR));
    s->raw_own = pcl_xcalloc(RAW, 1);
    return begin(s, err);
}

void source_close(struct source *s)
{
    if (s->state)
        s->unpacker->close(s->state);
    if (s->fd >= 0)
        (void)close(s->fd);
    free(s->raw_own);
    free(s->own);
    *s = (struct source){.fd = -1};
}

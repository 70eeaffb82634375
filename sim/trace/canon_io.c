/*
 * The bytes of the canonical forms. Numbers of the binary one are little-endian, and each
 * record is 48 bytes, a file's path behind it filled up to 8.
 *
 *          0     1      2      3        4..7    8..11   12..15  16..23  24..31  32..39  40..47
 *   op     1     op     flags  0        thread  file    0       t_ns    dur_ns  off     len
 *   file   2     created  0    0        number  length  0       size    0       0       0
 *   thread 3     0      0      0        number  0       0       tid     pid     0       0
 *   meta   4     0      0      0        evidence 0      0       span_ns start_ns
 *   end    5     0      0      0        0       0       0       number of operations
 */
#include "canon.h"

#include <stdlib.h>
#include <string.h>

#define OUT_BUFFER (1u << 20)
#define ONE_RECORD (CANON_MAX_PATH * 4 + 512) /* at most, in either form */

struct pcl_trace_sink {
    FILE *file;
    bool binary, failed;
    size_t n;
    uint64_t ops;
    char buf[OUT_BUFFER];
};

static const char flag_letters[] = "agkfds"; /* in the order of enum pcl_op_flag */

/* --- writing ----------------------------------------------------------------------------- */

static void flush(struct pcl_trace_sink *k)
{
    k->failed = k->failed || fwrite(k->buf, 1, k->n, k->file) != k->n;
    k->n = 0;
}

static void put_bytes(struct pcl_trace_sink *k, const char *p, size_t n)
{
    memcpy(k->buf + k->n, p, n);
    k->n += n;
}

static void put_char(struct pcl_trace_sink *k, char c)
{
    k->buf[k->n++] = c;
}

static void put_int(struct pcl_trace_sink *k, int64_t v)
{
    char digits[24];
    size_t n = sizeof(digits);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    do {
        digits[--n] = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (v < 0)
        digits[--n] = '-';
    put_bytes(k, digits + n, sizeof(digits) - n);
}

static void put_le(struct pcl_trace_sink *k, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        put_char(k, (char)(unsigned char)(v >> (8 * i)));
}

struct pcl_trace_sink *pcl_trace_sink_new(FILE *f, bool binary)
{
    struct pcl_trace_sink *k = pcl_xcalloc(1, sizeof(*k));

    k->file = f;
    k->binary = binary;
    put_bytes(k, binary ? CANON_BINARY : CANON_TEXT, CANON_MAGIC);
    return k;
}

static void head(struct pcl_trace_sink *k, unsigned type, unsigned a, unsigned b, uint32_t c,
                 uint32_t d)
{
    put_le(k, type, 1);
    put_le(k, a, 1);
    put_le(k, b, 2);
    put_le(k, c, 4);
    put_le(k, d, 4);
    put_le(k, 0, 4);
}

static void tail(struct pcl_trace_sink *k, int64_t a, int64_t b, int64_t c, int64_t d)
{
    put_le(k, (uint64_t)a, 8);
    put_le(k, (uint64_t)b, 8);
    put_le(k, (uint64_t)c, 8);
    put_le(k, (uint64_t)d, 8);
}

static void put_binary(struct pcl_trace_sink *k, const struct pcl_trace_record *r)
{
    const struct pcl_trace_op *op = &r->op;
    size_t len = r->path_len < CANON_MAX_PATH ? r->path_len : CANON_MAX_PATH - 1;

    switch (r->type) {
    case PCL_RECORD_OP:
        head(k, PCL_RECORD_OP, op->op, op->flags, op->thread, op->inode);
        tail(k, op->t_ns, op->dur_ns, op->off, op->len);
        break;
    case PCL_RECORD_FILE:
        head(k, PCL_RECORD_FILE, r->created, 0, r->id, (uint32_t)len);
        tail(k, r->size, 0, 0, 0);
        put_bytes(k, r->path, len);
        put_bytes(k, "\0\0\0\0\0\0\0", (8 - len % 8) % 8);
        break;
    case PCL_RECORD_THREAD:
        head(k, PCL_RECORD_THREAD, 0, 0, r->id, 0);
        tail(k, r->tid, r->pid, 0, 0);
        break;
    case PCL_RECORD_META:
        head(k, PCL_RECORD_META, 0, 0, r->evidence, 0);
        tail(k, r->span_ns, r->start_ns, 0, 0);
        break;
    }
}

/* Bytes that would end the line or hide are escaped. */
static void put_path(struct pcl_trace_sink *k, const char *p, size_t n)
{
    for (size_t i = 0; i < n && i < CANON_MAX_PATH - 1; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c > 32 && c < 127 && c != '\\') {
            put_char(k, (char)c);
            continue;
        }
        put_char(k, '\\');
        put_char(k, (char)('0' + (c >> 6)));
        put_char(k, (char)('0' + (c >> 3 & 7)));
        put_char(k, (char)('0' + (c & 7)));
    }
}

static void put_text(struct pcl_trace_sink *k, const struct pcl_trace_record *r)
{
    const int64_t op[] = {r->op.t_ns, r->op.dur_ns, r->op.thread};
    const char *name;

    switch (r->type) {
    case PCL_RECORD_OP:
        name = pcl_op_name((enum pcl_op)r->op.op);
        put_bytes(k, "op", 2);
        for (unsigned i = 0; i < 3; i++) {
            put_char(k, ' ');
            put_int(k, op[i]);
        }
        put_char(k, ' ');
        if (r->op.inode == PCL_NONE)
            put_char(k, '-');
        else
            put_int(k, r->op.inode);
        put_char(k, ' ');
        put_bytes(k, name, strlen(name));
        put_char(k, ' ');
        put_int(k, r->op.off);
        put_char(k, ' ');
        put_int(k, r->op.len);
        put_char(k, ' ');
        for (unsigned i = 0; flag_letters[i]; i++) {
            if (r->op.flags & 1u << i)
                put_char(k, flag_letters[i]);
        }
        if (r->op.flags == 0)
            put_char(k, '-');
        break;
    case PCL_RECORD_FILE:
        put_bytes(k, "file ", 5);
        put_int(k, r->id);
        put_char(k, ' ');
        put_int(k, r->size);
        put_bytes(k, r->created ? " 1 " : " 0 ", 3);
        put_path(k, r->path, r->path_len);
        break;
    case PCL_RECORD_THREAD:
        put_bytes(k, "thread ", 7);
        put_int(k, r->id);
        put_char(k, ' ');
        put_int(k, r->tid);
        put_char(k, ' ');
        put_int(k, r->pid);
        break;
    case PCL_RECORD_META:
        put_bytes(k, "meta ", 5);
        put_int(k, r->evidence);
        put_char(k, ' ');
        put_int(k, r->span_ns);
        put_char(k, ' ');
        put_int(k, r->start_ns);
        break;
    }
    put_char(k, '\n');
}

void pcl_trace_put(struct pcl_trace_sink *k, const struct pcl_trace_record *r)
{
    k->ops += r->type == PCL_RECORD_OP;
    if (k->binary)
        put_binary(k, r);
    else
        put_text(k, r);
    if (k->n > OUT_BUFFER - ONE_RECORD)
        flush(k);
}

int pcl_trace_sink_end(struct pcl_trace_sink *k, bool whole)
{
    int rc;

    if (whole && k->binary) {
        head(k, 5, 0, 0, 0, 0);
        tail(k, (int64_t)k->ops, 0, 0, 0);
    } else if (whole) {
        put_bytes(k, "end ", 4);
        put_int(k, (int64_t)k->ops);
        put_char(k, '\n');
    }
    flush(k);
    rc = k->failed || fflush(k->file) != 0 ? PCL_EIO : PCL_OK;
    free(k);
    return rc;
}

/* --- reading ----------------------------------------------------------------------------- */

bool canon_is(const char *data, size_t size, bool *binary)
{
    *binary = size >= CANON_MAGIC && memcmp(data, CANON_BINARY, CANON_MAGIC) == 0;
    return *binary || (size >= CANON_MAGIC && memcmp(data, CANON_TEXT, CANON_MAGIC) == 0);
}

bool canon_begin(struct canon *c, struct source *src)
{
    size_t n = source_want(src, CANON_MAGIC);

    c->src = src;
    c->n_files = c->n_threads = 0;
    if (!canon_is(src->data + src->at, n, &c->binary))
        return false;
    src->at += CANON_MAGIC;
    return true;
}

static uint64_t le(const char *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = bytes; i-- > 0;)
        v = v << 8 | (unsigned char)p[i];
    return v;
}

/* An operation as any part of the simulator may rely on. */
static bool sound(const struct canon *c, const struct pcl_trace_op *op)
{
    int64_t end;

    return op->op < PCL_N_OPS && op->flags < 64 && op->thread < c->n_threads &&
           (op->inode == PCL_NONE || op->inode < c->n_files) && op->t_ns >= 0 &&
           op->dur_ns >= -1 && op->off >= 0 && op->len >= 0 &&
           !__builtin_add_overflow(op->off, op->len, &end);
}

static bool declares(struct canon *c, struct pcl_trace_record *r)
{
    uint32_t *n = r->type == PCL_RECORD_FILE ? &c->n_files : &c->n_threads;

    if (r->id != *n || *n == PCL_NONE - 1 || (r->type == PCL_RECORD_FILE && r->size < -1))
        return false;
    ++*n;
    return true;
}

static enum canon_got next_binary(struct canon *c, struct pcl_trace_record *r)
{
    size_t have = source_want(c->src, CANON_RECORD), padded;
    const char *p = c->src->data + c->src->at;

    if (have < CANON_RECORD)
        return CANON_DAMAGED; /* no end record */
    c->src->at += CANON_RECORD;
    r->id = (uint32_t)le(p + 4, 4);
    switch (p[0]) {
    case PCL_RECORD_OP:
        r->type = PCL_RECORD_OP;
        r->op = (struct pcl_trace_op){.op = (uint8_t)p[1],
                                      .flags = (uint8_t)p[2],
                                      .thread = r->id,
                                      .inode = (uint32_t)le(p + 8, 4),
                                      .t_ns = (pcl_ns)le(p + 16, 8),
                                      .dur_ns = (pcl_ns)le(p + 24, 8),
                                      .off = (int64_t)le(p + 32, 8),
                                      .len = (int64_t)le(p + 40, 8)};
        return sound(c, &r->op) ? CANON_GOT : CANON_BAD;
    case PCL_RECORD_FILE:
        r->type = PCL_RECORD_FILE;
        r->created = p[1] != 0;
        r->size = (int64_t)le(p + 16, 8);
        r->path_len = (size_t)le(p + 8, 4);
        padded = (r->path_len + 7) / 8 * 8;
        if (r->path_len >= CANON_MAX_PATH || source_want(c->src, padded) < padded ||
            !declares(c, r))
            return CANON_DAMAGED;
        memcpy(c->path, c->src->data + c->src->at, r->path_len);
        r->path = c->path;
        c->src->at += padded;
        return CANON_GOT;
    case PCL_RECORD_THREAD:
        r->type = PCL_RECORD_THREAD;
        r->tid = (int64_t)le(p + 16, 8);
        r->pid = (int64_t)le(p + 24, 8);
        return declares(c, r) ? CANON_GOT : CANON_DAMAGED;
    case PCL_RECORD_META:
        r->type = PCL_RECORD_META;
        r->evidence = (unsigned)r->id;
        r->span_ns = (pcl_ns)le(p + 16, 8);
        r->start_ns = (pcl_ns)le(p + 24, 8);
        return r->span_ns >= 0 && r->start_ns >= 0 ? CANON_GOT : CANON_BAD;
    case 5:
        return CANON_END;
    default:
        return CANON_DAMAGED;
    }
}

/* Blank-separated words of a line, without copying. */
struct words {
    const char *p, *end;
};

static struct text word(struct words *w)
{
    struct text t;

    while (w->p < w->end && *w->p == ' ')
        w->p++;
    t = (struct text){w->p, 0};
    while (w->p < w->end && *w->p != ' ')
        w->p++;
    t.n = (size_t)(w->p - t.p);
    return t;
}

static bool integer(struct words *w, int64_t min, int64_t max, int64_t *out)
{
    struct text t = word(w);
    bool minus = t.n > 0 && t.p[0] == '-';
    uint64_t v = 0;

    if (t.n == 0 || t.n > 20 || (minus && t.n == 1))
        return false;
    for (size_t i = minus; i < t.n; i++) {
        if (t.p[i] < '0' || t.p[i] > '9' || v > (uint64_t)INT64_MAX / 10)
            return false;
        v = v * 10 + (uint64_t)(t.p[i] - '0');
    }
    if (v > (uint64_t)INT64_MAX)
        return false;
    *out = minus ? -(int64_t)v : (int64_t)v;
    return *out >= min && *out <= max;
}

/* Most lines name the same operation as the line before. */
static bool find_op(struct canon *c, struct text t)
{
    if (text_is(t, pcl_op_name((enum pcl_op)c->last_op)))
        return true;
    for (unsigned op = 0; op < PCL_N_OPS; op++) {
        if (text_is(t, pcl_op_name((enum pcl_op)op))) {
            c->last_op = (uint8_t)op;
            return true;
        }
    }
    return false;
}

static bool text_op(struct canon *c, struct words *w, struct pcl_trace_op *op)
{
    int64_t thread, file = PCL_NONE;
    struct text t;

    if (!integer(w, 0, PCL_NS_MAX, &op->t_ns) || !integer(w, -1, PCL_NS_MAX, &op->dur_ns) ||
        !integer(w, 0, PCL_NONE - 1, &thread))
        return false;
    if (w->p + 1 < w->end && w->p[1] == '-')
        (void)word(w);
    else if (!integer(w, 0, PCL_NONE - 1, &file))
        return false;
    op->thread = (uint32_t)thread;
    op->inode = (uint32_t)file;
    if (!find_op(c, word(w)))
        return false;
    op->op = c->last_op;
    if (!integer(w, 0, INT64_MAX, &op->off) || !integer(w, 0, INT64_MAX, &op->len))
        return false;
    t = word(w);
    op->flags = 0;
    for (size_t i = 0; i < t.n && !text_is(t, "-"); i++) {
        const char *letter = t.p[i] ? strchr(flag_letters, t.p[i]) : NULL;
        if (!letter)
            return false;
        op->flags |= (uint8_t)(1u << (letter - flag_letters));
    }
    return t.n > 0;
}

static enum canon_got text_record(struct canon *c, struct words *w, struct pcl_trace_record *r)
{
    struct text kind = word(w), path;
    int64_t id, v;

    if (text_is(kind, "op")) {
        r->type = PCL_RECORD_OP;
        return text_op(c, w, &r->op) && sound(c, &r->op) ? CANON_GOT : CANON_BAD;
    }
    if (text_is(kind, "end"))
        return CANON_END;
    if (!integer(w, 0, PCL_NONE - 1, &id))
        return CANON_BAD;
    r->id = (uint32_t)id;
    if (text_is(kind, "file")) {
        r->type = PCL_RECORD_FILE;
        if (!integer(w, -1, INT64_MAX, &r->size) || !integer(w, 0, 1, &v))
            return CANON_BAD;
        r->created = v != 0;
        path = word(w);
        if (path.n >= CANON_MAX_PATH)
            return CANON_BAD;
        r->path_len = text_unescape(path, c->path);
        r->path = c->path;
        return declares(c, r) ? CANON_GOT : CANON_DAMAGED;
    }
    if (text_is(kind, "thread")) {
        r->type = PCL_RECORD_THREAD;
        if (!integer(w, INT64_MIN + 1, INT64_MAX, &r->tid) ||
            !integer(w, INT64_MIN + 1, INT64_MAX, &r->pid))
            return CANON_BAD;
        return declares(c, r) ? CANON_GOT : CANON_DAMAGED;
    }
    r->type = PCL_RECORD_META;
    r->evidence = (unsigned)id;
    if (!text_is(kind, "meta") || !integer(w, 0, PCL_NS_MAX, &r->span_ns))
        return CANON_BAD;
    if (!integer(w, 0, PCL_NS_MAX, &r->start_ns)) /* was not there at first */
        r->start_ns = 0;
    return CANON_GOT;
}

static enum canon_got next_text(struct canon *c, struct pcl_trace_record *r)
{
    struct text line;
    struct words w;

    if (!source_line(c->src, &line) || line.n > ONE_RECORD)
        return CANON_DAMAGED; /* no end line, or one without an end */
    w.p = line.p;
    w.end = line.p + line.n;
    return text_record(c, &w, r);
}

enum canon_got canon_next(struct canon *c, struct pcl_trace_record *r)
{
    return c->binary ? next_binary(c, r) : next_text(c, r);
}

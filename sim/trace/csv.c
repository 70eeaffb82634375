/*
 * Tables of operations, one a line, and which column means what. A first line that names the
 * columns is the map:
 *
 *   t_us,tid,file,op,off,len,dur_us          any order; "-" for a column that is not read
 *
 * Four public families of traces are known by the look of their lines, without a map.
 */
#include "plain.h"
#include "reader.h"

#include <string.h>
#include <strings.h> /* strncasecmp */

#define MAX_COLUMNS 24

enum meaning { NOTHING, TIME, DURATION, THREAD, NAME, OP, OFFSET, LENGTH };

struct column {
    enum meaning meaning;
    int64_t scale; /* ns or bytes per unit; OP: 1 when 0 is a read and 1 a write */
};

struct csv {
    char sep;
    const char *prefix; /* of file names */
    struct column col[MAX_COLUMNS];
    unsigned n, need; /* columns; those that every line must have */
    bool known, first_set;
    int64_t first;
};

static const struct {
    const char *name;
    struct column col;
} words[] = {{"-", {NOTHING, 0}},       {"t_ns", {TIME, 1}},
             {"t_us", {TIME, 1000}},    {"t_ms", {TIME, 1000000}},
             {"t_s", {TIME, 1000000000}}, {"t_100ns", {TIME, 100}},
             {"dur_ns", {DURATION, 1}}, {"dur_us", {DURATION, 1000}},
             {"dur_ms", {DURATION, 1000000}}, {"dur_s", {DURATION, 1000000000}},
             {"dur_100ns", {DURATION, 100}},
             {"tid", {THREAD, 1}},      {"file", {NAME, 1}},
             {"op", {OP, 0}},           {"rw01", {OP, 1}},
             {"off", {OFFSET, 1}},      {"len", {LENGTH, 1}},
             {"off_sectors", {OFFSET, 512}}, {"len_sectors", {LENGTH, 512}},
             {"off_kib", {OFFSET, 1024}}, {"len_kib", {LENGTH, 1024}}};

/* Published traces. look: what each field must be, see fits(). */
static const struct preset {
    const char *name, *look, *map, *prefix, *note;
    char sep;
    unsigned need;
} presets[] = {
    {"MSR Cambridge", "n.nwnnn", "t_100ns,file,file,op,off,len,dur_100ns", "volume ",
     "a block trace (MSR Cambridge): no threads, one per volume is assumed; what the page cache "
     "absorbed is missing",
     ',', 7},
    {"Alibaba", "nwnnn", "file,op,off,len,t_us", "device ",
     "a block trace (Alibaba): no threads, one per device is assumed; what the page cache absorbed "
     "is missing",
     ',', 5},
    {"Tencent", "nnnbn", "t_s,off_sectors,len_sectors,rw01,file", "volume ",
     "a block trace (Tencent): whole seconds, no threads, one per volume is assumed; what the page "
     "cache absorbed is missing",
     ',', 5},
    {"FIU", "nnwnn", "-,t_ns,op,file,-,off,len,-", "inode ",
     "a file-level trace (FIU): one file per core, so the core is taken for a thread", ' ', 5}};

/* --- columns ----------------------------------------------------------------------------- */

static bool set_map(struct csv *s, struct text header, char sep)
{
    struct text w[MAX_COLUMNS];
    bool has[LENGTH + 1] = {false};

    s->n = plain_split(header, sep, w, MAX_COLUMNS);
    for (unsigned i = 0; i < s->n; i++) {
        size_t k = 0;
        while (k < sizeof(words) / sizeof(words[0]) && !text_is(w[i], words[k].name))
            k++;
        if (k == sizeof(words) / sizeof(words[0]))
            return false;
        s->col[i] = words[k].col;
        has[words[k].col.meaning] = true;
        if (words[k].col.meaning != NOTHING)
            s->need = i + 1;
    }
    s->sep = sep;
    return has[OP] && (has[TIME] || has[OFFSET]);
}

static bool header(struct csv *s, struct text t)
{
    static const char seps[] = ",;\t ";

    for (const char *sep = seps; *sep; sep++) {
        *s = (struct csv){.prefix = ""};
        if (set_map(s, t, *sep))
            return true;
    }
    return false;
}

static bool op_of(struct text t, enum pcl_op *op)
{
    static const struct {
        const char *name;
        enum pcl_op op;
    } other[] = {{"r", PCL_OP_READ},        {"w", PCL_OP_WRITE},    {"open", PCL_OP_SYSCALL},
                 {"close", PCL_OP_SYSCALL}, {"fdatasync", PCL_OP_FSYNC}, {"sync", PCL_OP_FSYNC},
                 {"trim", PCL_OP_PUNCH},    {"discard", PCL_OP_PUNCH}};
    char word[24];

    if (t.n == 0 || t.n >= sizeof(word))
        return false;
    memcpy(word, t.p, t.n);
    word[t.n] = '\0';
    for (char *c = word; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c - 'A' + 'a') : *c;
    if (strlen(word) != t.n)
        return false;
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++) {
        if (strcmp(word, other[i].name) == 0) {
            *op = other[i].op;
            return true;
        }
    }
    *op = pcl_op_find(word);
    return *op != PCL_N_OPS;
}

/* n: a number; b: 0 or 1; w: an operation; .: anything */
static bool fits(struct text line, const struct preset *p)
{
    struct text w[MAX_COLUMNS];
    unsigned n = plain_split(line, p->sep, w, MAX_COLUMNS), want = (unsigned)strlen(p->look);
    enum pcl_op op;
    uint64_t v;

    if (p->sep == ',' ? n != want : n < want)
        return false;
    for (unsigned i = 0; i < want; i++) {
        char c = p->look[i];
        if (c != '.' && w[i].n == 0)
            return false;
        if ((c == 'n' && !text_u64(w[i], &v)) || (c == 'w' && !op_of(w[i], &op)) ||
            (c == 'b' && !text_is(w[i], "0") && !text_is(w[i], "1")))
            return false;
    }
    return true;
}

/* The map by header or preset; sets *is_header. */
static bool find_map(struct csv *s, struct text line, const char **note, bool *is_header)
{
    *note = NULL;
    *is_header = header(s, line);
    if (*is_header)
        return s->known = true;
    for (size_t i = 0; i < sizeof(presets) / sizeof(presets[0]); i++) {
        if (!fits(line, &presets[i]))
            continue;
        *s = (struct csv){.known = true};
        (void)set_map(s, (struct text){presets[i].map, strlen(presets[i].map)}, ',');
        s->sep = presets[i].sep;
        s->need = presets[i].need;
        s->prefix = presets[i].prefix;
        *note = presets[i].note;
        return true;
    }
    return false;
}

/* --- rows -------------------------------------------------------------------------------- */

/* A decimal number with or without a fraction, in units of scale. */
static enum number scaled(struct text t, int64_t scale, int64_t *out)
{
    const char *dot = memchr(t.p, '.', t.n);
    struct text whole = {t.p, dot ? (size_t)(dot - t.p) : t.n};
    enum number got = text_int(whole, out);
    int64_t unit = scale, part = 0;

    if (got != NUMBER_OK)
        return got;
    for (const char *p = dot ? dot + 1 : t.p + t.n; p < t.p + t.n; p++) {
        if (*p < '0' || *p > '9')
            return NUMBER_BAD;
        unit /= 10;
        part += (*p - '0') * unit;
    }
    if (__builtin_mul_overflow(*out, scale, out) || __builtin_add_overflow(*out, part, out))
        return NUMBER_RANGE;
    return NUMBER_OK;
}

static const char *row_time(struct csv *s, struct text t, int64_t scale, pcl_ns *out)
{
    const char *dot = memchr(t.p, '.', t.n);
    int64_t whole;

    /* ticks since 1601 in ns do not fit: subtract first */
    if (text_int((struct text){t.p, dot ? (size_t)(dot - t.p) : t.n}, &whole) != NUMBER_OK)
        return PLAIN_BAD_FIELDS;
    if (!s->first_set)
        s->first = whole;
    s->first_set = true;
    if (__builtin_sub_overflow(whole, s->first, &whole) ||
        __builtin_mul_overflow(whole, scale, out))
        return "time out of range";
    if (dot) {
        int64_t part;
        char zero[24] = "0";
        size_t n = (size_t)(t.p + t.n - dot);
        if (n > 20)
            n = 20;
        memcpy(zero + 1, dot, n);
        if (scaled((struct text){zero, n + 1}, scale, &part) != NUMBER_OK)
            return PLAIN_BAD_FIELDS;
        if (__builtin_add_overflow(*out, part, out))
            return "time out of range";
    }
    return NULL;
}

struct row {
    struct pcl_trace_op op;
    char name[256];
    size_t name_len;
    int64_t tid;
    bool has_time;
};

static const char *number_field(struct text t, int64_t scale, int64_t *out)
{
    enum number got = t.n > 0 ? scaled(t, scale, out) : NUMBER_BAD;

    return got == NUMBER_OK ? NULL : got == NUMBER_RANGE ? PLAIN_BAD_RANGE : PLAIN_BAD_FIELDS;
}

static const char *field(struct csv *s, struct row *r, struct column c, struct text t)
{
    enum pcl_op op;
    size_t n;

    switch (c.meaning) {
    case NOTHING:
        break;
    case TIME:
        r->has_time = true;
        return row_time(s, t, c.scale, &r->op.t_ns);
    case DURATION:
        return number_field(t, c.scale, &r->op.dur_ns);
    case THREAD:
        return number_field(t, 1, &r->tid);
    case NAME: /* several make one name: host and disk */
        n = t.n < sizeof(r->name) / 2 - 1 ? t.n : sizeof(r->name) / 2 - 1;
        if (r->name_len + n + 1 >= sizeof(r->name))
            return PLAIN_BAD_FIELDS;
        if (r->name_len > 0)
            r->name[r->name_len++] = '.';
        memcpy(r->name + r->name_len, t.p, n);
        r->name_len += n;
        break;
    case OP:
        if (c.scale == 1) {
            op = text_is(t, "1") ? PCL_OP_WRITE : PCL_OP_READ;
            if (!text_is(t, "0") && !text_is(t, "1"))
                return "unknown operation";
        } else if (!op_of(t, &op)) {
            return "unknown operation";
        }
        r->op.op = (uint8_t)op;
        if (t.n == 9 && strncasecmp(t.p, "fdatasync", 9) == 0)
            r->op.flags = PCL_OPF_DATASYNC;
        break;
    case OFFSET:
        return number_field(t, c.scale, &r->op.off);
    case LENGTH:
        return number_field(t, c.scale, &r->op.len);
    }
    return NULL;
}

static const char *line(struct plain *p, struct text t)
{
    struct csv *s = p->state;
    struct row r = {.op.dur_ns = -1, .tid = -1};
    struct text w[MAX_COLUMNS];
    const char *why = NULL, *note;
    unsigned n;
    bool is_header = false;

    if (text_trim(t).p[0] == '#')
        return "comment";
    if (!s->known) {
        if (!find_map(s, text_trim(t), &note, &is_header))
            return "before the columns are known";
        if (note)
            tb_note(&p->b, note);
        if (is_header)
            return "names of columns";
    }
    n = plain_split(t, s->sep, w, MAX_COLUMNS);
    if (n < s->need)
        return "too few columns";
    for (unsigned i = 0; i < n && i < s->n && !why; i++)
        why = field(s, &r, s->col[i], w[i]);
    if (why)
        return why;
    p->recognised++;
    p->times = p->times || r.has_time;
    if (!r.has_time) {
        r.op.t_ns = p->now;
        p->now += 1000;
    }
    if (r.op.op == PCL_OP_SYSCALL || r.op.op == PCL_OP_FSYNC)
        r.op.off = r.op.len = 0;
    if (r.op.op == PCL_OP_TRUNCATE)
        r.op.len = 0;
    r.op.inode = plain_file(p, s->prefix,
                            r.name_len ? (struct text){r.name, r.name_len}
                                       : (struct text){"the file", 8});
    if (r.tid >= 0)
        p->b.t->evidence |= PCL_HAS_THREADS;
    r.op.thread = plain_thread(p, r.tid >= 0 ? r.tid
                               : s->sep == ' ' ? 0
                                               : (int64_t)r.op.inode);
    return plain_op(p, r.op, 1);
}

static struct pcl_trace *parse(const char *name, struct source *src)
{
    struct csv s = {.known = false};

    return plain_parse("CSV", name, src, line, NULL, &s);
}

static void look(const char *data, size_t size, size_t *hits, size_t *lines)
{
    const char *p = data, *end = data + size;

    *hits = *lines = 0;
    while (p < end && *lines < 50) {
        struct text t = text_trim(text_line(&p, end));
        struct csv s;
        const char *note;
        bool is_header;
        if (p == end && *lines > 0)
            break; /* may be cut */
        if (t.n > 0 && t.p[t.n - 1] == '\r')
            t.n--;
        if (t.n == 0 || t.p[0] == '#')
            continue;
        ++*lines;
        if (find_map(&s, t, &note, &is_header))
            ++*hits;
        if (is_header && *lines == 1) { /* a map is unmistakable */
            *hits = 1000;
            return;
        }
    }
}

const struct trace_reader pcl_trace_reader_csv = {
    .name = "csv",
    .known = "CSV with named columns, MSR Cambridge, Alibaba, Tencent, FIU",
    .look = look,
    .parse = parse};

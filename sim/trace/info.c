/*
 * What a trace holds. Everything that a reader of results must know to judge a replay stands
 * here: what was left out and why, what was guessed, what the recording cannot show.
 */
#include <pclsim/trace_info.h>

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define TOP_INODES 20
#define PATH_COLUMNS 40

struct op_count {
    uint64_t calls, failed;
    uint64_t bytes; /* saturating: ranges reach 2^63 */
};

struct sharing {
    size_t inodes; /* used by more than one thread */
    uint64_t ops;  /* on those */
    uint32_t most; /* threads on one inode */
};

static const struct {
    unsigned bit;
    const char *name, *hidden;
} evidence[] = {{PCL_HAS_THREADS, "threads", "thread ids"},
                {PCL_HAS_DURATIONS, "durations", "durations"},
                {PCL_HAS_INODES, "files", "files"},
                {PCL_HAS_LOCKS, "locks", "waits for locks"},
                {PCL_HAS_FAULTS, "faults", "page faults"},
                {PCL_HAS_WRITEBACK, "writeback", "writeback and readahead"},
                {PCL_LOSSY, "lossy", NULL}};

#define N_EVIDENCE (sizeof(evidence) / sizeof(evidence[0]))

static void count_ops(const struct pcl_trace *t, struct op_count *by_op, struct sharing *sh)
{
    memset(by_op, 0, PCL_N_OPS * sizeof(*by_op));
    *sh = (struct sharing){0};
    for (size_t i = 0; i < t->n_ops; i++) {
        const struct pcl_trace_op *op = &t->ops[i];
        struct op_count *k = &by_op[op->op];
        if (i % PCL_BIG_STRIDE == 0)
            pcl_big_relax(&t->store);
        k->calls++;
        if (op->flags & PCL_OPF_FAILED)
            k->failed++;
        else if (__builtin_add_overflow(k->bytes, (uint64_t)op->len, &k->bytes))
            k->bytes = UINT64_MAX;
    }
    for (size_t i = 0; i < t->n_inodes; i++) {
        if (t->inodes[i].n_threads > sh->most)
            sh->most = t->inodes[i].n_threads;
        if (t->inodes[i].n_threads > 1) {
            sh->inodes++;
            sh->ops += t->inodes[i].n_ops;
        }
    }
}

static int busiest_first(const void *a, const void *b)
{
    const struct pcl_trace_inode *const *x = a, *const *y = b;

    if ((*x)->n_ops != (*y)->n_ops)
        return (*x)->n_ops > (*y)->n_ops ? -1 : 1;
    return (*x > *y) - (*x < *y); /* equally busy: in order of first use */
}

/* The inodes by number of operations; the caller frees it. */
static const struct pcl_trace_inode **ranked(const struct pcl_trace *t)
{
    const struct pcl_trace_inode **v =
        pcl_xcalloc(t->n_inodes, sizeof(struct pcl_trace_inode *));

    for (size_t i = 0; i < t->n_inodes; i++)
        v[i] = &t->inodes[i];
    qsort(v, t->n_inodes, sizeof(*v), busiest_first);
    return v;
}

/* --- text -------------------------------------------------------------------------------- */

/* Printable ASCII, other bytes as \ooo. malloc'ed. */
static char *printable(const char *s)
{
    char *out = pcl_xcalloc(strlen(s) * 4 + 1, 1), *p = out;

    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c >= 32 && c < 127)
            *p++ = (char)c;
        else
            p += sprintf(p, "\\%03o", (unsigned)c);
    }
    return out;
}

/* Prints at most width columns of s; what is cut is cut at the left, where paths are alike. */
static void print_tail(FILE *out, const char *s, size_t width)
{
    char *shown = printable(s);
    size_t n = strlen(shown);

    if (n > width)
        (void)fprintf(out, "...%s", shown + n - (width - 3));
    else
        (void)fputs(shown, out);
    free(shown);
}

static const char *format_bytes(uint64_t bytes, char *buf, size_t n)
{
    if (bytes > (uint64_t)INT64_MAX)
        return "8 EiB or more";
    return pcl_format_size((int64_t)bytes, buf, n);
}

/* Words after a label of 12 columns, wrapped at 72. */
static void print_wrapped(FILE *out, const char *label, const char *text)
{
    size_t column = 12;

    (void)fprintf(out, "%-12s", label);
    while (*text) {
        size_t n = strcspn(text, " ");
        if (column + n > 72 && column > 12) {
            (void)fprintf(out, "\n%-12s", "");
            column = 12;
        }
        (void)fprintf(out, "%.*s", (int)n, text);
        column += n;
        text += n;
        if (*text == ' ') {
            text++;
            if (column < 72 && column + 1 + strcspn(text, " ") <= 72) {
                (void)fputc(' ', out);
                column++;
            } else {
                (void)fprintf(out, "\n%-12s", "");
                column = 12;
            }
        }
    }
    (void)fputc('\n', out);
}

static void print_head(FILE *out, const struct pcl_trace *t)
{
    char span[32], text[160];

    (void)fprintf(out, "%-12s", "trace");
    print_tail(out, t->path, 60);
    (void)fprintf(out, "\n%-12s%s\n", "format", t->format);
    (void)fprintf(out, "%-12s%.40s...\n", "sha256", t->sha256);
    (void)snprintf(text, sizeof(text), "%s from the first line to the end; clock: %s",
                   pcl_format_ns(t->span_ns, span, sizeof(span)), t->clock);
    print_wrapped(out, "time", text);
    (void)fprintf(out, "%-12s%llu read, %llu used, %llu skipped\n", "lines",
                  (unsigned long long)t->lines_read, (unsigned long long)t->lines_used,
                  (unsigned long long)(t->lines_read - t->lines_used));
    for (size_t i = 0; i < t->n_skips; i++) {
        (void)fprintf(out, "%12s%9llu  ", "", (unsigned long long)t->skips[i].lines);
        print_tail(out, t->skips[i].reason, 49);
        (void)fputc('\n', out);
    }
    if (t->unmatched_unfinished > 0 || t->unmatched_resumed > 0)
        (void)fprintf(out, "%-12s%llu calls without end, %llu ends without begin\n", "halves",
                      (unsigned long long)t->unmatched_unfinished,
                      (unsigned long long)t->unmatched_resumed);
}

static void print_ops(FILE *out, const struct pcl_trace *t, const struct op_count *by_op)
{
    char bytes[32];

    (void)fprintf(out, "\n%-12s%9s  %-14s%s\n", "operation", "count", "bytes", "failed");
    for (unsigned op = 0; op < PCL_N_OPS; op++) {
        if (by_op[op].calls == 0)
            continue;
        (void)fprintf(out, "%-12s%9llu  %-14s%llu\n", pcl_op_name((enum pcl_op)op),
                      (unsigned long long)by_op[op].calls,
                      by_op[op].bytes ? format_bytes(by_op[op].bytes, bytes, sizeof(bytes))
                                      : "-",
                      (unsigned long long)by_op[op].failed);
    }
    (void)fprintf(out, "%-12s%9llu\n", "all", (unsigned long long)t->n_ops);
}

static void print_threads(FILE *out, const struct pcl_trace *t)
{
    uint64_t most = 0, least = UINT64_MAX;
    size_t processes = 0;

    for (size_t i = 0; i < t->n_threads; i++) {
        if (t->threads[i].n_ops > most)
            most = t->threads[i].n_ops;
        if (t->threads[i].n_ops < least)
            least = t->threads[i].n_ops;
        processes += t->threads[i].pid >= 0 && t->threads[i].pid == t->threads[i].tid;
    }
    (void)fprintf(out, "\n%-12s%zu with operations", "threads", t->n_threads);
    if (t->n_threads > 0)
        (void)fprintf(out, " (%llu to %llu each)", (unsigned long long)least,
                      (unsigned long long)most);
    if (t->idle_threads > 0)
        (void)fprintf(out, ", %llu without", (unsigned long long)t->idle_threads);
    (void)fputc('\n', out);
    if (processes > 1)
        (void)fprintf(out, "%12sof %zu processes\n", "", processes);
}

static void print_inodes(FILE *out, const struct pcl_trace *t)
{
    const struct pcl_trace_inode **v = ranked(t);
    size_t n = t->n_inodes < TOP_INODES ? t->n_inodes : TOP_INODES;
    char size[32];

    (void)fprintf(out, "\n%-12s%zu files", "inodes", t->n_inodes);
    if (n < t->n_inodes)
        (void)fprintf(out, ", the %zu busiest:", n);
    (void)fprintf(out, "\n%9s %8s %11s  %s\n", "ops", "threads", "size", "path");
    for (size_t i = 0; i < n; i++) {
        const char *shown = "unknown";
        if (v[i]->created)
            shown = "created";
        else if (v[i]->size >= 0)
            shown = pcl_format_size(v[i]->size, size, sizeof(size));
        (void)fprintf(out, "%9llu %8u %11s  ", (unsigned long long)v[i]->n_ops, v[i]->n_threads,
                      shown);
        print_tail(out, v[i]->path, PATH_COLUMNS);
        (void)fputc('\n', out);
    }
    free(v);
}

static void print_sharing(FILE *out, const struct pcl_trace *t, const struct sharing *sh)
{
    (void)fprintf(out, "\n%-12s", "sharing");
    if (sh->inodes == 0)
        (void)fprintf(out, "no file is used by more than one thread\n");
    else
        (void)fprintf(out,
                      "%zu of %zu files are used by several threads (at most %u);\n%12s"
                      "%llu of %llu operations are on them\n",
                      sh->inodes, t->n_inodes, sh->most, "", (unsigned long long)sh->ops,
                      (unsigned long long)t->n_ops);
    if (t->synthesised > 0)
        (void)fprintf(out, "%-12s%llu of %zu operations are page faults that nobody recorded\n",
                      "synthesised", (unsigned long long)t->synthesised, t->n_ops);
    (void)fprintf(out, "%-12s%llu offsets guessed, %llu steps of the clock back\n", "doubt",
                  (unsigned long long)t->guessed_offsets,
                  (unsigned long long)t->time_backwards);
}

static void print_device(FILE *out, const struct pcl_trace *t)
{
    char bytes[32];

    if (t->n_device == 0)
        return;
    (void)fprintf(out, "\ndevice, issue to completion, us; at most %zu requests at a time\n",
                  t->device_most_open);
    (void)fprintf(out, "%-8s %8s %9s %8s %8s %8s %8s %8s\n", "", "requests", "bytes", "mean",
                  "min", "p50", "p99", "max");
    for (size_t i = 0; i < t->n_device; i++) {
        const struct pcl_trace_device *d = &t->device[i];
        (void)fprintf(out, "%-8s %8llu %9s %8.1f %8.1f %8.1f %8.1f %8.1f\n", d->what,
                      (unsigned long long)d->requests,
                      format_bytes(d->bytes, bytes, sizeof(bytes)), d->mean_ns / 1000.0,
                      (double)d->min / 1000.0, (double)d->p50 / 1000.0,
                      (double)d->p99 / 1000.0, (double)d->max / 1000.0);
    }
}

static void print_evidence(FILE *out, const struct pcl_trace *t)
{
    char shown[128] = "", hidden[128] = "", text[160];

    for (size_t i = 0; i < N_EVIDENCE; i++) {
        char *list = (t->evidence & evidence[i].bit) ? shown : hidden;
        const char *word = list == shown ? evidence[i].name : evidence[i].hidden;
        size_t n = strlen(list);
        if (word)
            (void)snprintf(list + n, 128 - n, "%s%s", n ? ", " : "", word);
    }
    print_wrapped(out, "shows", shown[0] ? shown : "nothing");
    print_wrapped(out, "invisible", hidden[0] ? hidden : "nothing");
    if (t->tracer_ns_per_call >= 0.0)
        (void)snprintf(text, sizeof(text), "about %.1f us in each duration (%s)",
                       t->tracer_ns_per_call / 1000.0, t->tracer_note);
    else
        (void)snprintf(text, sizeof(text), "unknown: %s", t->tracer_note);
    print_wrapped(out, "tracer", text);
    for (size_t i = 0; i < t->n_notes; i++)
        print_wrapped(out, "note", t->notes[i]);
}

void pcl_trace_info_text(FILE *out, const struct pcl_trace *t)
{
    struct op_count by_op[PCL_N_OPS];
    struct sharing sh;

    count_ops(t, by_op, &sh);
    print_head(out, t);
    print_device(out, t);
    print_ops(out, t, by_op);
    print_threads(out, t);
    print_inodes(out, t);
    print_sharing(out, t, &sh);
    print_evidence(out, t);
}

/* --- JSON -------------------------------------------------------------------------------- */

/* Readers of JSON keep integers as doubles: larger ones are strings. */
static json_t *number(int64_t v)
{
    const int64_t exact = INT64_C(1) << 53;
    char buf[24];

    if (v >= -exact && v <= exact)
        return json_integer(v);
    (void)snprintf(buf, sizeof(buf), "%lld", (long long)v);
    return json_string(buf);
}

static json_t *count(uint64_t v)
{
    char buf[24];

    if (v <= (uint64_t)INT64_MAX)
        return number((int64_t)v);
    (void)snprintf(buf, sizeof(buf), "%llu", (unsigned long long)v);
    return json_string(buf);
}

/* Paths are bytes; what is no UTF-8 is escaped. */
static json_t *string(const char *s)
{
    json_t *j = json_string(s);
    char *shown;

    if (j)
        return j;
    shown = printable(s);
    j = json_string(shown);
    free(shown);
    return j;
}

static void set(json_t *object, const char *key, json_t *value)
{
    int rc = json_object_set_new(object, key, value);

    PCL_ASSERT(rc == 0); /* only exhausted memory or our own bad key */
}

static void append(json_t *array, json_t *value)
{
    int rc = json_array_append_new(array, value);

    PCL_ASSERT(rc == 0);
}

static json_t *lines_json(const struct pcl_trace *t)
{
    json_t *lines = json_object(), *skipped = json_object();

    for (size_t i = 0; i < t->n_skips; i++) {
        char *reason = printable(t->skips[i].reason);
        set(skipped, reason, count(t->skips[i].lines));
        free(reason);
    }
    set(lines, "read", count(t->lines_read));
    set(lines, "used", count(t->lines_used));
    set(lines, "skipped", skipped);
    return lines;
}

static json_t *op_mix_json(const struct op_count *by_op)
{
    json_t *mix = json_object();

    for (unsigned op = 0; op < PCL_N_OPS; op++) {
        json_t *k;
        if (by_op[op].calls == 0)
            continue;
        k = json_object();
        set(k, "count", count(by_op[op].calls));
        set(k, "bytes", count(by_op[op].bytes));
        set(k, "failed", count(by_op[op].failed));
        set(mix, pcl_op_name((enum pcl_op)op), k);
    }
    return mix;
}

static json_t *inodes_json(const struct pcl_trace *t)
{
    const struct pcl_trace_inode **v = ranked(t);
    json_t *list = json_array();

    for (size_t i = 0; i < t->n_inodes && i < TOP_INODES; i++) {
        json_t *k = json_object();
        set(k, "path", string(v[i]->path));
        set(k, "ops", count(v[i]->n_ops));
        set(k, "threads", json_integer(v[i]->n_threads));
        set(k, "size", v[i]->size >= 0 ? number(v[i]->size) : json_null());
        set(k, "extent", number(v[i]->extent));
        set(k, "created", json_boolean(v[i]->created));
        append(list, k);
    }
    free(v);
    return list;
}

static json_t *device_json(const struct pcl_trace *t)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->n_device; i++) {
        const struct pcl_trace_device *d = &t->device[i];
        json_t *k = json_object();
        set(k, "what", json_string(d->what));
        set(k, "requests", count(d->requests));
        set(k, "bytes", count(d->bytes));
        set(k, "mean_ns", json_real(d->mean_ns));
        set(k, "min_ns", number(d->min));
        set(k, "p50_ns", number(d->p50));
        set(k, "p90_ns", number(d->p90));
        set(k, "p99_ns", number(d->p99));
        set(k, "p999_ns", number(d->p999));
        set(k, "max_ns", number(d->max));
        append(list, k);
    }
    return list;
}

static json_t *doubts_json(const struct pcl_trace *t)
{
    json_t *k = json_object();

    set(k, "synthesised", count(t->synthesised));
    set(k, "guessed_offsets", count(t->guessed_offsets));
    set(k, "unmatched_unfinished", count(t->unmatched_unfinished));
    set(k, "unmatched_resumed", count(t->unmatched_resumed));
    set(k, "time_backwards", count(t->time_backwards));
    return k;
}

int pcl_trace_info_json(FILE *out, const struct pcl_trace *t)
{
    json_t *root = json_object(), *shown = json_array(), *notes = json_array(),
           *shared = json_object(), *tracer = json_object();
    struct op_count by_op[PCL_N_OPS];
    struct sharing sh;
    int rc;

    count_ops(t, by_op, &sh);
    set(root, "format", json_string(t->format));
    set(root, "sha256", json_string(t->sha256));
    set(root, "path", string(t->path));
    set(root, "lines", lines_json(t));
    set(root, "ops", count(t->n_ops));
    set(root, "threads", count(t->n_threads));
    set(root, "idle_threads", count(t->idle_threads));
    set(root, "inodes", count(t->n_inodes));
    set(root, "span_ns", number(t->span_ns));
    set(root, "clock", json_string(t->clock));
    set(root, "op_mix", op_mix_json(by_op));
    set(root, "busiest_inodes", inodes_json(t));
    set(shared, "inodes", count(sh.inodes));
    set(shared, "ops", count(sh.ops));
    set(shared, "most_threads", json_integer(sh.most));
    set(root, "shared", shared);
    for (size_t i = 0; i < N_EVIDENCE; i++) {
        if (t->evidence & evidence[i].bit)
            append(shown, json_string(evidence[i].name));
    }
    set(root, "evidence", shown);
    set(root, "doubts", doubts_json(t));
    set(tracer, "ns_per_call",
        t->tracer_ns_per_call >= 0.0 ? json_real(t->tracer_ns_per_call) : json_null());
    set(tracer, "note", json_string(t->tracer_note));
    set(root, "tracer", tracer);
    if (t->n_device > 0) {
        set(root, "device", device_json(t));
        set(root, "device_most_open", count(t->device_most_open));
    }
    for (size_t i = 0; i < t->n_notes; i++)
        append(notes, json_string(t->notes[i]));
    set(root, "notes", notes);
    rc = json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (rc != 0 || fputc('\n', out) == EOF)
        return PCL_EIO;
    return PCL_OK;
}

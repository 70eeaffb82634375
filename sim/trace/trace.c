/*
 * The front of the trace readers: gets the bytes, unpacks them, finds the format by content
 * and lets its reader do the rest.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define PROBE ((size_t)16 << 20) /* how much else may come before the first line of a trace */

#define PCL_TRACE_FORMAT(id) extern const struct trace_reader pcl_trace_reader_##id;
#include "formats.def"
#undef PCL_TRACE_FORMAT

static const struct trace_reader *const readers[] = {
#define PCL_TRACE_FORMAT(id) &pcl_trace_reader_##id,
#include "formats.def"
#undef PCL_TRACE_FORMAT
};

#define N_READERS (sizeof(readers) / sizeof(readers[0]))

/* "cpus=2", "version = 6": trace-cmd report begins with these. */
static bool heads_report(const char *p, size_t n)
{
    static const char *const words[] = {"cpus=", "version = "};

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t k = strlen(words[i]), at = k;
        if (n <= k || memcmp(p, words[i], k) != 0)
            continue;
        while (at < n && p[at] >= '0' && p[at] <= '9')
            at++;
        if (at > k && (at == n || p[at] == '\r'))
            return true;
    }
    return false;
}

/* Does it begin like a scenario file? A line "[name]" or "key = value" before anything else. */
static bool like_ini(const char *data, size_t size)
{
    const char *p = data, *end = data + size;

    while (p < end) {
        const char *nl = memchr(p, '\n', (size_t)(end - p)), *q = p;
        size_t n = (size_t)((nl ? nl : end) - p), word;
        p = nl ? nl + 1 : end;
        while (n > 0 && (*q == ' ' || *q == '\t' || *q == '\r')) {
            q++;
            n--;
        }
        if (n == 0 || *q == ';' || *q == '#' || heads_report(q, n))
            continue;
        if (*q == '[')
            return !(n > 4 && memcmp(q, "[pid", 4) == 0 && (q[4] == ' ' || q[4] == '\t'));
        for (word = 0; word < n && (q[word] == '_' || q[word] == '-' || q[word] == '.' ||
                                    (q[word] >= 'a' && q[word] <= 'z') ||
                                    (q[word] >= 'A' && q[word] <= 'Z') ||
                                    (q[word] >= '0' && q[word] <= '9'));
             word++)
            continue;
        while (word < n && (q[word] == ' ' || q[word] == '\t'))
            word++;
        return word < n && q[word] == '=' && (*q < '0' || *q > '9') && *q != '=';
    }
    return false;
}

/* The reader whose format data begins with; NULL. */
static const struct trace_reader *recognise(const char *data, size_t size)
{
    const struct trace_reader *best = NULL;
    size_t best_hits = 0;

    if (like_ini(data, size))
        return NULL;
    for (size_t i = 0; i < N_READERS; i++) {
        size_t hits, lines;
        readers[i]->look(data, size < SOURCE_HEAD ? size : SOURCE_HEAD, &hits, &lines);
        if (hits * 10 >= lines && hits > best_hits) { /* the rest may be a program's output */
            best = readers[i];
            best_hits = hits;
        }
    }
    return best;
}

/* What cannot be unpacked is taken for a trace: reading it says why it is none. */
bool pcl_trace_recognise(const char *data, size_t size)
{
    struct source src;
    bool known = true;

    if (trace_dat.is(data, size)) /* its beginning alone says nothing more */
        return true;
    if (source_memory(&src, "", data, size, NULL) == PCL_OK) {
        size_t n = source_want(&src, SOURCE_HEAD);
        known = recognise(src.data + src.at, n) != NULL;
    }
    source_close(&src);
    return known;
}

/* What it looks like instead: for the message. */
static const char *looks_like(const char *data, size_t size)
{
    size_t odd = 0, n = size < 4096 ? size : 4096;

    for (size_t i = 0; i < n; i++) {
        unsigned char ch = (unsigned char)data[i];
        odd += (ch < 32 && ch != '\n' && ch != '\r' && ch != '\t') || ch == 127;
    }
    if (odd * 20 > n)
        return "binary data";
    return like_ini(data, size) ? "an INI file" : NULL;
}

static int not_a_trace(const char *name, const char *data, size_t size, struct pcl_err *err)
{
    char known[400] = "", line[61];
    const char *what = looks_like(data, size);
    size_t used = 0, n = 0;
    int rc;

    for (size_t i = 0; i < N_READERS; i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "",
                                 readers[i]->known);
    while (n < size &&
           (data[n] == '\n' || data[n] == '\r' || data[n] == ' ' || data[n] == '\t'))
        n++;
    for (used = 0; used + 1 < sizeof(line) && n < size && data[n] != '\n'; n++, used++)
        line[used] = data[n] >= 32 && data[n] < 127 ? data[n] : '?';
    line[used] = '\0';
    if (what)
        rc = pcl_fail_at(err, name, 1, 1, "want a trace (known formats: %s), found %s", known,
                         what);
    else if (used == 0)
        rc = pcl_fail_at(err, name, 1, 1, "want a trace (known formats: %s), found blank lines",
                         known);
    else
        rc = pcl_fail_at(err, name, 1, 1, "want a trace (known formats: %s), found '%s'", known,
                         line);
    return rc;
}

/* Much else before the first line of a trace: whose reader finds a line of his. */
static const struct trace_reader *probe(const char *data, size_t size)
{
    struct source src;
    struct pcl_trace *t = NULL;
    size_t i;

    for (i = 0; i < N_READERS && !like_ini(data, size); i++) {
        if (source_memory(&src, "", data, size, NULL) == PCL_OK)
            t = readers[i]->parse("", &src);
        source_close(&src);
        if (t)
            break;
    }
    pcl_trace_free(t);
    return t ? readers[i] : NULL;
}

static int parse_source(struct source *src, struct pcl_trace **out, struct pcl_err *err)
{
    const char *name = strcmp(src->name, "-") == 0 ? "standard input" : src->name;
    size_t n = source_want(src, SOURCE_HEAD);
    const struct trace_reader *r = recognise(src->data + src->at, n);
    struct pcl_trace *t = NULL;

    if (!r && !source_failed(src)) {
        n = source_want(src, PROBE);
        r = probe(src->data + src->at, n < PROBE ? n : PROBE);
    }
    if (r)
        t = r->parse(name, src);
    if (source_failed(src)) {
        pcl_trace_free(t);
        if (err)
            *err = src->err;
        return src->err.code;
    }
    if (n == 0)
        return pcl_fail_at(err, name, 0, 0, "the trace is empty");
    if (!t)
        return not_a_trace(name, src->data + src->at, src->end - src->at, err);
    if (src->unpacker == &trace_dat)
        t->format = "trace.dat (ftrace)";
    source_hash(src, t->sha256);
    *out = t;
    return PCL_OK;
}

int pcl_trace_parse(const char *name, const char *data, size_t size, struct pcl_trace **out,
                    struct pcl_err *err)
{
    struct source src;
    int rc = source_memory(&src, name, data, size, err);

    if (rc == PCL_OK)
        rc = parse_source(&src, out, err);
    source_close(&src);
    return rc;
}

/* --- inputs ------------------------------------------------------------------------------ */

struct pcl_trace_input {
    struct source src;
    char *path;
};

struct source *trace_input_source(struct pcl_trace_input *in)
{
    return &in->src;
}

int pcl_trace_input_open(const char *path, struct pcl_trace_input **out, struct pcl_err *err)
{
    struct pcl_trace_input *in = pcl_xcalloc(1, sizeof(*in));
    int rc;

    in->path = pcl_xstrdup(path);
    rc = source_open(&in->src, in->path, err);
    if (rc == PCL_OK) {
        *out = in;
    } else {
        pcl_trace_input_close(in);
        *out = NULL;
    }
    return rc;
}

void pcl_trace_input_close(struct pcl_trace_input *in)
{
    if (!in)
        return;
    source_close(&in->src);
    free(in->path);
    free(in);
}

void pcl_trace_input_synthesise(struct pcl_trace_input *in)
{
    in->src.synthesise = true;
}

bool pcl_trace_input_recognised(struct pcl_trace_input *in)
{
    size_t n = source_want(&in->src, SOURCE_HEAD);

    return in->src.unpacker == &trace_dat || recognise(in->src.data + in->src.at, n) != NULL;
}

int pcl_trace_input_trace(struct pcl_trace_input *in, struct pcl_trace **out,
                          struct pcl_err *err)
{
    return parse_source(&in->src, out, err);
}

int pcl_trace_input_text(struct pcl_trace_input *in, size_t max, char **text, size_t *size,
                         struct pcl_err *err)
{
    size_t n = source_want(&in->src, max + 1);

    if (source_failed(&in->src)) {
        *err = in->src.err;
        return err->code;
    }
    if (n > max)
        return pcl_fail(err, PCL_EINVAL, "'%s' is larger than %zu bytes", in->path, max);
    *text = pcl_xcalloc(n + 1, 1);
    memcpy(*text, in->src.data + in->src.at, n);
    *size = n;
    return PCL_OK;
}

int pcl_trace_read(const char *path, struct pcl_trace **out, struct pcl_err *err)
{
    struct pcl_trace_input *in;
    int rc = pcl_trace_input_open(path, &in, err);

    if (rc == PCL_OK)
        rc = pcl_trace_input_trace(in, out, err);
    if (rc == PCL_OK || in)
        pcl_trace_input_close(in);
    return rc;
}

void pcl_trace_free(struct pcl_trace *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->n_inodes; i++)
        free(t->inodes[i].path);
    free(t->inodes);
    free(t->threads);
    pcl_big_free(&t->store);
    free(t->skips);
    free(t->notes);
    free(t->locks);
    free(t->device);
    free(t->path);
    free(t);
}

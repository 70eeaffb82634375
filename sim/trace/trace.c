/*
 * The front of the trace readers: gets the bytes, unpacks them, finds the format by content
 * and lets its reader do the rest.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

#define MAX_BYTES ((size_t)4 << 30) /* on disk and inflated */
#define HEAD 65536                  /* a format shows itself within this */

#define PCL_TRACE_FORMAT(id) extern const struct trace_reader pcl_trace_reader_##id;
#include "formats.def"
#undef PCL_TRACE_FORMAT

static const struct trace_reader *const readers[] = {
#define PCL_TRACE_FORMAT(id) &pcl_trace_reader_##id,
#include "formats.def"
#undef PCL_TRACE_FORMAT
};

#define N_READERS (sizeof(readers) / sizeof(readers[0]))

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
        if (n == 0 || *q == ';' || *q == '#')
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
        readers[i]->look(data, size < HEAD ? size : HEAD, &hits, &lines);
        if (hits * 10 >= lines && hits > best_hits) { /* the rest may be a program's output */
            best = readers[i];
            best_hits = hits;
        }
    }
    return best;
}

bool pcl_trace_recognise(const char *data, size_t size)
{
    char *head;
    bool known;

    if (!trace_is_gzip(data, size) && !trace_is_zstd(data, size))
        return recognise(data, size) != NULL;
    head = pcl_xcalloc(HEAD, 1);
    size = trace_is_zstd(data, size) ? trace_unzstd_head(data, size, head, HEAD)
                                     : trace_inflate_head(data, size, head, HEAD);
    known = recognise(head, size) != NULL;
    free(head);
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

static int parse_text(const char *name, const char *data, size_t size, struct pcl_trace **out,
                      struct pcl_err *err)
{
    const struct trace_reader *r = recognise(data, size);
    struct pcl_trace *t = NULL;

    if (size == 0)
        return pcl_fail_at(err, name, 0, 0, "the trace is empty");
    if (r)
        t = r->parse(name, data, size);
    for (size_t i = 0; i < N_READERS && !t && !like_ini(data, size); i++)
        t = readers[i]->parse(name, data,
                              size); /* much else before the first line of a trace */
    if (!t)
        return not_a_trace(name, data, size, err);
    *out = t;
    return PCL_OK;
}

int pcl_trace_parse(const char *name, const char *data, size_t size, struct pcl_trace **out,
                    struct pcl_err *err)
{
    char *text;
    size_t n;
    int rc;

    if (!trace_is_gzip(data, size) && !trace_is_zstd(data, size)) {
        rc = parse_text(name, data, size, out, err);
    } else {
        rc = trace_is_zstd(data, size)
                 ? trace_unzstd(name, data, size, MAX_BYTES, &text, &n, err)
                 : trace_inflate(name, data, size, MAX_BYTES, &text, &n, err);
        if (rc == PCL_OK) {
            rc = parse_text(name, text, n, out, err);
            free(text);
        }
    }
    if (rc == PCL_OK)
        pcl_sha256_hex(data, size, (*out)->sha256);
    return rc;
}

int pcl_trace_read(const char *path, struct pcl_trace **out, struct pcl_err *err)
{
    char *data;
    size_t size;
    int rc = pcl_read_file(path, MAX_BYTES, &data, &size, err);

    if (rc != PCL_OK)
        return rc;
    rc =
        pcl_trace_parse(strcmp(path, "-") == 0 ? "standard input" : path, data, size, out, err);
    free(data);
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
    free(t->ops);
    free(t->skips);
    free(t->notes);
    free(t->locks);
    free(t->device);
    free(t->path);
    free(t);
}

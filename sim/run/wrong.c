/*
 * What has been found wrong, in words; rows of text beside each other; and the last steps of
 * all who take part, from the kernel's notes, as people draw races:
 *
 *              task 3, CPU1             | task 9, CPU0
 *              -------------------------+------------------------
 *     -1.20us  > read pages 4-7         |
 *     -1.05us                           | remove 4
 */
#include "wrong.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* --- words
 * ------------------------------------------------------------------------------------ */

static void content_text(pcl_content c, char *buf, size_t n)
{
    uint32_t id = (uint32_t)(c >> 32), page = (uint32_t)c;

    if (id == 0)
        (void)snprintf(buf, n, "zeroes");
    else if (id == PCL_CONTENT_ID_GARBAGE)
        (void)snprintf(buf, n, "what was never filled");
    else if (id == PCL_CONTENT_ID_INITIAL)
        (void)snprintf(buf, n, "what was on disk for page %" PRIu32, page);
    else
        (void)snprintf(buf, n, "what write %" PRIu32 " wrote for page %" PRIu32,
                       id - PCL_CONTENT_ID_INITIAL, page);
}

void wrong_text(const struct pcl_wrong_info *w, const char *who, char *buf, size_t n)
{
    char seen[64], right[64];

    content_text(w->seen, seen, sizeof seen);
    content_text(w->right, right, sizeof right);
    if (w->what == PCL_WRONG_LOST)
        (void)snprintf(buf, n, "page %" PRIu64 " of file %" PRIu32 ": %s loses %s", w->pgoff,
                       w->inode, who, seen);
    else if (w->what == PCL_WRONG_TORN)
        (void)snprintf(buf, n,
                       "pages %" PRIu64 " and %" PRIu64 " of file %" PRIu32
                       ": in one call %s has "
                       "%s and %s",
                       w->other, w->pgoff, w->inode, who, right, seen);
    else
        (void)snprintf(buf, n, "page %" PRIu64 " of file %" PRIu32 ": %s meets %s; right is %s",
                       w->pgoff, w->inode, who, seen, right);
}

void wrong_who(const struct pcl_kernel *k, uint32_t n_tasks, uint32_t body, char *buf, size_t n)
{
    if (body < n_tasks)
        (void)snprintf(buf, n, "task %" PRIu32 " (%s)", body,
                       pcl_op_name((enum pcl_op)pcl_call_of(k, body)->op));
    else
        (void)snprintf(buf, n, "%s", body == k->flusher ? "the flusher" : "an interrupt");
}

/* --- columns
 * ---------------------------------------------------------------------------------- */

/* How much of a text goes into one line: to a blank, if there is one in its second half. */
static size_t fits(const char *p, size_t width)
{
    size_t n = strlen(p), fit = width;

    if (n <= width)
        return n;
    while (fit > width / 2 && p[fit] != ' ')
        fit--;
    return p[fit] == ' ' ? fit : width;
}

void columns_row(const struct columns *c, uint32_t column, const char *text)
{
    const char *p = text, *lead = c->lead;

    while (*p) {
        size_t n = fits(p, c->width);

        if (lead)
            (void)fprintf(c->out, "%*s  ", c->lead_width, p == text ? lead : "");
        for (uint32_t i = 0; i < column; i++)
            (void)fprintf(c->out, "%*s| ", (int)c->width + 1, "");
        (void)fprintf(c->out, "%.*s", (int)n, p);
        for (size_t k = n; column + 1 < c->n && k < c->width + 1; k++)
            (void)fputc(' ', c->out);
        for (uint32_t i = column + 1; i < c->n; i++)
            (void)fprintf(c->out, "|%*s", i + 1 < c->n ? (int)c->width + 2 : 0, "");
        (void)fputc('\n', c->out);
        p += n;
        p += strspn(p, " ");
    }
}

void columns_rule(const struct columns *c)
{
    if (c->lead)
        (void)fprintf(c->out, "%*s  ", c->lead_width, "");
    for (uint32_t i = 0; i < c->n; i++) {
        for (uint32_t k = 0; k < c->width + (i + 1 < c->n); k++)
            (void)fputc('-', c->out);
        (void)fputs(i + 1 < c->n ? "+-" : "\n", c->out);
    }
}

/* --- parties
 * ---------------------------------------------------------------------------------- */

/* When a body last had to do with a page, as a step's number; 0: not that is known. */
static uint64_t last_at(const struct pcl_kernel *k, uint32_t body, uint32_t inode,
                        uint64_t page, const struct pcl_last_step **step)
{
    for (uint32_t n = pcl_last_of(k, body, step); n > 0; n--) {
        const struct pcl_last_step *s = step[n - 1];
        bool begins = s->pc == 0;

        if (s->inode == inode &&
            (begins ? s->page <= page && page <= s->last : s->page == page))
            return s->seq;
    }
    return 0;
}

void parties_of_page(const struct pcl_kernel *k, uint32_t n_tasks, uint32_t body,
                     uint32_t inode, uint64_t page, struct parties *out)
{
    uint64_t latest[PCL_PARTIES] = {0};
    const struct pcl_last_step **step;

    *out = (struct parties){.n = 0};
    if (!k->last.step)
        return;
    step = pcl_xcalloc(k->last.n, sizeof(*step));
    if (body < n_tasks) {
        out->body[0] = body;
        latest[out->n++] = UINT64_MAX;
    }
    for (uint32_t b = 0; b < n_tasks; b++) {
        uint64_t at = b == body ? 0 : last_at(k, b, inode, page, step);
        uint32_t i = out->n;

        if (at == 0 || (i == PCL_PARTIES && latest[i - 1] > at))
            continue;
        i -= i == PCL_PARTIES;
        for (; i > 0 && latest[i - 1] < at; i--) {
            latest[i] = latest[i - 1];
            out->body[i] = out->body[i - 1];
        }
        latest[i] = at;
        out->body[i] = b;
        out->n += out->n < PCL_PARTIES;
    }
    free(step);
}

struct row {
    const struct pcl_last_step *step;
    uint32_t column;
};

static int by_order(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return (x->step->seq > y->step->seq) - (x->step->seq < y->step->seq);
}

static void print_heads(const struct pcl_kernel *k, const struct parties *p, struct columns *c)
{
    (void)fprintf(c->out, "%*s  ", c->lead_width, "");
    for (uint32_t i = 0; i < p->n; i++) {
        char head[40];

        (void)snprintf(head, sizeof head, "task %" PRIu32 ", CPU%u", p->body[i],
                       k->m->task[p->body[i]].cpu);
        (void)fprintf(c->out, "%-*s%s", i + 1 < p->n ? (int)c->width + 1 : 0, head,
                      i + 1 < p->n ? "| " : "\n");
    }
    columns_rule(c);
}

static void print_rows(const struct pcl_kernel *k, struct columns *c, const struct row *row,
                       uint32_t n, pcl_ns now)
{
    for (uint32_t i = 0; i < n; i++) {
        char text[160], ago[32], lead[40];

        (void)snprintf(lead, sizeof lead, "-%s",
                       pcl_format_ns(now - row[i].step->at, ago, sizeof ago));
        c->lead = lead;
        columns_row(c, row[i].column, pcl_last_tell(k, row[i].step, text, sizeof text));
    }
}

char *parties_steps(const struct pcl_kernel *k, const struct parties *p, pcl_ns now)
{
    enum { WIDTH = 72, LEAD = 9 };
    char *text = NULL;
    size_t size = 0;
    uint32_t n = 0;

    if (!k->last.step || p->n == 0)
        return NULL;
    const struct pcl_last_step **step = pcl_xcalloc(k->last.n, sizeof(*step));
    struct row *row = pcl_xcalloc((size_t)k->last.n * p->n, sizeof(*row));
    struct columns c = {
        .n = p->n, .width = (WIDTH - LEAD - 2 + 3) / p->n - 3, .lead = "", .lead_width = LEAD};

    for (uint32_t i = 0; i < p->n; i++)
        for (uint32_t j = 0, of = pcl_last_of(k, p->body[i], step); j < of; j++)
            row[n++] = (struct row){step[j], i};
    qsort(row, n, sizeof(*row), by_order);
    c.out = open_memstream(&text, &size);
    PCL_ASSERT(c.out != NULL);
    print_heads(k, p, &c);
    print_rows(k, &c, row, n, now);
    (void)fclose(c.out);
    free(row);
    free(step);
    return text;
}

/*
 * Two short tables for people: what the waits for each lock were spent on, and who made whom wait.
 * They answer whether a lock is slow because its line bounces or because somebody holds it.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/display.h>
#include <pclsim/lockform.h>

/* A class's waits in both modes. */
struct sum {
    const char *name;
    pcl_ns total;
    struct pcl_wait_split split;
};

static int by_total(const void *a, const void *b)
{
    const struct sum *x = a, *y = b;

    if (x->total != y->total)
        return x->total < y->total ? 1 : -1;
    return strcmp(x->name, y->name);
}

static void add(struct sum *s, const struct pcl_lock_row *l)
{
    s->name = l->name;
    s->total += l->wait_total;
    s->split.line += l->split.line;
    s->split.spinlock += l->split.spinlock;
    s->split.optimistic += l->split.optimistic;
    s->split.conflict += l->split.conflict;
    s->split.wakeup += l->split.wakeup;
    s->split.cpu += l->split.cpu;
}

/* The contended classes, the longest total first; malloc'ed. */
static struct sum *sums(const struct pcl_result *r, size_t *n)
{
    struct sum *v = pcl_xcalloc(r->n_locks + 1, sizeof(*v));

    *n = 0;
    for (size_t i = 0; i < r->n_locks; i++) {
        size_t k = 0;

        if (r->locks[i].contentions == 0)
            continue;
        while (k < *n && strcmp(v[k].name, r->locks[i].name) != 0)
            k++;
        *n += k == *n;
        add(&v[k], &r->locks[i]);
    }
    qsort(v, *n, sizeof(*v), by_total);
    return v;
}

static const char *time_text(pcl_ns ns, char buf[16])
{
    struct pcl_scale s = pcl_scale_for("ns", (double)ns);
    char number[12];

    (void)snprintf(buf, 16, "%s%.2s", pcl_show((double)ns, &s, number, sizeof(number)), s.unit);
    return buf;
}

static void share(FILE *out, int width, pcl_ns part, pcl_ns total)
{
    fprintf(out, "%*.1f%%", width - 1, total ? 100.0 * (double)part / (double)total : 0.0);
}

static void causes(FILE *out, const struct sum *v, size_t n)
{
    char text[16];

    fprintf(out, "%-12s%9s%8s%9s%11s%9s%8s%6s\n", "lock", "waits", "line", "spinlock",
            "optimistic", "conflict", "wake-up", "cpu");
    for (size_t i = 0; i < n; i++) {
        const struct pcl_wait_split *s = &v[i].split;

        fprintf(out, "%-12.11s%9s", v[i].name, time_text(v[i].total, text));
        share(out, 8, s->line, v[i].total);
        share(out, 9, s->spinlock, v[i].total);
        share(out, 11, s->optimistic, v[i].total);
        share(out, 9, s->conflict, v[i].total);
        share(out, 8, s->wakeup, v[i].total);
        share(out, 6, s->cpu, v[i].total);
        (void)fputc('\n', out);
    }
}

static void put_who(FILE *out, int width, const char *op, char mode)
{
    char text[32];

    (void)snprintf(text, sizeof(text), *op ? "%.*s %c" : "-", width - 3, op, mode);
    fprintf(out, "%-*s", width, text);
}

static void pairs(FILE *out, const struct pcl_result *r, size_t rows)
{
    char count[16], total[16], longest[16];
    size_t n = r->n_blocked < rows ? r->n_blocked : rows;
    pcl_ns rest = 0;

    fprintf(out, "%-11s%-15s%-13s%-13s%6s%7s%7s\n", "lock", "who waits", "for", "behind", "waits",
            "total", "max");
    for (size_t i = 0; i < n; i++) {
        const struct pcl_blocked_row *b = &r->blocked[i];

        fprintf(out, "%-11.10s", b->lock);
        put_who(out, 15, b->waiter, b->waiter_mode);
        put_who(out, 13, b->holder, b->holder_mode);
        put_who(out, 13, b->behind, b->behind_mode);
        fprintf(out, "%6s%7s%7s\n", pcl_format_count((double)b->count, count, sizeof(count)),
                time_text(b->total, total), time_text(b->longest, longest));
    }
    for (size_t i = n; i < r->n_blocked; i++)
        rest += r->blocked[i].total;
    if (r->n_blocked > n)
        fprintf(out, "%-58s%7s\n", "others", time_text(rest, total));
}

void pcl_lock_waits_text(FILE *out, const struct pcl_result *r, size_t rows)
{
    size_t n;
    struct sum *v = sums(r, &n);

    if (n) {
        char title[192];

        (void)snprintf(title, sizeof(title), "%s, all replications (lower is better)", r->scheme);
        (void)fputc('\n', out);
        pcl_wrap(out, "Waits for locks: ", 2, title);
        causes(out, v, n);
        (void)fputc('\n', out);
        pairs(out, r, rows);
    }
    free(v);
}

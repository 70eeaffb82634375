/*
 * A result's lock rows as /proc/lock_stat prints them (kernel/locking/lockdep_proc.c), column
 * for column, so that eyes and scripts that know the one can read the other.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/lockform.h>

enum {
    NAME = 40,
    COLUMN = 14,
    COLUMNS = 12,
    RULE = NAME + 1 + COLUMNS * (COLUMN + 1),
    ADDRESS = 29,
    POINTS = 4 /* of each kind below a class */
};

/* A class: what lock_stat prints together. */
struct class
{
    const struct pcl_lock_row *write, *read;
    uint64_t contentions;
};

void pcl_lockform_title(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f)
{
    fprintf(out, "# ");
    if (f && f->title && *f->title)
        fprintf(out, "%s, ", f->title);
    fprintf(out, "scheme %s, replication %u%s\n", r->scheme, (unsigned)r->replication,
            r->failed ? ", failed" : "");
}

static void rule(FILE *out, char c, int from, int length)
{
    fprintf(out, "%*s", from, "");
    for (int i = 0; i < length; i++)
        (void)fputc(c, out);
    (void)fputc('\n', out);
}

static void header(FILE *out)
{
    static const char *const names[COLUMNS] = {
        "con-bounces",    "contentions",  "waittime-min",   "waittime-max",
        "waittime-total", "waittime-avg", "acq-bounces",    "acquisitions",
        "holdtime-min",   "holdtime-max", "holdtime-total", "holdtime-avg"};

    fprintf(out, "lock_stat version 0.4\n");
    rule(out, '-', 0, RULE);
    fprintf(out, "%*s", NAME, "class name");
    for (int i = 0; i < COLUMNS; i++)
        fprintf(out, " %*s", COLUMN, names[i]);
    fprintf(out, "\n");
    rule(out, '-', 0, RULE);
    fprintf(out, "\n");
}

/* us, two decimals, rounded as the kernel does it. */
static void put_time(FILE *out, pcl_ns ns)
{
    char text[32];
    int64_t rounded = ns > PCL_NS_MAX - 5 ? ns : ns + 5;

    (void)snprintf(text, sizeof(text), "%lld.%02d", (long long)(rounded / 1000),
                   (int)(rounded % 1000 / 10));
    fprintf(out, " %*s", COLUMN, text);
}

static void put_times(FILE *out, pcl_ns min, pcl_ns max, pcl_ns total, uint64_t n)
{
    put_time(out, min);
    put_time(out, max);
    put_time(out, total);
    put_time(out, n ? (pcl_ns)((uint64_t)total / n) : 0);
}

static void put_row(FILE *out, const struct pcl_lock_row *l, const char *suffix)
{
    char name[sizeof(l->name) + 4];

    (void)snprintf(name, sizeof(name), "%s%s:", l->name, suffix);
    fprintf(out, "%*s", NAME + 1, name);
    fprintf(out, "%*llu %*llu", COLUMN, (unsigned long long)l->con_bounces, COLUMN,
            (unsigned long long)l->contentions);
    put_times(out, l->wait_min, l->wait_max, l->wait_total, l->contentions);
    fprintf(out, " %*llu %*llu", COLUMN, (unsigned long long)l->acq_bounces, COLUMN,
            (unsigned long long)l->acquisitions);
    put_times(out, l->hold_min, l->hold_max, l->hold_total, l->acquisitions);
    fprintf(out, "\n");
}

/* Who waited, or who had the lock then: the most frequent places. In the kernel's file there stands
 * an address and a function; here the number of the path's step and its name. */
static int put_points(FILE *out, const struct pcl_result *r, const char *name, bool holds)
{
    int n = 0, length = (int)strlen(name) + 2;
    char at[ADDRESS];

    for (size_t i = 0; i < r->n_points && n < POINTS; i++) {
        const struct pcl_lock_point *p = &r->points[i];

        if (p->holds != holds || strcmp(p->lock, name) != 0)
            continue;
        if (n++ == 0)
            rule(out, '-', NAME - length, length);
        (void)snprintf(at, sizeof(at), "[<%s>]", p->at);
        fprintf(out, "%*s %*llu %*s %s\n", NAME, name, COLUMN, (unsigned long long)p->count,
                ADDRESS, at, p->what);
    }
    return n;
}

static struct class *class_of(struct class *v, size_t *n, const char *name)
{
    for (size_t i = 0; i < *n; i++)
        if (strcmp((v[i].write ? v[i].write : v[i].read)->name, name) == 0)
            return &v[i];
    return &v[(*n)++];
}

static int by_contentions(const void *a, const void *b)
{
    const struct class *x = a, *y = b;

    if (x->contentions != y->contentions)
        return x->contentions < y->contentions ? 1 : -1;
    return strcmp((x->write ? x->write : x->read)->name, (y->write ? y->write : y->read)->name);
}

void pcl_lockstat_print(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f)
{
    struct class *v = pcl_xcalloc(r->n_locks + 1, sizeof(*v));
    size_t n = 0;

    for (size_t i = 0; i < r->n_locks; i++) {
        struct class *c = class_of(v, &n, r->locks[i].name);

        *(r->locks[i].mode == 'S' ? &c->read : &c->write) = &r->locks[i];
        c->contentions += r->locks[i].contentions;
    }
    qsort(v, n, sizeof(*v), by_contentions);
    pcl_lockform_title(out, r, f);
    header(out);
    for (size_t i = 0; i < n; i++) {
        if (v[i].write)
            put_row(out, v[i].write, v[i].read ? "-W" : "");
        if (v[i].read)
            put_row(out, v[i].read, "-R");
        const char *name = (v[i].write ? v[i].write : v[i].read)->name;
        int points = put_points(out, r, name, false);

        if (points + put_points(out, r, name, true) == 0)
            continue;
        fprintf(out, "\n");
        rule(out, '.', 0, RULE);
        fprintf(out, "\n");
    }
    free(v);
}

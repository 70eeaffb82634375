/*
 * A result's lock rows as perf lock contention prints them (tools/perf/builtin-lock.c): who
 * waited how long for what, the worst first. perf names the code that waited; a simulation
 * knows the lock class instead.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/lockform.h>

enum {
    TYPE = 12 /* columns of a type, if all fit */
};

/* What stands in a class's role: "rwsem:W"; page locks have one mode. */
static const char *type_of(const struct pcl_lock_row *l, const struct pcl_lockform *f,
                           char *buf, size_t n)
{
    enum pcl_role role = pcl_role_find(l->name);
    const char *lock = role == PCL_N_ROLES     ? l->name
                       : role == PCL_ROLE_PAGE ? "hybrid"
                                               : "rwsem";

    if (f && f->scheme && role != PCL_N_ROLES && f->scheme->role[role].lock[0])
        lock = f->scheme->role[role].lock;
    if (role == PCL_N_ROLES || (role == PCL_ROLE_PAGE && l->mode == 'X'))
        (void)snprintf(buf, n, "%s", lock);
    else
        (void)snprintf(buf, n, "%s:%c", lock, l->mode == 'S' ? 'R' : 'W');
    return buf;
}

static int by_total_wait(const void *a, const void *b)
{
    const struct pcl_lock_row *x = *(const struct pcl_lock_row *const *)a;
    const struct pcl_lock_row *y = *(const struct pcl_lock_row *const *)b;

    if (x->wait_total != y->wait_total)
        return x->wait_total < y->wait_total ? 1 : -1;
    return strcmp(x->name, y->name) ? strcmp(x->name, y->name) : y->mode - x->mode;
}

/* The contended rows, the longest total wait first; malloc'ed. */
static const struct pcl_lock_row **contended(const struct pcl_result *r, size_t *n)
{
    const struct pcl_lock_row **v = pcl_xcalloc(r->n_locks + 1, sizeof(*v));

    *n = 0;
    for (size_t i = 0; i < r->n_locks; i++)
        if (r->locks[i].contentions)
            v[(*n)++] = &r->locks[i];
    qsort(v, *n, sizeof(*v), by_total_wait);
    return v;
}

static pcl_ns average(const struct pcl_lock_row *l)
{
    return (pcl_ns)((uint64_t)l->wait_total / l->contentions);
}

static void put_time(FILE *out, pcl_ns ns)
{
    static const struct {
        int64_t base;
        const char *unit;
    } units[] = {{INT64_C(3600000000000), "h "},
                 {INT64_C(60000000000), "m "},
                 {INT64_C(1000000000), "s "},
                 {INT64_C(1000000), "ms"},
                 {INT64_C(1000), "us"}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (ns >= units[i].base) {
            fprintf(out, " %9.2f %s", (double)ns / (double)units[i].base, units[i].unit);
            return;
        }
    fprintf(out, " %9lld ns", (long long)ns);
}

void pcl_perf_lock_print(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f)
{
    size_t n;
    const struct pcl_lock_row **v = contended(r, &n);
    char type[64];
    int width = TYPE;

    for (size_t i = 0; i < n; i++)
        if ((int)strlen(type_of(v[i], f, type, sizeof(type))) > width)
            width = (int)strlen(type);
    pcl_lockform_title(out, r, f);
    fprintf(out, "%10s %12s %12s %12s %*s   %s\n\n", "contended", "total wait", "max wait",
            "avg wait", width, "type", "caller");
    for (size_t i = 0; i < n; i++) {
        fprintf(out, "%10llu", (unsigned long long)v[i]->contentions);
        put_time(out, v[i]->wait_total);
        put_time(out, v[i]->wait_max);
        put_time(out, average(v[i]));
        fprintf(out, " %*s   %s\n", width, type_of(v[i], f, type, sizeof(type)), v[i]->name);
    }
    free(v);
}

void pcl_perf_lock_csv(FILE *out, const struct pcl_result *r, const struct pcl_lockform *f)
{
    size_t n;
    const struct pcl_lock_row **v = contended(r, &n);
    char type[64];

    pcl_lockform_title(out, r, f);
    fprintf(out, "# output: contended, total wait, max wait, avg wait, type, caller\n");
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%llu, %lld, %lld, %lld, %s, %s\n", (unsigned long long)v[i]->contentions,
                (long long)v[i]->wait_total, (long long)v[i]->wait_max,
                (long long)average(v[i]), type_of(v[i], f, type, sizeof(type)), v[i]->name);
    free(v);
}

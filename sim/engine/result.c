/*
 * The result of a run: growing arrays of plain rows and their owner. An array's capacity
 * is the next power of two of its length, so that the public structure needs no capacity
 * fields.
 */
#include <pclsim/result.h>

#include <stdlib.h>
#include <string.h>

#define MAX_VIOLATIONS 100 /* kept with their steps; the rest is only counted */

void pcl_result_init(struct pcl_result *r)
{
    *r = (struct pcl_result){0};
}

void pcl_result_fini(struct pcl_result *r)
{
    for (size_t i = 0; i < r->n_hists; i++)
        pcl_hist_fini(&r->hists[i].h);
    for (size_t i = 0; i < r->n_courses; i++)
        pcl_course_fini(&r->courses[i].t);
    for (size_t i = 0; i < r->n_violations; i++)
        free(r->violations[i].steps);
    free(r->metrics);
    free(r->hists);
    free(r->courses);
    free(r->locks);
    free(r->blocked);
    free(r->points);
    free(r->violations);
    pcl_windows_fini(&r->windows);
    pcl_result_init(r);
}

/* Makes room for one row after n rows of the given size. */
static void *grown(void *rows, size_t n, size_t size)
{
    bool full = (n & (n - 1)) == 0; /* 0, 1, 2, 4, 8 ... */

    return full ? pcl_xrealloc(rows, n ? 2 * n : 1, size) : rows;
}

static void set_text(char *to, size_t size, const char *from)
{
    size_t n = from ? strnlen(from, size - 1) : 0;

    if (n)
        memcpy(to, from, n);
    to[n] = '\0';
}

struct pcl_metric *pcl_result_add(struct pcl_result *r, const char *name, const char *object,
                                  const char *unit, enum pcl_better better, double value)
{
    r->metrics = grown(r->metrics, r->n_metrics, sizeof(*r->metrics));

    struct pcl_metric *m = &r->metrics[r->n_metrics++];
    *m = (struct pcl_metric){.better = better, .value = value};
    set_text(m->name, sizeof(m->name), name);
    set_text(m->object, sizeof(m->object), object);
    set_text(m->unit, sizeof(m->unit), unit);
    return m;
}

const struct pcl_metric *pcl_result_find(const struct pcl_result *r, const char *name,
                                         const char *object)
{
    for (size_t i = 0; i < r->n_metrics; i++) {
        const struct pcl_metric *m = &r->metrics[i];

        if (strncmp(m->name, name, sizeof(m->name) - 1) == 0 &&
            strncmp(m->object, object, sizeof(m->object) - 1) == 0)
            return m;
    }
    return NULL;
}

struct pcl_hist *pcl_result_add_hist(struct pcl_result *r, const char *name, const char *object)
{
    r->hists = grown(r->hists, r->n_hists, sizeof(*r->hists));

    struct pcl_named_hist *h = &r->hists[r->n_hists++];
    set_text(h->name, sizeof(h->name), name);
    set_text(h->object, sizeof(h->object), object);
    pcl_hist_init(&h->h);
    return &h->h;
}

struct pcl_course *pcl_result_add_course(struct pcl_result *r, const char *lock)
{
    r->courses = grown(r->courses, r->n_courses, sizeof(*r->courses));

    struct pcl_named_course *t = &r->courses[r->n_courses++];
    set_text(t->lock, sizeof(t->lock), lock);
    pcl_course_init(&t->t, 0);
    return &t->t;
}

struct pcl_lock_row *pcl_result_add_lock(struct pcl_result *r, const char *name, char mode)
{
    r->locks = grown(r->locks, r->n_locks, sizeof(*r->locks));

    struct pcl_lock_row *l = &r->locks[r->n_locks++];
    *l = (struct pcl_lock_row){.mode = mode};
    set_text(l->name, sizeof(l->name), name);
    return l;
}

struct pcl_blocked_row *pcl_result_add_blocked(struct pcl_result *r)
{
    r->blocked = grown(r->blocked, r->n_blocked, sizeof(*r->blocked));

    struct pcl_blocked_row *b = &r->blocked[r->n_blocked++];
    *b = (struct pcl_blocked_row){.waiter_mode = '-', .holder_mode = '-', .behind_mode = '-'};
    return b;
}

struct pcl_lock_point *pcl_result_add_point(struct pcl_result *r)
{
    r->points = grown(r->points, r->n_points, sizeof(*r->points));

    struct pcl_lock_point *p = &r->points[r->n_points++];
    *p = (struct pcl_lock_point){0};
    return p;
}

struct pcl_violation *pcl_result_add_violation(struct pcl_result *r)
{
    r->total_violations++;
    if (r->n_violations == MAX_VIOLATIONS)
        return NULL;
    r->violations = grown(r->violations, r->n_violations, sizeof(*r->violations));

    struct pcl_violation *v = &r->violations[r->n_violations++];
    *v = (struct pcl_violation){0};
    return v;
}

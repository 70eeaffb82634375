/*
 * When a study has enough replications. Each look sees, point by point, the first so many
 * replications of all schemes and follows the rule of pclsim/stats.h; a point whose intervals
 * are narrow enough, or that cannot get narrower, is left alone. With a budget the runs go to
 * the widest intervals first. Nothing but the values decides, so that any number of workers,
 * and any interruption, ends with the same runs.
 */
#include <math.h>
#include <stdlib.h>

#include "study_internal.h"

struct point {
    uint32_t reps, next; /* that it has; that it asks for */
    bool over, mine;
    double widest;
};

struct pcl_goal {
    const struct pcl_study *study;
    const struct pcl_study_precision *how;
    struct pcl_study_cell *cell;
    struct point *point;
    double **value; /* by cell: [room], of its replications */
    uint32_t *room;
    double *x, *base; /* one cell's, without gaps */
    size_t spent;     /* runs, the present round included */
    double widest;
};

static size_t mine(const struct pcl_goal *g)
{
    size_t n = 0;

    for (size_t p = 0; p < g->study->n_points; p++)
        n += g->point[p].mine;
    return n;
}

struct pcl_goal *pcl_goal_new(const struct pcl_study *s, const struct pcl_study_exec *e,
                              struct pcl_err *err)
{
    size_t cells = s->n_points * s->n_schemes;
    struct pcl_goal *g = pcl_xcalloc(1, sizeof(*g));
    uint32_t least = (uint32_t)e->precision->rule.least;

    PCL_ASSERT(e->cells && e->precision->rule.most == s->reps && least <= s->reps);
    g->study = s;
    g->how = e->precision;
    g->cell = e->cells;
    g->point = pcl_xcalloc(s->n_points, sizeof(*g->point));
    g->value = pcl_xcalloc(cells, sizeof(*g->value));
    g->room = pcl_xcalloc(cells, sizeof(*g->room));
    g->x = pcl_xcalloc(s->reps, sizeof(*g->x));
    g->base = pcl_xcalloc(s->reps, sizeof(*g->base));
    for (size_t p = 0; p < s->n_points; p++) {
        g->point[p].mine = pcl_study_in_shard(s, e, p * s->n_schemes * s->reps);
        g->point[p].reps = g->point[p].mine ? least : 0;
    }
    for (size_t c = 0; c < cells; c++)
        g->cell[c] = (struct pcl_study_cell){.relative = HUGE_VAL, .wanted = SIZE_MAX};
    g->spent = mine(g) * s->n_schemes * least;
    if (g->how->budget && g->spent > g->how->budget) {
        (void)pcl_fail(err, PCL_EINVAL,
                       "the budget of %zu runs does not pay for the first %u replications "
                       "of each cell: want at least %zu",
                       g->how->budget, (unsigned)least, g->spent);
        pcl_goal_free(g);
        return NULL;
    }
    return g;
}

void pcl_goal_free(struct pcl_goal *g)
{
    if (!g)
        return;
    for (size_t c = 0; c < g->study->n_points * g->study->n_schemes; c++)
        free(g->value[c]);
    free(g->value);
    free(g->room);
    free(g->point);
    free(g->x);
    free(g->base);
    free(g);
}

uint32_t pcl_goal_reps(const struct pcl_goal *g, size_t point)
{
    return g->point[point].reps;
}

double pcl_goal_widest(const struct pcl_goal *g)
{
    return g->widest;
}

void pcl_goal_note(struct pcl_goal *g, size_t job, const struct pcl_study_outcome *o)
{
    size_t c = job / g->study->reps;
    uint32_t rep = pcl_study_rep_of(g->study, job),
             want = g->point[c / g->study->n_schemes].reps;

    if (want > g->room[c]) {
        g->value[c] = pcl_xrealloc(g->value[c], want, sizeof(double));
        g->room[c] = want;
    }
    g->value[c][rep] = o->failed ? (double)NAN : o->value;
}

/* --- a look ----------------------------------------------------------------------------------
 */

/* A cell's values, if all are there. */
static bool values(const struct pcl_goal *g, size_t c, double *x)
{
    uint32_t n = g->point[c / g->study->n_schemes].reps;

    for (uint32_t i = 0; i < n; i++) {
        if (!isfinite(g->value[c][i]))
            return false;
        x[i] = g->value[c][i];
    }
    return true;
}

static void look_at_cell(struct pcl_goal *g, size_t c)
{
    size_t p = c / g->study->n_schemes, first = p * g->study->n_schemes;
    struct point *point = &g->point[p];
    struct pcl_study_cell *cell = &g->cell[c];
    bool change = g->how->change && c != first;
    struct pcl_stop stop;

    cell->reps = point->reps;
    if (!values(g, c, g->x) || (change && !values(g, first, g->base))) {
        cell->end = PCL_CELL_BROKEN;
        cell->relative = HUGE_VAL;
        point->over = true;
        return;
    }
    if (change)
        pcl_stop_paired(g->base, g->x, point->reps, &g->how->rule, &stop);
    else
        pcl_stop_mean(g->x, point->reps, &g->how->rule, &stop);
    cell->relative = stop.relative;
    cell->wanted = stop.wanted;
    cell->end = stop.why == PCL_STOP_REACHED  ? PCL_CELL_REACHED
                : stop.why == PCL_STOP_CAPPED ? PCL_CELL_CAPPED
                                              : PCL_CELL_OPEN;
    if (cell->end == PCL_CELL_OPEN && stop.next > point->next)
        point->next = (uint32_t)stop.next;
    if (cell->end != PCL_CELL_REACHED && cell->relative > point->widest)
        point->widest = cell->relative;
}

static void look_at_point(struct pcl_goal *g, size_t p)
{
    size_t n = g->study->n_schemes;

    g->point[p].next = 0;
    g->point[p].widest = 0;
    for (size_t k = g->how->change ? 1 : 0; k < n; k++)
        look_at_cell(g, p * n + k);
    if (g->how->change) /* nothing is asked of the first scheme */
        g->cell[p * n] = (struct pcl_study_cell){
            .end = PCL_CELL_REACHED, .reps = g->point[p].reps, .relative = 0};
    if (g->point[p].next == 0)
        g->point[p].over = true;
}

/* Points that ask for more, the widest first. */
struct asking {
    size_t p;
    double widest;
};

static int wider_first(const void *a, const void *b)
{
    const struct asking *x = a, *y = b;

    if (x->widest != y->widest)
        return x->widest > y->widest ? -1 : 1;
    return x->p < y->p ? -1 : x->p > y->p;
}

static void leave_unpaid(struct pcl_goal *g, size_t p)
{
    g->point[p].over = true;
    for (size_t k = 0; k < g->study->n_schemes; k++) {
        struct pcl_study_cell *cell = &g->cell[p * g->study->n_schemes + k];

        if (cell->end == PCL_CELL_OPEN)
            cell->end = PCL_CELL_UNPAID;
    }
}

bool pcl_goal_look(struct pcl_goal *g)
{
    struct asking *ask = pcl_xcalloc(g->study->n_points, sizeof(*ask));
    size_t n = 0;
    bool more = false;

    g->widest = 0;
    for (size_t p = 0; p < g->study->n_points; p++) {
        struct point *point = &g->point[p];

        if (!point->mine)
            continue;
        if (!point->over)
            look_at_point(g, p);
        if (point->widest > g->widest && isfinite(point->widest))
            g->widest = point->widest;
        if (!point->over)
            ask[n++] = (struct asking){p, point->widest};
    }
    qsort(ask, n, sizeof(*ask), wider_first);
    for (size_t i = 0; i < n; i++) {
        struct point *point = &g->point[ask[i].p];
        size_t cost = (point->next - point->reps) * g->study->n_schemes;

        if (g->how->budget && g->spent + cost > g->how->budget) {
            leave_unpaid(g, ask[i].p);
            continue;
        }
        g->spent += cost;
        point->reps = point->next;
        more = true;
    }
    free(ask);
    return more;
}

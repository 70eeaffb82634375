/*
 * Schedules one at a time: drawn, or given as text.
 *
 * PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010): each body gets a random priority
 * and the highest one that can step does; at d - 1 places, drawn over the length of a run, whoever
 * steps falls behind everybody else. A bug that needs d orderings among n tasks of k steps is met
 * by one run with a probability of at least 1 / (n k^(d - 1)).
 */
#include <pclsim/explore.h>

#include <stdlib.h>
#include <string.h>

#include "explore_store.h"

enum {
    DEFAULT_STEPS = 100000,
    MOST_DEPTH = 64
};

/* --- drawn ---------------------------------------------------------------------------------- */

struct sample {
    const struct pcl_explore_conf *conf;
    const struct pcl_sample_conf *how;
    struct pcl_machine *m;
    struct pcl_explore_result *r;
    uint64_t run;
    uint64_t drawn;      /* in this run */
    uint32_t *priority;  /* [n_bodies] */
    uint32_t change[MOST_DEPTH];
    uint32_t longest;    /* run so far */
    uint32_t *taken;     /* [max_steps] body * 2 + answer */
    uint32_t n_taken;
};

static uint64_t draw(struct sample *s, uint64_t below)
{
    struct pcl_stream st = pcl_stream(s->how->seed, 0, s->run, PCL_DRAW_ANALYSIS);

    return pcl_below(st, s->drawn++, 0, below);
}

static void begin_run(struct sample *s)
{
    uint32_t n = s->m->n_bodies;

    s->drawn = s->n_taken = 0;
    for (uint32_t b = 0; b < n; b++)
        s->priority[b] = s->how->depth + b;
    for (uint32_t b = n - 1; b > 0; b--) {
        uint32_t k = (uint32_t)draw(s, b + 1), p = s->priority[b];

        s->priority[b] = s->priority[k];
        s->priority[k] = p;
    }
    for (uint32_t d = 0; d + 1 < s->how->depth; d++)
        s->change[d] = (uint32_t)draw(s, s->longest);
}

/* Who steps next; PCL_NONE: nobody can. */
static uint32_t pick(struct sample *s)
{
    uint32_t best = PCL_NONE, n = 0;

    for (uint32_t b = 0; b < s->m->n_bodies; b++) {
        if (!pcl_machine_can_step(s->m, b))
            continue;
        n++;
        if (s->how->how == PCL_SAMPLE_RANDOM ? draw(s, n) == 0
                                             : best == PCL_NONE ||
                                                   s->priority[b] > s->priority[best])
            best = b;
    }
    return best;
}

static void report(struct sample *s, enum pcl_explore_verdict verdict, const char *why)
{
    free(s->r->schedule);
    s->r->schedule = schedule_text(s->taken, s->n_taken);
    s->r->verdict = verdict;
    snprintf(s->r->why, sizeof s->r->why, "%s", why);
}

static bool all_ended(const struct pcl_machine *m)
{
    for (uint32_t b = 0; b < m->n_tasks; b++)
        if (m->model[b].run != PCL_RUN_DEAD)
            return false;
    return true;
}

static void run(struct sample *s, uint32_t max_steps)
{
    const char *why = "the check failed";

    begin_run(s);
    while (s->n_taken < max_steps) {
        uint32_t b = pick(s);

        if (b == PCL_NONE) {
            if (!all_ended(s->m))
                report(s, PCL_EXPLORE_DEADLOCK, "tasks are left and nobody can go on");
            break;
        }
        bool yes = draw(s, 2) != 0;

        s->m->model[b].choice = yes;
        pcl_machine_step(s->m, b);
        s->taken[s->n_taken++] = b * 2 + (yes && s->m->asked);
        s->r->steps++;
        for (uint32_t d = 0; d + 1 < s->how->depth; d++)
            if (s->change[d] == s->n_taken)
                s->priority[b] = d;
        if (s->conf->check && !s->conf->check(s->conf->arg, &why)) {
            report(s, PCL_EXPLORE_VIOLATION, why);
            break;
        }
    }
    if (s->n_taken == max_steps && s->r->verdict == PCL_EXPLORE_OK)
        report(s, PCL_EXPLORE_ENDLESS, "the run is longer than the longest that was asked for");
    s->longest = s->n_taken > s->longest ? s->n_taken : s->longest;
}

void pcl_explore_sample(const struct pcl_explore_conf *conf, const struct pcl_sample_conf *how,
                        struct pcl_explore_result *result)
{
    uint32_t max_steps = how->max_steps ? how->max_steps : DEFAULT_STEPS;
    struct sample s = {.conf = conf,
                       .how = how,
                       .m = conf->m,
                       .r = result,
                       .priority = pcl_xcalloc(conf->m->n_bodies, sizeof *s.priority),
                       .longest = 1,
                       .taken = pcl_xcalloc((size_t)max_steps + 1, sizeof *s.taken)};
    size_t size = pcl_state_size(s.m->state);
    unsigned char *root = pcl_xcalloc(1, size + 1);

    PCL_ASSERT(conf->m->explore && how->depth <= MOST_DEPTH);
    *result = (struct pcl_explore_result){.schedule = pcl_xstrdup("")};
    pcl_state_save(s.m->state, root);
    for (s.run = 0; s.run < how->runs && result->verdict == PCL_EXPLORE_OK; s.run++) {
        if (conf->cancel && *conf->cancel) {
            result->interrupted = true;
            break;
        }
        pcl_state_restore(s.m->state, root);
        run(&s, max_steps);
        result->states++;
        result->depth = s.n_taken > result->depth ? s.n_taken : result->depth;
        result->ends += all_ended(s.m);
        if (conf->progress)
            conf->progress(conf->arg,
                           &(struct pcl_explore_progress){.states = result->states,
                                                          .steps = result->steps,
                                                          .depth = result->depth,
                                                          .level = how->runs - result->states});
    }
    pcl_state_restore(s.m->state, root);
    free(root);
    free(s.priority);
    free(s.taken);
}

/* --- given ---------------------------------------------------------------------------------- */

/* Three moves or more of one body without answers are written once, with their number. */
char *schedule_text(const uint32_t *move, size_t n)
{
    enum {
        LONGEST = 12 /* ".65535+" or ".65535x1234" and some */
    };
    size_t cap = n * LONGEST + 1, at = 0;
    char *text = pcl_xcalloc(cap, 1);

    for (size_t i = 0, same; i < n; i += same) {
        for (same = 1; i + same < n && move[i + same] == move[i] && move[i] % 2 == 0;)
            same++;
        if (same < 3)
            same = 1;
        at += (size_t)snprintf(text + at, cap - at, "%s%u%s", i ? "." : "", move[i] / 2,
                               move[i] % 2 ? "+" : "");
        if (same > 1)
            at += (size_t)snprintf(text + at, cap - at, "x%zu", same);
    }
    return text;
}

/* A number of at most most; stands behind it. */
static uint64_t number(const char **p, uint64_t most)
{
    uint64_t v = 0;

    while (**p >= '0' && **p <= '9' && v <= most)
        v = v * 10 + (uint64_t)(*(*p)++ - '0');
    return v;
}

int pcl_explore_replay(struct pcl_machine *m, const char *schedule,
                       bool (*tell)(void *arg, uint32_t body, bool yes), void *arg, size_t *at)
{
    const char *p = schedule;

    while (*p) {
        const char *start = p, *digits;
        uint64_t body = number(&p, m->n_bodies), times = 1;
        bool ok = p != start && body < m->n_bodies, yes = *p == '+';

        p += yes;
        if (*p == 'x' && !yes) {
            digits = ++p;
            times = number(&p, 1000000);
            ok = ok && p != digits && times > 0;
        }
        ok = ok && (*p == '\0' || (*p == '.' && p[1]));
        if (at)
            *at = (size_t)(start - schedule);
        for (; ok && times > 0; times--) {
            ok = pcl_machine_can_step(m, (uint32_t)body);
            if (!ok)
                break;
            m->model[body].choice = yes;
            pcl_machine_step(m, (uint32_t)body);
            if (tell && !tell(arg, (uint32_t)body, yes))
                return PCL_OK;
        }
        if (!ok)
            return PCL_EINVAL;
        p += *p == '.';
    }
    return PCL_OK;
}

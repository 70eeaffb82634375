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

enum {
    DEFAULT_STEPS = 100000,
    MOST_DEPTH = 64,
    FIRST_LENGTH = 200 /* of a run, before one was seen */
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
    size_t cap = (size_t)s->n_taken * 12 + 1, at = 0;
    char *text = pcl_xcalloc(cap, 1);

    for (uint32_t i = 0; i < s->n_taken; i++)
        at += (size_t)snprintf(text + at, cap - at, "%s%u%s", i ? "." : "", s->taken[i] / 2,
                               s->taken[i] % 2 ? "+" : "");
    free(s->r->schedule);
    s->r->schedule = text;
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
                       .longest = FIRST_LENGTH,
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

int pcl_explore_replay(struct pcl_machine *m, const char *schedule,
                       bool (*tell)(void *arg, uint32_t body, bool yes), void *arg, size_t *at)
{
    const char *p = schedule;

    while (*p) {
        uint64_t body = 0;
        const char *start = p;

        while (*p >= '0' && *p <= '9' && body < m->n_bodies)
            body = body * 10 + (uint64_t)(*p++ - '0');
        bool yes = *p == '+';
        bool ends = p[yes] == '\0' || (p[yes] == '.' && p[yes + 1]);

        if (at)
            *at = (size_t)(start - schedule);
        if (p == start || !ends || body >= m->n_bodies ||
            !pcl_machine_can_step(m, (uint32_t)body))
            return PCL_EINVAL;
        p += yes + (p[yes] == '.');
        m->model[body].choice = yes;
        pcl_machine_step(m, (uint32_t)body);
        if (tell && !tell(arg, (uint32_t)body, yes))
            break;
    }
    return PCL_OK;
}

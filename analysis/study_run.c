/*
 * Having a study run, in rounds: what the store has already is taken from it, the rest goes to
 * the workers, and each result is stored as it arrives, together with those that arrived
 * meanwhile. Without a wanted precision there is one round with all replications; with one, a
 * round adds replications where they are needed, until they are nowhere.
 *
 * Who wants results gets them in plan order, wherever they come from; a sweep does not, and so
 * neither reads the store's runs nor keeps its own.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "study_internal.h"

struct running {
    const struct pcl_study *study;
    const struct pcl_study_exec *exec;
    struct pcl_goal *goal; /* NULL: a fixed number of replications */
    struct pcl_err *err;
    uint32_t *had; /* replications that earlier rounds had, by point */
    /* the round */
    size_t *seq; /* jobs in plan order */
    size_t n_seq;
    size_t *todo; /* places in seq of those that must run */
    size_t n_todo;
    struct pcl_result **parked; /* results that wait for an earlier one, by place in seq */
    size_t next;                /* first place that was not delivered */
    struct pcl_study_progress progress;
    struct timespec began;
};

static bool ordered(const struct running *r)
{
    return r->exec->out || (r->exec->hooks && r->exec->hooks->result);
}

/* --- what has ended --------------------------------------------------------------------------
 */

static void note(struct running *r, size_t job, const struct pcl_study_outcome *o)
{
    const struct pcl_study_hooks *h = r->exec->hooks;
    struct timespec now;

    if (r->goal)
        pcl_goal_note(r->goal, job, o);
    r->progress.done++;
    r->progress.reused += o->reused;
    r->progress.failed += o->failed;
    if (h && h->ended)
        h->ended(job, o, h->arg);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    r->progress.seconds =
        (double)(now.tv_sec - r->began.tv_sec) + (double)(now.tv_nsec - r->began.tv_nsec) / 1e9;
    if (h && h->progress)
        h->progress(&r->progress, h->arg);
}

struct pcl_study_outcome pcl_study_outcome_of(const struct pcl_result *res,
                                              const struct pcl_study_precision *p)
{
    const struct pcl_metric *m =
        p && !res->failed ? pcl_result_find(res, p->metric, p->object) : NULL;
    struct pcl_study_outcome o = {.failed = res->failed,
                                  .violated = res->total_violations > 0,
                                  .code = res->code,
                                  .value = m ? m->value : (double)NAN,
                                  .wall_s = res->wall_s};

    if (res->failed)
        (void)snprintf(o.error, sizeof(o.error), "%.250s", res->error);
    return o;
}

static int deliver(struct running *r, size_t job, const struct pcl_result *res, bool reused)
{
    const struct pcl_study_hooks *h = r->exec->hooks;
    struct pcl_study_outcome o = pcl_study_outcome_of(res, r->exec->precision);
    int rc = PCL_OK;

    o.reused = reused;
    if (r->exec->out) {
        struct pcl_run_desc d;

        pcl_study_desc(r->study, job, &d);
        pcl_dataset_add(r->exec->out, &d, res);
    }
    if (h && h->result)
        rc = h->result(job, res, reused, h->arg);
    note(r, job, &o);
    return rc < 0 ? rc : PCL_OK;
}

static int deliver_reused(struct running *r, size_t job)
{
    struct pcl_result res;
    char key[65];
    int rc;

    pcl_result_init(&res);
    pcl_study_key(r->study, job, key);
    rc = pcl_store_get(r->exec->store, key, &res, r->err);
    if (rc == PCL_OK)
        rc = deliver(r, job, &res, true);
    pcl_result_fini(&res);
    return rc;
}

/* Delivers in plan order as far as it goes: what was parked, and what the store has. todo is in
 * order too, so its first entry not yet delivered tells which place waits for a run. */
static int deliver_ready(struct running *r, size_t *run)
{
    int rc = PCL_OK;

    while (rc == PCL_OK && r->next < r->n_seq) {
        size_t at = r->next;

        if (*run < r->n_todo && r->todo[*run] == at) {
            if (!r->parked[at])
                break;
            (*run)++;
            rc = deliver(r, r->seq[at], r->parked[at], false);
            pcl_result_fini(r->parked[at]);
            free(r->parked[at]);
            r->parked[at] = NULL;
        } else {
            rc = deliver_reused(r, r->seq[at]);
        }
        r->next++;
    }
    return rc;
}

/* --- what runs -------------------------------------------------------------------------------
 */

struct round {
    struct running *r;
    size_t run; /* see deliver_ready */
    bool open;  /* a transaction is */
};

static void job_at(size_t i, struct pcl_job *out, void *arg)
{
    const struct running *r = ((const struct round *)arg)->r;

    pcl_study_job(r->study, r->seq[r->todo[i]], out);
}

int pcl_study_keep(const struct pcl_study *s, size_t job, const struct pcl_result *res,
                   struct pcl_store *store, struct pcl_err *err)
{
    struct pcl_run_desc d;

    pcl_study_desc(s, job, &d);
    return pcl_store_put(store, &d, res, err);
}

static bool could_not_run(int code)
{
    return code == PCL_EINVAL || code == PCL_ENOENT;
}

/* Begins a run and leaves it: OK, unless it could not begin. */
static int try_run(struct running *r, size_t job)
{
    const volatile int at_once = 1;
    struct pcl_result res;
    struct pcl_job j;
    int rc;

    pcl_study_job(r->study, job, &j);
    if (j.explore)
        return PCL_OK;
    pcl_result_init(&res);
    rc = pcl_run(&j, &res, &at_once, r->err);
    pcl_result_fini(&res);
    return could_not_run(rc) ? rc : PCL_OK;
}

/* A scheme that cannot run at all is a mistake in the request, found before anything is stored.
 */
static int try_schemes(struct running *r)
{
    int rc = PCL_OK;

    for (size_t k = 0; rc == PCL_OK && k < r->study->n_schemes; k++)
        rc = try_run(r, k * r->study->reps);
    return rc;
}

/* A metric that not even the first run has is a mistake in the request. */
static int check_metric(struct running *r, const struct pcl_result *res)
{
    const struct pcl_study_precision *p = r->exec->precision;
    const char **names;
    size_t n = 0;

    if (!p || r->progress.done || res->failed || pcl_result_find(res, p->metric, p->object))
        return PCL_OK;
    (void)pcl_fail(r->err, PCL_EINVAL, "no metric '%s' of '%s' in the first run", p->metric,
                   p->object);
    names = pcl_xcalloc(res->n_metrics + 1, sizeof(*names));
    for (size_t i = 0; i < res->n_metrics; i++)
        if (strcmp(res->metrics[i].object, p->object) == 0)
            names[n++] = res->metrics[i].name;
    if (n == 0)
        (void)pcl_hint(r->err, "objects are 'all', operations and lock classes");
    else
        (void)pcl_hint_nearest(r->err, p->metric, names, n);
    free(names);
    return PCL_EINVAL;
}

static int sink(size_t i, struct pcl_result *res, void *arg)
{
    struct round *round = arg;
    struct running *r = round->r;
    size_t at = r->todo[i], job = r->seq[at];
    int rc = PCL_OK;

    if (res->failed && could_not_run(res->code) && !r->exec->keep_going)
        return try_run(r, job);
    rc = check_metric(r, res);
    if (rc != PCL_OK)
        return rc;
    if (r->exec->store && !round->open) {
        rc = pcl_store_begin(r->exec->store, r->err);
        round->open = rc == PCL_OK;
    }
    if (rc == PCL_OK && r->exec->store)
        rc = pcl_study_keep(r->study, job, res, r->exec->store, r->err);
    if (rc != PCL_OK)
        return rc;
    if (!ordered(r)) {
        struct pcl_study_outcome o = pcl_study_outcome_of(res, r->exec->precision);

        note(r, job, &o);
        return PCL_OK;
    }
    r->parked[at] = pcl_xcalloc(1, sizeof(*res));
    *r->parked[at] = *res;
    pcl_result_init(res);
    return deliver_ready(r, &round->run);
}

static int commit(void *arg)
{
    struct round *round = arg;

    if (!round->open)
        return PCL_OK;
    round->open = false;
    return pcl_store_commit(round->r->exec->store, round->r->err);
}

static void ended_elsewhere(size_t i, const struct pcl_study_outcome *o, void *arg)
{
    struct running *r = ((struct round *)arg)->r;

    note(r, r->seq[r->todo[i]], o);
}

static size_t job_elsewhere(size_t i, void *arg)
{
    const struct running *r = ((const struct round *)arg)->r;

    return r->seq[r->todo[i]];
}

static int run_todo(struct running *r)
{
    struct round round = {.r = r};
    struct pcl_plan plan = {.n = r->n_todo,
                            .workers = r->exec->workers,
                            .job = job_at,
                            .sink = sink,
                            .rest = commit,
                            .arg = &round,
                            .cancel = r->exec->cancel};
    int rc = PCL_OK;

    if (r->n_todo && r->exec->ranks)
        return pcl_ranks_run(r->exec->ranks, r->n_todo, job_elsewhere, ended_elsewhere, &round,
                             r->exec->cancel, r->err);
    if (ordered(r))
        rc = deliver_ready(r, &round.run);
    if (rc == PCL_OK && r->n_todo)
        rc = pcl_run_plan(&plan, r->err);
    if (round.open) { /* stopped by something else than the store */
        int last = pcl_store_commit(r->exec->store, rc == PCL_OK ? r->err : NULL);

        rc = rc == PCL_OK ? last : rc;
    }
    return rc;
}

/* --- rounds ----------------------------------------------------------------------------------
 */

bool pcl_study_in_shard(const struct pcl_study *s, const struct pcl_study_exec *e, size_t i)
{
    size_t at = e->precision ? pcl_study_point_of(s, i) : i;

    return e->shards == 0 || at % e->shards == e->shard;
}

/* The jobs of the next round in plan order. */
static void gather(struct running *r)
{
    const struct pcl_study *s = r->study;

    r->n_seq = 0;
    for (size_t p = 0; p < s->n_points; p++) {
        uint32_t reps = r->goal ? pcl_goal_reps(r->goal, p) : s->reps;

        for (size_t k = 0; k < s->n_schemes && reps > r->had[p]; k++)
            for (uint32_t rep = r->had[p]; rep < reps; rep++) {
                size_t job = (p * s->n_schemes + k) * s->reps + rep;

                if (pcl_study_in_shard(s, r->exec, job))
                    r->seq[r->n_seq++] = job;
            }
        r->had[p] = reps > r->had[p] ? reps : r->had[p];
    }
    r->progress.total += r->n_seq;
}

static bool in_store(struct running *r, size_t job, struct pcl_study_outcome *o)
{
    const struct pcl_study_precision *p = r->exec->precision;
    struct pcl_store_peek peek;
    char key[65];

    pcl_study_key(r->study, job, key);
    if (!r->exec->store ||
        !pcl_store_peek(r->exec->store, key, p ? p->metric : NULL, p ? p->object : NULL, &peek))
        return false;
    if (peek.failed && r->exec->retry_failed)
        return false;
    *o = (struct pcl_study_outcome){.failed = peek.failed,
                                    .violated = peek.violations > 0,
                                    .reused = true,
                                    .code = peek.code,
                                    .value = peek.value,
                                    .wall_s = peek.wall_s};
    memcpy(o->error, peek.error, sizeof(o->error));
    return true;
}

/* Takes from the store what it has; the rest is to do. */
static void divide(struct running *r)
{
    r->n_todo = r->next = 0;
    for (size_t i = 0; i < r->n_seq; i++) {
        struct pcl_study_outcome o;

        if (!in_store(r, r->seq[i], &o))
            r->todo[r->n_todo++] = i;
        else if (!ordered(r))
            note(r, r->seq[i], &o);
    }
}

/* Configurations stand in the store in plan order, whichever of their runs ends first. */
static int announce(struct running *r)
{
    const struct pcl_study *s = r->study;
    int rc = pcl_store_begin(r->exec->store, r->err);

    for (size_t i = 0; rc == PCL_OK && i < s->n_jobs; i += s->reps) {
        struct pcl_run_desc d;

        pcl_study_desc(s, i, &d);
        rc = pcl_store_announce(r->exec->store, &d.config, r->err);
    }
    return rc == PCL_OK ? pcl_store_commit(r->exec->store, r->err) : rc;
}

static int run_rounds(struct running *r)
{
    int rc = r->exec->store ? announce(r) : PCL_OK;

    while (rc == PCL_OK) {
        gather(r);
        divide(r);
        rc = run_todo(r);
        if (rc != PCL_OK || !r->goal || !pcl_goal_look(r->goal))
            break;
        r->progress.looked = true;
        r->progress.widest = pcl_goal_widest(r->goal);
    }
    return rc;
}

int pcl_study_run(const struct pcl_study *s, const struct pcl_study_exec *e,
                  struct pcl_err *err)
{
    struct pcl_err unseen;
    struct running r = {
        .study = s, .exec = e, .err = err ? err : &unseen, .progress = {.study = s}};
    int rc = PCL_OK;

    (void)clock_gettime(CLOCK_MONOTONIC, &r.began);
    if (e->precision) {
        r.goal = pcl_goal_new(s, e, r.err);
        if (!r.goal)
            return r.err->code;
    }
    r.had = pcl_xcalloc(s->n_points, sizeof(*r.had));
    r.seq = pcl_xcalloc(s->n_jobs, sizeof(*r.seq));
    r.todo = pcl_xcalloc(s->n_jobs, sizeof(*r.todo));
    r.parked = ordered(&r) ? pcl_xcalloc(s->n_jobs, sizeof(*r.parked)) : NULL;
    rc = try_schemes(&r);
    if (rc == PCL_OK)
        rc = run_rounds(&r);
    for (size_t i = 0; r.parked && i < r.n_seq; i++)
        if (r.parked[i]) {
            pcl_result_fini(r.parked[i]);
            free(r.parked[i]);
        }
    pcl_goal_free(r.goal);
    free(r.parked);
    free(r.todo);
    free(r.seq);
    free(r.had);
    return rc;
}

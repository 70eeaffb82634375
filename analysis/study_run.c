/*
 * Having a study run: what the store has already is taken from it, the rest goes to the
 * workers, and each result is stored in a transaction of its own as it arrives. Results reach
 * the caller in plan order, wherever they come from.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "study_internal.h"

struct running {
    const struct pcl_study *study;
    struct pcl_store *store;
    const struct pcl_study_hooks *hooks;
    struct pcl_dataset *out;
    struct pcl_err *err;
    size_t *pending; /* jobs that must run, in plan order */
    struct pcl_job *jobs;
    size_t n_pending, next; /* next: first job that was not delivered yet */
    struct pcl_study_progress progress;
    struct timespec began;
};

static int deliver(struct running *r, size_t job, const struct pcl_result *res, bool reused)
{
    struct timespec now;
    int rc = PCL_OK;

    if (r->out)
        pcl_dataset_add(r->out, &r->study->descs[job], res);
    r->next = job + 1;
    r->progress.done++;
    r->progress.reused += reused;
    r->progress.failed += res->failed;
    if (r->hooks && r->hooks->result)
        rc = r->hooks->result(job, res, reused, r->hooks->arg);
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    r->progress.seconds =
        (double)(now.tv_sec - r->began.tv_sec) + (double)(now.tv_nsec - r->began.tv_nsec) / 1e9;
    if (r->hooks && r->hooks->progress)
        r->hooks->progress(&r->progress, r->hooks->arg);
    return rc < 0 ? rc : PCL_OK;
}

/* Delivers what the store has, up to the job before end. */
static int reuse_until(struct running *r, size_t end)
{
    while (r->next < end) {
        size_t job = r->next;
        struct pcl_result res;
        int rc;

        pcl_result_init(&res);
        rc = pcl_store_get(r->store, r->study->descs[job].key, &res, r->err);
        if (rc == PCL_OK)
            rc = deliver(r, job, &res, true);
        pcl_result_fini(&res);
        if (rc != PCL_OK)
            return rc;
    }
    return PCL_OK;
}

static int sink(size_t i, struct pcl_result *res, void *arg)
{
    struct running *r = arg;
    size_t job = r->pending[i];
    int rc = reuse_until(r, job);

    if (rc == PCL_OK && r->store)
        rc = pcl_store_put(r->store, &r->study->descs[job], res, r->err);
    return rc == PCL_OK ? deliver(r, job, res, false) : rc;
}

int pcl_study_run(const struct pcl_study *s, unsigned workers, struct pcl_store *store,
                  const struct pcl_study_hooks *hooks, const volatile int *cancel,
                  struct pcl_dataset *out, struct pcl_err *err)
{
    struct pcl_err unseen;
    struct running r = {.study = s,
                        .store = store,
                        .hooks = hooks,
                        .out = out,
                        .err = err ? err : &unseen,
                        .progress = {.total = s->n_jobs, .study = s}};
    int rc = PCL_OK;

    (void)clock_gettime(CLOCK_MONOTONIC, &r.began);
    r.pending = pcl_xcalloc(s->n_jobs + 1, sizeof(*r.pending));
    r.jobs = pcl_xcalloc(s->n_jobs + 1, sizeof(*r.jobs));
    for (size_t i = 0; i < s->n_jobs; i++)
        if (!store || !pcl_store_has(store, s->descs[i].key)) {
            r.pending[r.n_pending] = i;
            r.jobs[r.n_pending++] = s->jobs[i];
        }
    if (r.n_pending)
        rc = pcl_run_plan(r.jobs, r.n_pending, workers, sink, NULL, &r, cancel, r.err);
    if (rc == PCL_OK)
        rc = reuse_until(&r, s->n_jobs);
    free(r.pending);
    free(r.jobs);
    return rc;
}

/*
 * Runs one job: warm-up, measured interval, result. In a checking run the laws are looked at every
 * so often in simulated time, and at the end.
 */
#include <time.h>

#include <pclsim/race.h>

#include "sim.h"
#include "steady.h"

enum {
    LOOKS = 64 /* times that the laws are looked at during a run, at most */
};

static double wall(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool has_sweeps(const struct pcl_sim *s)
{
    for (int r = 0; r < PCL_N_ROLES; r++)
        if (s->k.range[r].ops && s->k.range[r].ops->progress)
            return true;
    return false;
}

/* Runs to a time, with stops on the way to look at the laws, and, first after a second and then
 * ever later, whether there is anything left to see. */
static int run_to(struct pcl_sim *s, pcl_ns to, const volatile int *cancel)
{
    const pcl_ns second = 1000000000;
    pcl_ns at = s->m.eng.now, most = (to - at) / LOOKS, step = most;
    bool sweeps = has_sweeps(s);

    if (sweeps && step > second)
        step = second;
    if ((s->laws.on || sweeps) && step > 0 && s->job->scenario)
        while (at < to - step && !s->m.stop) {
            int rc = pcl_machine_run(&s->m, at += step, cancel);

            if (rc)
                return rc;
            if (s->laws.on)
                laws_look_if_paid(s);
            if (s->measuring && sim_foresees(s, s->end)) {
                s->seen = at;
                return PCL_OK;
            }
            step = 2 * step < most ? 2 * step : most;
        }
    return s->m.stop ? PCL_OK : pcl_machine_run(&s->m, to, cancel);
}

static int stopped(const struct pcl_sim *s, int rc, struct pcl_err *err)
{
    if (rc != PCL_EFAIL)
        return pcl_fail(err, rc, "interrupted");
    return pcl_fail(err, rc,
                    "time stands still at %lldns: nothing that the tasks do costs any on machine "
                    "'%s'; want a think time, a hold time, or ops in place of a duration",
                    (long long)s->m.eng.now, s->m.p->name);
}

int sim_run(struct pcl_sim *s, const volatile int *cancel, struct pcl_err *err)
{
    int rc = PCL_OK;

    if (s->measure_from > 0)
        rc = run_to(s, s->measure_from, cancel);
    if (rc == PCL_OK && !s->m.stop) {
        sim_measure(s);
        rc = run_to(s, s->end, cancel);
    }
    if (rc != PCL_OK)
        return stopped(s, rc, err);
    laws_end(s);
    return PCL_OK;
}

static int run_span(const struct pcl_job *job, const struct pcl_span *span,
                    struct pcl_result *out, const volatile int *cancel, struct pcl_err *err)
{
    struct pcl_sim s;
    int rc = sim_init(&s, job, span, out, err);

    if (rc == PCL_OK) {
        pcl_assert_context(&s.m.eng.now, &s.m.cur, job->seed);
        rc = sim_run(&s, cancel, err);
        if (rc == PCL_OK)
            sim_collect(&s);
        pcl_assert_context(NULL, NULL, 0);
    }
    sim_fini(&s);
    return rc;
}

int pcl_run(const struct pcl_job *job, struct pcl_result *out, const volatile int *cancel,
            struct pcl_err *err)
{
    double began = wall();
    struct pcl_span span;
    int rc;

    if (job->explore) {
        rc = pcl_race_run(job, out, cancel, err);
    } else {
        rc = sim_find_span(job, &span, cancel, err);
        if (rc == PCL_OK)
            rc = run_span(job, &span, out, cancel, err);
    }
    out->wall_s = wall() - began;
    return rc;
}

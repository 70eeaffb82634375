/*
 * An estimate needs a time per run. Runs of a cell that are stored say how long that cell
 * takes; otherwise a few runs are tried, spread over the grid, since cells differ, and
 * forgotten again.
 */
#include "dry_run.h"

#include "cli.h"

#include <pclsim/display.h>

#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TRIES 5
#define TRY_S 2.0 /* all tries together take little more */

enum state { TO_RUN, DONE, FAILED, NOT_MINE };

struct total {
    size_t runs, done, failed, to_run;
    double wall_s; /* of those that are done */
};

static enum state state_of(const struct pcl_study *s, const struct pcl_study_exec *e,
                           size_t job, double *wall_s)
{
    struct pcl_store_peek peek;
    char key[65];

    if (!pcl_study_in_shard(s, e, job))
        return NOT_MINE;
    pcl_study_key(s, job, key);
    if (!e->store || !pcl_store_peek(e->store, key, NULL, NULL, &peek))
        return TO_RUN;
    *wall_s += peek.wall_s;
    if (peek.failed)
        return e->retry_failed ? TO_RUN : FAILED;
    return DONE;
}

static void add(struct total *t, enum state st)
{
    t->runs += st != NOT_MINE;
    t->done += st == DONE;
    t->failed += st == FAILED;
    t->to_run += st == TO_RUN;
}

static void put_csv(FILE *out, const char *text)
{
    if (!strpbrk(text, ",\"\n")) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

static void put_run(FILE *out, const struct pcl_study *s, size_t job, enum state st)
{
    static const char *const words[] = {"to run", "done", "failed", ""};
    struct pcl_run_desc d;

    pcl_study_desc(s, job, &d);
    fprintf(out, "%zu,", job);
    for (size_t i = 0; i < d.config.n_params; i++) {
        put_csv(out, d.config.params[i].value);
        fputc(',', out);
    }
    put_csv(out, d.config.scheme);
    fprintf(out, ",%u,%" PRIu64 ",%s,%s\n", d.replication, d.seed, words[st], d.key);
}

static void put_head(FILE *out, const struct pcl_study *s)
{
    struct pcl_run_desc d;

    pcl_study_desc(s, 0, &d);
    fputs("run,", out);
    for (size_t i = 0; i < d.config.n_params; i++) {
        put_csv(out, d.config.params[i].name);
        fputc(',', out);
    }
    fputs("scheme,replication,seed,state,key\n", out);
}

/* One line for a cell. */
static void put_cell(FILE *out, const struct pcl_study *s, size_t first, const struct total *t)
{
    struct pcl_run_desc d;
    char point[256];

    pcl_study_desc(s, first, &d);
    fprintf(out, "%6zu %6zu %6zu  %-20s %s\n", t->to_run, t->done, t->failed, d.config.scheme,
            *d.config.label     ? d.config.label
            : d.config.n_params ? pcl_point_title(&d.config, point, sizeof(point))
                                : "as it stands");
}

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Seconds per run from a few tries; *longer: one was cut short. */
static double try_some(const struct pcl_study *s, const volatile int *cancel, bool *longer)
{
    double began = now_s(), sum = 0;
    int n = 0;

    for (int i = 0; i < TRIES && (n == 0 || now_s() - began < TRY_S) && !*cancel; i++) {
        size_t cells = s->n_points * s->n_schemes;
        size_t cell = (cells - 1) * (size_t)i / (TRIES - 1);
        struct pcl_result r;
        struct pcl_job job;

        pcl_study_job(s, cell * s->reps, &job);
        pcl_result_init(&r);
        *longer = pcl_run(&job, &r, cancel, NULL) != PCL_OK;
        sum += r.wall_s;
        n++;
        pcl_result_fini(&r);
    }
    return n ? sum / n : 0;
}

static void estimate(FILE *out, const struct pcl_study *s, const struct pcl_study_exec *e,
                     const struct total *t)
{
    size_t known = t->done + t->failed;
    unsigned workers = e->workers;
    bool longer = false;
    double each;
    char one[32], all[32];

    if (workers == 0) {
        long cpus = sysconf(_SC_NPROCESSORS_ONLN);

        workers = cpus > 0 ? (unsigned)cpus : 1;
    }
    each = known ? t->wall_s / (double)known : try_some(s, cli_catch_signals(), &longer);
    fprintf(out, "about %s%s per run (%s): %s with %u job%s%s\n", longer ? "more than " : "",
            pcl_format_ns((pcl_ns)(each * 1e9), one, sizeof(one)),
            known ? "as those that are stored" : "from a few tries",
            pcl_format_ns((pcl_ns)(each * 1e9 * (double)t->to_run / workers), all, sizeof(all)),
            workers, workers == 1 ? "" : "s",
            e->precision ? ", and more where the precision is not reached" : "");
}

int cli_dry_run(FILE *out, const struct pcl_study *s, const struct pcl_study_exec *exec,
                bool each_run)
{
    struct total all = {0};

    if (each_run)
        put_head(out, s);
    else
        fprintf(out, "to run stored failed  %-20s %s\n", "scheme", "point");
    for (size_t first = 0; first < s->n_jobs; first += s->reps) {
        struct total cell = {0};

        for (uint32_t rep = 0; rep < s->least; rep++) {
            enum state st = state_of(s, exec, first + rep, &all.wall_s);

            add(&cell, st);
            add(&all, st);
            if (each_run && st != NOT_MINE)
                put_run(out, s, first + rep, st);
        }
        if (!each_run && cell.runs)
            put_cell(out, s, first, &cell);
    }
    if (each_run)
        return CLI_DONE;
    fprintf(out, "\n%zu run%s: %zu to run, %zu stored, %zu failed before\n", all.runs,
            all.runs == 1 ? "" : "s", all.to_run, all.done, all.failed);
    if (all.to_run)
        estimate(out, s, exec, &all);
    return CLI_DONE;
}

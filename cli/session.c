/*
 * One study from start to end, as a person at a terminal sees it.
 */
#include "session.h"

#include "cli.h"
#include "json.h"
#include "progress.h"

#include <pclsim/display.h>

#include <string.h>

struct collector {
    struct cli_session *session;
    struct cli_progress *progress;
};

static json_t *run_json(const struct cli_session *s, size_t job, const struct pcl_result *r)
{
    struct pcl_run_desc run, *d = &run;
    json_t *o = json_object(), *params = json_object();

    pcl_study_desc(s->study, job, d);
    for (size_t i = 0; i < d->config.n_params; i++)
        json_object_set_new(params, d->config.params[i].name,
                            cli_json_text(d->config.params[i].value));
    json_object_set_new(o, "key", cli_json_text(d->key));
    json_object_set_new(o, "label", cli_json_text(d->config.label));
    json_object_set_new(o, "parameters", params);
    json_object_update_new(o, cli_json_result(r));
    return o;
}

char *cli_session_title(const struct cli_session *s, size_t job, char *buf, size_t n)
{
    struct pcl_run_desc run;
    const struct pcl_config_desc *d = &run.config;
    char point[256];

    pcl_study_desc(s->study, job, &run);
    (void)snprintf(buf, n, "%s%s%s", d->workload, d->n_params ? ", " : "",
                   d->n_params ? pcl_point_title(d, point, sizeof(point)) : "");
    return buf;
}

static void add_fio(const struct cli_session *s, size_t job, const struct pcl_result *r)
{
    char title[512], name[720];

    (void)snprintf(name, sizeof(name), "%s, %s",
                   cli_session_title(s, job, title, sizeof(title)), r->scheme);
    pcl_fio_add(s->fio, r, name, (uint32_t)(job / s->study->reps));
}

static void add_hist(const struct cli_session *s, size_t job, const struct pcl_result *r)
{
    for (size_t i = 0; i < r->n_hists; i++) {
        if (strcmp(r->hists[i].name, s->hist_name) == 0 &&
            strcmp(r->hists[i].object, s->hist_object) == 0)
            pcl_hist_merge(&s->hists[job / s->study->reps], &r->hists[i].h);
    }
}

static void print_locks(const struct cli_session *s, size_t job, const struct pcl_result *r)
{
    char title[512];
    struct pcl_job j;
    struct pcl_lockform f = {.title = cli_session_title(s, job, title, sizeof(title))};

    pcl_study_job(s->study, job, &j);
    f.scheme = j.scheme;
    if (s->finished > 1 && !s->joined)
        (void)fputc('\n', s->locks);
    s->print_locks(s->locks, r, &f);
}

static void on_ended(size_t job, const struct pcl_study_outcome *o, void *arg)
{
    struct collector *c = arg;
    struct cli_session *s = c->session;

    s->finished++;
    s->reused += o->reused;
    s->violated += o->violated;
    if (!o->failed)
        return;
    s->failed++;
    s->law_broken += o->code == PCL_ELAW;
    if (!*s->first_failure) {
        struct pcl_run_desc d;

        pcl_study_desc(s->study, job, &d);
        (void)snprintf(s->first_failure, sizeof(s->first_failure), "%s, replication %u: %s",
                       d.config.scheme, d.replication, o->error);
    }
}

static void note_violation(struct cli_session *s, const struct pcl_result *r)
{
    const struct pcl_violation *v = &r->violations[0];

    if (!r->n_violations || *s->first_violation)
        return;
    (void)snprintf(s->first_violation, sizeof(s->first_violation), "%s: %s", v->kind, v->text);
    s->first_steps = v->steps && *v->steps ? pcl_xstrdup(v->steps) : NULL;
}

static int on_result(size_t job, const struct pcl_result *r, bool reused, void *arg)
{
    struct collector *c = arg;

    note_violation(c->session, r);
    if (c->session->want_json)
        json_array_append_new(c->session->runs, run_json(c->session, job, r));
    if (c->session->print_locks)
        print_locks(c->session, job, r);
    if (c->session->fio)
        add_fio(c->session, job, r);
    if (c->session->hists)
        add_hist(c->session, job, r);
    if (c->session->sums)
        pcl_lock_sum(&c->session->sums[job / c->session->study->reps], r);
    cli_progress_result(c->progress, job, r, reused);
    return PCL_OK;
}

static void on_progress(const struct pcl_study_progress *p, void *arg)
{
    struct collector *c = arg;

    c->session->total = p->total;
    cli_progress_update(p, c->progress);
}

static void say_interrupted(const struct cli_session *s)
{
    const struct pcl_store *store = s->exec.store;

    fprintf(stderr, "pclsim: interrupted; ");
    if (store)
        fprintf(stderr, "%zu of %zu runs are in %s; the same command goes on from there\n",
                s->finished, s->total, pcl_store_path(store));
    else
        fprintf(stderr, "%zu of %zu runs had finished, nothing was stored (no --db)\n",
                s->finished, s->total);
}

int cli_session_run(struct cli_session *s, struct pcl_err *err)
{
    struct collector c = {.session = s};
    struct pcl_study_hooks hooks = {.progress = on_progress,
                                    .result = s->brief ? NULL : on_result,
                                    .ended = on_ended,
                                    .arg = &c};
    int rc;

    c.progress = s->brief ? cli_progress_line(s->study) : cli_progress_new(s->study);
    s->total = s->study->n_jobs;
    if (s->want_json)
        s->runs = json_array();
    s->exec.hooks = &hooks;
    s->exec.cancel = cli_catch_signals();
    rc = pcl_study_run(s->study, &s->exec, err);
    cli_progress_free(c.progress);
    if (rc == PCL_EINTR)
        say_interrupted(s);
    return rc;
}

int cli_session_judge(const struct cli_session *s)
{
    const struct pcl_scenario *scenario = s->study->scenario;
    bool expected = scenario && scenario->expect_violations;

    if (s->failed)
        fprintf(stderr, "pclsim: %zu of %zu runs failed; the first: %s\n", s->failed, s->total,
                s->first_failure);
    if (s->violated && !expected)
        fprintf(stderr, "pclsim: the oracle objected in %zu of %zu runs%s%s\n%s%s", s->violated,
                s->total, *s->first_violation ? "; the first: " : "", s->first_violation,
                s->first_steps ? "\n" : "", s->first_steps ? s->first_steps : "");
    if (s->brief && s->failed) /* a sweep goes on, and says which rows failed */
        return CLI_FAILED;
    if (s->law_broken || (s->violated && !expected))
        return CLI_BROKEN;
    return s->failed ? CLI_FAILED : CLI_DONE;
}

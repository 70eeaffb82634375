/*
 * One study from start to end, as a person at a terminal sees it.
 */
#include "session.h"

#include "cli.h"
#include "json.h"
#include "progress.h"

#include <pclsim/display.h>

struct collector {
    struct cli_session *session;
    struct cli_progress *progress;
};

static json_t *run_json(const struct cli_session *s, size_t job, const struct pcl_result *r)
{
    const struct pcl_run_desc *d = &s->study->descs[job];
    json_t *o = json_object(), *params = json_object();

    for (size_t i = 0; i < d->config.n_params; i++)
        json_object_set_new(params, d->config.params[i].name,
                            cli_json_text(d->config.params[i].value));
    json_object_set_new(o, "key", cli_json_text(d->key));
    json_object_set_new(o, "label", cli_json_text(d->config.label));
    json_object_set_new(o, "parameters", params);
    json_object_update_new(o, cli_json_result(r));
    return o;
}

static void print_locks(const struct cli_session *s, size_t job, const struct pcl_result *r)
{
    const struct pcl_config_desc *d = &s->study->descs[job].config;
    char point[256], title[512];
    struct pcl_lockform f = {.title = title, .scheme = s->study->jobs[job].scheme};

    (void)snprintf(title, sizeof(title), "%s%s%s", d->workload, d->n_params ? ", " : "",
                   d->n_params ? pcl_point_title(d, point, sizeof(point)) : "");
    if (s->finished > 1)
        (void)fputc('\n', s->locks);
    s->print_locks(s->locks, r, &f);
}

static void note_ends(struct cli_session *s, const struct pcl_result *r)
{
    if (r->failed) {
        s->failed++;
        s->law_broken += r->code == PCL_ELAW;
        if (!*s->first_failure)
            (void)snprintf(s->first_failure, sizeof(s->first_failure), "%s, replication %u: %s",
                           r->scheme, r->replication, r->error);
    }
    if (r->total_violations) {
        s->violated++;
        if (!*s->first_violation && r->n_violations) {
            const struct pcl_violation *v = &r->violations[0];

            (void)snprintf(s->first_violation, sizeof(s->first_violation), "%s: %s", v->kind,
                           v->text);
            s->first_steps = v->steps && *v->steps ? pcl_xstrdup(v->steps) : NULL;
        }
    }
}

static int on_result(size_t job, const struct pcl_result *r, bool reused, void *arg)
{
    struct collector *c = arg;

    c->session->finished++;
    note_ends(c->session, r);
    if (c->session->want_json)
        json_array_append_new(c->session->runs, run_json(c->session, job, r));
    if (c->session->print_locks)
        print_locks(c->session, job, r);
    if (c->session->sums)
        pcl_lock_sum(&c->session->sums[job / c->session->study->reps], r);
    cli_progress_result(c->progress, job, r, reused);
    return PCL_OK;
}

static void on_progress(const struct pcl_study_progress *p, void *arg)
{
    const struct collector *c = arg;

    cli_progress_update(p, c->progress);
}

static void say_interrupted(const struct cli_session *s)
{
    fprintf(stderr, "pclsim: interrupted; ");
    if (s->store)
        fprintf(stderr, "%zu of %zu runs are in %s; the same command goes on from there\n",
                s->finished, s->study->n_jobs, pcl_store_path(s->store));
    else
        fprintf(stderr, "%zu of %zu runs had finished, nothing was stored (no --db)\n",
                s->finished, s->study->n_jobs);
}

int cli_session_run(struct cli_session *s, struct pcl_dataset *out, struct pcl_err *err)
{
    struct collector c = {.session = s, .progress = cli_progress_new(s->study)};
    struct pcl_study_hooks hooks = {.progress = on_progress, .result = on_result, .arg = &c};
    int rc;

    if (s->want_json)
        s->runs = json_array();
    rc = pcl_study_run(s->study, s->workers, s->store, &hooks, cli_catch_signals(), out, err);
    cli_progress_free(c.progress);
    if (rc == PCL_EINTR)
        say_interrupted(s);
    return rc;
}

/*
 * Writing results: a run's configuration, numbers and histograms go in together, in a transaction
 * of one run or of several. A crash leaves whole runs only, a full disk leaves the store as it was.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "store_internal.h"

/* Executes an INSERT or DELETE. */
static int run_stmt(struct pcl_store *s, sqlite3_stmt *st, struct pcl_err *err)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_DONE) {
        (void)sqlite3_reset(st);
        return PCL_OK;
    }
    rc = pcl_store_error(s, err, "cannot store a run");
    (void)sqlite3_reset(st);
    return rc;
}

/* The id that a FIND statement selects, or 0. */
static int64_t find_id(sqlite3_stmt *st)
{
    int64_t id = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : 0;

    (void)sqlite3_reset(st);
    return id;
}

/* --- one run ------------------------------------------------------------------------------ */

static char *params_json(const struct pcl_config_desc *d)
{
    json_t *o = json_object();
    char *text;

    for (size_t i = 0; i < d->n_params; i++)
        (void)json_object_set_new(o, d->params[i].name, json_string(d->params[i].value));
    text = json_dumps(o, JSON_COMPACT | JSON_ENSURE_ASCII);
    json_decref(o);
    PCL_ASSERT(text);
    return text;
}

/* SHA-256 over all fields, each with its length, so that no two descriptions share a text. */
static void config_hash(const struct pcl_config_desc *d, const char *params, char out[65])
{
    const char *const f[] = {d->workload, d->kind,         d->title,         d->label,
                             params,      d->scheme,       d->scheme_text,   d->machine,
                             d->build,    d->machine_text, d->scenario_text, d->trace_sha256,
                             d->replay,   d->varies};
    size_t n = sizeof(f) / sizeof(f[0]), size = 1, at = 0;
    char *buf;

    for (size_t i = 0; i < n; i++)
        size += strlen(f[i]) + 24;
    buf = pcl_xcalloc(size, 1);
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(buf + at, size - at, "%zu:%s\n", strlen(f[i]), f[i]);
    pcl_sha256_hex(buf, at, out);
    free(buf);
}

static int study_id(struct pcl_store *s, const struct pcl_config_desc *d, int64_t *id,
                    struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_STUDY_FIND);
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot store a study");
    pcl_store_bind(st, "ssss", d->workload, d->kind, d->title, d->build);
    *id = find_id(st);
    if (*id)
        return PCL_OK;
    st = pcl_store_stmt(s, PCL_STMT_STUDY_ADD);
    if (!st)
        return pcl_store_error(s, err, "cannot store a study");
    pcl_store_bind(st, "ssss", d->workload, d->kind, d->title, d->build);
    rc = run_stmt(s, st, err);
    *id = sqlite3_last_insert_rowid(s->db);
    return rc;
}

static int add_config(struct pcl_store *s, const struct pcl_config_desc *d, const char *params,
                      const char *hash, int64_t *id, struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_CONFIG_ADD);
    int64_t study = 0;
    int rc = study_id(s, d, &study, err);

    if (rc != PCL_OK)
        return rc;
    if (!st)
        return pcl_store_error(s, err, "cannot store a configuration");
    pcl_store_bind(st, "issssssssssss", study, hash, d->label, params, d->scheme, d->scheme_text,
                   d->machine, d->machine_text, d->scenario_text, d->trace_sha256, d->replay,
                   d->varies, d->source ? d->source : "");
    rc = run_stmt(s, st, err);
    *id = sqlite3_last_insert_rowid(s->db);
    for (size_t i = 0; rc == PCL_OK && i < d->n_params; i++) {
        st = pcl_store_stmt(s, PCL_STMT_PARAM_ADD);
        if (!st)
            return pcl_store_error(s, err, "cannot store a parameter");
        pcl_store_bind(st, "iss", *id, d->params[i].name, d->params[i].value);
        rc = run_stmt(s, st, err);
    }
    return rc;
}

static int config_id(struct pcl_store *s, const struct pcl_config_desc *d, int64_t *id,
                     struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_CONFIG_FIND);
    char *params = params_json(d);
    char hash[65];
    int rc = PCL_OK;

    config_hash(d, params, hash);
    *id = 0;
    if (st) {
        pcl_store_bind(st, "s", hash);
        *id = find_id(st);
    }
    if (!*id)
        rc = add_config(s, d, params, hash, id, err);
    free(params);
    return rc;
}

static const char *better_word(enum pcl_better b)
{
    return b == PCL_BETTER_LOWER ? "lower" : b == PCL_BETTER_HIGHER ? "higher" : "none";
}

static int add_metric(struct pcl_store *s, int64_t run, const struct pcl_metric *m,
                      struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_METRIC_FIND);
    int64_t id;
    int rc = PCL_OK;

    if (!st)
        return pcl_store_error(s, err, "cannot store a metric");
    pcl_store_bind(st, "sss", m->name, m->unit, better_word(m->better));
    id = find_id(st);
    if (!id) {
        st = pcl_store_stmt(s, PCL_STMT_METRIC_ADD);
        if (!st)
            return pcl_store_error(s, err, "cannot store a metric");
        pcl_store_bind(st, "sss", m->name, m->unit, better_word(m->better));
        rc = run_stmt(s, st, err);
        id = sqlite3_last_insert_rowid(s->db);
    }
    st = rc == PCL_OK ? pcl_store_stmt(s, PCL_STMT_SCALAR_ADD) : NULL;
    if (!st)
        return rc == PCL_OK ? pcl_store_error(s, err, "cannot store a metric") : rc;
    pcl_store_bind(st, "iisd", run, id, m->object, isfinite(m->value) ? m->value : (double)NAN);
    return run_stmt(s, st, err);
}

static int add_hist(struct pcl_store *s, int64_t run, const struct pcl_named_hist *h,
                    struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_HIST_ADD);
    size_t size;
    void *enc;
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot store a histogram");
    enc = pcl_hist_encode(&h->h, &size);
    pcl_store_bind(st, "issi", run, h->name, h->object, (int64_t)h->h.count);
    (void)sqlite3_bind_blob64(st, 5, enc, size, SQLITE_STATIC);
    rc = run_stmt(s, st, err);
    free(enc);
    return rc;
}

static int add_course(struct pcl_store *s, int64_t run, const struct pcl_named_course *t,
                        struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_COURSE_ADD);
    size_t size;
    void *enc;
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot store a course");
    enc = pcl_course_encode(&t->t, &size);
    pcl_store_bind(st, "is", run, t->lock);
    (void)sqlite3_bind_blob64(st, 3, enc, size, SQLITE_STATIC);
    rc = run_stmt(s, st, err);
    free(enc);
    return rc;
}

static int add_lock(struct pcl_store *s, int64_t run, const struct pcl_lock_row *l,
                    struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_LOCK_ADD);
    const char mode[2] = {l->mode, '\0'};

    if (!st)
        return pcl_store_error(s, err, "cannot store lock statistics");
    pcl_store_bind(st, "issiiiiiiiiiiiiiiiiiiiiiiiiiiiiiii", run, l->name, mode,
                   (int64_t)l->acquisitions, (int64_t)l->contentions, (int64_t)l->con_bounces,
                   (int64_t)l->acq_bounces, l->wait_min, l->wait_max, l->wait_total,
                   l->hold_min, l->hold_max, l->hold_total, (int64_t)l->steals,
                   (int64_t)l->handoffs, (int64_t)l->lost_retries, (int64_t)l->trylock_failures,
                   (int64_t)l->walk_visits, (int64_t)l->walk_foreign, (int64_t)l->walks,
                   (int64_t)l->walk_max, (int64_t)l->walk_foreign_max, (int64_t)l->wasted_wakes,
                   (int64_t)l->sleeps, (int64_t)l->line_transfers, (int64_t)l->bypass_max, l->split.line,
                   l->split.spinlock, l->split.optimistic, l->split.conflict, l->split.wakeup,
                   l->split.cpu, l->irqs_off_max, l->irqs_off_in_irq);
    return run_stmt(s, st, err);
}

static int add_blocked(struct pcl_store *s, int64_t run, const struct pcl_blocked_row *b,
                       struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_BLOCKED_ADD);
    const char mode[3][2] = {{b->waiter_mode}, {b->holder_mode}, {b->behind_mode}};

    if (!st)
        return pcl_store_error(s, err, "cannot store who was in whose way");
    pcl_store_bind(st, "isssssssiii", run, b->lock, b->waiter, mode[0], b->holder, mode[1],
                   b->behind, mode[2], (int64_t)b->count, b->total, b->longest);
    return run_stmt(s, st, err);
}

static int add_point(struct pcl_store *s, int64_t run, const struct pcl_lock_point *p,
                     struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_POINT_ADD);

    if (!st)
        return pcl_store_error(s, err, "cannot store where locks were contended");
    pcl_store_bind(st, "issssi", run, p->lock, p->holds ? "holds" : "waits", p->at, p->what,
                   (int64_t)p->count);
    return run_stmt(s, st, err);
}

static int add_host(struct pcl_store *s, int64_t run, const struct pcl_result *r,
                    struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_HOST_ADD);
    time_t now = time(NULL);
    struct tm tm;
    char date[32] = "";

    if (!st)
        return pcl_store_error(s, err, "cannot store the host");
    if (gmtime_r(&now, &tm))
        (void)strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &tm);
    pcl_store_bind(st, "idssss", run, r->wall_s, date, s->host, s->kernel, s->cpu);
    return run_stmt(s, st, err);
}

static int add_rows(struct pcl_store *s, int64_t run, const struct pcl_result *r,
                    struct pcl_err *err)
{
    int rc = PCL_OK;

    for (size_t i = 0; rc == PCL_OK && i < r->n_metrics; i++)
        rc = add_metric(s, run, &r->metrics[i], err);
    for (size_t i = 0; rc == PCL_OK && i < r->n_hists; i++)
        rc = add_hist(s, run, &r->hists[i], err);
    for (size_t i = 0; rc == PCL_OK && i < r->n_courses; i++)
        rc = add_course(s, run, &r->courses[i], err);
    for (size_t i = 0; rc == PCL_OK && i < r->n_locks; i++)
        rc = add_lock(s, run, &r->locks[i], err);
    for (size_t i = 0; rc == PCL_OK && i < r->n_blocked; i++)
        rc = add_blocked(s, run, &r->blocked[i], err);
    for (size_t i = 0; rc == PCL_OK && i < r->n_points; i++)
        rc = add_point(s, run, &r->points[i], err);
    for (size_t i = 0; rc == PCL_OK && i < r->n_violations; i++) {
        const struct pcl_violation *v = &r->violations[i];
        sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_VIOLATION_ADD);

        if (!st)
            return pcl_store_error(s, err, "cannot store a violation");
        pcl_store_bind(st, "iisiss", run, (int64_t)i, v->kind, v->at, v->text, v->steps);
        rc = run_stmt(s, st, err);
    }
    return rc == PCL_OK ? add_host(s, run, r, err) : rc;
}

static int add_run(struct pcl_store *s, const struct pcl_run_desc *d,
                   const struct pcl_result *r, struct pcl_err *err)
{
    char seed[20], print[20];
    sqlite3_stmt *st;
    int64_t config = 0;
    int rc = config_id(s, &d->config, &config, err);

    if (rc != PCL_OK)
        return rc;
    st = pcl_store_stmt(s, PCL_STMT_RUN_ADD);
    if (!st)
        return pcl_store_error(s, err, "cannot store a run");
    (void)snprintf(seed, sizeof(seed), "%016llx", (unsigned long long)d->seed);
    (void)snprintf(print, sizeof(print), "%016llx", (unsigned long long)r->fingerprint);
    pcl_store_bind(st, "iisssissiiiii", config, (int64_t)d->replication, seed, d->key,
                   r->failed ? "failed" : "done", (int64_t)r->code, r->error, print, r->sim_ns,
                   r->warmup_ns, (int64_t)r->ops, (int64_t)r->events,
                   (int64_t)r->total_violations);
    rc = run_stmt(s, st, err);
    return rc == PCL_OK ? add_rows(s, sqlite3_last_insert_rowid(s->db), r, err) : rc;
}

/* What to do about a run that is there: *add says whether to go on. */
static int check_present(struct pcl_store *s, const struct pcl_run_desc *d,
                         const struct pcl_result *r, bool *add, struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_RUN_FIND);
    char print[20], stored[20];
    int64_t id;
    bool failed;

    *add = true;
    if (!st)
        return pcl_store_error(s, err, "cannot look for a run");
    pcl_store_bind(st, "s", d->key);
    if (sqlite3_step(st) != SQLITE_ROW) {
        (void)sqlite3_reset(st);
        return PCL_OK;
    }
    id = sqlite3_column_int64(st, 0);
    failed = strcmp(pcl_column(st, 1), "failed") == 0;
    (void)snprintf(stored, sizeof(stored), "%s", pcl_column(st, 2));
    (void)sqlite3_reset(st);
    (void)snprintf(print, sizeof(print), "%016llx", (unsigned long long)r->fingerprint);
    if (failed) {
        st = pcl_store_stmt(s, PCL_STMT_RUN_DROP);
        if (!st)
            return pcl_store_error(s, err, "cannot replace a run");
        pcl_store_bind(st, "i", id);
        return run_stmt(s, st, err);
    }
    *add = false;
    if (!r->failed && strcmp(stored, print) != 0)
        return pcl_fail(err, PCL_EFAIL,
                        "%s: run %.12s (scheme %s, replication %u) was stored with fingerprint "
                        "%s and now has %s: equal inputs gave another result",
                        s->path, d->key, d->config.scheme, (unsigned)d->replication, stored,
                        print);
    return PCL_OK;
}

int pcl_store_begin(struct pcl_store *s, struct pcl_err *err)
{
    int rc = pcl_store_exec(s, "BEGIN IMMEDIATE", err);

    s->batch = rc == PCL_OK;
    return rc;
}

/* Ends what begin began, with a commit if all went well. */
static int end(struct pcl_store *s, int rc, struct pcl_err *err)
{
    if (rc == PCL_OK)
        rc = pcl_store_exec(s, "COMMIT", err);
    if (!sqlite3_get_autocommit(s->db))
        (void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->batch = false;
    return rc;
}

int pcl_store_commit(struct pcl_store *s, struct pcl_err *err)
{
    return s->batch ? end(s, PCL_OK, err) : PCL_OK;
}

int pcl_store_put(struct pcl_store *s, const struct pcl_run_desc *desc,
                  const struct pcl_result *r, struct pcl_err *err)
{
    bool add, alone = !s->batch;
    int rc = alone ? pcl_store_begin(s, err) : PCL_OK;

    if (rc != PCL_OK)
        return rc;
    rc = check_present(s, desc, r, &add, err);
    if (rc == PCL_OK && add)
        rc = add_run(s, desc, r, err);
    return alone || rc != PCL_OK ? end(s, rc, err) : PCL_OK;
}

int pcl_store_announce(struct pcl_store *s, const struct pcl_config_desc *desc,
                       struct pcl_err *err)
{
    bool alone = !s->batch;
    int64_t id;
    int rc = alone ? pcl_store_begin(s, err) : PCL_OK;

    if (rc != PCL_OK)
        return rc;
    rc = config_id(s, desc, &id, err);
    return alone || rc != PCL_OK ? end(s, rc, err) : PCL_OK;
}

static double peek_value(struct pcl_store *s, int64_t run, const char *metric,
                         const char *object)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_VALUE_PEEK);
    double v = (double)NAN;

    if (!st)
        return v;
    pcl_store_bind(st, "iss", run, metric, object);
    if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        v = sqlite3_column_double(st, 0);
    (void)sqlite3_reset(st);
    return v;
}

bool pcl_store_peek(struct pcl_store *s, const char *key, const char *metric,
                    const char *object, struct pcl_store_peek *out)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_RUN_PEEK);
    int64_t run = 0;

    if (!st)
        return false;
    pcl_store_bind(st, "s", key);
    *out = (struct pcl_store_peek){.value = (double)NAN};
    if (sqlite3_step(st) == SQLITE_ROW) {
        run = sqlite3_column_int64(st, 0);
        out->failed = strcmp(pcl_column(st, 1), "failed") == 0;
        out->code = sqlite3_column_int(st, 2);
        out->violations = (uint64_t)sqlite3_column_int64(st, 3);
        (void)snprintf(out->error, sizeof(out->error), "%.250s", pcl_column(st, 4));
        out->wall_s = sqlite3_column_double(st, 5);
    }
    (void)sqlite3_reset(st);
    if (run && metric && !out->failed)
        out->value = peek_value(s, run, metric, object);
    return run != 0;
}

int64_t pcl_store_runs(struct pcl_store *s)
{
    return pcl_store_int(s, "SELECT count(*) FROM run");
}

/*
 * Reading results back: a run in full, or all runs regrouped by configuration. A loaded dataset
 * is made by the same function as one that comes straight from a plan.
 */
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "store_internal.h"

static enum pcl_better better_of(const char *word)
{
    if (strcmp(word, "lower") == 0)
        return PCL_BETTER_LOWER;
    return strcmp(word, "higher") == 0 ? PCL_BETTER_HIGHER : PCL_BETTER_NONE;
}

static double real_column(sqlite3_stmt *st, int i)
{
    return sqlite3_column_type(st, i) == SQLITE_NULL ? (double)NAN
                                                     : sqlite3_column_double(st, i);
}

static int end(struct pcl_store *s, sqlite3_stmt *st, int rc, struct pcl_err *err)
{
    int out = rc == SQLITE_DONE ? PCL_OK : pcl_store_error(s, err, "cannot read a run");

    (void)sqlite3_reset(st);
    return out;
}

/* The table metric is small, and joining it to each number is not. */
static int read_metric_names(struct pcl_store *s, struct pcl_err *err)
{
    sqlite3_stmt *st = NULL;
    size_t n = 0;

    if (sqlite3_prepare_v2(s->db, "SELECT metric_id,name,unit,better FROM metric ORDER BY 1",
                           -1, &st, NULL) != SQLITE_OK)
        return pcl_store_error(s, err, "cannot read metrics");
    while (sqlite3_step(st) == SQLITE_ROW) {
        struct pcl_metric_name *m;

        s->metric = pcl_xrealloc(s->metric, n + 1, sizeof(*s->metric));
        m = &s->metric[n++];
        *m = (struct pcl_metric_name){.id = sqlite3_column_int64(st, 0),
                                      .better = better_of(pcl_column(st, 3))};
        (void)snprintf(m->name, sizeof(m->name), "%s", pcl_column(st, 1));
        (void)snprintf(m->unit, sizeof(m->unit), "%s", pcl_column(st, 2));
    }
    s->n_metrics = n;
    (void)sqlite3_finalize(st);
    return PCL_OK;
}

/* Ids mostly count from 1 without gaps. */
static const struct pcl_metric_name *metric_name(const struct pcl_store *s, int64_t id)
{
    if (id > 0 && (size_t)id <= s->n_metrics && s->metric[id - 1].id == id)
        return &s->metric[id - 1];
    for (size_t i = 0; i < s->n_metrics; i++)
        if (s->metric[i].id == id)
            return &s->metric[i];
    return NULL;
}

static int get_metrics(struct pcl_store *s, int64_t run, struct pcl_result *out,
                       struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_SCALAR_GET);
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read metrics");
    pcl_store_bind(st, "i", run);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(st, 0);
        const struct pcl_metric_name *m = metric_name(s, id);

        if (!m && read_metric_names(s, err) == PCL_OK) /* not read yet, or a new one */
            m = metric_name(s, id);
        if (m)
            (void)pcl_result_add(out, m->name, pcl_column(st, 1), m->unit, m->better,
                                 real_column(st, 2));
    }
    return end(s, st, rc, err);
}

static int get_hists(struct pcl_store *s, int64_t run, struct pcl_result *out,
                     struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_HIST_GET);
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read histograms");
    pcl_store_bind(st, "i", run);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct pcl_hist *h = pcl_result_add_hist(out, pcl_column(st, 0), pcl_column(st, 1));

        if (pcl_hist_decode(h, sqlite3_column_blob(st, 2),
                            (size_t)sqlite3_column_bytes(st, 2)) != PCL_OK) {
            (void)sqlite3_reset(st);
            return pcl_fail(err, PCL_EIO, "%s: a histogram is damaged", s->path);
        }
    }
    return end(s, st, rc, err);
}

static int get_courses(struct pcl_store *s, int64_t run, struct pcl_result *out,
                         struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_COURSE_GET);
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read courses");
    pcl_store_bind(st, "i", run);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct pcl_course *t = pcl_result_add_course(out, pcl_column(st, 0));

        if (pcl_course_decode(t, sqlite3_column_blob(st, 1),
                                (size_t)sqlite3_column_bytes(st, 1)) != PCL_OK) {
            (void)sqlite3_reset(st);
            return pcl_fail(err, PCL_EIO, "%s: a course is damaged", s->path);
        }
    }
    return end(s, st, rc, err);
}

static int get_locks(struct pcl_store *s, int64_t run, struct pcl_result *out,
                     struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_LOCK_GET);
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read lock statistics");
    pcl_store_bind(st, "i", run);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct pcl_lock_row *l =
            pcl_result_add_lock(out, pcl_column(st, 1), pcl_column(st, 2)[0]);
        uint64_t *const counts[] = {&l->acquisitions, &l->contentions, &l->con_bounces,
                                    &l->acq_bounces};
        pcl_ns *const times[] = {&l->wait_min, &l->wait_max, &l->wait_total,
                                 &l->hold_min, &l->hold_max, &l->hold_total};
        uint64_t *const more[] = {
            &l->steals,           &l->handoffs,     &l->lost_retries, &l->trylock_failures,
            &l->walk_visits,      &l->walk_foreign, &l->walks,        &l->walk_max,
            &l->walk_foreign_max, &l->wasted_wakes, &l->sleeps,       &l->line_transfers,
            &l->bypass_max};
        pcl_ns *const since_2[] = {&l->split.line,     &l->split.spinlock, &l->split.optimistic,
                                   &l->split.conflict, &l->split.wakeup,   &l->split.cpu,
                                   &l->irqs_off_max,   &l->irqs_off_in_irq};
        int col = 3;

        for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
            *counts[i] = (uint64_t)sqlite3_column_int64(st, col++);
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
            *times[i] = sqlite3_column_int64(st, col++);
        for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++)
            *more[i] = (uint64_t)sqlite3_column_int64(st, col++);
        for (size_t i = 0; i < sizeof(since_2) / sizeof(since_2[0]); i++)
            *since_2[i] = sqlite3_column_int64(st, col++);
    }
    return end(s, st, rc, err);
}

static int get_blocked(struct pcl_store *s, int64_t run, struct pcl_result *out,
                       struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_BLOCKED_GET);
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read who was in whose way");
    pcl_store_bind(st, "i", run);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct pcl_blocked_row *b = pcl_result_add_blocked(out);

        (void)snprintf(b->lock, sizeof(b->lock), "%s", pcl_column(st, 0));
        (void)snprintf(b->waiter, sizeof(b->waiter), "%s", pcl_column(st, 1));
        b->waiter_mode = pcl_column(st, 2)[0];
        (void)snprintf(b->holder, sizeof(b->holder), "%s", pcl_column(st, 3));
        b->holder_mode = pcl_column(st, 4)[0];
        (void)snprintf(b->behind, sizeof(b->behind), "%s", pcl_column(st, 5));
        b->behind_mode = pcl_column(st, 6)[0];
        b->count = (uint64_t)sqlite3_column_int64(st, 7);
        b->total = sqlite3_column_int64(st, 8);
        b->longest = sqlite3_column_int64(st, 9);
    }
    return end(s, st, rc, err);
}

static int get_points(struct pcl_store *s, int64_t run, struct pcl_result *out,
                      struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_POINT_GET);
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read where locks were contended");
    pcl_store_bind(st, "i", run);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct pcl_lock_point *p = pcl_result_add_point(out);

        (void)snprintf(p->lock, sizeof(p->lock), "%s", pcl_column(st, 0));
        p->holds = strcmp(pcl_column(st, 1), "holds") == 0;
        (void)snprintf(p->at, sizeof(p->at), "%s", pcl_column(st, 2));
        (void)snprintf(p->what, sizeof(p->what), "%s", pcl_column(st, 3));
        p->count = (uint64_t)sqlite3_column_int64(st, 4);
    }
    return end(s, st, rc, err);
}

static int get_violations(struct pcl_store *s, int64_t run, struct pcl_result *out,
                          struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_VIOLATION_GET);
    uint64_t total = out->total_violations;
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read violations");
    pcl_store_bind(st, "i", run);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct pcl_violation *v = pcl_result_add_violation(out);

        if (!v)
            continue;
        (void)snprintf(v->kind, sizeof(v->kind), "%s", pcl_column(st, 0));
        v->at = sqlite3_column_int64(st, 1);
        (void)snprintf(v->text, sizeof(v->text), "%s", pcl_column(st, 2));
        if (sqlite3_column_type(st, 3) != SQLITE_NULL)
            v->steps = pcl_xstrdup(pcl_column(st, 3));
    }
    out->total_violations = total; /* more may have been counted than kept */
    return end(s, st, rc, err);
}

int pcl_store_get(struct pcl_store *s, const char *key, struct pcl_result *out,
                  struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_RUN_GET);
    int64_t run;
    int rc;

    if (!st)
        return pcl_store_error(s, err, "cannot read a run");
    pcl_store_bind(st, "s", key);
    rc = sqlite3_step(st);
    if (rc != SQLITE_ROW) {
        (void)sqlite3_reset(st);
        return rc == SQLITE_DONE
                   ? pcl_fail(err, PCL_ENOENT, "%s: no run has the key %s", s->path, key)
                   : pcl_store_error(s, err, "cannot read a run");
    }
    run = sqlite3_column_int64(st, 0);
    (void)snprintf(out->scheme, sizeof(out->scheme), "%s", pcl_column(st, 1));
    out->seed = strtoull(pcl_column(st, 2), NULL, 16);
    out->replication = (uint32_t)sqlite3_column_int64(st, 3);
    out->failed = strcmp(pcl_column(st, 4), "failed") == 0;
    out->code = sqlite3_column_int(st, 5);
    (void)snprintf(out->error, sizeof(out->error), "%s", pcl_column(st, 6));
    out->sim_ns = sqlite3_column_int64(st, 7);
    out->warmup_ns = sqlite3_column_int64(st, 8);
    out->ops = (uint64_t)sqlite3_column_int64(st, 9);
    out->events = (uint64_t)sqlite3_column_int64(st, 10);
    out->fingerprint = strtoull(pcl_column(st, 11), NULL, 16);
    out->total_violations = (uint64_t)sqlite3_column_int64(st, 12);
    out->wall_s = sqlite3_column_double(st, 13);
    (void)sqlite3_reset(st);
    rc = get_metrics(s, run, out, err);
    if (rc == PCL_OK)
        rc = get_hists(s, run, out, err);
    if (rc == PCL_OK)
        rc = get_courses(s, run, out, err);
    if (rc == PCL_OK)
        rc = get_locks(s, run, out, err);
    if (rc == PCL_OK)
        rc = get_blocked(s, run, out, err);
    if (rc == PCL_OK)
        rc = get_points(s, run, out, err);
    return rc == PCL_OK ? get_violations(s, run, out, err) : rc;
}

int pcl_store_hist(struct pcl_store *s, const char *key, const char *name, const char *object,
                   struct pcl_hist *h, bool *found, struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_HIST_ONE);
    int rc = PCL_OK;

    *found = false;
    if (!st)
        return pcl_store_error(s, err, "cannot read a histogram");
    pcl_store_bind(st, "sss", key, name, object);
    if (sqlite3_step(st) == SQLITE_ROW) {
        rc =
            pcl_hist_decode(h, sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0));
        *found = rc == PCL_OK;
    }
    (void)sqlite3_reset(st);
    return rc == PCL_OK ? rc : pcl_fail(err, PCL_EIO, "%s: a histogram is damaged", s->path);
}

int pcl_store_course(struct pcl_store *s, const char *key, const char *lock,
                       struct pcl_course *t, bool *found, struct pcl_err *err)
{
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_COURSE_ONE);
    int rc = PCL_OK;

    *found = false;
    if (!st)
        return pcl_store_error(s, err, "cannot read a course");
    pcl_store_bind(st, "ss", key, lock);
    if (sqlite3_step(st) == SQLITE_ROW) {
        rc = pcl_course_decode(t, sqlite3_column_blob(st, 0),
                                 (size_t)sqlite3_column_bytes(st, 0));
        *found = rc == PCL_OK;
    }
    (void)sqlite3_reset(st);
    return rc == PCL_OK ? rc : pcl_fail(err, PCL_EIO, "%s: a course is damaged", s->path);
}

/* --- all runs ------------------------------------------------------------------------------
 */

static const char all_configs[] =
    "SELECT workload,kind,title,build,label,params,scheme,scheme_text,machine,machine_text,"
    "scenario_text,trace_sha256,replay,varies,source,config_id"
    " FROM config JOIN study USING(study_id) ORDER BY config_id";

/* The parameters in the order in which they were given. */
static size_t read_params(const char *text, json_t **root, struct pcl_param **out)
{
    size_t n = 0;
    const char *name;
    json_t *value;

    *root = json_loads(text, 0, NULL);
    *out = pcl_xcalloc(json_object_size(*root) + 1, sizeof(**out));
    json_object_foreach(*root, name, value)
    {
        const char *v = json_string_value(value);

        (*out)[n++] = (struct pcl_param){name, v ? v : ""};
    }
    return n;
}

static int load_run(struct pcl_store *s, sqlite3_stmt *st, struct pcl_config *c,
                    struct pcl_dataset *out, struct pcl_err *err)
{
    struct pcl_run_desc d;
    struct pcl_result r;
    int rc;

    (void)snprintf(d.key, sizeof(d.key), "%s", pcl_column(st, 0));
    d.seed = strtoull(pcl_column(st, 1), NULL, 16);
    d.replication = (uint32_t)sqlite3_column_int64(st, 2);
    pcl_result_init(&r);
    r.failed = strcmp(pcl_column(st, 3), "failed") == 0;
    r.code = sqlite3_column_int(st, 4);
    (void)snprintf(r.error, sizeof(r.error), "%s", pcl_column(st, 5));
    r.sim_ns = sqlite3_column_int64(st, 6);
    r.warmup_ns = sqlite3_column_int64(st, 7);
    r.ops = (uint64_t)sqlite3_column_int64(st, 8);
    r.events = (uint64_t)sqlite3_column_int64(st, 9);
    r.fingerprint = strtoull(pcl_column(st, 10), NULL, 16);
    r.total_violations = (uint64_t)sqlite3_column_int64(st, 11);
    rc = get_metrics(s, sqlite3_column_int64(st, 12), &r, err);
    if (rc == PCL_OK)
        pcl_dataset_add_to(out, c, &d, &r);
    pcl_result_fini(&r);
    return rc;
}

/* The runs of a configuration; one without runs is left out. */
static int load_config(struct pcl_store *s, sqlite3_stmt *row, struct pcl_dataset *out,
                       struct pcl_err *err)
{
    struct pcl_config_desc d = {.workload = pcl_column(row, 0),
                                .kind = pcl_column(row, 1),
                                .title = pcl_column(row, 2),
                                .build = pcl_column(row, 3),
                                .label = pcl_column(row, 4),
                                .scheme = pcl_column(row, 6),
                                .scheme_text = pcl_column(row, 7),
                                .machine = pcl_column(row, 8),
                                .machine_text = pcl_column(row, 9),
                                .scenario_text = pcl_column(row, 10),
                                .trace_sha256 = pcl_column(row, 11),
                                .replay = pcl_column(row, 12),
                                .varies = pcl_column(row, 13),
                                .source = pcl_column(row, 14)};
    sqlite3_stmt *st = pcl_store_stmt(s, PCL_STMT_CONFIG_RUNS);
    struct pcl_config *c = NULL;
    struct pcl_param *params;
    json_t *root;
    int rc = PCL_OK, got = SQLITE_DONE;

    if (!st)
        return pcl_store_error(s, err, "cannot read the runs");
    d.n_params = read_params(pcl_column(row, 5), &root, &params);
    d.params = params;
    pcl_store_bind(st, "i", sqlite3_column_int64(row, 15));
    while (rc == PCL_OK && (got = sqlite3_step(st)) == SQLITE_ROW) {
        if (!c)
            c = pcl_dataset_config(out, &d);
        rc = load_run(s, st, c, out, err);
    }
    free(params);
    json_decref(root);
    if (rc == PCL_OK)
        return end(s, st, got, err);
    (void)sqlite3_reset(st);
    return rc;
}

int pcl_store_load(struct pcl_store *s, struct pcl_dataset *out, struct pcl_err *err)
{
    sqlite3_stmt *st = NULL;
    int rc, got = SQLITE_DONE;

    /* one read transaction: a writer may add runs meanwhile, the picture stays whole */
    rc = pcl_store_exec(s, "BEGIN", err);
    if (rc != PCL_OK)
        return rc;
    if (sqlite3_prepare_v2(s->db, all_configs, -1, &st, NULL) != SQLITE_OK)
        rc = pcl_store_error(s, err, "cannot read the runs");
    while (rc == PCL_OK && (got = sqlite3_step(st)) == SQLITE_ROW)
        rc = load_config(s, st, out, err);
    if (rc == PCL_OK && got != SQLITE_DONE)
        rc = pcl_store_error(s, err, "cannot read the runs");
    (void)sqlite3_finalize(st);
    (void)sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    return rc;
}

int pcl_store_read(const char *path, struct pcl_dataset *out, struct pcl_err *err)
{
    struct pcl_store *s;
    int rc = pcl_store_open(path, PCL_STORE_READ, &s, err);

    if (rc != PCL_OK)
        return rc;
    rc = pcl_store_load(s, out, err);
    pcl_store_close(s);
    return rc;
}

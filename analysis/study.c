/*
 * Expanding a study: every point of the grid gets the scenario parsed anew with that point's
 * settings and a machine derived from the base, so that a job never differs from what the same
 * --set would have given. The seed is one for all; the replication number tells the
 * replications apart, and all schemes of a replication see the same random numbers.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/study.h>

#include "study_internal.h"

static const char *const default_schemes[] = {"v5.8", "v5.9-rc1", "v5.9"};

#define DEFAULT_MACHINE "server-2s"
#define DEFAULT_REPS 10
#define MAX_JOBS 10000000
#define MAX_POINTS 200000 /* each is a scenario in memory, some 20 KB */

struct build {
    const struct pcl_study_spec *spec;
    struct pcl_study *study;
    struct pcl_study_memory *mem;
    struct pcl_err *err;
    const char *file; /* of the scenario, for messages */
    char *text;
    const char **set; /* --set of the scenario, then one per free axis */
    size_t n_set;
    const struct pcl_scenario *base;
    const char *source; /* hash of the file as it stands */
    struct pcl_profile *machine;
    char *machine_text;
    struct pcl_scheme *scheme;
    const char **scheme_text;
    const struct pcl_grid_axis *axis[PCL_GRID_MAX];
    size_t n_axes;
    struct pcl_study_point *point;
};

static char *keep(struct build *b, char *text)
{
    char *kept = pcl_arena_strdup(&b->mem->arena, text);

    free(text);
    return kept;
}

/* --- settings --------------------------------------------------------------------------------
 */

static int split(const char *set, char *key, size_t n, const char **value, struct pcl_err *err)
{
    const char *eq = strchr(set, '=');

    *value = "";
    if (!eq || eq == set || (size_t)(eq - set) >= n)
        return pcl_fail_at(err, "--set", 0, 0, "want [section.]KEY=VALUE, found '%s'", set);
    (void)snprintf(key, n, "%.*s", (int)(eq - set), set);
    *value = eq + 1;
    return PCL_OK;
}

/* An axis of the command line stands in the scenario's grid before that is read. */
static int read_varied(struct build *b)
{
    for (size_t i = 0; i < b->spec->n_vary; i++) {
        const char *vary = b->spec->vary[i], *value;
        size_t size = strlen(vary) + sizeof("grid.");
        char key[256], other[256], *set = pcl_arena_alloc(&b->mem->arena, size, 1);

        if (split(vary, key, sizeof(key), &value, NULL) != PCL_OK)
            return pcl_fail_at(b->err, "--vary", 0, 0, "want KEY=VALUE,VALUE,..., found '%s'",
                               vary);
        for (size_t k = 0; k < b->spec->n_set; k++)
            if (split(b->spec->set[k], other, sizeof(other), &value, NULL) == PCL_OK &&
                pcl_same_axis(key, other))
                return pcl_fail_at(b->err, "--vary", 0, 0, "%s is given with --set too", key);
        (void)snprintf(set, size, "grid.%s", vary);
        b->set[b->n_set++] = set;
    }
    return PCL_OK;
}

/* Takes the settings apart: those of the machine are applied, the others kept for the parser.
 */
static int read_settings(struct build *b)
{
    b->set = pcl_arena_alloc(&b->mem->arena, b->spec->n_set + b->spec->n_vary + PCL_GRID_MAX + 1,
                             sizeof(*b->set));
    for (size_t i = 0; i < b->spec->n_set; i++) {
        const char *set = b->spec->set[i], *value;
        char key[256];
        int rc = split(set, key, sizeof(key), &value, b->err);

        if (rc != PCL_OK)
            return rc;
        if (pcl_set_machine_key(set))
            continue;
        if (b->spec->trace)
            return pcl_fail_at(b->err, "--set", 0, 0,
                               "a trace has no settings of its own: want machine.KEY=VALUE, "
                               "found '%s'",
                               set);
        b->set[b->n_set++] = set;
    }
    return read_varied(b);
}

static int set_machine(struct build *b, struct pcl_profile *m, const char *set,
                       const char *file, unsigned line)
{
    const char *rest = pcl_set_machine_key(set), *value;
    char key[256];
    int rc = split(rest, key, sizeof(key), &value, b->err);

    return rc == PCL_OK ? pcl_profile_set(m, key, value, file, line, 0, b->err) : rc;
}

static int load_machine(struct build *b)
{
    const char *name = b->spec->machine ? b->spec->machine
                       : b->base        ? b->base->machine
                                        : DEFAULT_MACHINE;
    int rc;

    b->machine = pcl_arena_alloc(&b->mem->arena, 1, sizeof(*b->machine));
    rc = pcl_profile_load(name[0] ? name : DEFAULT_MACHINE, b->machine, b->err);
    for (size_t i = 0; rc == PCL_OK && i < b->spec->n_set; i++)
        if (pcl_set_machine_key(b->spec->set[i]))
            rc = set_machine(b, b->machine, b->spec->set[i], "--set", 0);
    if (rc == PCL_OK)
        b->machine_text = keep(b, pcl_profile_text(b->machine));
    return rc;
}

/* --- scenario and schemes --------------------------------------------------------------------
 */

static int load_text(struct build *b)
{
    char *path = NULL;
    size_t size;
    int rc;

    b->file = b->spec->scenario;
    if (b->spec->scenario_text) {
        b->text = pcl_arena_strdup(&b->mem->arena, b->spec->scenario_text);
        return PCL_OK;
    }
    rc = pcl_find_data("workloads", b->spec->scenario, ".ini", &path, b->err);
    if (rc != PCL_OK)
        return rc;
    b->file = keep(b, path);
    rc = pcl_read_file(b->file, (size_t)64 << 20, &b->text, &size, b->err);
    if (rc == PCL_OK)
        b->text = keep(b, b->text);
    return rc;
}

/* Does the message quote these n letters? */
static bool names(const char *msg, const char *key, size_t n)
{
    const char *quote = strchr(msg, '\'');

    return quote && strncmp(quote + 1, key, n) == 0 && quote[n + 1] == '\'';
}

/* An axis of the command line went in as a setting; the message names what the user wrote. */
static int about_vary(struct build *b, int rc)
{
    for (size_t i = 0; b->err && i < b->spec->n_vary; i++) {
        const char *vary = b->spec->vary[i];
        size_t n = strcspn(vary, "=");
        const char *at = strncmp(b->err->msg, "grid.", 5) == 0 ? b->err->msg + 5 : b->err->msg;

        if (strcmp(b->err->file, "--set") == 0 &&
            (strncmp(at, vary, n) == 0 || names(b->err->msg, vary, n)))
            (void)snprintf(b->err->file, sizeof(b->err->file), "--vary");
    }
    return rc;
}

static int parse(struct build *b, size_t n_set, const struct pcl_scenario **out)
{
    struct pcl_scenario *s;
    int rc = pcl_scenario_parse(b->file, b->text, b->set, n_set, &s, b->err);

    if (rc != PCL_OK)
        return about_vary(b, rc);
    b->mem->scenario =
        pcl_xrealloc(b->mem->scenario, b->mem->n_scenarios + 1, sizeof(struct pcl_scenario *));
    b->mem->scenario[b->mem->n_scenarios++] = s;
    *out = s;
    return PCL_OK;
}

/* The scenario without what --set changed, to know it again. One that cannot do without is known by
 * what it became. */
static void name_source(struct build *b)
{
    struct pcl_scenario *s = NULL;
    char hash[65];

    if (pcl_scenario_parse(b->file, b->text, NULL, 0, &s, NULL) != PCL_OK)
        s = NULL;
    else
        pcl_sha256_hex(s->run_text, strlen(s->run_text), hash);
    pcl_scenario_free(s);
    if (!s)
        pcl_sha256_hex(b->base->run_text, strlen(b->base->run_text), hash);
    b->source = pcl_arena_strdup(&b->mem->arena, hash);
}

/* The axes that no --set pins. */
static void choose_axes(struct build *b)
{
    for (size_t a = 0; !b->spec->no_grid && b->base && a < b->base->n_grid; a++) {
        bool pinned = false;

        for (size_t i = 0; i < b->spec->n_set; i++) {
            const char *value;
            char key[256];

            if (split(b->spec->set[i], key, sizeof(key), &value, NULL) == PCL_OK)
                pinned = pinned || pcl_same_axis(key, b->base->grid[a].key);
        }
        if (!pinned)
            b->axis[b->n_axes++] = &b->base->grid[a];
    }
}

/* All schemes that can be named: the scenario's own hide shipped ones of the same name. */
static int gather_schemes(struct build *b, const struct pcl_scenario *of,
                          struct pcl_schemes *all)
{
    struct pcl_schemes shipped = {0};
    const struct pcl_schemes *known = b->spec->known;
    size_t own = of ? of->own.n : 0;
    int rc = PCL_OK;

    if (!known) {
        rc = pcl_schemes_default(&shipped, b->err);
        known = &shipped;
    }
    if (rc == PCL_OK) {
        all->v = pcl_xcalloc(own + known->n + 1, sizeof(*all->v));
        for (size_t i = 0; i < own; i++)
            all->v[all->n++] = of->own.v[i];
        for (size_t i = 0; i < known->n; i++)
            if (!of || !pcl_schemes_find(&of->own, known->v[i].name))
                all->v[all->n++] = known->v[i];
    }
    pcl_schemes_fini(&shipped);
    return rc;
}

/* The study's schemes, with the parameters that scenario `of` gives its own ones. */
static int choose_schemes(struct build *b, const struct pcl_scenario *of)
{
    struct pcl_schemes all = {0};
    const char *const *spec = b->spec->schemes;
    size_t n = b->spec->n_schemes;
    int rc = gather_schemes(b, of, &all);

    if (n == 0 && b->base && b->base->n_schemes) {
        n = b->base->n_schemes;
    } else if (n == 0) {
        spec = default_schemes;
        n = sizeof(default_schemes) / sizeof(default_schemes[0]);
    }
    b->scheme = pcl_arena_alloc(&b->mem->arena, n, sizeof(*b->scheme));
    b->scheme_text = pcl_arena_alloc(&b->mem->arena, n, sizeof(*b->scheme_text));
    for (size_t i = 0; rc == PCL_OK && i < n; i++) {
        const char *name = b->spec->n_schemes == 0 && b->base && b->base->n_schemes
                               ? b->base->schemes[i]
                               : spec[i];

        rc = pcl_scheme_resolve(&all, name, &b->scheme[i], b->err);
        for (size_t k = 0; rc == PCL_OK && k < i; k++)
            if (strcmp(b->scheme[k].name, b->scheme[i].name) == 0)
                rc = pcl_fail(b->err, PCL_EINVAL, "scheme '%s' is named twice", name);
        if (rc == PCL_OK)
            b->scheme_text[i] = keep(b, pcl_scheme_text(&b->scheme[i]));
    }
    pcl_schemes_fini(&all);
    b->study->schemes = b->scheme;
    b->study->n_schemes = n;
    return rc;
}

/* --- points ----------------------------------------------------------------------------------
 */

static void describe(struct build *b, struct pcl_study_point *p, const struct pcl_param *params, size_t n)
{
    struct pcl_config_desc *d = &p->desc;

    *d = (struct pcl_config_desc){.title = "",
                                  .label = "",
                                  .params = params,
                                  .n_params = n,
                                  .machine = p->machine->name,
                                  .machine_text = b->machine_text,
                                  .scenario_text = "",
                                  .trace_sha256 = "",
                                  .replay = "",
                                  .source = "",
                                  .build = pcl_model_build()};
    if (p->machine != b->machine)
        d->machine_text = keep(b, pcl_profile_text(p->machine));
    if (p->scenario) {
        d->kind = "scenario";
        d->workload = p->scenario->name;
        d->title = p->scenario->title ? p->scenario->title : "";
        d->scenario_text = p->scenario->run_text;
        d->source = b->source;
        d->varies = keep(b, pcl_varies_scenario(p->scenario, p->machine));
    } else {
        d->kind = "trace";
        d->workload = pcl_arena_strdup(&b->mem->arena, pcl_trace_name(b->spec->trace));
        d->title = keep(b, pcl_trace_title(b->spec->trace));
        d->trace_sha256 = b->spec->trace->sha256;
        d->replay = keep(b, pcl_replay_text(&p->replay));
        d->label = keep(b, pcl_replay_label(&p->replay, b->spec->trace));
        d->varies = keep(b, pcl_varies_trace(p->machine));
    }
}

static void add_param(struct build *b, struct pcl_param *params, size_t *n, const char *name,
                      const char *value)
{
    for (size_t i = 0; i < *n; i++) /* the last --set of a key counts */
        if (strcmp(params[i].name, name) == 0) {
            params[i].value = pcl_arena_strdup(&b->mem->arena, value);
            return;
        }
    params[*n].name = pcl_arena_strdup(&b->mem->arena, name);
    params[(*n)++].value = pcl_arena_strdup(&b->mem->arena, value);
}

/* What the user set for all points. */
static struct pcl_param *set_params(struct build *b, size_t more, size_t *n)
{
    struct pcl_param *params =
        pcl_arena_alloc(&b->mem->arena, b->spec->n_set + more + 1, sizeof(*params));

    *n = 0;
    for (size_t i = 0; i < b->spec->n_set; i++) {
        const char *value;
        char key[256];

        if (split(b->spec->set[i], key, sizeof(key), &value, NULL) == PCL_OK)
            add_param(b, params, n, key, value);
    }
    return params;
}

/* Which value each axis has at place number at of the grid; the last axis runs fastest. */
static void places_at(const struct build *b, size_t at, size_t which[PCL_GRID_MAX])
{
    for (size_t a = b->n_axes; a-- > 0;) {
        which[a] = at % b->axis[a]->n_values;
        at /= b->axis[a]->n_values;
    }
}

/* What --set chose for an axis, or its first value. */
static const char *pinned(const struct build *b, const struct pcl_grid_axis *g)
{
    const char *found = g->value[0], *value;
    char key[256];

    for (size_t i = 0; i < b->spec->n_set; i++)
        if (split(b->spec->set[i], key, sizeof(key), &value, NULL) == PCL_OK &&
            pcl_same_axis(key, g->key))
            found = value;
    return found;
}

/* Does the grid's condition leave this place? */
static int is_point(struct build *b, size_t at, bool *yes)
{
    const char *value[PCL_GRID_MAX];
    size_t which[PCL_GRID_MAX];

    *yes = true;
    if (b->spec->no_grid || !*b->base->where)
        return PCL_OK;
    places_at(b, at, which);
    for (size_t g = 0; g < b->base->n_grid; g++) {
        value[g] = pinned(b, &b->base->grid[g]);
        for (size_t a = 0; a < b->n_axes; a++)
            if (b->axis[a] == &b->base->grid[g])
                value[g] = b->axis[a]->value[which[a]];
    }
    return pcl_grid_allows(b->base, value, yes, NULL, b->err);
}

/* The point at place number at. */
static int make_grid_point(struct build *b, struct pcl_study_point *p, size_t at)
{
    size_t n, n_set = b->n_set;
    struct pcl_param *params = set_params(b, b->n_axes, &n);
    struct pcl_profile *own = NULL; /* a machine that only this point has */
    size_t which[PCL_GRID_MAX];
    int rc = PCL_OK;

    p->machine = b->machine;
    places_at(b, at, which);
    for (size_t a = 0; rc == PCL_OK && a < b->n_axes; a++) {
        const char *value = b->axis[a]->value[which[a]];
        size_t size = strlen(b->axis[a]->key) + strlen(value) + 2;
        char *set = pcl_arena_alloc(&b->mem->arena, size, 1);

        (void)snprintf(set, size, "%s=%s", b->axis[a]->key, value);
        add_param(b, params, &n, b->axis[a]->key, value);
        if (!pcl_set_machine_key(set)) {
            b->set[n_set++] = set;
            continue;
        }
        if (!own) {
            own = pcl_arena_alloc(&b->mem->arena, 1, sizeof(*own));
            *own = *b->machine;
            p->machine = own;
        }
        rc = set_machine(b, own, set, b->file, b->axis[a]->line);
    }
    if (rc == PCL_OK)
        rc = parse(b, n_set, &p->scenario);
    if (rc == PCL_OK && p->scenario->own.n && b->n_axes) /* an axis may be a scheme's parameter */
        rc = choose_schemes(b, p->scenario);
    p->scheme = b->scheme;
    p->scheme_text = b->scheme_text;
    if (rc == PCL_OK)
        describe(b, p, params, n);
    return rc;
}

static void make_clone_point(struct build *b, size_t at)
{
    struct pcl_study_point *p = &b->point[at];
    char clones[16];
    size_t n;
    struct pcl_param *params = set_params(b, 3, &n);

    p->machine = b->machine;
    p->scheme = b->scheme;
    p->scheme_text = b->scheme_text;
    p->replay = b->spec->replay;
    if (b->spec->n_clones)
        p->replay.clone = b->spec->clones[at];
    if (p->replay.clone == 0)
        p->replay.clone = 1;
    (void)snprintf(clones, sizeof(clones), "%u", (unsigned)p->replay.clone);
    add_param(b, params, &n, "clone", clones);
    if (p->replay.mode != PCL_REPLAY_THINK)
        add_param(b, params, &n, "replay", pcl_replay_word(&p->replay, (char[40]){0}, 40));
    if (p->replay.fs != PCL_FS_XFS)
        add_param(b, params, &n, "fs", pcl_fs_name(p->replay.fs));
    describe(b, p, params, n);
}

/* Of n places of the grid, those that the condition leaves. */
static int count_points(struct build *b, size_t *points, size_t n)
{
    int rc = PCL_OK;

    *points = 0;
    for (size_t i = 0; rc == PCL_OK && i < n; i++) {
        bool yes = true;

        if (!b->spec->trace)
            rc = is_point(b, i, &yes);
        *points += yes;
    }
    return rc;
}

static int make_points(struct build *b)
{
    size_t n = 1, n_points;
    int rc = PCL_OK;

    if (b->spec->trace)
        n = b->spec->n_clones ? b->spec->n_clones : 1;
    for (size_t a = 0; a < b->n_axes; a++) {
        PCL_ASSERT(b->axis[a]->n_values > 0);
        n *= b->axis[a]->n_values;
        if (n > MAX_JOBS)
            break;
    }
    if (n > MAX_JOBS) /* counted before where leaves some out: all are looked at */
        return pcl_fail(b->err, PCL_EINVAL,
                        "the grid has more than %d points: take fewer values", MAX_JOBS);
    rc = count_points(b, &n_points, n);
    if (rc != PCL_OK)
        return rc;
    if (n_points > MAX_POINTS)
        return pcl_fail(b->err, PCL_EINVAL,
                        "the grid has %zu points, more than %d: take fewer values", n_points,
                        MAX_POINTS);
    if (n_points > MAX_JOBS / b->study->n_schemes ||
        n_points * b->study->n_schemes > MAX_JOBS / b->study->reps)
        return pcl_fail(b->err, PCL_EINVAL,
                        "the grid gives more than %d runs: take fewer values or replications",
                        MAX_JOBS);
    b->point = pcl_arena_alloc(&b->mem->arena, n_points + 1, sizeof(*b->point));
    for (size_t i = 0; rc == PCL_OK && i < n; i++) {
        struct pcl_study_point *p = &b->point[b->study->n_points];
        bool yes = true;

        if (b->spec->trace)
            make_clone_point(b, i);
        else
            rc = is_point(b, i, &yes);
        if (rc == PCL_OK && yes && !b->spec->trace)
            rc = make_grid_point(b, p, i);
        b->study->n_points += yes;
    }
    if (rc == PCL_OK && b->study->n_points == 0)
        return pcl_fail(b->err, PCL_EINVAL, "no point of the grid meets 'where = %s'",
                        b->base->where);
    return rc;
}

/* The keys of a point and scheme begin alike. */
static void make_stems(struct build *b)
{
    struct pcl_study *s = b->study;
    size_t cells = s->n_points * s->n_schemes;

    b->mem->point = b->point;
    b->mem->trace = b->spec->trace;
    b->mem->check = b->spec->check;
    b->mem->no_runahead = b->spec->no_runahead;
    b->mem->explore = b->spec->explore;
    b->mem->stem = pcl_xcalloc(cells, sizeof(*b->mem->stem));
    s->n_jobs = cells * s->reps;
    for (size_t i = 0; i < cells; i++) {
        struct pcl_job job;

        pcl_study_job(s, i * s->reps, &job);
        pcl_job_key_stem(&job, &b->mem->stem[i]);
    }
}

void pcl_study_job(const struct pcl_study *s, size_t i, struct pcl_job *out)
{
    const struct pcl_study_memory *m = s->memory;
    const struct pcl_study_point *p = &m->point[pcl_study_point_of(s, i)];

    PCL_ASSERT(i < s->n_jobs);
    *out = (struct pcl_job){.scenario = p->scenario,
                            .trace = p->scenario ? NULL : m->trace,
                            .replay = p->replay,
                            .scheme = &p->scheme[pcl_study_scheme_of(s, i)],
                            .machine = p->machine,
                            .seed = s->seed,
                            .replication = pcl_study_rep_of(s, i),
                            .check = m->check,
                            .no_runahead = m->no_runahead,
                            .explore = m->explore && p->scenario && p->scenario->explore.on};
}

void pcl_study_key(const struct pcl_study *s, size_t i, char out[65])
{
    struct pcl_job job;

    pcl_study_job(s, i, &job);
    pcl_job_key_at(&s->memory->stem[i / s->reps], &job, out);
}

void pcl_study_desc(const struct pcl_study *s, size_t i, struct pcl_run_desc *out)
{
    const struct pcl_study_point *p = &s->memory->point[pcl_study_point_of(s, i)];
    size_t k = pcl_study_scheme_of(s, i);

    out->config = p->desc;
    out->config.scheme = p->scheme[k].name;
    out->config.scheme_text = p->scheme_text[k];
    out->seed = s->seed;
    out->replication = pcl_study_rep_of(s, i);
    pcl_study_key(s, i, out->key);
}

/* --- the whole -------------------------------------------------------------------------------
 */

static int build(struct build *b)
{
    struct pcl_study *s = b->study;
    int rc = read_settings(b);

    if (rc == PCL_OK && !b->spec->trace) {
        rc = load_text(b);
        if (rc == PCL_OK)
            rc = parse(b, b->n_set, &b->base);
        if (rc == PCL_OK)
            name_source(b);
    }
    if (rc == PCL_OK)
        rc = load_machine(b);
    if (rc == PCL_OK)
        rc = choose_schemes(b, b->base);
    if (rc != PCL_OK)
        return rc;
    choose_axes(b);
    s->least = b->spec->reps                  ? b->spec->reps
               : b->base && b->base->repeat > 0 && !b->spec->no_grid
                   ? (uint32_t)b->base->repeat
               : b->base && b->base->reps > 0 ? (uint32_t)b->base->reps
                                              : DEFAULT_REPS;
    if (b->spec->explore && b->base && b->base->explore.on)
        s->least = 1;
    s->reps = b->spec->most > s->least ? b->spec->most : s->least;
    s->seed = b->spec->has_seed ? b->spec->seed : b->base ? b->base->seed : 1;
    rc = make_points(b);
    if (rc != PCL_OK)
        return rc;
    make_stems(b);
    s->scenario = b->point[0].scenario;
    s->machine = b->point[0].machine;
    return PCL_OK;
}

int pcl_study_new(const struct pcl_study_spec *spec, struct pcl_study **out,
                  struct pcl_err *err)
{
    struct build b = {.spec = spec, .err = err};
    int rc;

    PCL_ASSERT((spec->scenario != NULL) != (spec->trace != NULL));
    b.study = pcl_xcalloc(1, sizeof(*b.study));
    b.mem = b.study->memory = pcl_xcalloc(1, sizeof(*b.mem));
    pcl_arena_init(&b.mem->arena);
    rc = build(&b);
    if (rc != PCL_OK) {
        pcl_study_free(b.study);
        return rc;
    }
    *out = b.study;
    return PCL_OK;
}

void pcl_study_free(struct pcl_study *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->memory->n_scenarios; i++)
        pcl_scenario_free(s->memory->scenario[i]);
    free(s->memory->scenario);
    pcl_arena_fini(&s->memory->arena);
    free(s->memory->stem);
    free(s->memory);
    free(s);
}

/*
 * Results regrouped for analysis: from "one run, all its metrics" to "one metric, all its
 * runs". A configuration is found again by a hash of its description, confirmed by comparing it
 * in full.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pclsim/dataset.h>

void pcl_dataset_init(struct pcl_dataset *d)
{
    *d = (struct pcl_dataset){0};
    pcl_arena_init(&d->arena);
}

void pcl_dataset_fini(struct pcl_dataset *d)
{
    for (size_t i = 0; i < d->n_configs; i++) {
        struct pcl_config *c = d->config[i];

        for (size_t k = 0; k < c->n_series; k++)
            free(c->series[k].value);
        free(c->series);
        free(c->run);
    }
    free(d->config);
    free(d->key);
    pcl_arena_fini(&d->arena);
    *d = (struct pcl_dataset){0};
}

/* --- which configuration ------------------------------------------------------------------ */

#define DESC_POINT_FIELDS(X)                                                                   \
    X(workload)                                                                                \
    X(kind)                                                                                    \
    X(title)                                                                                   \
    X(label)                                                                                   \
    X(machine) X(machine_text) X(scenario_text) X(trace_sha256) X(replay) X(varies) X(build)
#define DESC_FIELDS(X) DESC_POINT_FIELDS(X) X(scheme) X(scheme_text)

static uint64_t mix(uint64_t h, const char *s)
{
    do { /* the final 0 included: it separates the fields */
        h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
    } while (*s++);
    return h;
}

static uint64_t point_hash(const struct pcl_config_desc *a)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

#define X(field) h = mix(h, a->field);
    DESC_POINT_FIELDS(X)
#undef X
    for (size_t i = 0; i < a->n_params; i++)
        h = mix(mix(h, a->params[i].name), a->params[i].value);
    return h;
}

static bool point_equal(const struct pcl_config_desc *a, const struct pcl_config_desc *b)
{
#define X(field)                                                                               \
    if (strcmp(a->field, b->field) != 0)                                                       \
        return false;
    DESC_POINT_FIELDS(X)
#undef X
    if (a->n_params != b->n_params)
        return false;
    for (size_t i = 0; i < a->n_params; i++)
        if (strcmp(a->params[i].name, b->params[i].name) != 0 ||
            strcmp(a->params[i].value, b->params[i].value) != 0)
            return false;
    return true;
}

bool pcl_same_point(const struct pcl_config *a, const struct pcl_config *b)
{
    return a->point_hash == b->point_hash && point_equal(&a->desc, &b->desc);
}

static void copy_desc(struct pcl_arena *arena, struct pcl_config_desc *to,
                      const struct pcl_config_desc *from)
{
    struct pcl_param *p = pcl_arena_alloc(arena, from->n_params + 1, sizeof(*p));

#define X(field) to->field = pcl_arena_strdup(arena, from->field);
    DESC_FIELDS(X)
#undef X
    to->source = pcl_arena_strdup(arena, from->source ? from->source : "");
    for (size_t i = 0; i < from->n_params; i++) {
        p[i].name = pcl_arena_strdup(arena, from->params[i].name);
        p[i].value = pcl_arena_strdup(arena, from->params[i].value);
    }
    to->params = p;
    to->n_params = from->n_params;
}

struct pcl_config *pcl_dataset_config(struct pcl_dataset *d, const struct pcl_config_desc *desc)
{
    uint64_t ph = point_hash(desc);
    uint64_t h = mix(mix(ph, desc->scheme), desc->scheme_text);
    struct pcl_config *c;

    for (size_t i = d->n_configs; i-- > 0;) { /* the last one is the likeliest */
        c = d->config[i];
        if (c->hash == h && strcmp(c->desc.scheme, desc->scheme) == 0 &&
            strcmp(c->desc.scheme_text, desc->scheme_text) == 0 && point_equal(&c->desc, desc))
            return c;
    }
    c = pcl_arena_alloc(&d->arena, 1, sizeof(*c));
    c->hash = h;
    c->point_hash = ph;
    copy_desc(&d->arena, &c->desc, desc);
    d->config = pcl_xrealloc(d->config, d->n_configs + 1, sizeof(struct pcl_config *));
    d->config[d->n_configs++] = c;
    return c;
}

/* --- filling ------------------------------------------------------------------------------ */

static void grow(struct pcl_config *c)
{
    if (c->n_runs < c->cap_runs)
        return;
    c->cap_runs = c->cap_runs ? 2 * c->cap_runs : 16;
    c->run = pcl_xrealloc(c->run, c->cap_runs, sizeof(*c->run));
    for (size_t k = 0; k < c->n_series; k++)
        c->series[k].value = pcl_xrealloc(c->series[k].value, c->cap_runs, sizeof(double));
}

/* Runs of one configuration list the same metrics in the same order: try that place first. */
static struct pcl_series *series_for(struct pcl_config *c, const struct pcl_metric *m,
                                     size_t at)
{
    struct pcl_series *s;

    if (at < c->n_series && strcmp(c->series[at].name, m->name) == 0 &&
        strcmp(c->series[at].object, m->object) == 0)
        return &c->series[at];
    for (size_t k = 0; k < c->n_series; k++)
        if (strcmp(c->series[k].name, m->name) == 0 &&
            strcmp(c->series[k].object, m->object) == 0)
            return &c->series[k];
    c->series = pcl_xrealloc(c->series, c->n_series + 1, sizeof(*c->series));
    s = &c->series[c->n_series++];
    *s = (struct pcl_series){.better = m->better};
    memcpy(s->name, m->name, sizeof(s->name));
    memcpy(s->object, m->object, sizeof(s->object));
    memcpy(s->unit, m->unit, sizeof(s->unit));
    s->value = pcl_xcalloc(c->cap_runs, sizeof(double));
    for (size_t i = 0; i < c->n_runs; i++)
        s->value[i] = (double)NAN;
    return s;
}

static void put_key(struct pcl_dataset *d, uint64_t key)
{
    size_t i = (key >> 20) & (d->cap_keys - 1);

    while (d->key[i])
        i = (i + 1) & (d->cap_keys - 1);
    d->key[i] = key;
    d->n_keys++;
}

static void grow_keys(struct pcl_dataset *d)
{
    struct pcl_dataset old = *d;

    d->cap_keys = d->cap_keys ? 2 * d->cap_keys : 256;
    d->key = pcl_xcalloc(d->cap_keys, sizeof(*d->key));
    d->n_keys = 0;
    for (size_t i = 0; i < old.cap_keys; i++)
        if (old.key[i])
            put_key(d, old.key[i]);
    free(old.key);
}

/* Notes a key; true when one that begins like it was there. */
static bool seen_before(struct pcl_dataset *d, const char *text)
{
    char begin[17];
    uint64_t key;

    (void)snprintf(begin, sizeof(begin), "%.16s", text);
    key = strtoull(begin, NULL, 16) | 1;
    if (2 * (d->n_keys + 1) > d->cap_keys)
        grow_keys(d);
    for (size_t i = (key >> 20) & (d->cap_keys - 1); d->key[i]; i = (i + 1) & (d->cap_keys - 1))
        if (d->key[i] == key)
            return true;
    put_key(d, key);
    return false;
}

void pcl_dataset_add(struct pcl_dataset *d, const struct pcl_run_desc *desc,
                     const struct pcl_result *r)
{
    pcl_dataset_add_to(d, pcl_dataset_config(d, &desc->config), desc, r);
}

void pcl_dataset_add_to(struct pcl_dataset *d, struct pcl_config *c,
                        const struct pcl_run_desc *desc, const struct pcl_result *r)
{
    struct pcl_run_row *row;
    size_t at;

    if (seen_before(d, desc->key))
        for (size_t i = 0; i < c->n_runs; i++)
            if (strcmp(c->run[i].key, desc->key) == 0)
                return;
    grow(c);
    at = c->n_runs++;
    row = &c->run[at];
    *row = (struct pcl_run_row){.seed = desc->seed,
                                .replication = desc->replication,
                                .failed = r->failed,
                                .code = r->code,
                                .error = pcl_arena_strdup(&d->arena, r->error),
                                .sim_ns = r->sim_ns,
                                .warmup_ns = r->warmup_ns,
                                .ops = r->ops,
                                .events = r->events,
                                .fingerprint = r->fingerprint,
                                .violations = r->total_violations};
    memcpy(row->key, desc->key, sizeof(row->key));
    for (size_t k = 0; k < c->n_series; k++)
        c->series[k].value[at] = (double)NAN;
    if (r->failed)
        return;
    for (size_t k = 0; k < r->n_metrics; k++)
        series_for(c, &r->metrics[k], k)->value[at] = r->metrics[k].value;
}

/* --- reading ------------------------------------------------------------------------------ */

const struct pcl_series *pcl_config_series(const struct pcl_config *c, const char *name,
                                           const char *object)
{
    for (size_t k = 0; k < c->n_series; k++)
        if (strcmp(c->series[k].name, name) == 0 && strcmp(c->series[k].object, object) == 0)
            return &c->series[k];
    return NULL;
}

const char *pcl_config_param(const struct pcl_config *c, const char *name)
{
    for (size_t i = 0; i < c->desc.n_params; i++)
        if (strcmp(c->desc.params[i].name, name) == 0)
            return c->desc.params[i].value;
    return NULL;
}

size_t pcl_series_pairs(const struct pcl_config *ca, const struct pcl_series *sa,
                        const struct pcl_config *cb, const struct pcl_series *sb, double *xa,
                        double *xb)
{
    size_t n = 0;

    if (!sa || !sb)
        return 0;
    for (size_t i = 0; i < ca->n_runs; i++) {
        const struct pcl_run_row *ra = &ca->run[i];
        size_t k = i; /* plans run the replications of all schemes in the same order */

        if (k >= cb->n_runs || cb->run[k].seed != ra->seed ||
            cb->run[k].replication != ra->replication)
            for (k = 0; k < cb->n_runs; k++)
                if (cb->run[k].seed == ra->seed && cb->run[k].replication == ra->replication)
                    break;
        if (k == cb->n_runs || !isfinite(sa->value[i]) || !isfinite(sb->value[k]))
            continue;
        xa[n] = sa->value[i];
        xb[n] = sb->value[k];
        n++;
    }
    return n;
}

bool pcl_number_of(const char *text, bool size, double *out)
{
    pcl_ns ns;
    int64_t bytes;

    if (pcl_parse_real(text, out, NULL) == PCL_OK)
        return true;
    if (pcl_parse_time(text, &ns, NULL) == PCL_OK) {
        *out = (double)ns;
        return true;
    }
    if (size && pcl_parse_size(text, true, &bytes, NULL) == PCL_OK) {
        *out = (double)bytes;
        return true;
    }
    return false;
}

struct pcl_dataset_counts pcl_dataset_count(const struct pcl_dataset *d)
{
    struct pcl_dataset_counts n = {0};

    for (size_t i = 0; i < d->n_configs; i++) {
        const struct pcl_config *c = d->config[i];

        n.runs += c->n_runs;
        for (size_t k = 0; k < c->n_runs; k++) {
            n.failed += c->run[k].failed;
            n.violated += !c->run[k].failed && c->run[k].violations > 0;
        }
    }
    return n;
}

/* --- result hash ---------------------------------------------------------------------------
 */

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void pcl_dataset_hash(const struct pcl_dataset *d, char out[65])
{
    enum { LINE = 64 + 1 + 16 + 1 };
    size_t n = pcl_dataset_count(d).runs, k = 0, size = 0;
    char *text = pcl_xcalloc(n + 1, LINE + 1), *joined = pcl_xcalloc(n + 1, LINE);
    char **line = pcl_xcalloc(n + 1, sizeof(*line));

    for (size_t i = 0; i < d->n_configs; i++)
        for (size_t r = 0; r < d->config[i]->n_runs; r++, k++) {
            line[k] = text + k * (LINE + 1);
            (void)snprintf(line[k], LINE + 1, "%s %016" PRIx64 "\n", d->config[i]->run[r].key,
                           d->config[i]->run[r].fingerprint);
        }
    qsort(line, n, sizeof(*line), by_text);
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(line[i]);

        memcpy(joined + size, line[i], len);
        size += len;
    }
    pcl_sha256_hex(joined, size, out);
    free(line);
    free(joined);
    free(text);
}

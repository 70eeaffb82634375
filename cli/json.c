/*
 * Results as JSON. Simulated numbers only: nothing here depends on the clock or the host, so
 * equal runs print equal bytes.
 */
#include "json.h"

#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXACT_MAX (INT64_C(1) << 53) /* integers up to here survive a double */

json_t *cli_json_u64(uint64_t v)
{
    char text[32];

    if (v <= (uint64_t)EXACT_MAX)
        return json_integer((json_int_t)v);
    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
    return json_string(text);
}

json_t *cli_json_i64(int64_t v)
{
    char text[32];

    if (v >= -EXACT_MAX && v <= EXACT_MAX)
        return json_integer(v);
    (void)snprintf(text, sizeof(text), "%lld", (long long)v);
    return json_string(text);
}

json_t *cli_json_real(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *cli_json_hex(uint64_t v)
{
    char text[20];

    (void)snprintf(text, sizeof(text), "%016llx", (unsigned long long)v);
    return json_string(text);
}

json_t *cli_json_text(const char *s)
{
    json_t *text = json_string(s);
    char *copy;

    if (text)
        return text;
    copy = pcl_xstrdup(s);
    for (char *p = copy; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    text = json_string(copy);
    free(copy);
    return text;
}

static const char *better_name(enum pcl_better b)
{
    switch (b) {
    case PCL_BETTER_LOWER:
        return "lower";
    case PCL_BETTER_HIGHER:
        return "higher";
    case PCL_BETTER_NONE:
        break;
    }
    return "none";
}

static int by_name_and_object(const void *a, const void *b)
{
    const struct pcl_metric *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);

    return order ? order : strcmp((*x)->object, (*y)->object);
}

/* By name: a store gives them back in another order than a run makes them. */
static json_t *metrics(const struct pcl_result *r)
{
    const struct pcl_metric **sorted = pcl_xcalloc(r->n_metrics + 1, sizeof(*sorted));
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_metrics; i++)
        sorted[i] = &r->metrics[i];
    qsort(sorted, r->n_metrics, sizeof(*sorted), by_name_and_object);
    for (size_t i = 0; i < r->n_metrics; i++) {
        const struct pcl_metric *m = sorted[i];

        json_array_append_new(
            list, json_pack("{so so so ss so}", "name", cli_json_text(m->name), "object",
                            cli_json_text(m->object), "unit", cli_json_text(m->unit), "better",
                            better_name(m->better), "value", cli_json_real(m->value)));
    }
    free(sorted);
    return list;
}

static json_t *lock_row(const struct pcl_lock_row *l)
{
    const struct {
        const char *name;
        uint64_t value;
    } counts[] = {{"acquisitions", l->acquisitions},
                  {"contentions", l->contentions},
                  {"con_bounces", l->con_bounces},
                  {"acq_bounces", l->acq_bounces},
                  {"steals", l->steals},
                  {"handoffs", l->handoffs},
                  {"lost_retries", l->lost_retries},
                  {"trylock_failures", l->trylock_failures},
                  {"walks", l->walks},
                  {"walk_visits", l->walk_visits},
                  {"walk_foreign", l->walk_foreign},
                  {"walk_max", l->walk_max},
                  {"walk_foreign_max", l->walk_foreign_max},
                  {"wasted_wakes", l->wasted_wakes},
                  {"sleeps", l->sleeps},
                  {"line_transfers", l->line_transfers},
                  {"bypass_max", l->bypass_max}};
    const struct {
        const char *name;
        pcl_ns value;
    } times[] = {{"wait_min_ns", l->wait_min},
                 {"wait_max_ns", l->wait_max},
                 {"wait_total_ns", l->wait_total},
                 {"wait_line_ns", l->split.line},
                 {"wait_spinlock_ns", l->split.spinlock},
                 {"wait_optimistic_ns", l->split.optimistic},
                 {"wait_conflict_ns", l->split.conflict},
                 {"wait_wakeup_ns", l->split.wakeup},
                 {"wait_cpu_ns", l->split.cpu},
                 {"hold_min_ns", l->hold_min},
                 {"hold_max_ns", l->hold_max},
                 {"hold_total_ns", l->hold_total},
                 {"irqs_off_max_ns", l->irqs_off_max},
                 {"irqs_off_in_irq_ns", l->irqs_off_in_irq}};
    json_t *row =
        json_pack("{so ss%}", "name", cli_json_text(l->name), "mode", &l->mode, (size_t)1);

    for (size_t i = 0; i < CLI_N(counts); i++)
        json_object_set_new(row, counts[i].name, cli_json_u64(counts[i].value));
    for (size_t i = 0; i < CLI_N(times); i++)
        json_object_set_new(row, times[i].name, cli_json_i64(times[i].value));
    return row;
}

static json_t *violations(const struct pcl_result *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_violations; i++) {
        const struct pcl_violation *v = &r->violations[i];

        json_array_append_new(list, json_pack("{so so so so}", "kind", cli_json_text(v->kind),
                                              "at_ns", cli_json_i64(v->at), "text",
                                              cli_json_text(v->text), "steps",
                                              cli_json_text(v->steps ? v->steps : "")));
    }
    return list;
}

static int by_name_and_mode(const void *a, const void *b)
{
    const struct pcl_lock_row *const *x = a, *const *y = b;
    int order = strcmp((*x)->name, (*y)->name);

    return order ? order : (*x)->mode - (*y)->mode;
}

static json_t *locks(const struct pcl_result *r)
{
    const struct pcl_lock_row **sorted = pcl_xcalloc(r->n_locks + 1, sizeof(*sorted));
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_locks; i++)
        sorted[i] = &r->locks[i];
    qsort(sorted, r->n_locks, sizeof(*sorted), by_name_and_mode);
    for (size_t i = 0; i < r->n_locks; i++)
        json_array_append_new(list, lock_row(sorted[i]));
    free(sorted);
    return list;
}

/* "write", "X"; null when nobody stood there. */
static void set_who(json_t *row, const char *key, const char *op, char mode)
{
    char mode_key[32];

    (void)snprintf(mode_key, sizeof(mode_key), "%s_mode", key);
    json_object_set_new(row, key, *op ? cli_json_text(op) : json_null());
    json_object_set_new(row, mode_key, *op ? json_stringn(&mode, 1) : json_null());
}

static json_t *blocked(const struct pcl_result *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_blocked; i++) {
        const struct pcl_blocked_row *b = &r->blocked[i];
        json_t *row = json_pack("{so}", "lock", cli_json_text(b->lock));

        set_who(row, "waiter", b->waiter, b->waiter_mode);
        set_who(row, "holder", b->holder, b->holder_mode);
        set_who(row, "behind", b->behind, b->behind_mode);
        json_object_set_new(row, "count", cli_json_u64(b->count));
        json_object_set_new(row, "total_ns", cli_json_i64(b->total));
        json_object_set_new(row, "longest_ns", cli_json_i64(b->longest));
        json_array_append_new(list, row);
    }
    return list;
}

static json_t *points(const struct pcl_result *r)
{
    json_t *list = json_array();

    for (size_t i = 0; i < r->n_points; i++) {
        const struct pcl_lock_point *p = &r->points[i];

        json_array_append_new(list,
                              json_pack("{so ss so so so}", "lock", cli_json_text(p->lock), "who",
                                        p->holds ? "holds" : "waits", "at", cli_json_text(p->at),
                                        "what", cli_json_text(p->what), "count",
                                        cli_json_u64(p->count)));
    }
    return list;
}

json_t *cli_json_result(const struct pcl_result *r)
{
    json_t *o = json_object();

    json_object_set_new(o, "scheme", cli_json_text(r->scheme));
    json_object_set_new(o, "seed", cli_json_u64(r->seed));
    json_object_set_new(o, "replication", cli_json_u64(r->replication));
    json_object_set_new(o, "state", json_string(r->failed ? "failed" : "done"));
    json_object_set_new(o, "error", cli_json_text(r->error));
    json_object_set_new(o, "sim_ns", cli_json_i64(r->sim_ns));
    json_object_set_new(o, "warmup_ns", cli_json_i64(r->warmup_ns));
    json_object_set_new(o, "ops", cli_json_u64(r->ops));
    json_object_set_new(o, "events", cli_json_u64(r->events));
    json_object_set_new(o, "fingerprint", cli_json_hex(r->fingerprint));
    json_object_set_new(o, "total_violations", cli_json_u64(r->total_violations));
    json_object_set_new(o, "metrics", metrics(r));
    json_object_set_new(o, "locks", locks(r));
    json_object_set_new(o, "blocked", blocked(r));
    json_object_set_new(o, "points", points(r));
    json_object_set_new(o, "violations", violations(r));
    return o;
}

int cli_json_print(json_t *document)
{
    (void)json_dumpf(document, stdout, JSON_INDENT(1) | JSON_PRESERVE_ORDER);
    putchar('\n');
    json_decref(document);
    return CLI_DONE;
}

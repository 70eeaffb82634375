/*
 * What an exploration looked at, in a sentence for each scheme: a claim that nothing was found is
 * worth as much as the bound under which nothing was found.
 */
#include <string.h>

#include "claims_internal.h"

static double value(const struct pcl_config *c, const char *metric, const char *object)
{
    const struct pcl_series *s = pcl_config_series(c, metric, object);

    return s && c->n_runs ? s->value[0] : 0;
}

/* The kind of violation that was found, NULL for none. */
static const char *found(const struct pcl_config *c)
{
    for (size_t i = 0; i < c->n_series; i++)
        if (strcmp(c->series[i].name, "violations") == 0 &&
            strcmp(c->series[i].object, "all") != 0 && c->series[i].value[0] > 0)
            return c->series[i].object;
    return NULL;
}

static char *sentence(struct pcl_arena *a, const struct pcl_config *c)
{
    const char *kind = found(c), *why = kind ? kind : "no violation";
    double bound = value(c, "exhausted_preemptions", "all");
    char text[400], states[32];

    (void)pcl_format_count(value(c, "states", "all"), states, sizeof(states));
    if (kind)
        (void)snprintf(text, sizeof(text), "%s: %s, after %s states", c->desc.scheme, why, states);
    else if (value(c, "exhausted", "all") > 0)
        (void)snprintf(text, sizeof(text), "%s: %s; exhausted, %s states", c->desc.scheme, why,
                       states);
    else if (bound >= 0)
        (void)snprintf(text, sizeof(text), "%s: %s; exhausted up to %.0f preemption%s, %s states",
                       c->desc.scheme, why, bound, bound == 1 ? "" : "s", states);
    else
        (void)snprintf(text, sizeof(text), "%s: %s so far; given up after %s states",
                       c->desc.scheme, why, states);
    return pcl_arena_strdup(a, text);
}

void pcl_claim_explored(const struct pcl_dataset *d, struct pcl_claim_result *out)
{
    out->explored = pcl_arena_alloc(&out->arena, d->n_configs + 1, sizeof(*out->explored));
    for (size_t i = 0; i < d->n_configs; i++)
        if (d->config[i]->n_runs)
            out->explored[out->n_explored++] = sentence(&out->arena, d->config[i]);
}

/*
 * What can go on for ever. Asked of all states and moves of a search that met every one of them.
 *
 * Endless: from some state no end can be reached any more, whoever is given turns.
 *
 * Livelock: there is a cycle that everybody can be given turns in and that still leads nowhere. A
 * set of states that can all reach each other is one, unless some body that can go on in each of
 * its states takes no step inside it (a scheduler that is fair would make it leave), or a waiter
 * inside is told again and again that its time is not up (time passes).
 */
#include "explore_store.h"

#include <stdlib.h>

/* Moves sorted by one of their ends, by counting: those of state i are at[first[i]..first[i+1]). */
struct sorted {
    uint32_t *first; /* [n + 2] */
    uint32_t *at;    /* [n_edges] */
};

static struct sorted sort_edges(const struct store *s, bool by_to)
{
    uint32_t n = s->n_found;
    struct sorted x = {.first = pcl_xcalloc((size_t)n + 3, sizeof *x.first),
                       .at = pcl_xcalloc(s->n_edges + 1, sizeof *x.at)};

    for (size_t e = 0; e < s->n_edges; e++)
        x.first[(by_to ? s->edge[e].to : s->edge[e].from) + 2]++;
    for (uint32_t i = 2; i < n + 2; i++)
        x.first[i] += x.first[i - 1];
    for (size_t e = 0; e < s->n_edges; e++)
        x.at[x.first[(by_to ? s->edge[e].to : s->edge[e].from) + 1]++] = (uint32_t)e;
    return x;
}

static void sorted_fini(struct sorted *x)
{
    free(x->first);
    free(x->at);
}

/* Walks the moves backwards from the ends: who is not met cannot end. */
uint32_t store_find_endless(const struct store *s)
{
    uint32_t n = s->n_found, n_todo = 0, found = PCL_NONE;
    struct sorted in = sort_edges(s, true);
    uint32_t *todo = pcl_xcalloc((size_t)n + 1, sizeof *todo);
    bool *can_end = pcl_xcalloc((size_t)n + 1, sizeof *can_end);

    for (uint32_t i = 0; i < s->n_ends; i++) {
        can_end[s->end[i]] = true;
        todo[n_todo++] = s->end[i];
    }
    while (n_todo) {
        uint32_t to = todo[--n_todo];

        for (uint32_t k = in.first[to]; k < in.first[to + 1]; k++) {
            uint32_t from = s->edge[in.at[k]].from;

            if (!can_end[from]) {
                can_end[from] = true;
                todo[n_todo++] = from;
            }
        }
    }
    for (uint32_t i = 0; i < n && found == PCL_NONE; i++)
        if (!can_end[i])
            found = i;
    sorted_fini(&in);
    free(todo);
    free(can_end);
    return found;
}

/* --- sets of states that can all reach each other (Tarjan), without recursion ----------------- */

struct components {
    uint32_t *of;    /* [n] number of the component */
    uint32_t *order; /* [n] states, component by component */
    uint32_t n;
};

struct tarjan {
    uint32_t *index, *low, *stack, *path, *next;
    bool *on;
    uint32_t n_stack, n_path, count;
};

static void visit(struct tarjan *t, const struct sorted *out, uint32_t i)
{
    t->index[i] = t->low[i] = ++t->count;
    t->stack[t->n_stack++] = i;
    t->on[i] = true;
    t->path[t->n_path++] = i;
    t->next[i] = out->first[i];
}

static void leave(struct tarjan *t, struct components *c, uint32_t *placed)
{
    uint32_t i = t->path[--t->n_path];

    if (t->n_path && t->low[i] < t->low[t->path[t->n_path - 1]])
        t->low[t->path[t->n_path - 1]] = t->low[i];
    if (t->low[i] != t->index[i])
        return;
    for (uint32_t x = PCL_NONE; x != i;) {
        x = t->stack[--t->n_stack];
        t->on[x] = false;
        c->of[x] = c->n;
        c->order[(*placed)++] = x;
    }
    c->n++;
}

static struct components find_components(const struct store *s, const struct sorted *out)
{
    uint32_t n = s->n_found, placed = 0;
    size_t room = (size_t)n + 1;
    struct components c = {.of = pcl_xcalloc(room, sizeof *c.of),
                           .order = pcl_xcalloc(room, sizeof *c.order)};
    struct tarjan t = {.index = pcl_xcalloc(room, sizeof *t.index),
                       .low = pcl_xcalloc(room, sizeof *t.low),
                       .stack = pcl_xcalloc(room, sizeof *t.stack),
                       .path = pcl_xcalloc(room, sizeof *t.path),
                       .next = pcl_xcalloc(room, sizeof *t.next),
                       .on = pcl_xcalloc(room, sizeof *t.on)};

    for (uint32_t root = 0; root < n; root++) {
        if (t.index[root])
            continue;
        visit(&t, out, root);
        while (t.n_path) {
            uint32_t i = t.path[t.n_path - 1];

            if (t.next[i] == out->first[i + 1]) {
                leave(&t, &c, &placed);
                continue;
            }
            uint32_t to = s->edge[out->at[t.next[i]++]].to;

            if (!t.index[to])
                visit(&t, out, to);
            else if (t.on[to] && t.index[to] < t.low[i])
                t.low[i] = t.index[to];
        }
    }
    free(t.index);
    free(t.low);
    free(t.stack);
    free(t.path);
    free(t.next);
    free(t.on);
    return c;
}

/* What a body does in a component. */
struct part {
    bool steps;      /* it takes a step that stays inside */
    bool always;     /* it can go on in each state */
    bool not_yet;    /* it is told inside that its time is not up ... */
    bool time_leads; /* ... and would leave if it were */
};

static void look_at_state(const struct store *s, const struct sorted *out,
                          const struct components *c, uint32_t i, uint32_t n_bodies,
                          struct part *part, bool *can)
{
    for (uint32_t b = 0; b < n_bodies; b++)
        can[b] = false;
    for (uint32_t k = out->first[i]; k < out->first[i + 1]; k++) {
        const struct edge *e = &s->edge[out->at[k]];
        bool inside = c->of[e->to] == c->of[i];

        can[e->body] = true;
        part[e->body].steps |= inside;
        part[e->body].not_yet |= inside && e->asked && !e->yes;
        part[e->body].time_leads |= !inside && e->yes;
    }
    for (uint32_t b = 0; b < n_bodies; b++)
        part[b].always &= can[b];
}

static bool lives_for_ever(const struct part *part, uint32_t n_bodies)
{
    bool anybody = false;

    for (uint32_t b = 0; b < n_bodies; b++) {
        if ((part[b].always && !part[b].steps) || (part[b].not_yet && part[b].time_leads))
            return false;
        anybody |= part[b].steps;
    }
    return anybody;
}

uint32_t store_find_livelock(const struct store *s, uint32_t n_bodies)
{
    struct sorted out = sort_edges(s, false);
    struct components c = find_components(s, &out);
    struct part *part = pcl_xcalloc(n_bodies + 1, sizeof *part);
    bool *can = pcl_xcalloc(n_bodies + 1, sizeof *can);
    uint32_t found = PCL_NONE;

    for (uint32_t from = 0, to; from < s->n_found; from = to) {
        uint32_t first = c.order[from];

        for (uint32_t b = 0; b < n_bodies; b++)
            part[b] = (struct part){.always = true};
        for (to = from; to < s->n_found && c.of[c.order[to]] == c.of[first]; to++) {
            look_at_state(s, &out, &c, c.order[to], n_bodies, part, can);
            first = c.order[to] < first ? c.order[to] : first;
        }
        if (lives_for_ever(part, n_bodies) && first < found)
            found = first; /* the one met earliest, so that the schedule to it is short */
    }
    sorted_fini(&out);
    free(c.of);
    free(c.order);
    free(part);
    free(can);
    return found;
}

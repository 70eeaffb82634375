/*
 * Breadth-first search over the states of a machine, level by level: all states that are
 * reached by n micro-steps before any that needs n + 1.
 *
 *   seen     hash of a state -> its number, in order of discovery
 *   found    by number: the state it was first reached from and by which move, so that a
 * schedule can be read backwards; not the state itself level    copies of the states of the
 * present level, next: of the one after it edge     all moves between different states; at the
 * end they show, walked backwards from the states where all tasks have ended, whether some
 * state cannot get there any more
 *
 * Two states with the same 64-bit hash are taken for one; among a million states that happens
 * once in thirty million searches.
 */
#include <pclsim/explore.h>

#include <stdlib.h>
#include <string.h>

enum { FIRST_SLOTS = 1 << 12 };

static const uint64_t default_max_states = 4000000;

struct origin {
    uint32_t from;
    uint32_t move; /* body * 2 + answer */
};

struct edge {
    uint32_t from, to;
};

struct level {
    unsigned char *copy; /* [n][size of a state] */
    uint32_t *number;    /* [n] */
    uint32_t n, cap;
};

struct search {
    const struct pcl_explore_conf *conf;
    struct pcl_machine *m;
    struct pcl_explore_result *r;
    uint64_t max_states;
    size_t size; /* of a state */
    uint64_t *slot_hash;
    uint32_t *slot_number;
    uint32_t n_slots; /* a power of two */
    struct origin *found;
    uint32_t n_found, cap_found;
    struct edge *edge;
    size_t n_edges, cap_edges;
    uint32_t *end; /* numbers of the states where all have ended */
    uint32_t n_ends, cap_ends;
    struct level level, next;
    bool stop;
};

/* --- tables that grow --------------------------------------------------------------------- */

/* Grows an array so that index n is valid. */
static void *room(void *array, uint64_t n, uint64_t *cap, size_t size)
{
    if (n < *cap)
        return array;
    *cap = *cap ? *cap * 2 : 256;
    return pcl_xrealloc(array, (size_t)*cap, size);
}

#define ROOM(array, n, cap)                                                                    \
    do {                                                                                       \
        uint64_t cap_ = (cap);                                                                 \
        (array) = room((array), (n), &cap_, sizeof *(array));                                  \
        (cap) = (uint32_t)cap_;                                                                \
    } while (0)

static uint32_t *slot_of(struct search *s, uint64_t hash, uint64_t **key)
{
    uint32_t i = (uint32_t)(hash ^ hash >> 32) & (s->n_slots - 1);

    while (s->slot_hash[i] != 0 && s->slot_hash[i] != hash)
        i = (i + 1) & (s->n_slots - 1);
    *key = &s->slot_hash[i];
    return &s->slot_number[i];
}

static void grow_slots(struct search *s)
{
    uint64_t *old_hash = s->slot_hash, *key;
    uint32_t *old_number = s->slot_number, old_n = s->n_slots;

    s->n_slots = old_n ? old_n * 2 : FIRST_SLOTS;
    s->slot_hash = pcl_xcalloc(s->n_slots, sizeof *s->slot_hash);
    s->slot_number = pcl_xcalloc(s->n_slots, sizeof *s->slot_number);
    for (uint32_t i = 0; i < old_n; i++)
        if (old_hash[i]) {
            *slot_of(s, old_hash[i], &key) = old_number[i];
            *key = old_hash[i];
        }
    free(old_hash);
    free(old_number);
}

/* The number of the machine's present state; *fresh when it was not known. */
static uint32_t number_of(struct search *s, uint32_t from, uint32_t move, bool *fresh)
{
    uint64_t hash = pcl_state_hash(s->m->state), *key;

    hash += hash == 0; /* 0 marks a free slot */
    if ((s->n_found + 1) * (uint64_t)2 > s->n_slots)
        grow_slots(s);
    uint32_t *number = slot_of(s, hash, &key);

    *fresh = *key == 0;
    if (*fresh) {
        *key = hash;
        *number = s->n_found;
        ROOM(s->found, s->n_found, s->cap_found);
        s->found[s->n_found++] = (struct origin){from, move};
    }
    return *number;
}

static void keep(struct search *s, struct level *l, uint32_t number)
{
    if (l->n == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 64;
        l->copy = pcl_xrealloc(l->copy, l->cap, s->size);
        l->number = pcl_xrealloc(l->number, l->cap, sizeof *l->number);
    }
    PCL_ASSERT(pcl_state_size(s->m->state) == s->size);
    pcl_state_save(s->m->state, l->copy + l->n * s->size);
    l->number[l->n++] = number;
}

/* --- findings --------------------------------------------------------------------------------
 */

/* The moves that led to a state, as text. */
static char *schedule_to(const struct search *s, uint32_t number)
{
    size_t n = 0, at = 0;
    uint32_t *move;
    char *text;

    for (uint32_t i = number; i != 0; i = s->found[i].from)
        n++;
    move = pcl_xcalloc(n + 1, sizeof *move);
    text = pcl_xcalloc(n * 12 + 1, 1);
    for (uint32_t i = number, k = 0; i != 0; i = s->found[i].from)
        move[n - ++k] = s->found[i].move;
    for (size_t i = 0; i < n; i++)
        at += (size_t)snprintf(text + at, n * 12 + 1 - at, "%s%u%s", i ? "." : "", move[i] / 2,
                               move[i] % 2 ? "+" : "");
    free(move);
    return text;
}

static void report(struct search *s, enum pcl_explore_verdict verdict, uint32_t number,
                   const char *why)
{
    s->r->verdict = verdict;
    snprintf(s->r->why, sizeof s->r->why, "%s", why);
    free(s->r->schedule);
    s->r->schedule = schedule_to(s, number);
    s->stop = true;
}

static bool all_ended(const struct pcl_machine *m)
{
    for (uint32_t b = 0; b < m->n_tasks; b++)
        if (m->model[b].run != PCL_RUN_DEAD)
            return false;
    return true;
}

/* A state that was not known: is it in order, is it an end, is it to be continued? */
static void look_at(struct search *s, uint32_t number)
{
    const char *why = "the check failed";

    if (s->conf->check && !s->conf->check(s->conf->arg, &why)) {
        report(s, PCL_EXPLORE_VIOLATION, number, why);
        return;
    }
    if (all_ended(s->m)) {
        ROOM(s->end, s->n_ends, s->cap_ends);
        s->end[s->n_ends++] = number;
    }
    keep(s, &s->next, number);
}

/* --- the search ------------------------------------------------------------------------------
 */

static void note_edge(struct search *s, uint32_t from, uint32_t to)
{
    if (from == to)
        return;
    if (s->n_edges == s->cap_edges) {
        s->cap_edges = s->cap_edges ? s->cap_edges * 2 : 1024;
        s->edge = pcl_xrealloc(s->edge, s->cap_edges, sizeof *s->edge);
    }
    s->edge[s->n_edges++] = (struct edge){from, to};
}

/* One move of a body from the state with that copy; true when it asked for the answer. */
static bool move_body(struct search *s, const unsigned char *copy, uint32_t from, uint32_t body,
                      bool yes)
{
    bool fresh;

    pcl_state_restore(s->m->state, copy);
    s->m->model[body].choice = yes;
    pcl_machine_step(s->m, body);
    s->r->steps++;
    if (yes && !s->m->asked)
        return false;
    bool asked = s->m->asked;
    uint32_t to = number_of(s, from, body * 2 + yes, &fresh);

    note_edge(s, from, to);
    if (fresh)
        look_at(s, to);
    return asked;
}

static void expand(struct search *s, uint32_t i)
{
    const unsigned char *copy = s->level.copy + i * s->size;
    uint32_t number = s->level.number[i], moves = 0;

    for (uint32_t b = 0; b < s->m->n_bodies && !s->stop; b++) {
        pcl_state_restore(s->m->state, copy);
        if (!pcl_machine_can_step(s->m, b))
            continue;
        moves++;
        if (move_body(s, copy, number, b, false) && !s->stop)
            move_body(s, copy, number, b, true);
    }
    if (moves || s->stop)
        return;
    pcl_state_restore(s->m->state, copy);
    if (!all_ended(s->m))
        report(s, PCL_EXPLORE_DEADLOCK, number, "tasks are left and nobody can go on");
}

static void swap_levels(struct search *s)
{
    struct level l = s->level;

    s->level = s->next;
    s->next = l;
    s->next.n = 0;
}

/* Walks the edges backwards from the ends: who is not met cannot end. Edges are sorted by the
 * state that they lead to, by counting. */
static void find_endless(struct search *s)
{
    uint32_t n = s->n_found, *first = pcl_xcalloc((size_t)n + 2, sizeof *first);
    uint32_t *from = pcl_xcalloc(s->n_edges + 1, sizeof *from);
    uint32_t *todo = pcl_xcalloc((size_t)n + 1, sizeof *todo), n_todo = 0;
    bool *can_end = pcl_xcalloc((size_t)n + 1, sizeof *can_end);

    for (size_t e = 0; e < s->n_edges; e++)
        first[s->edge[e].to + 2]++;
    for (uint32_t i = 2; i < n + 2; i++)
        first[i] += first[i - 1];
    for (size_t e = 0; e < s->n_edges; e++)
        from[first[s->edge[e].to + 1]++] = s->edge[e].from;
    for (uint32_t i = 0; i < s->n_ends; i++) {
        can_end[s->end[i]] = true;
        todo[n_todo++] = s->end[i];
    }
    while (n_todo) {
        uint32_t to = todo[--n_todo];

        for (uint32_t k = first[to]; k < first[to + 1]; k++)
            if (!can_end[from[k]]) {
                can_end[from[k]] = true;
                todo[n_todo++] = from[k];
            }
    }
    for (uint32_t i = 0; i < n && !s->stop; i++)
        if (!can_end[i])
            report(s, PCL_EXPLORE_ENDLESS, i, "from here on not all tasks can end");
    free(first);
    free(from);
    free(todo);
    free(can_end);
}

static void search(struct search *s)
{
    bool fresh;

    look_at(s, number_of(s, 0, 0, &fresh));
    while (!s->stop && s->next.n) {
        swap_levels(s);
        if (s->conf->max_steps && s->r->depth >= s->conf->max_steps)
            return;
        for (uint32_t i = 0; i < s->level.n && !s->stop; i++) {
            expand(s, i);
            if (s->n_found > s->max_states)
                return;
        }
        s->r->depth += s->next.n > 0;
    }
    s->r->exhausted = !s->stop;
    if (s->r->exhausted)
        find_endless(s);
}

void pcl_explore(const struct pcl_explore_conf *conf, struct pcl_explore_result *result)
{
    struct search s = {.conf = conf,
                       .m = conf->m,
                       .r = result,
                       .max_states = conf->max_states ? conf->max_states : default_max_states};

    PCL_ASSERT(conf->m->explore && s.max_states < UINT32_MAX / 2);
    *result = (struct pcl_explore_result){.schedule = pcl_xstrdup("")};
    s.size = pcl_state_size(s.m->state);
    unsigned char *root = pcl_xcalloc(1, s.size + 1);

    pcl_state_save(s.m->state, root);
    search(&s);
    pcl_state_restore(s.m->state, root);
    result->states = s.n_found;
    result->ends = s.n_ends;
    free(root);
    free(s.slot_hash);
    free(s.slot_number);
    free(s.found);
    free(s.edge);
    free(s.end);
    free(s.level.copy);
    free(s.level.number);
    free(s.next.copy);
    free(s.next.number);
}

void pcl_explore_fini(struct pcl_explore_result *result)
{
    free(result->schedule);
    result->schedule = NULL;
}

/* --- replay ----------------------------------------------------------------------------------
 */

int pcl_explore_replay(struct pcl_machine *m, const char *schedule,
                       bool (*tell)(void *arg, uint32_t body, bool yes), void *arg, size_t *at)
{
    const char *p = schedule;

    while (*p) {
        uint64_t body = 0;
        const char *start = p;

        while (*p >= '0' && *p <= '9' && body < m->n_bodies)
            body = body * 10 + (uint64_t)(*p++ - '0');
        bool yes = *p == '+';
        bool ends = p[yes] == '\0' || (p[yes] == '.' && p[yes + 1]);

        if (at)
            *at = (size_t)(start - schedule);
        if (p == start || !ends || body >= m->n_bodies ||
            !pcl_machine_can_step(m, (uint32_t)body))
            return PCL_EINVAL;
        p += yes + (p[yes] == '.');
        m->model[body].choice = yes;
        pcl_machine_step(m, (uint32_t)body);
        if (tell && !tell(arg, (uint32_t)body, yes))
            break;
    }
    return PCL_OK;
}

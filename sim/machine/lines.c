/*
 * Cache lines: who owns a line, who shares it, until when it is busy. A read by a sharer is a hit
 * and never queues; a read miss joins the sharers; a write or an atomic invalidates them and
 * queues in request order. The cost of a transfer depends on the distance.
 *
 * A line that many ask for at once is slower than its transfers. Requests meet at the line's home,
 * which carries out one at a time and has the others try again:
 *
 *      CPU a --.                       grant to a                   grant to b
 *      CPU b --+--> home of the line  |  transfer  | b c d retried |  transfer  | c d retried | ..
 *      CPU c --|
 *      CPU d --'                       each costs the home line_retry, and so all behind it
 *
 * How many are in line is told by how long it is, in grants as long as the last ones were.
 *
 * Lines are named by class and number, so nothing is stored for the millions that nobody has
 * touched lately: the directory is a 4-way associative table that grows up to the machine's cache
 * capacity and then forgets the least recently used line of a set, which is thereby in memory
 * again. All of it is arithmetic at the time of the request: no event per waiter.
 */
#include <stdlib.h>
#include <string.h>

#include "internal.h"

enum {
    WAYS = 4,
    SHARE_WORDS = 4, /* 256 CPUs */
    FIRST_SETS = 256
};

struct line {
    pcl_line tag; /* 0: empty */
    pcl_ns busy;  /* the last exclusive request completes */
    uint64_t share[SHARE_WORDS];
    uint32_t used;  /* stamp of the last use */
    uint32_t pace;  /* ns from one grant to the next, lately */
    uint16_t owner; /* CPU, meaningful while exclusive */
    uint8_t exclusive;
    uint8_t pad;
};

struct pcl_linedir {
    struct line *line; /* [sets * WAYS] */
    uint32_t sets, max_sets;
    uint32_t stamp;
};

void pcl_lines_init(struct pcl_machine *m)
{
    const struct pcl_profile *p = m->p;

    m->has_lines = !m->explore && !m->ideal &&
                   (p->rmw || p->l1_hit || p->line_llc || p->line_socket || p->line_remote);
    if (!m->has_lines)
        return;
    struct pcl_linedir *d = pcl_xcalloc(1, sizeof(*d));
    int64_t max = p->llc_bytes / 64 / WAYS;

    d->max_sets = FIRST_SETS;
    while (d->max_sets * 2 <= max && d->max_sets < (1u << 22))
        d->max_sets *= 2;
    d->sets = FIRST_SETS;
    d->line = pcl_xcalloc((size_t)d->sets * WAYS, sizeof(*d->line));
    m->lines = d;
}

void pcl_lines_fini(struct pcl_machine *m)
{
    if (m->lines)
        free(m->lines->line);
    free(m->lines);
    m->lines = NULL;
}

/* The class stands in the top bits, which a product would not carry down. */
static uint32_t set_of(const struct pcl_linedir *d, pcl_line tag)
{
    tag ^= tag >> 29;
    return (uint32_t)((tag * 0x9e3779b97f4a7c15u) >> 32) & (d->sets - 1);
}

static struct line *victim(struct pcl_linedir *d, pcl_line tag)
{
    struct line *set = &d->line[(size_t)set_of(d, tag) * WAYS], *oldest = set;

    for (int i = 0; i < WAYS; i++) {
        if (set[i].tag == 0)
            return &set[i];
        if (d->stamp - set[i].used > d->stamp - oldest->used)
            oldest = &set[i];
    }
    return oldest;
}

static void grow(struct pcl_linedir *d)
{
    struct line *old = d->line;
    uint32_t n = d->sets * WAYS;

    d->sets *= 2;
    d->line = pcl_xcalloc((size_t)d->sets * WAYS, sizeof(*d->line));
    for (uint32_t i = 0; i < n; i++)
        if (old[i].tag)
            *victim(d, old[i].tag) = old[i];
    free(old);
}

/* The line's entry; *fresh when no cache held it. */
static struct line *find(struct pcl_linedir *d, pcl_line tag, bool *fresh)
{
    struct line *set = &d->line[(size_t)set_of(d, tag) * WAYS];

    d->stamp++;
    for (int i = 0; i < WAYS; i++)
        if (set[i].tag == tag) {
            set[i].used = d->stamp;
            *fresh = false;
            return &set[i];
        }
    struct line *l = victim(d, tag);

    while (l->tag && d->sets < d->max_sets) {
        grow(d);
        l = victim(d, tag);
    }
    memset(l, 0, sizeof(*l));
    l->tag = tag;
    l->used = d->stamp;
    *fresh = true;
    return l;
}

pcl_ns pcl_distance(const struct pcl_machine *m, uint32_t a, uint32_t b)
{
    if (a == b)
        return 0;
    if (m->cpu[a].llc == m->cpu[b].llc)
        return m->p->line_llc;
    return m->cpu[a].socket == m->cpu[b].socket ? m->p->line_socket : m->p->line_remote;
}

/* Does anybody in CPUs [from, to) other than me share the line? */
static bool shared_in(const struct line *l, uint32_t from, uint32_t to, uint32_t me)
{
    for (uint32_t w = from / 64; w < SHARE_WORDS && w * 64 < to; w++) {
        uint64_t bits = l->share[w];

        if (me / 64 == w)
            bits &= ~(1ull << (me % 64));
        if (from > w * 64)
            bits &= ~0ull << (from - w * 64);
        if (to < (w + 1) * 64)
            bits &= (1ull << (to - w * 64)) - 1;
        if (bits)
            return true;
    }
    return false;
}

/* Time to fetch the line to cpu, or to invalidate its other holders. */
static pcl_ns fetch(const struct pcl_machine *m, const struct line *l, uint32_t cpu, bool write)
{
    if (l->exclusive)
        return pcl_distance(m, l->owner, cpu);
    uint32_t per = m->cpus_per_llc;
    uint32_t lo = cpu / per * per, per_socket = (uint32_t)m->p->llcs_per_socket * per;
    uint32_t slo = cpu / per_socket * per_socket;
    bool near = shared_in(l, lo, lo + per, cpu);

    if (!write && near) /* the nearest copy serves a read */
        return m->p->line_llc;
    if (shared_in(l, 0, slo, cpu) || shared_in(l, slo + per_socket, SHARE_WORDS * 64, cpu)) {
        if (write || !shared_in(l, slo, slo + per_socket, cpu))
            return m->p->line_remote;
    }
    if (shared_in(l, slo, lo, cpu) || shared_in(l, lo + per, slo + per_socket, cpu))
        return m->p->line_socket;
    return near ? m->p->line_llc : 0;
}

static bool shares(const struct line *l, uint32_t cpu)
{
    return (l->share[cpu / 64] >> (cpu % 64)) & 1;
}

static void join(struct line *l, uint32_t cpu)
{
    l->share[cpu / 64] |= 1ull << (cpu % 64);
}

void pcl_line_waited(struct pcl_machine *m, pcl_ns ns)
{
    m->cause_ns[PCL_T_LINE] += ns;
    m->task[m->cur].spent[PCL_SPENT_LINE] += ns;
}

/* Requests before mine that have not been granted. Each comes from another CPU. */
static pcl_ns in_line(const struct pcl_machine *m, const struct line *l, pcl_ns at)
{
    pcl_ns left = l->busy - at, n;

    if (left <= 0 || l->pace == 0)
        return 0;
    n = (left + l->pace - 1) / l->pace;
    return n < m->n_cpus ? n : m->n_cpus - 1;
}

/* Half of it is the last grant. */
static uint32_t new_pace(const struct line *l, bool waited, pcl_ns cost)
{
    if (waited && l->pace)
        cost = (l->pace + cost) / 2;
    return cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
}

pcl_ns pcl_line_take(struct pcl_machine *m, pcl_line tag, uint32_t cpu, pcl_ns at, pcl_ns own)
{
    bool fresh;

    if (!m->has_lines)
        return at;
    struct line *l = find(m->lines, tag, &fresh);
    pcl_ns start = at > l->busy ? at : l->busy;
    pcl_ns cost = own;

    if (fresh)
        cost += m->p->dram;
    else if (!(l->exclusive && l->owner == cpu)) {
        cost += fetch(m, l, cpu, true) + m->p->line_retry * in_line(m, l, at);
        m->line_transfers++;
    }
    l->pace = new_pace(l, start > at, cost);
    memset(l->share, 0, sizeof(l->share));
    join(l, cpu);
    l->exclusive = 1;
    l->owner = (uint16_t)cpu;
    return l->busy = start + cost;
}

static void take(struct pcl_machine *m, pcl_line tag, pcl_ns own)
{
    pcl_ns done = pcl_line_take(m, tag, m->cur_cpu, m->at, own);

    pcl_line_waited(m, done - own - m->at);
    m->at = done;
}

void pcl_rmw_slow(struct pcl_machine *m, pcl_line tag)
{
    take(m, tag, m->p->rmw);
}

void pcl_store_slow(struct pcl_machine *m, pcl_line tag)
{
    take(m, tag, m->p->l1_hit);
}

static struct line *known(const struct pcl_linedir *d, pcl_line tag)
{
    struct line *set = &d->line[(size_t)set_of(d, tag) * WAYS];

    for (int i = 0; i < WAYS; i++)
        if (set[i].tag == tag)
            return &set[i];
    return NULL;
}

bool pcl_line_mine(const struct pcl_machine *m, pcl_line tag)
{
    const struct line *l = m->has_lines ? known(m->lines, tag) : NULL;

    return !m->has_lines || (l && l->exclusive && l->owner == m->cur_cpu && l->busy <= m->at);
}

void pcl_line_touches(struct pcl_machine *m, pcl_line tag, uint64_t n)
{
    if (!m->has_lines)
        return;
    struct line *l = known(m->lines, tag);

    m->lines->stamp += (uint32_t)n;
    l->used = m->lines->stamp;
    l->busy = m->at;
}

bool pcl_line_look(const struct pcl_machine *m, pcl_line tag, uint16_t *owner, pcl_ns *busy,
                   uint32_t *pace)
{
    const struct line *l = m->has_lines ? known(m->lines, tag) : NULL;

    if (!l || !l->exclusive)
        return false;
    *owner = l->owner;
    *busy = l->busy;
    *pace = l->pace;
    return true;
}

uint32_t pcl_lines_stamp(const struct pcl_machine *m)
{
    return m->lines->stamp;
}

void pcl_lines_shift(struct pcl_machine *m, pcl_line tag, pcl_ns later, uint32_t uses)
{
    struct line *l = known(m->lines, tag);

    m->lines->stamp += uses;
    l->used += uses;
    l->busy += l->busy > m->at ? later : 0;
}

void pcl_load_slow(struct pcl_machine *m, pcl_line tag)
{
    bool fresh;
    struct line *l = find(m->lines, tag, &fresh);
    uint32_t cpu = m->cur_cpu;

    if (!fresh && shares(l, cpu)) {
        m->at += m->p->l1_hit;
        return;
    }
    pcl_ns start = m->at > l->busy ? m->at : l->busy;
    pcl_ns cost = fresh ? m->p->dram : fetch(m, l, cpu, false);

    if (!fresh)
        m->line_transfers++;
    if (l->exclusive) { /* the owner writes back and keeps a shared copy */
        l->exclusive = 0;
        join(l, l->owner);
    }
    join(l, cpu);
    pcl_line_waited(m, start - m->at + cost);
    m->at = start + cost + m->p->l1_hit;
}

/*
 * Several sweeps of one file side by side: each is the others' rival at every unit, and they fight
 * for one spinlock, so none of them leaps alone. But what they do to each other repeats. Whenever
 * the first of them (by number) begins a block of 64 units, all of them are looked at: where each
 * stands within its own block and its micro-step, the spinlock's queue, the cache line, the times
 * of their next events, all relative to now. When that is as it was a few blocks before, the time
 * since then is a period:
 *
 *     A   |----64----|----64----|----64----|     p = 0, 64, 128 ..     the same picture at a and
 *     B     ..|----64----|----64----|----64--    q = 17, 81, 145 ..    b: the time from a to b
 *             a          b          c                                  repeats
 *
 * and they leap by whole periods, as long as nobody else's event falls in. A block is like the last
 * one if it costs the same nodes: so each sweep stays within its 4096 units (a node of the next
 * level), clear of its own end, of units in whose queue somebody waits, and by two blocks of what
 * others hold.
 */
#include "units.h"

enum {
    BLOCK = 64,
    GAP = 2 * BLOCK,
    MOST = PCL_CHORUS_MOST, /* sweeps at once */
    KEPT = 8      /* pictures that are remembered */
};

struct picture {
    struct pcl_fp fp;
    struct pcl_tally tally;
    uint64_t at[MOST]; /* position of each sweep */
    uint64_t taken, freed, nodes, walks;
};

struct memo {
    struct picture kept[KEPT];
    uint32_t n; /* pictures so far; the last ones are kept */
};

struct chorus {
    struct pcl_range_locks *R;
    uint32_t inst;
    uint32_t body[MOST];
    uint32_t n;
};

static bool releases(const struct pcl_range_locks *R, uint32_t b)
{
    return R->op[b].pc >= FREE;
}

/* Where a sweep stands: the unit that it is at. */
static uint64_t *position(const struct pcl_range_locks *R, uint32_t b)
{
    return &R->node[R->op[b].node].word[releases(R, b) ? LO : HI];
}

static bool sweeps(uint8_t pc)
{
    return pc == UNIT || pc == LOOK || pc == TAKEN || pc == FREE || pc == CLEAR ||
           pc == CLEARED || pc == PEEK;
}

/* Finds those who are at it and awake; false when somebody does something else. */
static bool assemble(struct chorus *c, struct pcl_range_locks *R, uint32_t inst)
{
    *c = (struct chorus){.R = R, .inst = inst};
    for (uint32_t b = 0; b < R->n_bodies; b++) {
        const struct pcl_range_op *op = &R->op[b];

        if (op->inst != inst || op->pc == START || op->pc == OVER ||
            R->m->model[b].run == PCL_RUN_ASLEEP)
            continue;
        if (!sweeps(op->pc) || c->n == MOST)
            return false;
        c->body[c->n++] = b;
    }
    return c->n > 1 && c->body[0] == R->m->cur;
}

/* Units that a sweep may go on without meeting anything that it has not met since unit from; 0 also
 * when it has met something that will not come again. */
static uint64_t clear_way(const struct chorus *c, uint32_t b, uint64_t from)
{
    const struct pcl_range_locks *R = c->R;
    const struct pcl_range_node *n = &R->node[R->op[b].node];
    uint64_t u = *position(R, b), other;
    /* the node of the next level comes with a first unit, and goes with a last one */
    uint64_t before = releases(R, b) ? from : from - 1, end = (before / 4096 + 1) * 4096;

    if (releases(R, b)) {
        other = units_before(R, c->inst, u);
        if (other != NO_UNIT && other + GAP > from)
            return 0;
        other = units_next_awaited(R, c->inst, u);
        end = n->word[HI] < end ? n->word[HI] : end;
        end = other < end - BLOCK ? other + BLOCK : end;
    } else {
        other = units_from(R, c->inst, u);
        end = units_end(R, n) < end ? units_end(R, n) : end;
        end = other != NO_UNIT && other < end + GAP ? (other > GAP ? other - GAP : 0) : end;
    }
    if (from < BLOCK || from > u || u >= end || n->word[LO] == n->word[HI] ||
        end < u + BLOCK)
        return 0;
    return end - u - BLOCK;
}

static bool look(const struct chorus *c, const struct pcl_chorus *bodies, struct picture *p)
{
    const struct pcl_range_locks *R = c->R;

    *p = (struct picture){.taken = R->sweep.taken,
                          .freed = R->sweep.freed,
                          .nodes = R->sweep.nodes,
                          .walks = R->stats.walks};
    pcl_fp_add(&p->fp, (uint64_t)c->inst << 32 | c->n);
    pcl_fp_add(&p->fp, units_height(units_top(R, c->inst)));
    for (uint32_t i = 0; i < c->n; i++) {
        const struct pcl_range_op *op = &R->op[c->body[i]];

        p->at[i] = *position(R, c->body[i]);
        pcl_fp_add(&p->fp, (uint64_t)c->body[i] << 32 | op->node);
        pcl_fp_add(&p->fp, (uint64_t)op->pc << 32 | (uint64_t)op->flags << 16 | p->at[i] % BLOCK);
    }
    if (!pcl_chorus_look(R->m, bodies, &p->fp))
        return false;
    pcl_chorus_tally(R->m, bodies, &p->tally);
    return true;
}

/* Nobody else has done anything from a to b: all steps were theirs, a whole number of units. */
static bool undisturbed(const struct picture *a, const struct picture *b)
{
    static const enum pcl_cause foreign[] = {PCL_T_USER, PCL_T_QUEUE, PCL_T_SLEEP};
    uint64_t steps = UNIT_TAKE_STEPS * (b->taken - a->taken) +
                     UNIT_FREE_STEPS * (b->freed - a->freed);

    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
        if (a->tally.cause_ns[foreign[i]] != b->tally.cause_ns[foreign[i]])
            return false;
    return b->tally.steps - a->tally.steps == steps && a->tally.others == b->tally.others &&
           a->tally.fp == b->tally.fp && a->walks == b->walks;
}

static const struct picture *same(const struct memo *m, const struct picture *p)
{
    for (uint32_t i = 0; i < KEPT && i < m->n; i++) {
        const struct picture *old = &m->kept[(m->n - 1 - i) % KEPT];

        if (old->fp.a == p->fp.a && old->fp.b == p->fp.b)
            return undisturbed(old, p) ? old : NULL;
    }
    return NULL;
}

/* How often the period since old can be repeated. */
static uint64_t repeats(const struct chorus *c, const struct pcl_chorus *bodies,
                        const struct picture *old, const struct picture *now)
{
    const struct pcl_range_locks *R = c->R;
    pcl_ns period = now->tally.at - old->tally.at, room = pcl_chorus_room(R->m, bodies) - 1;
    uint64_t most = period > 0 && room > 0 ? (uint64_t)(room / period) : 0, left;

    for (uint32_t i = 0; i < c->n && most; i++) {
        uint64_t step = now->at[i] - old->at[i];
        uint64_t clear = clear_way(c, c->body[i], old->at[i]);

        if (clear == 0)
            return 0;
        if (now->nodes > old->nodes && releases(R, c->body[i]))
            return 0; /* the most nodes may have been between the pictures */
        if (step && clear / step < most)
            most = clear / step;
    }
    if (most == 0 || R->sweep.memory_end >= 0 || now->nodes <= old->nodes)
        return most;
    left = unit_nodes_limit(R) - now->nodes;
    return left / (2 * (now->nodes - old->nodes) + MOST) < most ? 0 : most;
}

static void leap(const struct chorus *c, const struct pcl_chorus *bodies,
                 const struct picture *old, const struct picture *now, uint64_t times)
{
    struct pcl_range_locks *R = c->R;
    struct pcl_sweep_stats *s = &R->sweep;
    uint64_t units = now->taken - old->taken + now->freed - old->freed;

    for (uint32_t i = 0; i < c->n; i++)
        *position(R, c->body[i]) += (now->at[i] - old->at[i]) * times;
    s->taken += (now->taken - old->taken) * times;
    s->freed += (now->freed - old->freed) * times;
    s->nodes += (now->nodes - old->nodes) * times; /* modulo 2^64: it may fall */
    if (s->nodes > s->nodes_max)
        s->nodes_max = s->nodes;
    s->leaps++;
    s->joint++;
    s->leapt += units * times;
    pcl_chorus_leap(R->m, bodies, &old->tally, times);
}

void units_leap_together(struct pcl_range_locks *R, const struct pcl_range_op *op)
{
    const struct pcl_machine *m = R->m;
    const struct picture *old;
    struct picture now;
    struct memo *memo;
    struct chorus c;
    uint64_t times;

    if (m->explore || !R->param[LEAP] || R->n_bodies > CROWD ||
        *position(R, m->cur) % BLOCK != 0 || !assemble(&c, R, op->inst))
        return;
    struct pcl_chorus bodies = {c.body, c.n, R->spin[c.inst], pcl_range_line(R, c.inst)};

    if (!R->memo)
        R->memo = pcl_xcalloc(1, sizeof(*memo));
    memo = R->memo;
    if (!look(&c, &bodies, &now))
        return;
    old = same(memo, &now);
    times = old ? repeats(&c, &bodies, old, &now) : 0;
    if (times) {
        leap(&c, &bodies, old, &now, times);
        memo->n = 0; /* of another time */
        return;
    }
    memo->kept[memo->n++ % KEPT] = now;
}

/*
 * The frontier: a sweep over 2^51 units in as many steps as it has conflicts.
 *
 * A sweep locks (or unlocks) one unit after the other. As long as no other event is due before
 * the next unit is done, and nothing about that unit is special, it could as well take n of them
 * at once; n is the largest number whose cost fits in before the first rival:
 *
 *      cost(n) = n * (one unit) + (index nodes that n units need) * (one node)
 *
 * in integers of 128 bits. Nodes come at each 64th unit, one level more at each 4096th, and so on;
 * how many is units_nodes(). Special, and done step by step, are: the first unit and the last
 * one, whoever's locked unit stands in the way, the unit at which the index grows in height, the
 * one at which the machine's memory ends, blocks of the index that are shared with others at the
 * edge of somebody else's interval, and on release each unit in whose queue somebody waits.
 *
 * The next unit of a given queue is found without looking at those between. The queue of unit u is
 * the top bits of (base + u) * G mod 2^64, so the question is: the smallest t for which
 * a * t mod m lies in [l, r]. As in Euclid's algorithm, either the first multiple of a behind l
 * lies in it, or the answer follows from that of the smaller question with a in the place of m.
 */
#include "units.h"

static const uint64_t golden = UINT64_C(0x9e3779b97f4a7c15);

enum {
    TOUCHES = 2,    /* of the spinlock's line */
    NODE_BYTES = 576,
    MANY_QUEUES = 16 /* busy queues that leave no room worth a leap */
};

/* --- costs --------------------------------------------------------------------------------- */

pcl_ns unit_node_new(const struct pcl_machine *m)
{
    return m->p->dram + m->p->zero_page * NODE_BYTES / 4096;
}

pcl_ns unit_node_free(const struct pcl_machine *m)
{
    return m->p->node_visit;
}

uint64_t unit_nodes_limit(const struct pcl_range_locks *R)
{
    return R->m->p->ram ? (uint64_t)R->m->p->ram / NODE_BYTES : UINT64_MAX;
}

void unit_nodes_got(struct pcl_range_locks *R, uint64_t n, uint64_t unit)
{
    struct pcl_sweep_stats *s = &R->sweep;

    s->nodes += n;
    if (s->nodes > s->nodes_max)
        s->nodes_max = s->nodes;
    if (s->memory_end >= 0 || s->nodes <= unit_nodes_limit(R))
        return;
    s->memory_end = R->m->at;
    s->memory_end_at = (int64_t)unit * R->ops->grain;
}

/* --- queues -------------------------------------------------------------------------------- */

/* The sum (file, unit) whose product with G is the hash. */
static uint64_t key(uint32_t inst, uint64_t unit)
{
    return ((uint64_t)inst + 1) << 52 | unit;
}

uint32_t unit_bucket_of(const struct pcl_range_locks *R, uint32_t inst, uint64_t unit)
{
    int64_t bits = R->param[BITS];

    return bits ? (uint32_t)(key(inst, unit) * golden >> (64 - bits)) : 0;
}

/* The smallest t with a * t mod m in [l, r], 0 < l <= r < m; NO_UNIT: none. */
static uint64_t first_in(pcl_u128 a, pcl_u128 m, pcl_u128 l, pcl_u128 r)
{
    pcl_u128 t;
    uint64_t y;

    if (a == 0)
        return NO_UNIT;
    if (2 * a > m)
        return first_in(m - a, m, m - r, m - l);
    t = (l + a - 1) / a;
    if (t * a <= r)
        return (uint64_t)t;
    y = first_in((a - m % a) % a, a, l % a, r % a);
    return y == NO_UNIT ? NO_UNIT : (uint64_t)((l + m * y + a - 1) / a);
}

/* The first unit from u on whose queue this is. */
static uint64_t next_in_queue(const struct pcl_range_locks *R, uint32_t inst, uint64_t u,
                              uint32_t bucket)
{
    int64_t bits = R->param[BITS];
    uint64_t at = key(inst, u) * golden, t;

    if (unit_bucket_of(R, inst, u) == bucket)
        return u;
    uint64_t l = ((uint64_t)bucket << (64 - bits)) - at; /* modulo 2^64; at is not in it */

    t = first_in(golden, (pcl_u128)1 << 64, l, l + ((UINT64_C(1) << (64 - bits)) - 1));
    return t > NO_UNIT - u ? NO_UNIT : u + t;
}

uint64_t units_next_awaited(const struct pcl_range_locks *R, uint32_t inst, uint64_t u)
{
    const struct unit_bucket *t = unit_buckets(R);
    uint32_t none = R->n_cells - 1, n = 0;
    uint64_t first = NO_UNIT;

    for (uint32_t b = t[none].next_busy; b != none; b = t[b].next_busy) {
        uint64_t at = ++n > MANY_QUEUES ? 0 : next_in_queue(R, inst, u, b);

        if (at < first)
            first = at;
        if (first <= u)
            break;
    }
    return first;
}

/* --- how far ------------------------------------------------------------------------------- */

struct leap {
    struct pcl_range_locks *R;
    uint64_t a, end; /* units [a, end) might be done at once */
    uint64_t before, after, top;
    bool release;
    unsigned height;
    pcl_ns room, unit, node;
    uint64_t nodes_left; /* that memory has room for */
    bool beside;         /* others that leap */
};

static uint64_t nodes_of(const struct leap *l, uint64_t b)
{
    return units_nodes(l->before, l->release ? b : l->after, l->top, l->a, b);
}

static pcl_u128 cost_of(const struct leap *l, uint64_t b)
{
    return (pcl_u128)(b - l->a) * (uint64_t)l->unit + (pcl_u128)nodes_of(l, b) * (uint64_t)l->node;
}

static bool fits(const struct leap *l, uint64_t b)
{
    return l->room >= 0 && cost_of(l, b) <= (uint64_t)l->room && nodes_of(l, b) <= l->nodes_left;
}

/* The end of the longest leap; a: none. */
static uint64_t farthest(const struct leap *l)
{
    uint64_t lo = l->a, hi = l->end;

    if (hi <= lo || !fits(l, lo + 1))
        return lo;
    if (fits(l, hi))
        return hi;
    while (hi - lo > 1) { /* lo fits, hi does not */
        uint64_t mid = lo + (hi - lo) / 2;

        *(fits(l, mid) ? &lo : &hi) = mid;
    }
    return lo;
}

static void limit(struct leap *l, uint64_t end)
{
    if (end < l->end)
        l->end = end;
}

/* Most nodes that one of the units [a, b) needs or leaves: those of its level and below. */
static unsigned most_nodes(const struct leap *l, uint64_t b)
{
    uint64_t from = l->release ? l->a : l->a - 1, to = l->release ? b : b - 1;
    unsigned level = l->height;

    while (level > 0 && from >> 6 * level == to >> 6 * level)
        level--;
    return level;
}

static bool begin(struct leap *l, struct pcl_range_locks *R, uint32_t inst)
{
    const struct pcl_machine *m = R->m;

    if (!R->param[LEAP] || m->explore || m->spin[R->spin[inst]].holder != PCL_NONE)
        return false;
    l->R = R;
    l->room = pcl_leap_room(m, pcl_range_line(R, inst));
    l->top = units_top(R, inst);
    l->height = units_height(l->top);
    l->unit = (m->has_lines ? m->p->rmw + m->p->l1_hit : 0) + m->p->node_visit * l->height;
    l->nodes_left = UINT64_MAX;
    return true;
}

static void leap_to(const struct leap *l, uint32_t inst, uint64_t b, unsigned steps, pcl_ns look)
{
    struct pcl_range_locks *R = l->R;
    uint64_t n = b - l->a;
    struct pcl_leap leap = {.steps = n * steps,
                            .ns = (pcl_ns)cost_of(l, b),
                            .line = pcl_range_line(R, inst),
                            .touches = n * TOUCHES,
                            .spin = R->spin[inst],
                            .irqs_off = l->unit - look + l->node * most_nodes(l, b)};

    (l->beside ? pcl_leap_beside : pcl_leap)(R->m, &leap);
    R->sweep.leaps++;
    R->sweep.beside += l->beside;
    R->sweep.leapt += n;
}

/* --- beside sweeps of other files ----------------------------------------------------------- */

/* Nobody else is about to do anything with this file's lock. */
static bool alone(const struct pcl_range_locks *R, uint32_t inst)
{
    for (uint32_t b = 0; b < R->n_bodies; b++)
        if (b != R->m->cur && R->op[b].inst == inst && R->op[b].pc != START &&
            R->op[b].pc != OVER && R->m->model[b].run != PCL_RUN_ASLEEP)
            return false;
    return true;
}

/* What they do to the index together is the same in any order: its size stays clear of the end of
 * memory, and it is not at its largest in between. */
static bool nodes_commute(const struct leap *l)
{
    const struct pcl_range_locks *R = l->R;
    uint64_t most = ((uint64_t)(l->room / l->unit) / 32 + 16) * PCL_PROMISES;
    bool takes = false, frees = false;

    if (R->sweep.memory_end < 0 && R->sweep.nodes + most > unit_nodes_limit(R))
        return false;
    for (uint32_t i = 0; i < R->m->n_promises; i++) {
        const struct pcl_range_op *op = &R->op[R->m->promise[i].body];

        *(op->what == PCL_RANGE_RELEASE || op->pc >= FREE ? &frees : &takes) = true;
    }
    return !(takes && frees) || R->sweep.nodes + most <= R->sweep.nodes_max;
}

/* No room before the first rival: if that is one of those who keep to themselves, as this one does
 * for all units up to l->end, there is more. */
static bool more_room(struct leap *l, uint32_t inst)
{
    struct pcl_range_locks *R = l->R;
    struct pcl_machine *m = R->m;

    if (m->n_tasks < 2 || R->n_bodies > CROWD)
        return false;
    if (!pcl_promised(m, m->cur)) {
        if (!alone(R, inst))
            return false;
        l->room = PCL_NS_MAX / 2;
        pcl_promise(m, m->at + (pcl_ns)cost_of(l, farthest(l)));
    }
    l->room = pcl_leap_room_beside(m, pcl_range_line(R, inst));
    l->beside = l->room >= l->unit && nodes_commute(l);
    return l->beside;
}

/* Somebody else comes to locks of this kind, or sleeps for one: what was promised was without him. */
void units_break_promises(struct pcl_range_locks *R)
{
    struct pcl_machine *m = R->m;

    for (uint32_t i = m->n_promises; i--;) {
        uint32_t b = m->promise[i].body;

        if (b < R->n_bodies && R->op[b].pc != START && R->op[b].pc != OVER)
            pcl_promise_break(m, b);
    }
}

/* --- acquire ------------------------------------------------------------------------------- */

/* Not beyond the largest block of the index that the next entry shares with nobody yet. */
static void limit_by_next(struct leap *l)
{
    uint64_t to = l->after;

    for (unsigned level = 1; level <= l->height; level++)
        if ((l->a - 1) >> 6 * level != l->after >> 6 * level)
            to = l->after >> 6 * level << 6 * level;
    limit(l, to);
}

bool units_leap_take(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_range_node *n = &R->node[op->node];
    uint64_t a = n->word[HI], b;
    struct leap l = {.a = a, .end = units_end(R, n) - 1};

    if (n->word[LO] == a || l.end <= a || !begin(&l, R, op->inst) ||
        units_height(a) > l.height)
        return false;
    l.before = a - 1;
    l.after = units_from(R, op->inst, a);
    l.node = unit_node_new(R->m);
    limit(&l, UINT64_C(1) << 6 * l.height);
    if (l.after != NO_UNIT)
        limit_by_next(&l);
    if (R->sweep.memory_end < 0)
        l.nodes_left = unit_nodes_limit(R) - R->sweep.nodes;
    b = farthest(&l);
    if (b == a && more_room(&l, op->inst))
        b = farthest(&l);
    if (b == a)
        return false;
    leap_to(&l, op->inst, b, UNIT_TAKE_STEPS, 0);
    unit_nodes_got(R, nodes_of(&l, b), a);
    R->sweep.taken += b - a;
    n->word[HI] = b;
    return l.beside;
}

/* --- release ------------------------------------------------------------------------------- */

/* Not to the end of the smallest block that an entry before it shares: its node stays. */
static void limit_by_previous(struct leap *l)
{
    unsigned level = 1;

    while (level < l->height && l->before >> 6 * level != l->a >> 6 * level)
        level++;
    limit(l, (((l->a >> 6 * level) + 1) << 6 * level) - 1);
}

bool units_leap_free(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_range_node *n = &R->node[op->node];
    uint64_t a = n->word[LO], b;
    struct leap l = {.a = a, .end = n->word[HI] - 1, .release = true};
    pcl_ns look = R->m->p->l1_hit;

    if (l.end <= a || !begin(&l, R, op->inst))
        return false;
    l.before = units_before(R, op->inst, a);
    l.unit += look;
    l.node = unit_node_free(R->m);
    if (l.before != NO_UNIT)
        limit_by_previous(&l);
    limit(&l, units_next_awaited(R, op->inst, a));
    b = farthest(&l);
    if (b == a && more_room(&l, op->inst))
        b = farthest(&l);
    if (b == a)
        return false;
    R->sweep.nodes -= nodes_of(&l, b);
    leap_to(&l, op->inst, b, UNIT_FREE_STEPS, look);
    R->sweep.freed += b - a;
    n->word[LO] = b;
    return l.beside;
}

/* --- for those who cannot wait for the end -------------------------------------------------- */

/* Cost of locking [from, to) with nobody else in the index; ns. */
static double undisturbed(const struct pcl_range_locks *R, uint64_t from, uint64_t to)
{
    const struct pcl_profile *p = R->m->p;
    double sum = (double)(to - from) * (double)(R->m->has_lines ? p->rmw + p->l1_hit : 0);

    if (from == to)
        return 0;
    for (unsigned h = 1; h <= units_height(to - 1); h++) { /* units under an index of height h */
        uint64_t a = h == 1 ? 1 : UINT64_C(1) << 6 * (h - 1), b = UINT64_C(1) << 6 * h;

        a = a > from ? a : from;
        b = b < to ? b : to;
        if (a < b)
            sum += (double)(b - a) * (double)(h * p->node_visit);
    }
    return sum + (double)units_nodes(NO_UNIT, NO_UNIT, NO_UNIT, from, to) *
                     (double)unit_node_new(R->m);
}

/* The end of the longest part of [from, to) whose index fits into memory. */
static uint64_t fitting(const struct pcl_range_locks *R, uint64_t from, uint64_t to)
{
    uint64_t most = unit_nodes_limit(R), lo = from, hi = to;

    while (lo < hi) {
        uint64_t mid = hi - (hi - lo) / 2;

        if (units_nodes(NO_UNIT, NO_UNIT, NO_UNIT, from, mid) <= most)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo;
}

double units_nodes_at(const struct pcl_range_locks *R, uint32_t node, double cost)
{
    const struct pcl_range_node *n = &R->node[node];
    uint64_t from = unit_of(R, n->start), lo = from, hi = units_end(R, n);

    while (lo < hi) {
        uint64_t mid = hi - (hi - lo) / 2;

        if (undisturbed(R, from, mid) <= cost)
            lo = mid;
        else
            hi = mid - 1;
    }
    return lo == from ? 0 : (double)units_nodes(NO_UNIT, NO_UNIT, NO_UNIT, from, lo);
}

void units_progress(const struct pcl_range_locks *R, uint32_t node,
                    struct pcl_sweep_progress *out)
{
    const struct pcl_range_node *n = &R->node[node];
    uint64_t from = unit_of(R, n->start), to = units_end(R, n), fit = fitting(R, from, to);

    *out = (struct pcl_sweep_progress){
        .done = n->word[HI] - n->word[LO],
        .total = to - from,
        .cost_done = undisturbed(R, from, n->word[HI]),
        .cost_all = undisturbed(R, from, to),
        .nodes_all = units_nodes(NO_UNIT, NO_UNIT, NO_UNIT, from, to),
        .fit = fit - from,
        .cost_fit = undisturbed(R, from, fit)};
}

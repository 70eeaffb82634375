/*
 * The event queue and the clock. An entity (task, CPU, device, timer) has at most one pending
 * event, which can be moved or cancelled in O(log n). Order is (time, rank); rank is a permutation
 * of the entities drawn per replication, so that equal times favour nobody for ever.
 *
 * Events stand in a winner tree of bare 8-byte times over the entities in rank order, or, sorted,
 * in a short array of near ones that come before all those in the tree:
 *
 *     near  [ 90 | 71 | 71 | 64 ]  the earliest is the last     edge (90, its rank): no event in
 *                                                               the tree comes before it
 *            t[1] = min            an inner node holds the smaller time of its two children;
 *           /         \            a leaf's place *is* its rank, so on equal times the left
 *        t[2]         t[3]         one wins and no tie-break key is stored
 *       /    \       /    \
 *     leaf  leaf   leaf  leaf      PCL_NS_MAX: nothing pending, or it is near
 *
 * Near are wake-ups due at once, and all events when they are few, however many entities there
 * are. With many, the tree needs no search, no allocation and no branch that is hard to predict;
 * whoever is taken from it stays in its place until set anew, which makes one way up of two.
 */
#ifndef PCLSIM_ENGINE_H
#define PCLSIM_ENGINE_H

#include <pclsim/base.h>
#include <pclsim/dist.h>
#include <pclsim/fingerprint.h>

#define PCL_NEAR 16u
#define PCL_IS_NEAR (UINT32_C(1) << 31) /* in rank_of */

struct pcl_due {
    pcl_ns t;
    uint32_t rank, entity;
};

struct pcl_engine {
    pcl_ns now;
    pcl_ns rival;        /* while an entity runs that was taken: no event of another, and no end */
    uint32_t rival_rank; /* of the run, comes before (rival, rival_rank); 0: rank not known */
    uint32_t n_near;
    struct pcl_due near[PCL_NEAR];
    pcl_ns edge;         /* near events up to here, (time, rank); those in the tree come after it */
    uint32_t edge_rank;
    uint32_t n_far;      /* events in the tree */
    size_t held;         /* leaf of the entity that was taken, whose time still stands there; 0 */
    uint32_t n;          /* entities; leaves of the tree, two at least */
    uint32_t first_leaf; /* a power of two, >= n: where rank 0 stands; those that would lie beyond
                            the end stand on the level above it */
    pcl_ns *t;           /* [2 n] */
    uint32_t *rank_of;   /* [n] entity -> rank, PCL_IS_NEAR */
    uint32_t *entity_of; /* [n] rank -> entity, PCL_NONE */
    uint64_t events;     /* events taken from the queue */
    uint64_t ahead;      /* steps that ran ahead without the queue */
    bool run_ahead;      /* ablation: false must give the same trajectory */
    struct pcl_fp fp;    /* over semantic transitions */
    /* Told of each transition, and of what PCL_SEEN_ names; NULL: nobody looks. It must change nothing. */
    void (*watch)(void *arg, unsigned what, uint32_t who, uint64_t object);
    void *watch_arg;
};

/** Sets up n entities with nothing pending. ranks: the stream that draws the permutation. */
void pcl_engine_init(struct pcl_engine *e, uint32_t n, struct pcl_stream ranks);
void pcl_engine_fini(struct pcl_engine *e);

/** Bytes of its arrays. */
size_t pcl_engine_bytes(const struct pcl_engine *e);

/* The slow ways of the functions below. */
void pcl_event_forget(struct pcl_engine *e, uint32_t rank); /* a near event */
void pcl_event_refill(struct pcl_engine *e);                /* all events in the tree become near */
void pcl_event_spill(struct pcl_engine *e);                 /* the later half of them to it */

bool pcl_event_before_tie(struct pcl_engine *e, uint32_t entity); /* of its rival in the tree */

static inline bool pcl_before(pcl_ns t, uint32_t rank, pcl_ns other, uint32_t other_rank)
{
    return t < other || (t == other && rank < other_rank);
}

static inline size_t pcl_leaf(const struct pcl_engine *e, uint32_t rank)
{
    size_t i = (size_t)e->first_leaf + rank;

    return i < 2 * (size_t)e->n ? i : i - e->n;
}

/* Writes a leaf and the winners above it. */
static inline void pcl_event_place(struct pcl_engine *e, size_t leaf, pcl_ns t)
{
    pcl_ns *tree = e->t;

    tree[leaf] = t;
    for (size_t i = leaf; i > 1;) {
        pcl_ns other = tree[i ^ 1];

        t = other < t ? other : t;
        i >>= 1;
        if (tree[i] == t)
            break;
        tree[i] = t;
    }
}

/* Takes the one out of the tree who still stands there although it runs. */
static inline void pcl_event_let_go(struct pcl_engine *e)
{
    if (e->held)
        pcl_event_place(e, e->held, PCL_NS_MAX);
    e->held = 0;
}

static inline void pcl_event_cancel(struct pcl_engine *e, uint32_t entity)
{
    uint32_t rank = e->rank_of[entity];

    if (rank & PCL_IS_NEAR) {
        pcl_event_forget(e, rank & ~PCL_IS_NEAR);
        return;
    }
    size_t leaf = pcl_leaf(e, rank);

    if (e->t[leaf] == PCL_NS_MAX)
        return;
    e->n_far -= leaf != e->held;
    e->held = leaf == e->held ? 0 : e->held;
    pcl_event_place(e, leaf, PCL_NS_MAX);
}

static inline void pcl_event_insert(struct pcl_engine *e, struct pcl_due d)
{
    uint32_t i = e->n_near++;

    e->rank_of[d.entity] = d.rank | PCL_IS_NEAR;
    for (; i > 0 && pcl_before(e->near[i - 1].t, e->near[i - 1].rank, d.t, d.rank); i--)
        e->near[i] = e->near[i - 1];
    e->near[i] = d;
}

/* Sets the event of an entity that has none, or that is held. */
static inline void pcl_event_put(struct pcl_engine *e, uint32_t rank, uint32_t entity, pcl_ns t)
{
    bool near = pcl_before(t, rank, e->edge, e->edge_rank);
    size_t leaf = pcl_leaf(e, rank);

    if (near && e->n_near == PCL_NEAR) {
        pcl_event_spill(e);
        near = pcl_before(t, rank, e->edge, e->edge_rank);
    }
    if (!near && e->n_near < PCL_NEAR && (t < e->rival || e->n_far == 0)) {
        near = true;
        e->edge = t;
        e->edge_rank = rank;
    }
    if (near) {
        if (leaf == e->held)
            pcl_event_let_go(e);
        pcl_event_insert(e, (struct pcl_due){t, rank, entity});
        return;
    }
    e->held = leaf == e->held ? 0 : e->held;
    e->n_far++;
    pcl_event_place(e, leaf, t);
}

/** Sets (or moves) an entity's event; t must not lie before now. */
static inline void pcl_event_set(struct pcl_engine *e, uint32_t entity, pcl_ns t)
{
    uint32_t rank = e->rank_of[entity] & ~PCL_IS_NEAR;

    if (pcl_leaf(e, rank) != e->held || t == PCL_NS_MAX)
        pcl_event_cancel(e, entity);
    if (t == PCL_NS_MAX)
        return;
    pcl_event_put(e, rank, entity, t);
    if (pcl_before(t, rank, e->rival, e->rival_rank)) {
        e->rival = t;
        e->rival_rank = rank;
    }
}

/** When an entity's event is due; PCL_NS_MAX: none pending. */
static inline pcl_ns pcl_event_time(const struct pcl_engine *e, uint32_t entity)
{
    uint32_t i = 0;

    if (!(e->rank_of[entity] & PCL_IS_NEAR)) {
        size_t leaf = pcl_leaf(e, e->rank_of[entity]);

        return leaf == e->held ? PCL_NS_MAX : e->t[leaf];
    }
    while (e->near[i].entity != entity)
        i++;
    return e->near[i].t;
}

/** When the earliest event is due; PCL_NS_MAX: none is pending. */
static inline pcl_ns pcl_event_next(struct pcl_engine *e)
{
    pcl_event_let_go(e);
    return e->n_near ? e->near[e->n_near - 1].t : e->t[1];
}

/* Takes the earliest event from the tree; the losers on the way down to it are the rivals. */
static inline uint32_t pcl_event_take_far(struct pcl_engine *e, pcl_ns *rival)
{
    const pcl_ns *tree = e->t;
    pcl_ns first = PCL_NS_MAX;
    size_t i = 1;

    do {
        pcl_ns l = tree[i *= 2], r = tree[i + 1], loser = l > r ? l : r;

        i += l > r;
        first = loser < first ? loser : first;
    } while (i < e->n);
    e->now = tree[1];
    e->n_far--;
    e->held = i;
    *rival = first;
    return e->entity_of[i >= e->first_leaf ? i - e->first_leaf : i + e->n - e->first_leaf];
}

static inline uint32_t pcl_event_take_near(struct pcl_engine *e, pcl_ns *rival, uint32_t *rank)
{
    struct pcl_due d = e->near[--e->n_near];

    e->rank_of[d.entity] = d.rank;
    e->now = d.t;
    *rival = e->t[1];
    if (e->n_near) {
        *rival = e->near[e->n_near - 1].t;
        *rank = e->near[e->n_near - 1].rank;
    }
    return d.entity;
}

/** Takes the earliest event: advances now, returns its entity, or PCL_NONE when nothing is
 * pending or the earliest lies after limit (now is then unchanged). */
static inline uint32_t pcl_event_take(struct pcl_engine *e, pcl_ns limit)
{
    pcl_ns rival;
    uint32_t rank = 0, entity;

    pcl_event_let_go(e);
    if (e->n_near == 0 && e->n_far - 1 < PCL_NEAR / 2)
        pcl_event_refill(e);
    if (e->n_near + e->n_far == 0 || pcl_event_next(e) > limit)
        return PCL_NONE;
    entity = e->n_near ? pcl_event_take_near(e, &rival, &rank) : pcl_event_take_far(e, &rival);
    e->events++;
    if (rival > limit) {
        rival = limit < PCL_NS_MAX ? limit + 1 : PCL_NS_MAX;
        rank = 0;
    }
    e->rival = e->run_ahead ? rival : e->now;
    e->rival_rank = e->run_ahead ? rank : 0;
    return entity;
}

/** Of the entity that was taken: true when it would be the next one at time t: then it may go on
 * without touching the queue. False also when that is not known at once, or when the next one has
 * been moved meanwhile; then the entity must be set. */
static inline bool pcl_event_surely_ahead(const struct pcl_engine *e, uint32_t entity, pcl_ns t)
{
    return t < e->rival || (t == e->rival && e->rank_of[entity] < e->rival_rank);
}

/** The same; looks up the rank of the next one when that is due at t too. */
static inline bool pcl_event_ahead(struct pcl_engine *e, uint32_t entity, pcl_ns t)
{
    return pcl_event_surely_ahead(e, entity, t) ||
           (t == e->rival && e->rival_rank == 0 && pcl_event_before_tie(e, entity));
}

/* Semantic transitions, for the fingerprint. */
enum pcl_transition {
    PCL_TR_GRANT = 1,
    PCL_TR_BLOCK,
    PCL_TR_WAKE,
    PCL_TR_RELEASE,
    PCL_TR_DONE,
    PCL_TR_VIOLATION,
    /* not in the fingerprint, for a watcher only */
    PCL_SEEN_WOKEN,  /* who has been woken; object: the body that did it */
    PCL_SEEN_ON_CPU, /* object: the CPU */
    PCL_SEEN_OFF_CPU,
    PCL_SEEN_UNLOCK /* who begins to unlock a page; object: its folio */
};

/** Tells the watcher, if there is one. */
static inline void pcl_observe(struct pcl_engine *e, enum pcl_transition what, uint32_t who,
                               uint64_t object)
{
    if (e->watch)
        e->watch(e->watch_arg, what, who, object);
}

static inline void pcl_transition(struct pcl_engine *e, enum pcl_transition what, uint32_t who,
                                  uint64_t object)
{
    pcl_fp_add(&e->fp, (uint64_t)e->now);
    pcl_fp_add(&e->fp, ((uint64_t)what << 56) ^ ((uint64_t)who << 24) ^ object);
    pcl_observe(e, what, who, object);
}

/** t + d, or PCL_NS_MAX when the sum does not fit (the run then stops: 292 years are over). */
static inline pcl_ns pcl_ns_add(pcl_ns t, pcl_ns d)
{
    pcl_ns sum;

    return __builtin_add_overflow(t, d, &sum) ? PCL_NS_MAX : sum;
}

#endif

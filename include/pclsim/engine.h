/*
 * The event queue and the clock. An entity (task, CPU, device, timer) has at most one pending
 * event, which can be moved or cancelled in O(log n). Order is (time, rank); rank is a permutation
 * of the entities drawn per replication, so that equal times favour nobody for ever.
 *
 * The queue is a winner tree of bare 8-byte times over the entities in rank order:
 *
 *            t[1] = min            an inner node holds the smaller time of its two children;
 *           /         \            a leaf's place *is* its rank, so on equal times the left
 *        t[2]         t[3]         one wins and no tie-break key is stored
 *       /    \       /    \
 *     leaf  leaf   leaf  leaf      PCL_NS_MAX: nothing pending
 */
#ifndef PCLSIM_ENGINE_H
#define PCLSIM_ENGINE_H

#include <pclsim/base.h>
#include <pclsim/dist.h>
#include <pclsim/fingerprint.h>

struct pcl_engine {
    pcl_ns now;
    pcl_ns rival;          /* while an entity runs that pcl_event_begin() took: no event of
                              another, and no end of the run, comes before (rival, rival_leaf) */
    uint32_t rival_leaf;   /* 0 when not known */
    pcl_ns *t;             /* [2 * leaves] */
    uint32_t leaves;       /* a power of two, >= n */
    uint32_t n;            /* entities */
    uint32_t *leaf_of;     /* [n] entity -> leaf */
    uint32_t *entity_of;   /* [leaves] leaf -> entity */
    uint64_t events;       /* events taken from the queue */
    uint64_t ahead;        /* steps that ran ahead without the queue */
    bool run_ahead;        /* ablation: false must give the same trajectory */
    struct pcl_fp fp;      /* over semantic transitions */
    /* Told of each transition, and of what PCL_SEEN_ names; NULL: nobody looks. It must change nothing. */
    void (*watch)(void *arg, unsigned what, uint32_t who, uint64_t object);
    void *watch_arg;
};

/** Sets up n entities with nothing pending. ranks: the stream that draws the permutation. */
void pcl_engine_init(struct pcl_engine *e, uint32_t n, struct pcl_stream ranks);
void pcl_engine_fini(struct pcl_engine *e);

/* Writes a leaf and the winners above it. */
static inline void pcl_event_place(struct pcl_engine *e, uint32_t leaf, pcl_ns t)
{
    pcl_ns *tree = e->t;
    size_t i = (size_t)e->leaves + leaf;

    tree[i] = t;
    while (i > 1) {
        pcl_ns other = tree[i ^ 1];

        t = other < t ? other : t;
        i >>= 1;
        if (tree[i] == t)
            break;
        tree[i] = t;
    }
}

/** Sets (or moves) an entity's event; t must not lie before now. */
static inline void pcl_event_set(struct pcl_engine *e, uint32_t entity, pcl_ns t)
{
    uint32_t leaf = e->leaf_of[entity];

    if (t <= e->rival) {
        e->rival_leaf = t < e->rival || leaf < e->rival_leaf ? leaf : e->rival_leaf;
        e->rival = t;
    }
    pcl_event_place(e, leaf, t);
}

static inline void pcl_event_cancel(struct pcl_engine *e, uint32_t entity)
{
    pcl_event_place(e, e->leaf_of[entity], PCL_NS_MAX);
}

/** When an entity's event is due; PCL_NS_MAX: none pending. */
static inline pcl_ns pcl_event_time(const struct pcl_engine *e, uint32_t entity)
{
    return e->t[e->leaves + e->leaf_of[entity]];
}

/** Leaf of the earliest event. */
static inline uint32_t pcl_event_first(const struct pcl_engine *e)
{
    uint32_t i = 1;

    while (i < e->leaves) {
        i <<= 1;
        i += e->t[i] > e->t[i + 1];
    }
    return i - e->leaves;
}

/** Takes the earliest event: advances now, returns its entity, or PCL_NONE when nothing is
 * pending or the earliest lies after limit (now is then unchanged). */
static inline uint32_t pcl_event_take(struct pcl_engine *e, pcl_ns limit)
{
    if (e->t[1] > limit || e->t[1] == PCL_NS_MAX)
        return PCL_NONE;
    uint32_t entity = e->entity_of[pcl_event_first(e)];

    e->now = e->t[1];
    pcl_event_cancel(e, entity);
    e->events++;
    return entity;
}

/** True when the entity, which has nothing pending, would be the next one at time t: then it may
 * go on without touching the queue. */
static inline bool pcl_event_is_next(const struct pcl_engine *e, uint32_t entity, pcl_ns t)
{
    if (t != e->t[1])
        return t < e->t[1];
    return e->leaf_of[entity] < pcl_event_first(e);
}

/** As pcl_event_take(), but the entity's old time stays in its place: until it is set or cancelled
 * anew, which must follow, ask pcl_event_ahead() and nothing else about it. One walk through the
 * tree instead of two; the losers on the way down are the rivals. */
static inline uint32_t pcl_event_begin(struct pcl_engine *e, pcl_ns limit)
{
    const pcl_ns *tree = e->t;
    pcl_ns due = tree[1], rival = limit < PCL_NS_MAX ? limit + 1 : PCL_NS_MAX;
    size_t i = 1;

    if (due > limit || due == PCL_NS_MAX)
        return PCL_NONE;
    do { /* there are two leaves at least */
        pcl_ns l = tree[i *= 2], r = tree[i + 1], loser = l > r ? l : r;

        i += l > r;
        rival = loser < rival ? loser : rival;
    } while (i < e->leaves);
    e->now = due;
    e->rival = e->run_ahead ? rival : due;
    e->rival_leaf = 0;
    e->events++;
    return e->entity_of[i - e->leaves];
}

/** Of the entity that pcl_event_begin() took: true when it would be the next one at time t. False
 * also when that is not known at once: then ask pcl_event_ahead(). */
static inline bool pcl_event_surely_ahead(const struct pcl_engine *e, uint32_t entity, pcl_ns t)
{
    return t < e->rival || (t == e->rival && e->leaf_of[entity] < e->rival_leaf);
}

/** The same for equal times whose ranks are not known: looks at the queue. Still says no when an
 * event that was earlier has been moved meanwhile; then the entity must be set. */
static inline bool pcl_event_ahead(struct pcl_engine *e, uint32_t entity, pcl_ns t)
{
    uint32_t leaf = e->leaf_of[entity];

    if (pcl_event_surely_ahead(e, entity, t))
        return true;
    if (t > e->rival)
        return false;
    pcl_event_place(e, leaf, t);
    if (pcl_event_first(e) != leaf)
        return false;
    e->rival_leaf = leaf + 1; /* whoever is due then has a later rank */
    return true;
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

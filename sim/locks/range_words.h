/*
 * Range locks made of words: a range stands for a row of places, each a word in memory that an
 * atomic takes or gives. They are taken in one order that is the same for all requests, so that
 * nobody waits in a circle, and given back in the opposite one. What a place is, which ones a
 * range has and what its atomic does is the lock's; here is the row, and waiting.
 *
 *   lock     take a place, the next one ... the last one: held
 *            not free: watch it for spin_ns, then join the queue of the instance, try once
 * more, sleep; told: try again. Nothing is handed over, and places taken so far are kept unlock
 * give the places back, last one first; then look at the queue: somebody in it? tell those
 * whose place is free now, and wake them
 *
 * Who queues tries once more afterwards, and who gives looks at the queue afterwards: one of
 * the two sees the other. Killed, or a try that fails: the places taken are given back
 * likewise.
 */
#ifndef PCLSIM_LOCKS_RANGE_WORDS_H
#define PCLSIM_LOCKS_RANGE_WORDS_H

#include "node_queue.h"
#include "wake_list.h"

struct word_place {
    uint64_t at;
    uint32_t level; /* for locks whose places have two coordinates */
};

struct range_words {
    /* The first place of a range, the next one, the one before: false when there is none. */
    bool (*first)(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                  struct word_place *p);
    bool (*next)(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p);
    bool (*prev)(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place *p);
    pcl_line (*line)(const struct pcl_range_locks *R, uint32_t inst, struct word_place p);
    /* What it costs to find a place, beside its line. May be NULL. */
    void (*visit)(struct pcl_range_locks *R, struct word_place p);
    bool (*can)(const struct pcl_range_locks *R, const struct pcl_range_node *n,
                struct word_place p);
    void (*take)(struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place p);
    void (*give)(struct pcl_range_locks *R, const struct pcl_range_node *n,
                 struct word_place p);
    /* Makes an exclusive place shared; NULL: a downgraded request keeps all to itself. */
    void (*share)(struct pcl_range_locks *R, const struct pcl_range_node *n,
                  struct word_place p);
};

/* First in the instance's state. */
struct words_state {
    struct node_queue queue; /* those who sleep; its spinlock is the instance's */
    uint32_t spinners;
};

/* The row of parameters that all have: the first. */
#define RANGE_WORDS_PARAM                                                                      \
    {                                                                                          \
        "spin_ns", 10000, 0, 1000000000,                                                       \
            "how long a task spins before it sleeps; 0 not at all"                             \
    }

void words_init(struct pcl_range_locks *R, uint32_t inst);
enum pcl_more words_step(struct pcl_range_locks *R, struct pcl_range_op *op,
                         const struct range_words *w);

/** The queue's laws: nobody sleeps for a place that is free while nobody acts. */
bool words_valid(const struct pcl_range_locks *R, uint32_t inst, const struct range_words *w,
                 const char **why);

/** True when no request is under way or held: all words must be zero. */
bool words_idle(const struct pcl_range_locks *R, uint32_t inst);

#endif

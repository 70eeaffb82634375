/*
 * The explorer: all interleavings of the micro-steps of a few bodies. It drives a machine that was
 * made with conf.explore, by saving and restoring the model state (pclsim/state.h), and looks at
 * every state once. Every question about time (has this waiter waited long enough, is the CPU
 * wanted) is answered both ways. Memory is sequentially consistent: a micro-step's access is seen
 * by everybody at once. What the bodies do is the machine's step function; its own variables must
 * be registered as model state too.
 *
 * The search goes breadth first, so the schedule that it reports is a shortest one among those
 * within the bound.
 */
#ifndef PCLSIM_EXPLORE_H
#define PCLSIM_EXPLORE_H

#include <pclsim/machine.h>

enum pcl_explore_verdict {
    PCL_EXPLORE_OK,        /* nothing found; see exhausted */
    PCL_EXPLORE_VIOLATION, /* the check said no */
    PCL_EXPLORE_DEADLOCK,  /* tasks are left and nobody can go on */
    PCL_EXPLORE_ENDLESS,   /* bodies can go on for ever, but not all to their end */
    PCL_EXPLORE_LIVELOCK   /* all tasks can go on for ever, each in its turn, and none gets done */
};

#define PCL_EXPLORE_NO_BOUND UINT32_MAX

struct pcl_explore_progress {
    uint64_t states, steps;
    uint32_t depth;  /* micro-steps, those of one move counted once */
    uint64_t level;  /* states that are to be continued at this depth */
};

struct pcl_explore_conf {
    struct pcl_machine *m; /* tasks started; its state is the root of the search */
    /* Looks at the state after every micro-step; false with a reason: a violation. May be NULL. */
    bool (*check)(void *arg, const char **why);
    /* Makes states equal that differ in nothing that matters (frames of ended operations); called
     * before a state is compared. May be NULL. */
    void (*normalise)(void *arg);
    /* Told now and then; may be NULL. */
    void (*progress)(void *arg, const struct pcl_explore_progress *p);
    void *arg;
    const volatile int *cancel; /* non-zero: stop; may be NULL */
    uint64_t max_states;   /* give up beyond that many; 0: 4 million */
    uint32_t max_steps;    /* longest schedule to look at; 0: no limit */
    /* Micro-steps that access nothing that is shared are taken together with the one before: they
     * commute with everybody else's. For step functions that declare all their accesses. */
    bool merge;
    /* Only schedules that leave a body that could go on at most so often; no limit unless
     * bounded. An interrupt may come at any time, and goes back to whom it has interrupted. */
    bool bounded;
    uint32_t preemptions;
    /* A search that is stopped leaves its place in this file, and goes on from it when it is there
     * and of the same search (key). May be NULL. */
    const char *checkpoint;
    uint64_t key;
};

struct pcl_explore_result {
    enum pcl_explore_verdict verdict;
    bool exhausted;       /* every reachable state (within the bound) was looked at */
    bool interrupted;     /* *cancel stopped it */
    bool resumed;         /* it went on from a checkpoint */
    uint64_t states;      /* different ones */
    uint64_t steps;       /* micro-steps taken */
    uint64_t ends;        /* states in which all tasks have ended */
    uint32_t depth;       /* longest of the shortest schedules to a state */
    char why[160];
    char *schedule;       /* to the violation, "" when there is none; malloc'ed */
    struct pcl_err err;   /* the checkpoint cannot be read or written, or is another search's:
                             nothing was searched, or the place was not kept */
};

/** Searches; the machine is left as it was. The result is filled whatever the verdict; free it
 * with pcl_explore_fini. A schedule is the numbers of the bodies that step, in order; a + behind a
 * number is the answer yes (time is up), xN says that it steps N times: "0.0.1x7.1+.0". */
void pcl_explore(const struct pcl_explore_conf *conf, struct pcl_explore_result *result);
void pcl_explore_fini(struct pcl_explore_result *result);

enum pcl_sampling {
    PCL_SAMPLE_RANDOM, /* each micro-step by a body drawn anew */
    PCL_SAMPLE_PCT     /* by priorities that change at a few random places (Burckhardt et al.,
                          ASPLOS 2010): finds a bug of depth d with a known least probability */
};

struct pcl_sample_conf {
    enum pcl_sampling how;
    uint64_t runs;     /* schedules to try */
    uint32_t depth;    /* PCT: bug depth d, priorities change d - 1 times */
    uint32_t max_steps; /* of one run; 0: 100000 */
    uint64_t seed;
};

/** Tries schedules one by one; what it finds need not be shortest, and finding nothing proves
 * nothing. result->states counts the runs, result->exhausted stays false. Deadlocks are found,
 * runs that do not end within max_steps are counted as PCL_EXPLORE_ENDLESS. */
void pcl_explore_sample(const struct pcl_explore_conf *conf, const struct pcl_sample_conf *how,
                        struct pcl_explore_result *result);

/** Takes the steps of a schedule, from the machine's present state, and leaves the machine there.
 * Calls tell (may be NULL) after each step, before the next; stops early when it returns false.
 * Returns PCL_EINVAL, with the position in *at (may be NULL), for a text that is no schedule or a
 * body that cannot step. */
int pcl_explore_replay(struct pcl_machine *m, const char *schedule,
                       bool (*tell)(void *arg, uint32_t body, bool yes), void *arg, size_t *at);

#endif

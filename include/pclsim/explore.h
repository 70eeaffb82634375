/*
 * The explorer: all interleavings of the micro-steps of a few bodies. It drives a machine that was
 * made with conf.explore, by saving and restoring the model state (pclsim/state.h), and looks at
 * every state once. Every question about time (has this waiter waited long enough, is the CPU
 * wanted) is answered both ways. What the bodies do is the machine's step function; its own
 * variables must be registered as model state too.
 *
 * The search goes breadth first, so the schedule that it reports is a shortest one.
 */
#ifndef PCLSIM_EXPLORE_H
#define PCLSIM_EXPLORE_H

#include <pclsim/machine.h>

enum pcl_explore_verdict {
    PCL_EXPLORE_OK,        /* nothing found; see exhausted */
    PCL_EXPLORE_VIOLATION, /* the check said no */
    PCL_EXPLORE_DEADLOCK,  /* tasks are left and nobody can go on */
    PCL_EXPLORE_ENDLESS    /* bodies can go on for ever, but not all to their end */
};

struct pcl_explore_conf {
    struct pcl_machine *m; /* tasks started; its state is the root of the search */
    /* Looks at the state after every micro-step; false with a reason: a violation. May be NULL. */
    bool (*check)(void *arg, const char **why);
    void *arg;
    uint64_t max_states; /* give up beyond that many; 0: 4 million */
    uint32_t max_steps;  /* longest schedule to look at; 0: no limit */
};

struct pcl_explore_result {
    enum pcl_explore_verdict verdict;
    bool exhausted;       /* every reachable state was looked at */
    uint64_t states;      /* different ones */
    uint64_t steps;       /* micro-steps taken */
    uint64_t ends;        /* states in which all tasks have ended */
    uint32_t depth;       /* longest of the shortest schedules to a state */
    char why[160];
    char *schedule;       /* to the violation, "" when there is none; malloc'ed */
};

/** Searches; the machine is left as it was. The result is filled whatever the verdict; free it
 * with pcl_explore_fini. A schedule is the numbers of the bodies that step, in order; a + behind a
 * number is the answer yes (time is up): "0.0.1.1+.0". */
void pcl_explore(const struct pcl_explore_conf *conf, struct pcl_explore_result *result);
void pcl_explore_fini(struct pcl_explore_result *result);

/** Takes the steps of a schedule, from the machine's present state, and leaves the machine there.
 * Calls tell (may be NULL) after each step, before the next; stops early when it returns false.
 * Returns PCL_EINVAL, with the position in *at (may be NULL), for a text that is no schedule or a
 * body that cannot step. */
int pcl_explore_replay(struct pcl_machine *m, const char *schedule,
                       bool (*tell)(void *arg, uint32_t body, bool yes), void *arg, size_t *at);

#endif

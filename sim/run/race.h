/*
 * A scenario whose interleavings are explored: the machine without time, the kernel, and tasks that
 * make a few operations each. Private to sim/run.
 */
#ifndef PCLSIM_RACE_PRIVATE_H
#define PCLSIM_RACE_PRIVATE_H

#include <pclsim/race.h>
#include <pclsim/source.h>

/* A task: model state. */
struct race_body {
    uint32_t i;    /* operations begun */
    uint8_t calls; /* it is inside one */
    /* with a bound on how often one is overtaken: */
    uint8_t passed;  /* later requests granted while this one waits */
    uint16_t before; /* tasks that waited for the lock before this one asked */
    uint64_t want;   /* role << 32 | object + 1 of the lock that is asked for, 0: none */
};

struct race {
    const struct pcl_race_conf *conf;
    struct pcl_profile *profile; /* the ideal machine */
    struct pcl_state state;
    struct pcl_machine m;
    struct pcl_kernel k;
    struct pcl_source src;
    struct race_body *body;
    uint32_t n_tasks;
    int64_t bound; /* of the search under way */
    /* what the oracle said of the present state */
    bool wrong;
    char kind[40], text[1024];
};

int race_init(struct race *s, const struct pcl_race_conf *conf, struct pcl_err *err);
void race_fini(struct race *s);

/** The i-th operation of a task; false: it has ended. */
bool race_action(const struct race *s, uint32_t task, uint32_t i, struct pcl_action *out);

/** What keeps the tasks that have not ended, into buf. */
void race_stuck(const struct race *s, char *buf, size_t n);

#endif

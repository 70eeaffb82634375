/* A machine for the explorer whose bodies are a few lines each. */
#ifndef PCLSIM_TESTS_MACHINE_TOY_H
#define PCLSIM_TESTS_MACHINE_TOY_H

#include <pclsim/explore.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Model state of the toys. */
struct vars {
    uint32_t pc[3];
    uint32_t copy[3];
    uint32_t count, flag, inside, turn, want[2], pad;
};

struct toy {
    struct pcl_profile profile;
    struct pcl_state state;
    struct pcl_machine m;
    struct vars *v;
    uint32_t spin[2];
};

static inline void toy_init(struct toy *t, uint32_t bodies,
                     void (*step)(struct pcl_machine *m, uint32_t body))
{
    memset(t, 0, sizeof *t);
    pcl_profile_ideal(&t->profile);
    pcl_state_init(&t->state);
    pcl_machine_init(&t->m,
                     &(struct pcl_machine_conf){.profile = &t->profile,
                                                .n_tasks = bodies,
                                                .explore = true,
                                                .step = step,
                                                .owner = t},
                     &t->state);
    t->v = pcl_xcalloc(1, sizeof *t->v);
    pcl_state_register(&t->state, (void **)&t->v, sizeof *t->v, NULL);
    t->spin[0] = pcl_spin_new(&t->m);
    t->spin[1] = pcl_spin_new(&t->m);
    for (uint32_t b = 0; b < bodies; b++)
        pcl_task_start(&t->m, b, 0);
}

static inline void toy_fini(struct toy *t)
{
    pcl_machine_fini(&t->m);
    pcl_state_fini(&t->state);
    free(t->v);
}

#endif

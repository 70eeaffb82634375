/*
 * Schedules of page locks that are driven by hand: a task is stepped until it has come to a place,
 * then another.
 */
#ifndef PCLSIM_TEST_LOCKS_BY_HAND_H
#define PCLSIM_TEST_LOCKS_BY_HAND_H

#include "rig.h"
#include "wait_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Parameters for which a lock has a name: one bucket, and others that a case wants. */
static inline void start(struct rig *r, const char *lock, const struct rig_op **script, uint32_t n,
                  const struct pcl_lock_param *want, unsigned n_want)
{
    struct pcl_lock_param param[PCL_MAX_LOCK_PARAMS];
    unsigned n_params = 0;

    for (const struct pcl_lock_param_info *i = rig_params(rig_lock(lock)); i->name; i++) {
        if (strcmp(i->name, "bits") == 0)
            param[n_params++] = (struct pcl_lock_param){"bits", 0};
        for (unsigned k = 0; k < n_want; k++)
            if (strcmp(i->name, want[k].name) == 0)
                param[n_params++] = want[k];
    }
    rig_init(r, &(struct rig_conf){.lock = lock,
                                   .param = param,
                                   .n_params = n_params,
                                   .n_tasks = n,
                                   .script = script,
                                   .explore = true});
}

static inline void go(struct rig *r, uint32_t body)
{
    assert_true(pcl_machine_can_step(&r->m, body));
    pcl_machine_step(&r->m, body);
}

static inline bool holds(const struct rig *r, uint32_t body)
{
    return r->actor[body].hold[0].held;
}

static inline bool asleep(const struct rig *r, uint32_t body)
{
    return r->m.model[body].run == PCL_RUN_ASLEEP;
}

static inline void take(struct rig *r, uint32_t body)
{
    while (!holds(r, body))
        go(r, body);
}

static inline void fall_asleep(struct rig *r, uint32_t body)
{
    while (!asleep(r, body))
        go(r, body);
}

static inline void finish(struct rig *r, uint32_t body)
{
    while (r->m.model[body].run != PCL_RUN_DEAD)
        go(r, body);
}

/* To the end of the next unlock. */
static inline void release(struct rig *r, uint32_t body)
{
    while (holds(r, body) || r->actor[body].busy)
        go(r, body);
}

static inline void unlock_up_to(struct rig *r, uint32_t body, uint8_t pc)
{
    while (r->L.op[body].what != PCL_PAGE_UNLOCK || r->L.op[body].pc != pc)
        go(r, body);
}

#endif

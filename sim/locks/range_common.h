/*
 * What the range locks that sleep have in common: sleeping and waking up, the object of their
 * transitions, and the words of their laws.
 */
#ifndef PCLSIM_LOCKS_RANGE_COMMON_H
#define PCLSIM_LOCKS_RANGE_COMMON_H

#include <pclsim/locks.h>

enum {
    RANGE_PC_OVER = 255, /* op->pc of an operation that is over */
    RANGE_SLEPT = 0x80   /* op->flags: went to sleep and has not noted yet that it is awake */
};

/* What a transition of this lock names as its object. */
static inline uint64_t range_object(const struct pcl_range_locks *R, uint32_t inst)
{
    return (uint64_t)R->role << 20 | inst;
}

/* The line of a waiting request: it lives on its owner's stack. */
static inline pcl_line range_waiter_line(const struct pcl_range_locks *R, uint32_t node)
{
    return PCL_LINE(WAITER, R->node[node].owner);
}

static inline enum pcl_task_state range_wait_state(const struct pcl_range_op *op)
{
    return op->killable ? PCL_TASK_KILLABLE : PCL_TASK_UNINTERRUPTIBLE;
}

static inline bool range_killed(const struct pcl_range_locks *R, const struct pcl_range_op *op)
{
    return op->killable && R->m->model[R->m->cur].killed;
}

/* Goes to sleep; the caller has set the task's state, then found that it must wait. Ends the
 * micro-step. */
static inline void range_sleep(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    op->flags |= RANGE_SLEPT;
    pcl_transition(&R->m->eng, PCL_TR_BLOCK, R->m->cur, range_object(R, op->inst));
    pcl_note_sleep(&R->stats);
    pcl_schedule(R->m);
}

/* In the first micro-step after range_sleep(), and harmless in any other; true when it slept.
 */
static inline bool range_awake(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    if (!(op->flags & RANGE_SLEPT))
        return false;
    op->flags &= (uint8_t)~RANGE_SLEPT;
    pcl_note_awake(&R->stats);
    return true;
}

/* For validators: sets the reason when a law does not hold. */
static inline bool range_law(bool holds, const char *text, const char **why)
{
    if (!holds)
        *why = text;
    return holds;
}

/* Requests that hold the instance, by mode. */
static inline void range_count_held(const struct pcl_range_locks *R, uint32_t inst,
                                    uint64_t *shared, uint64_t *exclusive)
{
    *shared = *exclusive = 0;
    for (uint32_t i = 0; i < R->n_nodes; i++)
        if (R->node[i].used && R->node[i].held && R->node[i].inst == inst)
            *(R->node[i].mode == PCL_SHARED ? shared : exclusive) += 1;
}

/* Somebody who is awake is in the middle of an operation on this instance. */
static inline bool range_somebody_acts(const struct pcl_range_locks *R, uint32_t inst)
{
    for (uint32_t b = 0; b < R->n_bodies; b++) {
        const struct pcl_range_op *op = &R->op[b];

        if (op->inst == inst && op->pc != 0 && op->pc != RANGE_PC_OVER &&
            R->m->model[b].run != PCL_RUN_ASLEEP)
            return true;
    }
    return false;
}

#endif

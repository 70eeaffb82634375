/*
 * No lock at all: grants every request at once and touches no line. It measures what a workload
 * does when nothing serialises it, and shows which races that costs.
 */
#include <pclsim/locks.h>

static enum pcl_more none_step(struct pcl_range_locks *R, struct pcl_range_op *op)
{
    struct pcl_range_node *n = &R->node[op->node];

    switch ((enum pcl_range_what)op->what) {
    case PCL_RANGE_ACQUIRE:
    case PCL_RANGE_TRY:
        n->held = true;
        break;
    case PCL_RANGE_DOWNGRADE:
        n->mode = PCL_SHARED;
        break;
    case PCL_RANGE_RELEASE:
        n->held = false;
        pcl_range_end(R, op->node);
        break;
    }
    op->result = PCL_RANGE_GOT;
    return PCL_DONE;
}

static bool none_validate(const struct pcl_range_locks *R, uint32_t inst, const char **why)
{
    (void)R;
    (void)inst;
    (void)why;
    return true;
}

static void none_memory(const struct pcl_range_locks *R, struct pcl_lock_memory *out)
{
    (void)R;
    *out = (struct pcl_lock_memory){0};
}

const struct pcl_range_lock_ops pcl_lock_none = {
    .name = "none",
    .summary = "no lock: every request is granted, no line is touched",
    .source = "for comparison only",
    .props = PCL_PROP_NULL | PCL_PROP_SHARED,
    .step = none_step,
    .validate = none_validate,
    .memory = none_memory,
};

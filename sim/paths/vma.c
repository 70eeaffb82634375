/*
 * VMAs, as far as their locks go: one for each file and address space. Since Linux 6.4 a fault
 * takes its VMA's lock, found under RCU, and not mmap_lock; whoever changes the VMA has mmap_lock
 * exclusive, says so in the VMA, and waits for the faults that are inside:
 *
 *   fault     |--readers + 1--------- readers - 1|        writer set: mmap_lock instead
 *   munmap          |mmap X--writer--wait for readers--change--|
 *
 * `speculative` is what was proposed before: a fault takes nothing, and asks again under the page-
 * table lock whether the VMA has changed meanwhile.
 */
#include <stdlib.h>

#include "step.h"

static uint64_t hash(const struct pcl_kernel *k, uint32_t mm, uint32_t inode)
{
    uint64_t key = ((uint64_t)mm << 32 | inode) * UINT64_C(0x9e3779b97f4a7c15);

    return (key >> 32) & (k->n_vma_slots - 1);
}

static void slot_put(struct pcl_kernel *k, uint32_t vma)
{
    uint64_t at = hash(k, k->vma[vma].mm, k->vma[vma].inode);

    while (k->vma_slot[at])
        at = (at + 1) & (k->n_vma_slots - 1);
    k->vma_slot[at] = vma + 1;
}

static void grow(struct pcl_kernel *k)
{
    k->n_vma_slots = k->n_vma_slots ? k->n_vma_slots * 2 : 64;
    free(k->vma_slot);
    k->vma_slot = pcl_xcalloc(k->n_vma_slots, sizeof(*k->vma_slot));
    k->vma = pcl_xrealloc(k->vma, k->n_vma_slots / 2, sizeof(*k->vma));
    for (uint32_t i = 0; i < k->n_vmas; i++)
        slot_put(k, i);
}

struct pcl_vma *pcl_vma(struct pcl_kernel *k, uint32_t mm, uint32_t inode)
{
    if (2 * k->n_vmas >= k->n_vma_slots)
        grow(k);
    for (uint64_t at = hash(k, mm, inode); k->vma_slot[at]; at = (at + 1) & (k->n_vma_slots - 1)) {
        struct pcl_vma *v = &k->vma[k->vma_slot[at] - 1];

        if (v->mm == mm && v->inode == inode)
            return v;
    }
    k->vma[k->n_vmas] = (struct pcl_vma){.mm = mm, .inode = inode, .waiter = PCL_NONE};
    slot_put(k, k->n_vmas);
    return &k->vma[k->n_vmas++];
}

static struct pcl_vma *own(struct pcl_kernel *k, const struct pcl_call *c)
{
    return pcl_vma(k, c->mm, c->inode);
}

/* Reference count and sequence of the VMA. */
static pcl_line vma_line(const struct pcl_call *c)
{
    return PCL_LINE(VMA, (uint64_t)c->mm << 28 ^ c->inode);
}

/* The tree of VMAs, and the sequence that mmap_lock's writers count. */
static pcl_line tree_line(const struct pcl_call *c)
{
    return PCL_LINE(VMTREE, c->mm);
}

enum pcl_flow act_find_vma(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_load(k->m, tree_line(c));
    return flow_next(c, FLOW_STEP);
}

enum trylock_phase {
    TRY_FIND,
    TRY_LOOK,
    TRY_TAKE,
    TRY_GIVE_BACK
};

/* lock_vma_under_rcu(): taken, to[0]; being changed, or the scheme has no such lock, on. */
enum pcl_flow act_vma_trylock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_vma *v;

    if (k->option[PCL_OPTION_VMA_LOCK] == PCL_VMA_LOCK_NO)
        return flow_next(c, FLOW_SKIP);
    v = own(k, c);
    switch ((enum trylock_phase)c->phase) {
    case TRY_FIND:
        pcl_load(k->m, tree_line(c));
        c->phase = TRY_LOOK;
        return FLOW_STEP;
    case TRY_LOOK:
        pcl_load(k->m, vma_line(c));
        if (v->writer) {
            k->vma_aborts++;
            return flow_next(c, FLOW_STEP);
        }
        if (k->option[PCL_OPTION_VMA_LOCK] == PCL_VMA_LOCK_SPECULATIVE) {
            c->vma = CALL_VMA_SPECULATES;
            c->vma_seq = v->seq;
            return flow_to(k, c, s->to[0], FLOW_STEP);
        }
        c->phase = TRY_TAKE;
        return FLOW_STEP;
    case TRY_TAKE:
        pcl_rmw(k->m, vma_line(c));
        if (!v->writer) {
            v->readers++;
            c->vma = CALL_VMA_LOCKED;
            return flow_to(k, c, s->to[0], FLOW_STEP);
        }
        c->phase = TRY_GIVE_BACK;
        return FLOW_STEP;
    case TRY_GIVE_BACK:
        break;
    }
    pcl_rmw(k->m, vma_line(c));
    k->vma_aborts++;
    return flow_next(c, FLOW_STEP);
}

/* vma_end_read(): the last one wakes who wants to change the VMA. */
enum pcl_flow act_vma_unlock(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_vma *v;

    (void)s;
    if (c->vma != CALL_VMA_LOCKED) {
        k->vma_faults += c->vma == CALL_VMA_SPECULATES;
        c->vma = CALL_VMA_NONE;
        return flow_next(c, FLOW_SKIP);
    }
    v = own(k, c);
    if (c->phase == 0) {
        pcl_rmw(k->m, vma_line(c));
        PCL_ASSERT(!v->writer || v->waiter != PCL_NONE); /* nobody changes what a fault is in */
        if (--v->readers == 0 && v->waiter != PCL_NONE) {
            c->phase = 1;
            return FLOW_STEP;
        }
    } else if (v->waiter != PCL_NONE) { /* it may have looked by itself meanwhile */
        pcl_wake(k->m, v->waiter);
    }
    k->vma_faults++;
    c->vma = CALL_VMA_NONE;
    return flow_next(c, FLOW_STEP);
}

bool pcl_vma_changed(struct pcl_kernel *k, const struct pcl_call *c)
{
    const struct pcl_vma *v;

    if (c->vma != CALL_VMA_SPECULATES)
        return false;
    v = own(k, c);
    pcl_load(k->m, vma_line(c));
    return v->writer || v->seq != c->vma_seq;
}

/* A fault that speculated in vain takes mmap_lock. */
enum pcl_flow act_vma_abandon(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    k->vma_aborts++;
    c->vma = CALL_VMA_NONE;
    return flow_next(c, FLOW_SKIP);
}

enum write_phase {
    WRITE_SEQUENCE,
    WRITE_MARK,
    WRITE_SLEEP,
    WRITE_LOOK
};

/* vma_start_write(), under mmap_lock exclusive: from now on faults stay out; those inside end. */
enum pcl_flow act_vma_write(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_vma *v;

    (void)s;
    if (k->option[PCL_OPTION_VMA_LOCK] == PCL_VMA_LOCK_NO)
        return flow_next(c, FLOW_SKIP);
    v = own(k, c);
    switch ((enum write_phase)c->phase) {
    case WRITE_SEQUENCE:
        pcl_store(k->m, tree_line(c));
        c->phase = WRITE_MARK;
        return FLOW_STEP;
    case WRITE_MARK:
        pcl_rmw(k->m, vma_line(c));
        v->writer++;
        if (v->readers == 0)
            return flow_next(c, FLOW_STEP);
        v->waiter = k->m->cur;
        c->phase = WRITE_SLEEP;
        return FLOW_STEP;
    case WRITE_SLEEP:
        pcl_set_state(k->m, PCL_TASK_UNINTERRUPTIBLE);
        c->phase = WRITE_LOOK;
        return FLOW_STEP;
    case WRITE_LOOK:
        break;
    }
    if (v->readers) {
        c->phase = WRITE_SLEEP;
        pcl_schedule(k->m);
        return FLOW_STEP;
    }
    v->waiter = PCL_NONE;
    pcl_set_state(k->m, PCL_TASK_RUNNING);
    return flow_next(c, FLOW_STEP);
}

/* vma_end_write_all(): one store ends it for every VMA of the address space. */
enum pcl_flow act_vma_write_end(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    struct pcl_vma *v;

    (void)s;
    if (k->option[PCL_OPTION_VMA_LOCK] == PCL_VMA_LOCK_NO)
        return flow_next(c, FLOW_SKIP);
    v = own(k, c);
    pcl_store(k->m, tree_line(c));
    v->writer--;
    v->seq++;
    return flow_next(c, FLOW_STEP);
}

/* A VMA comes, goes, is split or merged with its neighbours: the tree and its sequence change. */
enum pcl_flow act_change_vmas(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    pcl_touch(k->m, tree_line(c));
    pcl_burn(k->m, k->m->p->vma);
    return flow_next(c, FLOW_STEP);
}

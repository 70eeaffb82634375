/*
 * lockdep-page (idea): as folio, with the page lock under lockdep's eyes, as other locks are in
 * debug kernels: each page has a lockdep map and an owner, and each acquisition and release
 * makes the validator's accesses. Its cost is lines touched, not a number of nanoseconds.
 */
#include "hybrid.h"

enum { P_UNFAIRNESS, P_BITS };

static const struct pcl_lock_param_info params[] = {
    {"unfairness", 5, 0, 1000000,
     "races that a sleeper may lose before the lock is handed to it"},
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    as in folio; once the bit is owned: read the lock's class; push the task's record of
 *          held locks; write the page's map and owner
 * unlock:  write the page's map and owner; pop the task's record; then as in folio
 */
enum { TRY, CLASS, PUSH, OWN, POP, UNLOCK };

enum {
    MAP_BYTES = 40, /* lockdep_map, without LOCK_STAT */
    OWNER_BYTES = 8
};

/* Lines of PCL_LINE_LOCK: pages' maps by page number, then tasks' records, then the class. */
static pcl_line map_line(const struct pcl_page_op *op)
{
    return PCL_LINE(LOCK, op->pfn);
}

static pcl_line record_line(const struct pcl_page_locks *L)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 40 | L->m->cur);
}

static pcl_line class_line(void)
{
    return PCL_LINE(LOCK, UINT64_C(1) << 41);
}

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

/* The same lock without the debugging. */
static enum pcl_more plain(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, hybrid_match, 0);
    if (op->pc >= HYBRID_REPEAT)
        return hybrid_wait(L, op);
    return hybrid_start(L, op, L->param[P_UNFAIRNESS]);
}

static enum pcl_more note(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    switch (op->pc++) {
    case CLASS:
        pcl_load(L->m, class_line());
        return PCL_MORE;
    case PUSH:
        pcl_store(L->m, record_line(L));
        return PCL_MORE;
    case OWN:
        pcl_store(L->m, map_line(op));
        return PCL_DONE;
    default:
        pcl_store(L->m, record_line(L));
        return PCL_MORE;
    }
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= CLASS && op->pc <= POP)
        return note(L, op);
    if (op->what == PCL_PAGE_UNLOCK && op->bit == PCL_PG_LOCKED && op->pc == TRY) {
        pcl_store(L->m, map_line(op));
        op->pc = POP;
        return PCL_MORE;
    }
    if (plain(L, op) == PCL_MORE)
        return PCL_MORE;
    if (!pw_exclusive(op) || op->result != PCL_PAGE_GOT)
        return PCL_DONE;
    op->pc = CLASS;
    return PCL_MORE;
}

static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    wt_memory(L, out);
    out->per_page_dbg = MAP_BYTES + OWNER_BYTES;
}

const struct pcl_page_lock_ops pcl_lock_lockdep_page = {
    .name = "lockdep-page",
    .summary = "as folio, each page lock watched by lockdep (idea)",
    .source = "idea: a lockdep_map and an owner in each page; no kernel",
    .props = PCL_PROP_STEALS | PCL_PROP_BOUNDED,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = memory,
};

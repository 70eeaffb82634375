/*
 * The page locks of a run: set-up, and the begin of an operation. What an operation does is the
 * chosen lock's own file.
 */
#include <stdlib.h>

#include "wait_table.h"

int pcl_page_locks_init(struct pcl_page_locks *L, struct pcl_machine *m,
                        const struct pcl_lock_choice *choice, uint8_t *const *flags,
                        uint32_t (*pfn)(void *arg, uint32_t folio), void *pfn_arg,
                        struct pcl_err *err)
{
    const char *name = choice->lock[0] ? choice->lock : "hybrid";

    *L = (struct pcl_page_locks){
        .ops = pcl_page_lock_find(name), .m = m, .flags = flags, .pfn = pfn, .pfn_arg = pfn_arg};
    if (!L->ops) {
        (void)pcl_fail(err, PCL_ENOENT, "role page: want a page lock, found '%s'", name);
        return pcl_lock_suggest(err, PCL_LOCK_PAGE, name);
    }
    int rc = pcl_lock_params(L->ops->params, choice, name, L->param, err);

    if (rc)
        return rc;
    L->n_bodies = m->n_bodies;
    L->n_waiters = 2 * m->n_bodies;
    L->op = pcl_xcalloc(L->n_bodies, sizeof(*L->op));
    L->waiter = pcl_xcalloc(L->n_waiters, sizeof(*L->waiter));
    if (m->state) {
        pcl_state_register(m->state, (void **)&L->op, sizeof(*L->op), &L->n_bodies);
        pcl_state_register(m->state, (void **)&L->waiter, sizeof(*L->waiter), &L->n_waiters);
    }
    pcl_lock_stats_init(&L->stats);
    L->notes = m->explore ? NULL : pcl_lock_notes_new(m);
    uint32_t spins = m->n_spins;

    L->ops->init(L);
    pcl_spin_kind(m, spins, PCL_ROLE_PAGE);
    return PCL_OK;
}

void pcl_page_locks_fini(struct pcl_page_locks *L)
{
    pcl_lock_stats_fini(&L->stats);
    pcl_lock_notes_free(L->notes);
    free(L->op);
    free(L->waiter);
    free(L->bucket);
    free(L->queue);
    free(L->sharers);
    *L = (struct pcl_page_locks){0};
}

void pcl_page_begin(struct pcl_page_locks *L, enum pcl_page_what what, uint32_t folio, uint8_t bit,
                    bool killable)
{
    bool shares = what >= PCL_PAGE_LOCK_SHARED;

    if (shares)
        what = what == PCL_PAGE_LOCK_SHARED      ? PCL_PAGE_LOCK
               : what == PCL_PAGE_TRYLOCK_SHARED ? PCL_PAGE_TRYLOCK
                                                 : PCL_PAGE_UNLOCK;
    shares = shares && (L->ops->props & PCL_PROP_SHARED);
    L->op[L->m->cur] = (struct pcl_page_op){.what = (uint8_t)what,
                                            .bit = bit,
                                            .killable = killable,
                                            .shared = shares,
                                            .folio = folio,
                                            .pfn = L->pfn(L->pfn_arg, folio),
                                            .bucket = PCL_NONE,
                                            .cursor = PCL_NONE};
    if (what == PCL_PAGE_UNLOCK && bit == PCL_PG_LOCKED)
        pcl_observe(&L->m->eng, PCL_SEEN_UNLOCK, L->m->cur, folio);
    if (!L->notes)
        return;
    if (what != PCL_PAGE_UNLOCK)
        pcl_lock_notes_begin(L->notes, L->m, folio);
    else
        pcl_page_let_go(L, folio, bit, shares);
}

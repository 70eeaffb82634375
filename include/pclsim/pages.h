/*
 * What range locks that hold present pages know of pages. The locks know no page cache: whoever
 * has one says here which pages are present, and which page locks guard them.
 *
 *   request --link--> folio <--> folio <--> folio     held by it, in the order of taking
 *
 * A held folio is locked and referenced: nobody reclaims, migrates, splits or merges it. The body
 * that holds it through a request may ask for its lock again, as its paths do that know nothing
 * of the request; such an inner lock takes and gives nothing.
 */
#ifndef PCLSIM_PAGES_H
#define PCLSIM_PAGES_H

#include <pclsim/locks.h>

enum pcl_page_inner {
    PCL_INNER_NONE,
    PCL_INNER_LOCK,
    PCL_INNER_SHARED /* asked for by who is content to share the page */
};

/* Who holds a folio through a range: model state. All zero: nobody. */
struct pcl_page_hold {
    uint32_t owner;      /* body + 1 */
    uint32_t node;       /* its request ... */
    uint8_t role;        /* ... on the locks of this role */
    uint8_t inner;       /* enum pcl_page_inner: the owner has locked it once more */
    uint8_t pad[2];
    uint32_t next, prev; /* held by the same request: folio + 1 */
    uint32_t pages;
};

struct pcl_pages {
    struct pcl_page_locks *lock;
    /* The first present folio of an instance with a page in [first, last], referenced; PCL_NONE:
     * none. One micro-step's worth of accesses. */
    uint32_t (*next)(void *arg, uint32_t inst, uint64_t first, uint64_t last);
    /* Whether it is still there; its last page. Reads the folio. */
    bool (*there)(void *arg, uint32_t folio, uint32_t inst, uint64_t first, uint64_t last,
                  uint64_t *end);
    void (*put)(void *arg, uint32_t folio);
    uint64_t (*pages)(void *arg, uint32_t folio); /* its size */
    void *arg;
    struct pcl_range_locks *role[PCL_N_ROLES]; /* those that hold pages */
    struct pcl_page_hold *hold;                /* [n_holds] by folio */
    uint32_t n_holds; /* 0: no lock holds pages through ranges */
    struct {          /* statistics */
        uint64_t folios, folios_max; /* held through ranges, now and at most */
        uint64_t pages, pages_max;
        uint64_t backouts; /* requests that let go what they had, to sleep for one page */
    } stats;
};

/** The locks of a role hold pages of P. */
void pcl_pages_use(struct pcl_pages *P, struct pcl_range_locks *R);
void pcl_pages_fini(struct pcl_pages *P);

/** The running body's request holds the folio from now on; the lock and a reference are its own. */
void pcl_pages_add(struct pcl_pages *P, struct pcl_range_locks *R, uint32_t node, uint32_t folio);

/** The folio is no longer held through its request; the lock and the reference are the caller's. */
void pcl_pages_remove(struct pcl_pages *P, uint32_t folio);

/** Forgets what was counted so far; what is held now counts on. */
void pcl_pages_measure(struct pcl_pages *P);

/** How the running body holds a folio through a range; NULL: it does not. */
static inline struct pcl_page_hold *pcl_pages_own(const struct pcl_pages *P, uint32_t folio)
{
    if (folio >= P->n_holds || P->hold[folio].owner != P->lock->m->cur + 1)
        return NULL;
    return &P->hold[folio];
}

#endif

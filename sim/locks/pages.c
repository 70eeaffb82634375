/*
 * Which folios are held through requests of range locks: a table by folio, and through it a list
 * for each request, whose ends stand in link[0] and link[1] of its node (folio + 1, 0: none).
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/pages.h>

enum {
    FIRST_HOLDS = 64
};

static void make_room(struct pcl_pages *P, uint32_t folio)
{
    uint32_t n = P->n_holds ? P->n_holds : FIRST_HOLDS;

    if (folio < P->n_holds)
        return;
    while (n <= folio)
        n *= 2;
    P->hold = pcl_xrealloc(P->hold, n, sizeof(*P->hold));
    memset(P->hold + P->n_holds, 0, (n - P->n_holds) * sizeof(*P->hold));
    P->n_holds = n;
}

void pcl_pages_use(struct pcl_pages *P, struct pcl_range_locks *R)
{
    struct pcl_state *st = R->m->state;

    if (st && !P->n_holds) { /* the number first: it says how much of the table there is */
        pcl_state_register_value(st, &P->n_holds, sizeof(P->n_holds));
        pcl_state_register(st, (void **)&P->hold, sizeof(*P->hold), &P->n_holds);
    }
    make_room(P, 0);
    P->role[R->role] = R;
    R->pages = P;
}

void pcl_pages_fini(struct pcl_pages *P)
{
    free(P->hold);
    *P = (struct pcl_pages){0};
}

void pcl_pages_add(struct pcl_pages *P, struct pcl_range_locks *R, uint32_t node, uint32_t folio)
{
    struct pcl_range_node *n = &R->node[node];

    make_room(P, folio);
    PCL_ASSERT(P->hold[folio].owner == 0);
    P->hold[folio] = (struct pcl_page_hold){
        .owner = n->owner + 1,
        .node = node,
        .role = (uint8_t)R->role,
        .prev = n->link[1],
        .pages = (uint32_t)P->pages(P->arg, folio)};
    *(n->link[1] ? &P->hold[n->link[1] - 1].next : &n->link[0]) = folio + 1;
    n->link[1] = folio + 1;
    if (++P->stats.folios > P->stats.folios_max)
        P->stats.folios_max = P->stats.folios;
    P->stats.pages += P->hold[folio].pages;
    if (P->stats.pages > P->stats.pages_max)
        P->stats.pages_max = P->stats.pages;
}

void pcl_pages_remove(struct pcl_pages *P, uint32_t folio)
{
    struct pcl_page_hold h = P->hold[folio];
    struct pcl_range_node *n = &P->role[h.role]->node[h.node];

    PCL_ASSERT(h.owner != 0);
    *(h.prev ? &P->hold[h.prev - 1].next : &n->link[0]) = h.next;
    *(h.next ? &P->hold[h.next - 1].prev : &n->link[1]) = h.prev;
    P->hold[folio] = (struct pcl_page_hold){0};
    P->stats.folios--;
    P->stats.pages -= h.pages;
}

void pcl_pages_measure(struct pcl_pages *P)
{
    P->stats.folios_max = P->stats.folios;
    P->stats.pages_max = P->stats.pages;
    P->stats.backouts = 0;
}

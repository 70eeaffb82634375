/*
 * The range locks of one role: set-up, instances, and the begin and end of requests. What a
 * request does is the chosen lock's own file.
 */
#include <stdlib.h>
#include <string.h>

#include <pclsim/locks.h>

static enum pcl_line_class line_class(enum pcl_role role)
{
    switch (role) {
    case PCL_ROLE_IOLOCK:
        return PCL_LINE_INODE;
    case PCL_ROLE_INVALIDATE: /* shares a line with the i_pages lock and the tree's root */
    case PCL_ROLE_MAPPING_TREE:
        return PCL_LINE_MAPPING;
    case PCL_ROLE_ILOCK:
        return PCL_LINE_ILOCK;
    case PCL_ROLE_IMAP:
        return PCL_LINE_IMAP;
    case PCL_ROLE_MMAP:
        return PCL_LINE_MM;
    case PCL_ROLE_PTE:
        return PCL_LINE_PTE;
    case PCL_ROLE_DIO:
        return PCL_LINE_DIO;
    case PCL_ROLE_PAGE:
    case PCL_N_ROLES:
        break;
    }
    return PCL_LINE_LOCK;
}

/* What a role has for each body: made when somebody asks for a lock of the role. */
static void make_requests(struct pcl_range_locks *R)
{
    R->op = pcl_xcalloc(R->n_bodies, sizeof(*R->op));
    R->n_nodes = R->n_bodies * PCL_RANGE_SLOTS;
    R->node = pcl_xcalloc(R->n_nodes, sizeof(*R->node));
}

int pcl_range_locks_init(struct pcl_range_locks *R, struct pcl_machine *m, enum pcl_role role,
                         const struct pcl_lock_choice *choice, struct pcl_err *err)
{
    const char *name = choice->lock[0] ? choice->lock : "rwsem";

    *R = (struct pcl_range_locks){.ops = pcl_range_lock_find(name),
                                  .m = m,
                                  .role = role,
                                  .line_class = (uint8_t)line_class(role)};
    if (!R->ops) {
        (void)pcl_fail(err, PCL_ENOENT, "role %s: want a range lock, found '%s'",
                       pcl_role_name(role), name);
        return pcl_lock_suggest(err, PCL_LOCK_RANGE, name);
    }
    int rc = pcl_lock_params(R->ops->params, choice, name, R->param, err);

    if (rc)
        return rc;
    R->n_bodies = m->n_bodies;
    if (m->state) {
        make_requests(R);
        pcl_state_register(m->state, (void **)&R->op, sizeof(*R->op), &R->n_bodies);
        pcl_state_register(m->state, (void **)&R->node, sizeof(*R->node), &R->n_nodes);
        if (R->ops->state_size)
            pcl_state_register(m->state, (void **)&R->state, R->ops->state_size, &R->n_inst);
        if (R->ops->cell_size)
            pcl_state_register(m->state, (void **)&R->cell, R->ops->cell_size, &R->n_cells);
    }
    R->sweep.memory_end = -1;
    pcl_lock_stats_init(&R->stats);
    R->notes = m->explore ? NULL : pcl_lock_notes_new(m);
    return PCL_OK;
}

void pcl_range_locks_fini(struct pcl_range_locks *R)
{
    pcl_lock_stats_fini(&R->stats);
    pcl_lock_notes_free(R->notes);
    free(R->op);
    free(R->node);
    free(R->state);
    free(R->cell);
    free(R->spin);
    free(R->memo);
    *R = (struct pcl_range_locks){0};
}

uint32_t pcl_range_instance(struct pcl_range_locks *R)
{
    if (R->n_inst == R->cap_inst) {
        uint32_t cap = R->cap_inst ? R->cap_inst * 2 : 8;
        size_t size = R->ops->state_size ? R->ops->state_size : 1;

        R->state = pcl_xrealloc(R->state, cap, size);
        R->spin = pcl_xrealloc(R->spin, cap, sizeof(*R->spin));
        R->cap_inst = cap;
    }
    uint32_t inst = R->n_inst++;

    memset(R->state + (size_t)inst * R->ops->state_size, 0, R->ops->state_size);
    R->spin[inst] = pcl_spin_new(R->m);
    if (R->ops->init)
        R->ops->init(R, inst);
    pcl_spin_kind(R->m, R->spin[inst], (uint8_t)R->role);
    return inst;
}

uint32_t pcl_range_cells(struct pcl_range_locks *R, uint32_t n)
{
    uint32_t first = R->n_cells;

    if (n > R->cap_cells - first) {
        uint32_t cap = R->cap_cells ? R->cap_cells : 64;

        while (cap - first < n) {
            PCL_ASSERT(cap < PCL_NONE / 2);
            cap *= 2;
        }
        R->cell = pcl_xrealloc(R->cell, cap, R->ops->cell_size);
        R->cap_cells = cap;
    }
    memset(R->cell + (size_t)first * R->ops->cell_size, 0, n * R->ops->cell_size);
    R->n_cells += n;
    return first;
}

uint32_t pcl_range_begin(struct pcl_range_locks *R, enum pcl_range_what what, uint32_t inst,
                         enum pcl_mode mode, int64_t start, int64_t last, bool killable)
{
    uint32_t body = R->m->cur, node = body * PCL_RANGE_SLOTS, end = node + PCL_RANGE_SLOTS;

    if (!R->node)
        make_requests(R);
    while (node < end && R->node[node].used)
        node++;
    PCL_ASSERT(node < end);
    PCL_ASSERT(start >= 0 && last >= start);
    if (R->ops->grain) {
        start -= start % R->ops->grain;
        last |= R->ops->grain - 1; /* a power of two; 2^63 - 1 stays what it is */
    }
    R->node[node] = (struct pcl_range_node){.start = start,
                                            .last = last,
                                            .owner = body,
                                            .inst = inst,
                                            .mode = (uint8_t)mode,
                                            .used = 1,
                                            .link = {PCL_NONE, PCL_NONE, PCL_NONE, PCL_NONE,
                                                     PCL_NONE, PCL_NONE}};
    R->op[body] = (struct pcl_range_op){.what = (uint8_t)what,
                                        .killable = killable,
                                        .inst = inst,
                                        .node = node,
                                        .cursor = PCL_NONE};
    if (R->notes)
        pcl_lock_notes_begin(R->notes, R->m, inst);
    return node;
}

void pcl_range_begin_release(struct pcl_range_locks *R, enum pcl_range_what what, uint32_t node)
{
    PCL_ASSERT(R->node[node].used && R->node[node].held);
    if (R->notes && what == PCL_RANGE_RELEASE)
        pcl_range_let_go(R, node);
    R->op[R->m->cur] = (struct pcl_range_op){.what = (uint8_t)what,
                                             .inst = R->node[node].inst,
                                             .node = node,
                                             .cursor = PCL_NONE};
}

void pcl_range_end(struct pcl_range_locks *R, uint32_t node)
{
    memset(&R->node[node], 0, sizeof(R->node[node]));
}

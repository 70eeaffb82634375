/*
 * A path is a table of steps. A step names an action, its role or constant, and where to go when
 * something other than the usual happens; the usual next step is the one below. Labels are steps
 * of their own. The actions are in lock_acts.c, cache_acts.c, map_acts.c and io.c.
 *
 * An action makes one micro-step per call. It either stays (its phase says where it is), or sets
 * pc to what comes next; FLOW_SKIP says that nothing was accessed and no time spent, so the
 * interpreter goes straight on.
 */
#ifndef PCLSIM_STEP_H
#define PCLSIM_STEP_H

#include <pclsim/paths.h>

enum pcl_flow {
    FLOW_SKIP,
    FLOW_STEP
};

struct pcl_step;
typedef enum pcl_flow (*pcl_act)(struct pcl_kernel *k, struct pcl_call *c,
                                 const struct pcl_step *s);

/* Where the CPU may be taken at the end of the step before. */
enum pcl_step_point {
    POINT_NONE,
    POINT_SLEEPY, /* might_sleep() */
    POINT_COND    /* cond_resched() */
};

/* Costs that depend on the filesystem. */
enum pcl_fs_cost {
    FS_COST_READ,
    FS_COST_WRITE,
    FS_COST_FALLOCATE,
    FS_COST_EXTENT,
    FS_COST_MAP,
    FS_COST_MKWRITE,
    FS_COST_BUFFERS
};

struct pcl_step {
    pcl_act act;
    const char *name; /* as printed */
    uint8_t point;    /* enum pcl_step_point */
    uint8_t role;     /* enum pcl_role of lock steps */
    uint16_t arg;     /* label, constant, flag */
    uint16_t to[3];   /* labels for the other outcomes, 0: none */
};

/** The steps of an operation under a personality; PCL_N_OPS is the flusher's pass. */
const struct pcl_step *pcl_path_steps(enum pcl_fs fs, enum pcl_op op);
/** The same of a file on DAX; NULL: as without. */
const struct pcl_step *pcl_dax_steps(enum pcl_op op);

/* tell.c: notes the step that is about to be taken. */
void pcl_told(struct pcl_kernel *k, const struct pcl_call *c, const struct pcl_step *s);

/* last.c */
void pcl_last_fini(struct pcl_kernel *k);
/** Notes a step that a body begins; false when it is in the middle of it. */
bool pcl_last_note(struct pcl_kernel *k, uint32_t body, const struct pcl_last_step *at);
/** Nothing came of it: the step was skipped. */
void pcl_last_undo(struct pcl_kernel *k, uint32_t body);

/* --- helpers of actions -------------------------------------------------------------------- */

static inline enum pcl_flow flow_next(struct pcl_call *c, enum pcl_flow f)
{
    c->pc++;
    c->phase = 0;
    return f;
}

/* After a look at shared state that a timed run pays with another step's access, or not at all (a
 * line that the task has anyway): for the explorer it is a step of its own, or others could not come
 * between. */
static inline enum pcl_flow flow_looked(struct pcl_kernel *k, pcl_line line)
{
    if (!k->m->explore)
        return FLOW_SKIP;
    pcl_load(k->m, line);
    return FLOW_STEP;
}

enum pcl_flow flow_to(struct pcl_kernel *k, struct pcl_call *c, uint16_t label, enum pcl_flow f);

/* i_size and what it shares its line with: not that of i_rwsem, 64 bytes and more behind it. */
static inline pcl_line inode_line(const struct pcl_call *c)
{
    return PCL_LINE(INODE, UINT64_C(1) << 40 | c->inode);
}

static inline pcl_line mapping_line(const struct pcl_call *c)
{
    return PCL_LINE(MAPPING, c->inode);
}

/* Flags, mapping and reference count of a folio: the line of its struct page, as page locks name
 * it. */
static inline pcl_line folio_line(const struct pcl_kernel *k, uint32_t folio)
{
    return PCL_LINE(FOLIO, k->cache->folio[folio].pfn);
}

/** Says where the running task stands, for the statistics of the locks that it takes. */
static inline void note_site(struct pcl_kernel *k, const struct pcl_call *c)
{
    k->m->task[k->m->cur].site = (uint32_t)c->op << PCL_SITE_STEP_BITS | c->pc;
}

/** Offset range that a role's range lock covers for this call. */
void pcl_call_range(const struct pcl_kernel *k, const struct pcl_call *c, enum pcl_role role,
                    int64_t *start, int64_t *last);
/** Mode that this call takes a role in: PCL_SHARED, PCL_EXCLUSIVE, or -1. */
int pcl_call_mode(const struct pcl_kernel *k, const struct pcl_call *c, enum pcl_role role);

/** What it shares a role for, where locks ask: buffered or direct I/O. */
enum pcl_class pcl_call_class(const struct pcl_call *c);

/** Sets first, last and cur from off and len, and tells the oracle that the operation begins. */
void pcl_call_pages(struct pcl_kernel *k, struct pcl_call *c);

/** Pages that a buffered write or page_mkwrite needs blocks for: from page cur on, or around it. */
void pcl_written_pages(const struct pcl_kernel *k, const struct pcl_call *c, uint64_t *first,
                       uint64_t *last);

/** A direct write inside the file, over blocks that are there. */
bool pcl_dio_overwrites(const struct pcl_kernel *k, const struct pcl_call *c);

/** A direct write: does it begin or end inside a block? */
bool pcl_dio_partial(const struct pcl_call *c);
/** Has it the iolock shared and needs it exclusive, since there are such blocks to allocate? */
bool pcl_dio_alone(const struct pcl_kernel *k, const struct pcl_call *c);
bool pcl_dio_rejected(const struct pcl_kernel *k, const struct pcl_call *c);

pcl_ns pcl_fs_cost(const struct pcl_kernel *k, enum pcl_fs_cost which);

/* extent.c */
bool pcl_ext_mapped(const struct pcl_extents *e, uint64_t page);
/* The last page from page on that is mapped (or not) like page itself. */
uint64_t pcl_ext_same(const struct pcl_extents *e, uint64_t page);
void pcl_ext_map(struct pcl_extents *e, uint64_t first, uint64_t last);
/* Returns the extents that were cut or removed. */
uint32_t pcl_ext_unmap(struct pcl_extents *e, uint64_t first, uint64_t last);
/* Everything from page on moves n pages down, over pages that are not mapped, or up, leaving a
 * hole. Return the extents that were moved or cut. */
uint32_t pcl_ext_collapse(struct pcl_extents *e, uint64_t page, uint64_t n);
uint32_t pcl_ext_insert(struct pcl_extents *e, uint64_t page, uint64_t n);

/* readahead.c */
/** The windows of all tasks: made when somebody reads. */
void pcl_ra_make(struct pcl_kernel *k);
/** Page cur was found: reads note where they are, faults that it was no miss. */
void pcl_ra_hit(struct pcl_kernel *k, const struct pcl_call *c);
/** Order of the folios that the task's window on this file has come to. */
unsigned pcl_ra_order(struct pcl_kernel *k, const struct pcl_call *c);

/* vma.c */
/** The VMA of a file in an address space. The pointer is good until another is asked for. */
struct pcl_vma *pcl_vma(struct pcl_kernel *k, uint32_t mm, uint32_t inode);
/** Has the VMA changed since this fault began to speculate? */
bool pcl_vma_changed(struct pcl_kernel *k, const struct pcl_call *c);

/* lock_acts.c */
/** The running body asks for a lock: what it waited for until now belongs to its operation, if it
 * has one. */
void pcl_note_begin(struct pcl_kernel *k);
/** Counts a lock that is taken now, since times.lock_begin, and has no notes of its own. */
void pcl_note_wait(struct pcl_kernel *k, struct pcl_lock_stats *st, bool waited);

/* io.c */
uint32_t pcl_bio_new(struct pcl_kernel *k);
/** Makes all mappings of a folio read-only, with the shootdowns. */
void pcl_wrprotect_folio(struct pcl_kernel *k, uint32_t folio);

#define ACT(fn) enum pcl_flow fn(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)

/* large.c */
/* A new locked folio at page cur for a write: as large as what is left of it. */
uint32_t pcl_insert_written(struct pcl_kernel *k, struct pcl_call *c);
/* The same at a page that will be read, ending before page end, no larger than order. */
uint32_t pcl_insert_ahead(struct pcl_kernel *k, struct pcl_call *c, uint64_t page, uint64_t end,
                          unsigned order);
/* The last page of the request that is dealt with under one hold of the folio. */
uint64_t pcl_chunk_last(const struct pcl_kernel *k, const struct pcl_call *c);

/* The folio lies inside the call's range as a whole. */
bool pcl_folio_inside(const struct pcl_kernel *k, const struct pcl_call *c, uint32_t folio);

/* The next present folio that lies inside [cur, last] as a whole, or PCL_NONE. */
uint32_t pcl_next_inside(struct pcl_kernel *k, const struct pcl_call *c, unsigned *nodes);

/* resident.c */
/* The locks of a role have been made: if they hold pages, what they must know of them. */
int pcl_resident_init(struct pcl_kernel *k, enum pcl_role role, struct pcl_err *err);
/* A page lock that the running call has already through a range: nothing is to be done. Likewise
 * its unlock, unless the folio has left its file; then it is unlocked like any other. */
bool pcl_resident_enter(struct pcl_kernel *k, uint32_t folio, bool shared);
bool pcl_resident_leave(struct pcl_kernel *k, uint32_t folio);

/* lock_acts.c */
ACT(act_label);
ACT(act_goto);
ACT(act_enter);
ACT(act_exit);
ACT(act_cpu);
ACT(act_fs_cpu);
ACT(act_hold);
ACT(act_lock);
ACT(act_unlock);
ACT(act_unlock_overwrite);
ACT(act_unlock_submitted);
ACT(act_unlock_async);
ACT(act_dio_drain);
ACT(act_drain_alone);
ACT(act_demote);
ACT(act_if_wrong_order);
ACT(act_downgrade);
ACT(act_await_punch);
ACT(act_fault_invalidate);
ACT(act_page_lock);
ACT(act_page_trylock);
ACT(act_page_unlock);
ACT(act_fault_lock);
ACT(act_fault_trylock);
ACT(act_fault_unlock);
ACT(act_page_wait);
ACT(act_page_wait_drop);
ACT(act_wait_writeback);
ACT(act_cond_resched);
/* cache_acts.c */
ACT(act_lookup);
ACT(act_recheck);
ACT(act_recheck_eof);
ACT(act_if_gone);
ACT(act_if_dirty);
ACT(act_if_writeback);
ACT(act_if_unmapped);
ACT(act_if_beyond);
ACT(act_if_tmpfs);
ACT(act_if_grows);
ACT(act_tmpfs_hole);
ACT(act_append_position);
ACT(act_insert);
ACT(act_insert_ahead);
ACT(act_reclaim);
ACT(act_put);
ACT(act_pair_inner);
ACT(act_kill);
ACT(act_page_lock_killable);
ACT(act_pair_outer);
ACT(act_copy_out);
ACT(act_copy_in);
ACT(act_advance);
ACT(act_dirty);
ACT(act_set_size);
ACT(act_next_present);
ACT(act_rewind);
ACT(act_to_start);
ACT(act_skip_folio);
ACT(act_invalidate_folio);
ACT(act_remove);
ACT(act_set_uptodate);
/* move_acts.c */
ACT(act_to_moving);
ACT(act_next_moving);
ACT(act_move);
/* map_acts.c */
ACT(act_map);
ACT(act_unmap_range);
ACT(act_unmap_folio);
ACT(act_dontneed);
ACT(act_protect);
ACT(act_migrate_unmap);
ACT(act_migrate_restore);
ACT(act_migration_wait);
ACT(act_if_tried);
ACT(act_if_eof);
/* readahead.c */
ACT(act_plan_ahead);
ACT(act_if_marker);
ACT(act_plan_async);
ACT(act_more_ahead);
/* vma.c */
ACT(act_find_vma);
ACT(act_vma_trylock);
ACT(act_vma_unlock);
ACT(act_vma_abandon);
ACT(act_vma_write);
ACT(act_vma_write_end);
ACT(act_change_vmas);
/* io.c */
ACT(act_fill_hole);
ACT(act_read_ahead);
ACT(act_read_one);
ACT(act_next_dirty);
ACT(act_wb_start);
ACT(act_wb_add);
ACT(act_wb_submit);
ACT(act_if_submits);
ACT(act_wb_submit_early);
ACT(act_next_writeback);
ACT(act_flush);
ACT(act_direct);
ACT(act_io_wait);
ACT(act_direct_done);
ACT(act_dio_begin);
ACT(act_dio_end);
ACT(act_if_rejected);
ACT(act_note_busy);
ACT(act_if_busy);
ACT(act_as_buffered);
ACT(act_throttle);
/* extent_acts.c */
ACT(act_alloc_blocks);
ACT(act_free_blocks);
ACT(act_alloc_range);
ACT(act_punch_begin);
ACT(act_punch_end);
ACT(act_check_shift);
ACT(act_to_tail);
ACT(act_shift_extents);
ACT(act_if_moves);
/* pair_acts.c */
ACT(act_order_files);
ACT(act_switch);
ACT(act_check_exchange);
ACT(act_if_second);
ACT(act_exchange);

/* dax.c */
ACT(act_entry_grab);
ACT(act_entry_lock);
ACT(act_entry_unlock);
ACT(act_entry_remove);
ACT(act_entry_read);
ACT(act_entry_write);
ACT(act_if_entry_new);
ACT(act_entry_clean);
ACT(act_entry_pin);
ACT(act_entry_unpin);
ACT(act_if_pinned);
ACT(act_await_unpinned);
/* large.c */
ACT(act_next_edge);
ACT(act_zero_edge);
ACT(act_next_inside);
/* batch.c */
/* The folio joins a list of chunks; it is taken from the list's end. False: the list is empty. */
void pcl_batch_push(struct pcl_kernel *k, uint32_t *list, uint32_t folio);
bool pcl_batch_pop(struct pcl_kernel *k, uint32_t *list, uint32_t *folio);
ACT(act_batch_add);
ACT(act_batch_take);
ACT(act_batch_each);
ACT(act_batch_empty);
ACT(act_if_batch_room);
ACT(act_if_batch_empty);
ACT(act_next_in_walk);
ACT(act_remove_batch);
/* mm_acts.c */
ACT(act_if_one_by_one);
ACT(act_if_migrate_room);
ACT(act_migrate_unmap_later);
ACT(act_migrate_flush);
ACT(act_later_add);
ACT(act_later_take);
ACT(act_put_behind);
ACT(act_swap_folios);
ACT(act_migrate_invalidate);
ACT(act_migrate_next);
ACT(act_migrate_lock);
ACT(act_migrate_writeback);
ACT(act_replace);
ACT(act_migrate_copy);
ACT(act_migrate_again);
ACT(act_reclaim_next);
ACT(act_remove_frozen);
ACT(act_keep);
ACT(act_huge_range);
ACT(act_huge_next);
ACT(act_huge_absent);
ACT(act_huge_lock);
ACT(act_if_not_read);
ACT(act_huge_copy);
ACT(act_merge);
ACT(act_take_other);
ACT(act_next_large);
ACT(act_split);

#undef ACT

/* --- how tables are written ---------------------------------------------------------------- */

#define S_AT(l) {.act = act_label, .name = #l ":", .arg = (l)}
#define S_GOTO(l) {.act = act_goto, .name = "goto", .to = {l}}
#define S_ENTER(c) {.act = act_enter, .name = "enter " #c, .arg = PCL_C_##c}
#define S_EXIT {.act = act_exit, .name = "return"}
#define S_CPU(c) {.act = act_cpu, .name = "cpu " #c, .arg = PCL_C_##c}
#define S_FS(c) {.act = act_fs_cpu, .name = "filesystem " #c, .arg = FS_COST_##c}
#define S_LOCK(r) \
    {.act = act_lock, .name = "lock " #r, .point = POINT_SLEEPY, .role = PCL_ROLE_##r}
#define S_UNLOCK(r) {.act = act_unlock, .name = "unlock " #r, .role = PCL_ROLE_##r}
#define S_DOWNGRADE(r) {.act = act_downgrade, .name = "downgrade " #r, .role = PCL_ROLE_##r}
#define S_DO(fn) {.act = act_##fn, .name = #fn}
#define S_IF(fn, ...) {.act = act_##fn, .name = #fn, .to = {__VA_ARGS__}}
#define S_SLEEPY(fn) {.act = act_##fn, .name = #fn, .point = POINT_SLEEPY}
#define S_COND {.act = act_cond_resched, .name = "cond_resched", .point = POINT_COND}
#define S_END {.act = NULL}

#endif

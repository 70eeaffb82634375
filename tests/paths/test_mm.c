/*
 * Memory management beside calls on the file: migration, reclaim, khugepaged, splits. What they
 * leave behind, what they wait for, and that the oracle finds nothing however they mix.
 */
#include "rig.h"

#include "step.h"

static uint32_t new_file(struct rig *r, uint64_t pages, unsigned order)
{
    uint32_t inode = pcl_kernel_inode(&r->k, (int64_t)(pages << PCL_PAGE_SHIFT), true);

    pcl_cache_populate(r->k.cache, inode, 0, pages, order, 0);
    return inode;
}

static void migration_leaves_the_data_mapped_elsewhere(void **state)
{
    static const enum pcl_op modes[] = {PCL_OP_MIGRATE, PCL_OP_MIGRATE_ASYNC,
                                        PCL_OP_MIGRATE_SYNC};

    (void)state;
    for (size_t i = 0; i < LENGTH(modes); i++) {
        struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);
        uint32_t inode = new_file(r, 8, 2), f, before;

        f = pcl_cache_get(r->k.cache, inode, 5, NULL);
        before = r->k.cache->folio[f].pfn;
        pcl_folio_put(r->k.cache, f);
        (void)rig_ask(r, 0, PCL_OP_FAULT_WRITE, 5 * 4096, 1);
        (void)rig_ask(r, 0, modes[i], 0, 8 * 4096);
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 8 * 4096);
        rig_run(r);
        assert_int_equal(r->k.migrated, 2);
        assert_int_equal(r->k.not_migrated, 0);
        f = pcl_cache_find(r->k.cache, inode, 5, NULL);
        assert_int_not_equal(r->k.cache->folio[f].pfn, before);
        assert_int_equal(pcl_map_get(r->k.cache, inode, 0, 5, NULL), f);
        assert_true(r->k.cache->flags[f] & PCL_FOLIO_DIRTY);
        assert_int_equal(r->k.cache->t->nr_migrating, 0);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

/* The page is locked for 1 ms from 1 us on. */
static struct rig *with_a_busy_page(enum pcl_op op, unsigned order, uint32_t *inode)
{
    struct rig *r = rig_new(PCL_FS_XFS, "server-2s", 2, false);

    *inode = new_file(r, 512, order);
    rig_ask(r, 0, PCL_OP_PAGE_LOCK, 7 * 4096, 1)->hold = 1000000;
    r->start[1] = 100000;
    (void)rig_ask(r, 1, op, 0, 512 * 4096);
    rig_run(r);
    assert_int_equal(r->wrong, 0);
    return r;
}

static void async_migration_gives_up_after_ten_tries_and_sync_waits(void **state)
{
    uint32_t inode;
    struct rig *r = with_a_busy_page(PCL_OP_MIGRATE_ASYNC, 0, &inode);

    (void)state;
    assert_int_equal(r->k.migrated, 511);
    assert_int_equal(r->k.not_migrated, 1);
    assert_int_equal(r->k.page.stats.trylock_failures, 10);
    rig_free(r);
    r = with_a_busy_page(PCL_OP_MIGRATE, 0, &inode);
    assert_int_equal(r->k.migrated, 512);
    assert_int_equal(r->k.page.stats.mode[1].contentions, 1);
    assert_true(r->end[1][0] > 1000000);
    rig_free(r);
}

static struct rig *migrating(const char *batch, enum pcl_op op, uint64_t pages, pcl_ns busy)
{
    struct pcl_scheme scheme = {.name = "s"};
    struct pcl_err err;
    struct rig *r;
    uint8_t value;

    assert_int_equal(pcl_option_parse(PCL_OPTION_MIGRATE_BATCH, batch, &value, &err), PCL_OK);
    scheme.option[PCL_OPTION_MIGRATE_BATCH] = (uint8_t)(1 + value);
    r = rig_new_with(PCL_FS_XFS, "server-2s", 2, false, &scheme);
    (void)new_file(r, pages, 0);
    for (uint64_t p = 0; p < 8; p++)
        (void)rig_ask(r, 0, PCL_OP_FAULT_WRITE, (int64_t)p * 4096, 1);
    if (busy)
        rig_ask(r, 0, PCL_OP_PAGE_LOCK, 7 * 4096, 1)->hold = busy;
    r->start[1] = 200000;
    (void)rig_ask(r, 1, op, 0, (int64_t)pages * 4096);
    (void)rig_ask(r, 1, PCL_OP_READ, 0, (int64_t)pages * 4096);
    rig_run(r);
    assert_int_equal(r->wrong, 0);
    assert_int_equal(r->k.cache->t->nr_migrating, 0);
    return r;
}

/* All of a batch are locked together and unmapped before one flush; up to 512 pages. */
static void a_batch_is_locked_together_and_flushed_once(void **state)
{
    struct rig *one = migrating("no", PCL_OP_MIGRATE, 1100, 0);
    struct rig *all = migrating("yes", PCL_OP_MIGRATE, 1100, 0);

    (void)state;
    assert_int_equal(one->k.migrated, 1100);
    assert_int_equal(all->k.migrated, 1100);
    assert_int_equal(one->k.page.stats.held_max, 2);
    assert_int_equal(all->k.page.stats.held_max, 513);
    rig_free(one);
    rig_free(all);
}

/* A busy page does not hold up the others of the batch; then the mode decides. */
static void what_a_batch_finds_busy_comes_later(void **state)
{
    static const enum pcl_op modes[] = {PCL_OP_MIGRATE, PCL_OP_MIGRATE_ASYNC,
                                        PCL_OP_MIGRATE_SYNC};

    (void)state;
    for (size_t i = 0; i < LENGTH(modes); i++) {
        struct rig *r = migrating("yes", modes[i], 600, 3000000);
        bool gives_up = modes[i] == PCL_OP_MIGRATE_ASYNC;

        assert_int_equal(r->k.migrated, 600 - gives_up);
        assert_int_equal(r->k.not_migrated, gives_up);
        assert_int_equal(r->k.page.stats.trylock_failures, gives_up ? 11 : 1);
        assert_int_equal(r->end[1][0] > 3000000, !gives_up);
        rig_free(r);
    }
}

static void a_busy_page_ends_khugepaged(void **state)
{
    uint32_t inode;
    struct rig *r = with_a_busy_page(PCL_OP_KHUGEPAGED, 0, &inode);

    (void)state;
    assert_int_equal(r->k.merged, 0);
    assert_int_equal(r->k.cache->t->nr_folios, 512);
    rig_free(r);
}

/* Of a file, or of a hole in one; what lies behind the end of file ends it. */
static void khugepaged_reads_in_what_is_absent(void **state)
{
    (void)state;
    for (int mapped = 0; mapped < 2; mapped++)
        for (int whole = 0; whole < 2; whole++) {
            struct rig *r = rig_new(PCL_FS_XFS, "server-2s", 2, false);
            uint32_t inode = pcl_kernel_inode(&r->k, whole ? 1024 * 4096 : 500 * 4096, mapped);

            pcl_cache_populate(r->k.cache, inode, 7, 50, 0, 0);
            (void)rig_ask(r, 0, PCL_OP_KHUGEPAGED, 8192, 1);
            (void)rig_ask(r, 0, PCL_OP_READ, 0, 512 * 4096);
            rig_run(r);
            assert_int_equal(r->k.merged, whole);
            assert_int_equal(r->k.cache->t->nr_pages, whole ? 512 : 500);
            assert_int_equal(r->k.cache->t->nr_folios, whole ? 1 : 500);
            assert_int_equal(r->k.page.stats.held_max > 500, whole);
            assert_int_equal(r->wrong, 0);
            rig_free(r);
        }
}

static void khugepaged_holds_all_512_locks_together(void **state)
{
    struct rig *r = rig_new(PCL_FS_XFS, "server-2s", 2, false);
    uint32_t inode = new_file(r, 512, 0);

    (void)state;
    (void)rig_ask(r, 0, PCL_OP_FAULT_READ, 9 * 4096, 1);
    (void)rig_ask(r, 0, PCL_OP_KHUGEPAGED, 8192, 1);
    (void)rig_ask(r, 0, PCL_OP_READ, 0, 512 * 4096);
    (void)rig_ask(r, 0, PCL_OP_SPLIT, 0, 512 * 4096);
    (void)rig_ask(r, 0, PCL_OP_READ, 0, 512 * 4096);
    rig_run(r);
    assert_int_equal(r->k.merged, 1);
    assert_int_equal(r->k.splits, 1);
    assert_int_equal(r->k.page.stats.held_max, 513);
    assert_int_equal(r->k.cache->t->nr_folios, 512);
    assert_int_equal(pcl_map_get(r->k.cache, inode, 0, 9, NULL), PCL_NONE);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

static void reclaim_takes_what_is_clean_and_free(void **state)
{
    struct rig *r = rig_new(PCL_FS_EXT4, NULL, 1, false);
    uint32_t inode = new_file(r, 8, 0);

    (void)state;
    (void)rig_ask(r, 0, PCL_OP_WRITE, 2 * 4096, 4096);
    (void)rig_ask(r, 0, PCL_OP_RECLAIM, 0, 8 * 4096);
    (void)rig_ask(r, 0, PCL_OP_READ, 0, 8 * 4096);
    rig_run(r);
    assert_int_equal(r->k.reclaimed, 7); /* the dirty one stays */
    assert_int_equal(r->k.cache->t->nr_pages, 8);
    assert_int_not_equal(pcl_cache_find(r->k.cache, inode, 2, NULL), PCL_NONE);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

/* --- waiters on a folio that is split --------------------------------------------------------
 */

enum { WAIT_AGAIN = 1, WAIT_FOUND, WAIT_MISS, LOCK_FOUND, LOCK_MISS };

static uint32_t remembered;

static enum pcl_flow remember(struct pcl_kernel *k, struct pcl_call *c,
                              const struct pcl_step *s)
{
    (void)k, (void)s;
    remembered = c->folio;
    return flow_next(c, FLOW_SKIP);
}

static enum pcl_flow recall(struct pcl_kernel *k, struct pcl_call *c, const struct pcl_step *s)
{
    (void)s;
    c->folio = remembered;
    pcl_folio_get(k->cache, c->folio);
    return flow_next(c, FLOW_SKIP);
}

/* Waits without a reference, then looks the page up anew and reads it. */
static const struct pcl_step careful[] = {
    S_IF(lookup, WAIT_FOUND, WAIT_MISS),
    S_AT(WAIT_FOUND),
    S_SLEEPY(page_wait_drop),
    S_IF(lookup, WAIT_AGAIN, WAIT_MISS),
    S_AT(WAIT_AGAIN),
    S_DO(copy_out),
    S_DO(put),
    S_AT(WAIT_MISS),
    S_EXIT,
    S_END,
};

/* The same, but it takes the folio that it has waited for. */
static const struct pcl_step careless[] = {
    S_IF(lookup, WAIT_FOUND, WAIT_MISS),
    S_AT(WAIT_FOUND),
    {.act = remember, .name = "remember"},
    S_SLEEPY(page_wait_drop),
    {.act = recall, .name = "recall"},
    S_DO(copy_out),
    S_DO(put),
    S_AT(WAIT_MISS),
    S_EXIT,
    S_END,
};

static const struct pcl_step splitter[] = {
    S_IF(lookup, LOCK_FOUND, LOCK_MISS),
    S_AT(LOCK_FOUND),
    S_SLEEPY(page_lock),
    S_DO(hold),
    S_IF(split, LOCK_MISS),
    S_DO(page_unlock),
    S_DO(put),
    S_AT(LOCK_MISS),
    S_EXIT,
    S_END,
};

static uint64_t wrongs_after_a_split(const struct pcl_step *waiter)
{
    struct rig *r = rig_new(PCL_FS_XFS, "server-2s", 3, false);
    uint64_t wrong;

    pcl_kernel_path(&r->k, PCL_OP_PAGE_LOCK, splitter);
    pcl_kernel_path(&r->k, PCL_OP_PAGE_WAIT_DROP, waiter);
    (void)new_file(r, 16, 4);
    rig_ask(r, 0, PCL_OP_PAGE_LOCK, 0, 1)->hold = 1000000;
    r->start[1] = r->start[2] = 100000;
    (void)rig_ask(r, 1, PCL_OP_PAGE_WAIT_DROP, 0, 1); /* page of the head */
    (void)rig_ask(r, 2, PCL_OP_PAGE_WAIT_DROP, 11 * 4096, 1);
    rig_run(r);
    assert_int_equal(r->k.splits, 1);
    assert_int_equal(r->k.page.stats.mode[0].contentions, 2);
    wrong = r->wrong;
    rig_free(r);
    return wrong;
}

static void who_waits_on_a_split_folio_gets_the_right_page(void **state)
{
    (void)state;
    assert_int_equal(wrongs_after_a_split(careful), 0);
    assert_int_equal(wrongs_after_a_split(careless), 1); /* the one of page 11 */
}

/* A waiter with a reference keeps the folio from being split; it gets it whole. */
static void a_reference_makes_the_split_fail(void **state)
{
    struct rig *r = rig_new(PCL_FS_XFS, "server-2s", 2, false);

    (void)state;
    (void)new_file(r, 16, 4);
    pcl_kernel_path(&r->k, PCL_OP_SPLIT, pcl_path_steps(PCL_FS_XFS, PCL_OP_SPLIT));
    rig_ask(r, 0, PCL_OP_PAGE_LOCK, 0, 1)->hold = 1000000;
    (void)rig_ask(r, 1, PCL_OP_SPLIT, 0, 16 * 4096);
    r->start[1] = 100000;
    rig_run(r);
    assert_int_equal(r->k.splits, 0);
    assert_int_equal(r->k.cache->t->nr_folios, 1);
    rig_free(r);
}

/* --- who makes large folios ------------------------------------------------------------------
 */

static unsigned order_at(struct rig *r, uint32_t inode, uint64_t page)
{
    uint32_t f = pcl_cache_find(r->k.cache, inode, page, NULL);

    return f == PCL_NONE ? 99 : r->k.cache->folio[f].order;
}

static void a_write_makes_folios_of_its_size(void **state)
{
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);
    uint32_t inode = pcl_kernel_inode(&r->k, 4 << 20, false);

    (void)state;
    r->k.inode[inode].max_order = 4;
    (void)rig_ask(r, 0, PCL_OP_WRITE, 3 * 4096, 45 * 4096); /* pages 3 to 47 */
    (void)rig_ask(r, 0, PCL_OP_WRITE, 64 * 4096 + 100, 16 * 4096);
    (void)rig_ask(r, 0, PCL_OP_READ, 0, 80 * 4096);
    rig_run(r);
    assert_int_equal(order_at(r, inode, 3), 0);
    assert_int_equal(order_at(r, inode, 5), 2);
    assert_int_equal(order_at(r, inode, 8), 3);
    assert_int_equal(order_at(r, inode, 20), 4);
    assert_int_equal(order_at(r, inode, 40), 4);
    assert_int_equal(order_at(r, inode, 64), 4); /* 64 KiB, though they begin inside the page */
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

static void sequential_read_ahead_ramps_up(void **state)
{
    struct rig *r = rig_new(PCL_FS_EXT4, "server-2s", 1, false);
    uint32_t inode = pcl_kernel_inode(&r->k, 4 << 20, true);
    unsigned max = 0;

    (void)state;
    r->k.inode[inode].max_order = 3;
    for (int i = 0; i < 128; i++)
        (void)rig_ask(r, 0, PCL_OP_READ, i * 16384, 16384);
    rig_run(r);
    assert_int_equal(order_at(r, inode, 0), 0);
    for (uint64_t p = 0; p < 512; p++)
        max = order_at(r, inode, p) > max ? order_at(r, inode, p) : max;
    assert_int_equal(max, 3);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

static void a_punch_splits_what_lies_across_its_ends(void **state)
{
    (void)state;
    for (int fs = PCL_FS_XFS; fs <= PCL_FS_PAGE_ONLY; fs++) {
        struct rig *r = rig_new((enum pcl_fs)fs, NULL, 1, false);
        uint32_t inode = pcl_kernel_inode(&r->k, 4 << 20, false);

        r->k.inode[inode].max_order = 4;
        (void)rig_ask(r, 0, PCL_OP_WRITE, 0, 64 * 4096);
        (void)rig_ask(r, 0, PCL_OP_PUNCH, 5 * 4096, 30 * 4096); /* pages 5 to 34 */
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 64 * 4096);
        (void)rig_ask(r, 0, PCL_OP_TRUNCATE, 61 * 4096, 0);
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 64 * 4096);
        rig_run(r);
        /* on xfs the write-back's interrupt may still hold the second one, which is dropped
         * then */
        if (r->k.splits != 3 && (fs != PCL_FS_XFS || r->k.splits != 2))
            fail_msg("%s: %d splits", pcl_fs_name((enum pcl_fs)fs), (int)r->k.splits);
        assert_int_equal(order_at(r, inode, 4), 0);
        assert_int_equal(order_at(r, inode, 50), 0);
        assert_int_equal(pcl_oracle_count(r->k.cache->oracle, PCL_WRONG_LOST), 0);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

/* Somebody's reference: a dirty folio stays, its part of the range zeroed. */
static void a_held_dirty_folio_is_zeroed_in_part(void **state)
{
    struct rig *r = rig_new(PCL_FS_TMPFS, NULL, 1, false);
    uint32_t inode = pcl_kernel_inode(&r->k, 1 << 20, false), f;

    (void)state;
    r->k.inode[inode].max_order = 4;
    (void)rig_ask(r, 0, PCL_OP_WRITE, 0, 16 * 4096);
    rig_run(r);
    f = pcl_cache_get(r->k.cache, inode, 0, NULL);
    r->m.stop = false;
    (void)rig_ask(r, 0, PCL_OP_PUNCH, 4 * 4096, 64 * 4096);
    (void)rig_ask(r, 0, PCL_OP_READ, 0, 16 * 4096);
    rig_run(r);
    assert_int_equal(r->k.splits, 0);
    assert_int_equal(order_at(r, inode, 9), 4);
    assert_int_equal(r->wrong, 0);
    pcl_folio_put(r->k.cache, f);
    rig_free(r);
}

/* The write finds blocks for its first page and must allocate those behind: nobody sees a folio
 * of which a part has not been filled. */
static void no_folio_is_seen_before_a_write_has_filled_it(void **state)
{
    (void)state;
    for (pcl_ns late = 0; late < 4000; late += 50) {
        struct rig *r = rig_new(PCL_FS_EXT4, "server-2s", 2, false);
        uint32_t inode = pcl_kernel_inode(&r->k, 9 * 4096, true), f;

        r->k.inode[inode].max_order = 2;
        (void)rig_ask(r, 0, PCL_OP_TRUNCATE, 16 * 4096, 0);
        (void)rig_ask(r, 0, PCL_OP_WRITE, 8 * 4096, 4 * 4096);
        for (int i = 0; i < 12; i++)
            (void)rig_ask(r, 1, PCL_OP_READ, (9 + i % 3) * 4096, 4096);
        r->start[1] = late;
        rig_run(r);
        assert_int_equal(r->wrong, 0);
        f = pcl_cache_find(r->k.cache, inode, 11, NULL);
        assert_true(f != PCL_NONE && (r->k.cache->flags[f] & PCL_FOLIO_UPTODATE));
        rig_free(r);
    }
}

/* --- everything at once ----------------------------------------------------------------------
 */

static uint64_t next_random(uint64_t *x)
{
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

static void mixtures_are_right(void **state)
{
    static const enum pcl_op ops[] = {
        PCL_OP_READ,       PCL_OP_WRITE,         PCL_OP_FAULT_READ,   PCL_OP_FAULT_WRITE,
        PCL_OP_MIGRATE,    PCL_OP_MIGRATE_ASYNC, PCL_OP_MIGRATE_SYNC, PCL_OP_SPLIT,
        PCL_OP_FSYNC,      PCL_OP_KHUGEPAGED,    PCL_OP_READ,         PCL_OP_FAULT_READ,
        PCL_OP_KHUGEPAGED, PCL_OP_SPLIT,         PCL_OP_PUNCH,        PCL_OP_RECLAIM};
    uint64_t x = 88172645463325252u, migrated = 0, merged = 0, splits = 0, reclaimed = 0;

    (void)state;
    for (int fs = PCL_FS_XFS; fs <= PCL_FS_TMPFS; fs++)
        for (unsigned order = 0; order <= 4; order += 2) {
            struct rig *r = rig_new((enum pcl_fs)fs, "server-2s", 4, false);
            size_t keep =
                order == 0 ? 2 : 0; /* nothing is dropped: there is something to merge */

            uint32_t inode = new_file(r, 512, order);

            r->k.inode[inode].max_order = 2 * order;
            for (uint32_t t = 0; t < RIG_TASKS; t++)
                for (int i = 0; i < 60; i++) {
                    enum pcl_op op = ops[next_random(&x) % (LENGTH(ops) - keep)];
                    int64_t off = (int64_t)(next_random(&x) % 100) * 4096;
                    bool one = op == PCL_OP_FAULT_READ || op == PCL_OP_FAULT_WRITE;

                    (void)rig_ask(r, t, op, op == PCL_OP_FSYNC ? 0 : off,
                                  one ? 1
                                  : op == PCL_OP_FSYNC
                                      ? 0
                                      : 1 + (int64_t)(next_random(&x) % 65536));
                }
            rig_run(r);
            if (r->wrong)
                fail_msg("fs %d, order %u: %d violations", fs, order, (int)r->wrong);
            migrated += r->k.migrated;
            merged += r->k.merged;
            splits += r->k.splits;
            reclaimed += r->k.reclaimed;
            rig_free(r);
        }
    assert_true(migrated > 100 && splits > 10 && reclaimed > 10 && merged > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(migration_leaves_the_data_mapped_elsewhere),
        cmocka_unit_test(async_migration_gives_up_after_ten_tries_and_sync_waits),
        cmocka_unit_test(a_batch_is_locked_together_and_flushed_once),
        cmocka_unit_test(what_a_batch_finds_busy_comes_later),
        cmocka_unit_test(a_busy_page_ends_khugepaged),
        cmocka_unit_test(khugepaged_holds_all_512_locks_together),
        cmocka_unit_test(khugepaged_reads_in_what_is_absent),
        cmocka_unit_test(reclaim_takes_what_is_clean_and_free),
        cmocka_unit_test(who_waits_on_a_split_folio_gets_the_right_page),
        cmocka_unit_test(a_reference_makes_the_split_fail),
        cmocka_unit_test(a_write_makes_folios_of_its_size),
        cmocka_unit_test(sequential_read_ahead_ramps_up),
        cmocka_unit_test(a_punch_splits_what_lies_across_its_ends),
        cmocka_unit_test(a_held_dirty_folio_is_zeroed_in_part),
        cmocka_unit_test(no_folio_is_seen_before_a_write_has_filled_it),
        cmocka_unit_test(mixtures_are_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

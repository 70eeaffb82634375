/*
 * The modes of fallocate: what they refuse and with what, what is resident, mapped on disk and read
 * afterwards, up to the last byte that a file can have.
 */
#include "rig.h"

#define MAX PCL_OFF_MAX
#define P PCL_PAGE_SIZE

static const enum pcl_fs disk_fs[] = {PCL_FS_XFS, PCL_FS_EXT4, PCL_FS_PAGE_ONLY};

/* One call on a file of a size: its error, and the size after it. */
struct row {
    enum pcl_op op;
    int64_t size, off, len;
    enum pcl_call_error error;
    int64_t after;
    uint8_t flags;
};

static const struct row rows[] = {
    {PCL_OP_PUNCH, 8 * P, 0, 0, PCL_CALL_E_INVAL, 8 * P, 0},
    {PCL_OP_ALLOCATE, 8 * P, 1, MAX, PCL_CALL_E_FBIG, 8 * P, 0},
    {PCL_OP_ALLOCATE, 8 * P, 1, MAX - 1, PCL_CALL_E_NONE, MAX, 0},
    {PCL_OP_PUNCH, 8 * P, MAX, 1, PCL_CALL_E_FBIG, 8 * P, 0},

    {PCL_OP_ZERO, 8 * P, 0, 0, PCL_CALL_E_INVAL, 8 * P, 0},
    {PCL_OP_ZERO, 8 * P, 4 * P, MAX - 4 * P, PCL_CALL_E_NONE, MAX, 0},
    {PCL_OP_ZERO, 8 * P, 4 * P, MAX - 4 * P, PCL_CALL_E_NONE, 8 * P, PCL_OPF_KEEPSIZE},
    {PCL_OP_ZERO, 8 * P, 4 * P, MAX - 4 * P + 1, PCL_CALL_E_FBIG, 8 * P, 0},
    {PCL_OP_ZERO, 8 * P, MAX - 1, 1, PCL_CALL_E_NONE, MAX, 0},
    {PCL_OP_ZERO, 8 * P, 100, 10, PCL_CALL_E_NONE, 8 * P, 0},

    {PCL_OP_COLLAPSE, 8 * P, P, 2 * P, PCL_CALL_E_NONE, 6 * P, 0},
    {PCL_OP_COLLAPSE, 8 * P, 0, 7 * P, PCL_CALL_E_NONE, P, 0},
    {PCL_OP_COLLAPSE, 8 * P, P, 7 * P, PCL_CALL_E_INVAL, 8 * P, 0}, /* reaches the end of file */
    {PCL_OP_COLLAPSE, 8 * P + 1, P, 7 * P, PCL_CALL_E_NONE, P + 1, 0},
    {PCL_OP_COLLAPSE, 8 * P, P, 100, PCL_CALL_E_INVAL, 8 * P, 0},
    {PCL_OP_COLLAPSE, 8 * P, 100, P, PCL_CALL_E_INVAL, 8 * P, 0},
    {PCL_OP_COLLAPSE, 8 * P, 0, 0, PCL_CALL_E_INVAL, 8 * P, 0},
    {PCL_OP_COLLAPSE, MAX, 0, P, PCL_CALL_E_NONE, MAX - P, 0},
    {PCL_OP_COLLAPSE, MAX, 0, MAX - P + 1, PCL_CALL_E_NONE, P - 1, 0},
    {PCL_OP_COLLAPSE, MAX, MAX - 2 * P + 1, P, PCL_CALL_E_NONE, MAX - P, 0},
    {PCL_OP_COLLAPSE, MAX, MAX - P + 1, P, PCL_CALL_E_FBIG, MAX, 0},
    {PCL_OP_COLLAPSE, MAX, P, MAX - P, PCL_CALL_E_INVAL, MAX, 0},

    {PCL_OP_INSERT, 8 * P, P, 2 * P, PCL_CALL_E_NONE, 10 * P, 0},
    {PCL_OP_INSERT, 8 * P, 0, P, PCL_CALL_E_NONE, 9 * P, 0},
    {PCL_OP_INSERT, 8 * P, 8 * P, P, PCL_CALL_E_INVAL, 8 * P, 0}, /* at the end of file */
    {PCL_OP_INSERT, 8 * P, P, 100, PCL_CALL_E_INVAL, 8 * P, 0},
    {PCL_OP_INSERT, 8 * P - 1, 0, MAX - 8 * P + 1, PCL_CALL_E_NONE, MAX, 0},
    {PCL_OP_INSERT, 8 * P, 0, MAX - 8 * P + 1, PCL_CALL_E_FBIG, 8 * P, 0},
    {PCL_OP_INSERT, MAX, 0, P, PCL_CALL_E_FBIG, MAX, 0},
};

static void ranges_are_checked(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < LENGTH(disk_fs); f++)
        for (size_t i = 0; i < LENGTH(rows); i++) {
            const struct row *t = &rows[i];
            struct rig *r = rig_new(disk_fs[f], NULL, 1, false);

            (void)pcl_kernel_inode(&r->k, t->size, true);
            pcl_cache_populate(r->k.cache, 0, 0, 8, 0, PCL_FOLIO_DIRTY);
            rig_ask(r, 0, t->op, t->off, t->len)->flags = t->flags;
            (void)rig_ask(r, 0, PCL_OP_READ, 0, 8 * P);
            rig_run(r);
            if (r->k.failed[t->error] != (t->error ? 1 : 2) ||
                pcl_inode_size(r->k.cache, 0) != t->after || r->wrong)
                fail_msg("row %zu, %s %s: %llu with %s, size %lld, %llu wrong", i,
                         pcl_fs_name(disk_fs[f]), pcl_op_name(t->op),
                         (unsigned long long)r->k.failed[t->error], pcl_call_error_name(t->error),
                         (long long)pcl_inode_size(r->k.cache, 0), (unsigned long long)r->wrong);
            rig_free(r);
        }
}

static void tmpfs_knows_two_modes(void **unused)
{
    static const enum pcl_op no[] = {PCL_OP_ZERO, PCL_OP_COLLAPSE, PCL_OP_INSERT};
    struct rig *r = rig_new(PCL_FS_TMPFS, NULL, 1, false);

    (void)unused;
    (void)pcl_kernel_inode(&r->k, 8 * P, true);
    for (size_t i = 0; i < LENGTH(no); i++)
        (void)rig_ask(r, 0, no[i], 0, P);
    (void)rig_ask(r, 0, PCL_OP_PUNCH, 0, P);
    (void)rig_ask(r, 0, PCL_OP_ALLOCATE, 0, P);
    rig_run(r);
    assert_int_equal(r->k.failed[PCL_CALL_E_NOTSUPP], LENGTH(no));
    assert_int_equal(r->k.failed[PCL_CALL_E_NONE], 2);
    rig_free(r);
}

/* Blocks that an insert would push beyond the last page are a reason to refuse it. */
static void blocks_behind_the_end_of_file_count(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);

    (void)unused;
    (void)pcl_kernel_inode(&r->k, 8 * P, true);
    rig_ask(r, 0, PCL_OP_ALLOCATE, 0, MAX - P)->flags = PCL_OPF_KEEPSIZE;
    (void)rig_ask(r, 0, PCL_OP_INSERT, 0, P);
    (void)rig_ask(r, 0, PCL_OP_INSERT, 0, P);
    rig_run(r);
    assert_int_equal(r->k.failed[PCL_CALL_E_INVAL], 1); /* one page of room there was */
    assert_int_equal(pcl_inode_size(r->k.cache, 0), 9 * P);
    rig_free(r);
}

/* What was at a page is read where it has moved to, and zeroes where nothing moved in. */
static void found_where_they_have_moved(uint8_t form)
{
    struct pcl_scheme scheme = {.name = "test"};

    scheme.option[PCL_OPTION_COLLAPSE] = 1 + form;
    for (size_t f = 0; f < LENGTH(disk_fs); f++) {
        struct rig *r = rig_new(disk_fs[f], NULL, 1, false);
        pcl_content was[8];

        (void)pcl_kernel_inode(&r->k, 8 * P, true);
        for (int i = 0; i < 8; i++)
            (void)rig_ask(r, 0, PCL_OP_WRITE, i * P, P);
        (void)rig_ask(r, 0, PCL_OP_FSYNC, 0, 0);
        rig_run(r);
        for (uint64_t i = 0; i < 8; i++)
            was[i] = pcl_oracle_disk_content(r->k.cache->oracle, 0, i);
        rig_free(r);

        r = rig_new_with(disk_fs[f], NULL, 1, false, &scheme);
        (void)pcl_kernel_inode(&r->k, 8 * P, true);
        for (int i = 0; i < 8; i++)
            (void)rig_ask(r, 0, PCL_OP_WRITE, i * P, P);
        (void)rig_ask(r, 0, PCL_OP_COLLAPSE, 2 * P, 3 * P);
        (void)rig_ask(r, 0, PCL_OP_INSERT, P, P);
        rig_run(r);
        assert_int_equal(r->k.cache->t->nr_pages, form == PCL_COLLAPSE_MOVE ? 5 : 0);
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 8 * P);
        (void)rig_ask(r, 0, PCL_OP_FSYNC, 0, 0);
        rig_run(r);
        assert_int_equal(r->wrong, 0);
        assert_int_equal(pcl_inode_size(r->k.cache, 0), 6 * P);
        const struct pcl_oracle *o = r->k.cache->oracle;

        assert_int_equal(pcl_oracle_disk_content(o, 0, 0), was[0]);
        assert_int_equal(pcl_oracle_disk_content(o, 0, 1), PCL_CONTENT_ZERO);
        assert_int_equal(pcl_oracle_disk_content(o, 0, 2), was[1]);
        for (uint64_t i = 3; i < 6; i++)
            assert_int_equal(pcl_oracle_disk_content(o, 0, i), was[i + 2]);
        rig_free(r);
    }
}

static void pages_are_found_where_they_have_moved(void **unused)
{
    (void)unused;
    found_where_they_have_moved(PCL_COLLAPSE_INVALIDATE);
    found_where_they_have_moved(PCL_COLLAPSE_MOVE);
}

/* Two files change what they have; the locks are taken by number, whoever is named first. */
static void two_files_are_exchanged(void **unused)
{
    (void)unused;
    for (uint32_t first = 0; first < 2; first++) {
        struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);

        (void)pcl_kernel_inode(&r->k, 8 * P, true);
        (void)pcl_kernel_inode(&r->k, 4 * P, false); /* a hole */
        rig_ask(r, 0, PCL_OP_WRITE, P, P)->inode = first;
        struct pcl_request *q = rig_ask(r, 0, PCL_OP_EXCHANGE, P, 2 * P);

        q->inode = first;
        q->inode2 = 1 - first;
        rig_ask(r, 0, PCL_OP_EXCHANGE, P, 4 * P)->inode2 = 1; /* behind the end of the second */
        rig_ask(r, 0, PCL_OP_EXCHANGE, P, 100)->inode2 = 1;
        (void)rig_ask(r, 0, PCL_OP_EXCHANGE, P, P); /* with itself */
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 8 * P);
        rig_ask(r, 0, PCL_OP_READ, 0, 4 * P)->inode = 1;
        rig_run(r);
        assert_int_equal(r->wrong, 0);
        assert_int_equal(r->k.failed[PCL_CALL_E_INVAL], 3);
        assert_true(r->k.cache->t->nr_dirty == 0);
        /* the hole and the extent have changed sides */
        assert_int_equal(r->k.ext[0].n, 2);
        assert_int_equal(r->k.ext[1].n, 1);
        assert_int_equal(r->k.ext[1].v[0].first, 1);
        assert_int_equal(r->k.ext[1].v[0].last, 2);
        /* and what was written, with its page number, is the other file's now */
        const struct pcl_oracle *o = r->k.cache->oracle;

        assert_int_equal(pcl_oracle_disk_content(o, 0, 1) >> 32, first ? 2 : 0);
        assert_int_equal(pcl_oracle_disk_content(o, 1, 1) >> 32, first ? 1 : 2);
        assert_int_equal(pcl_oracle_disk_content(o, 1, 2) >> 32, 1);
        rig_free(r);
    }
}

/* Opposite orders of the same two files, and writers of each: nobody waits for ever. */
static void exchanges_in_both_directions_end(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, "guest-2vcpu", 4, false);

    (void)unused;
    (void)pcl_kernel_inode(&r->k, 8 * P, true);
    (void)pcl_kernel_inode(&r->k, 8 * P, true);
    for (uint32_t t = 0; t < 4; t++)
        for (int i = 0; i < 50; i++) {
            struct pcl_request *q =
                rig_ask(r, t, t < 2 ? PCL_OP_EXCHANGE : PCL_OP_WRITE, i % 4 * P, 2 * P);

            q->inode = t % 2;
            q->inode2 = 1 - q->inode;
        }
    rig_run(r);
    assert_int_equal(r->wrong, 0);
    assert_int_equal(r->k.failed[PCL_CALL_E_NONE], 200);
    rig_free(r);
}

/* 100 folios leave in batches of 31, but for one that somebody holds for a long time: the first pass
 * goes on without it, the second waits. */
static void a_removal_holds_a_batch_at_a_time(void **unused)
{
    enum { PAGES = 100, BUSY = 40 };

    (void)unused;
    for (unsigned busy = 0; busy < 2; busy++) {
        struct rig *r = rig_new(PCL_FS_XFS, "guest-2vcpu", 2, false);
        uint32_t inode = pcl_kernel_inode(&r->k, PAGES * P, false);

        pcl_cache_populate(r->k.cache, inode, 0, PAGES, 0, 0);
        (void)rig_ask(r, 0, PCL_OP_SYSCALL, 0, 0);
        (void)rig_ask(r, 0, PCL_OP_PUNCH, 0, PAGES * P);
        rig_ask(r, 1, busy ? PCL_OP_PAGE_LOCK : PCL_OP_SYSCALL, BUSY * P, P)->hold = 5000000;
        rig_run(r);
        assert_int_equal(r->wrong, 0);
        assert_int_equal(r->k.cache->t->nr_pages, 0);
        assert_int_equal(r->k.page.stats.held_max, PCL_BATCH + busy);
        assert_int_equal(r->k.page.stats.mode[PCL_EXCLUSIVE].contentions, busy);
        assert_int_equal(r->k.page.stats.trylock_failures, busy);
        assert_int_equal(rig_took(r, 0, 1) > 4000000, busy);
        rig_free(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranges_are_checked),
        cmocka_unit_test(tmpfs_knows_two_modes),
        cmocka_unit_test(blocks_behind_the_end_of_file_count),
        cmocka_unit_test(pages_are_found_where_they_have_moved),
        cmocka_unit_test(two_files_are_exchanged),
        cmocka_unit_test(exchanges_in_both_directions_end),
        cmocka_unit_test(a_removal_holds_a_batch_at_a_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

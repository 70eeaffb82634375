/*
 * DAX: entry locks in place of folio locks. Who takes what, whom an unlock wakes, what 2 MiB
 * entries do to those who want a page of them, and who waits until a device has done with a
 * page.
 */
#include "rig.h"

#define P PCL_PAGE_SIZE

static struct rig *dax_rig(enum pcl_fs fs, const char *machine, uint32_t tasks)
{
    struct pcl_scheme scheme = {.name = "s"};

    scheme.option[PCL_OPTION_DAX] = 1 + PCL_YES;
    return rig_new_with(fs, machine, tasks, false, &scheme);
}

/* The locks of one operation of a file of 16 pages, whose first has been mapped and written. */
static void the_trail_has_no_page_locks(void **state)
{
    static const struct {
        enum pcl_fs fs;
        enum pcl_op op;
        int64_t off, len;
        const char *want;
    } row[] = {
        {PCL_FS_XFS, PCL_OP_READ, 0, P, "+io:S +il:S -il -io "},
        {PCL_FS_EXT4, PCL_OP_READ, 0, P, "+io:S +il:S -il -io "},
        {PCL_FS_XFS, PCL_OP_DREAD, 0, P, "+io:S +il:S -il -io "},
        {PCL_FS_XFS, PCL_OP_WRITE, 0, P, "+io:X +il:S -il -io "},
        {PCL_FS_XFS, PCL_OP_DWRITE, 0, P, "+io:X +il:S -il -io "},
        {PCL_FS_EXT4, PCL_OP_WRITE, 16 * P, P, "+io:X +il:X -il -io "},
        {PCL_FS_XFS, PCL_OP_FAULT_READ, 0, 1, "+mm:S +inv:S +il:S -il -inv -mm "},
        {PCL_FS_XFS, PCL_OP_FAULT_WRITE, 5 * P, 1, "+mm:S +inv:S +il:S -il -inv -mm "},
        {PCL_FS_XFS, PCL_OP_FAULT_READ, 16 * P, 1, "+mm:S +inv:S -inv -mm "},
        {PCL_FS_XFS, PCL_OP_FSYNC, 0, 0, "+imap:S -imap +il:S -il "},
        {PCL_FS_XFS, PCL_OP_PUNCH, 0, P,
         "+io:X +inv:X +imap:S -imap +imap:S -imap +imap:S -imap +il:X -il -inv -io "},
        {PCL_FS_XFS, PCL_OP_PUNCH, 8 * P, P, "+io:X +inv:X +imap:S -imap +il:X -il -inv -io "},
        {PCL_FS_EXT4, PCL_OP_TRUNCATE, 0, 0,
         "+io:X +inv:X +imap:S -imap +imap:S -imap +il:X -il -inv -io "},
        {PCL_FS_XFS, PCL_OP_MIGRATE, 0, P, ""},
        {PCL_FS_XFS, PCL_OP_EXCHANGE, 0, P, ""},
    };

    (void)state;
    for (size_t i = 0; i < LENGTH(row); i++) {
        struct rig *r = dax_rig(row[i].fs, NULL, 2);

        (void)pcl_kernel_inode(&r->k, 16 * P, true);
        (void)pcl_kernel_inode(&r->k, 16 * P, true);
        (void)rig_ask(r, 1, PCL_OP_FAULT_WRITE, 0, 1);
        rig_ask(r, 0, row[i].op, row[i].off, row[i].len)->inode2 = 1;
        r->start[0] = 1000000;
        rig_run(r);
        if (strcmp(r->trail, row[i].want) != 0)
            fail_msg("%s %s: took %s", pcl_fs_name(row[i].fs), pcl_op_name(row[i].op),
                     r->trail);
        assert_int_equal(r->k.page.stats.mode[1].acquisitions, 0);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

static void tmpfs_has_no_dax(void **state)
{
    struct pcl_scheme scheme = {.name = "s"};
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);
    struct pcl_kernel_conf kc = {.fs = PCL_FS_TMPFS, .scheme = &scheme};
    struct pcl_kernel k;
    struct pcl_err err;

    (void)state;
    scheme.option[PCL_OPTION_DAX] = 1 + PCL_YES;
    assert_int_equal(pcl_kernel_init(&k, &r->m, &kc, &err), PCL_EINVAL);
    assert_string_equal(err.msg, "path.dax: want fs xfs or ext4, found tmpfs");
    pcl_kernel_fini(&k);
    rig_free(r);
}

/* There is no page whose lock could stand for a range. */
static void locks_on_pages_are_refused(void **state)
{
    struct pcl_scheme scheme = {.name = "s"};
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);
    struct pcl_kernel_conf kc = {.fs = PCL_FS_XFS, .scheme = &scheme};
    struct pcl_kernel k;
    struct pcl_err err;

    (void)state;
    scheme.option[PCL_OPTION_DAX] = 1 + PCL_YES;
    (void)snprintf(scheme.role[PCL_ROLE_INVALIDATE].lock, 32, "resident");
    assert_int_equal(pcl_kernel_init(&k, &r->m, &kc, &err), PCL_EINVAL);
    assert_non_null(strstr(err.msg, "with path.dax = yes there are none"));
    pcl_kernel_fini(&k);
    rig_free(r);
}

/* Stores are in the file at once, reads see them, and nothing is written back but cache lines.
 */
static void stores_and_writes_see_each_other(void **state)
{
    struct rig *r = dax_rig(PCL_FS_XFS, "server-2s", 1);

    (void)state;
    (void)pcl_kernel_inode(&r->k, 16 * P, true);
    for (int i = 0; i < 8; i++) {
        (void)rig_ask(r, 0, PCL_OP_FAULT_WRITE, i * P, 1);
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 16 * P);
        (void)rig_ask(r, 0, PCL_OP_WRITE, i * P, 2 * P);
        (void)rig_ask(r, 0, PCL_OP_FAULT_READ, i * P, 1);
    }
    (void)rig_ask(r, 0, PCL_OP_FSYNC, 0, 0);
    rig_run(r);
    assert_int_equal(r->wrong, 0);
    assert_int_equal(r->k.cache->t->nr_dirty, 0);
    assert_int_equal(r->k.cache->t->nr_pages, 8); /* reads and writes make no entries */
    rig_free(r);
}

/* Faults on one page, each with an address space that has no entry of it: one has the lock, the
 * others queue, and each unlock serves one of them. */
static void faults_on_one_page_take_turns(void **state)
{
    struct rig *r = dax_rig(PCL_FS_XFS, "server-2s", 4);

    (void)state;
    (void)pcl_kernel_inode(&r->k, 16 * P, true);
    for (uint32_t t = 0; t < 4; t++)
        for (int i = 0; i < 100; i++)
            (void)rig_ask(r, t, PCL_OP_FAULT_WRITE, i % 2 * P, 1);
    rig_run(r);
    assert_int_equal(r->k.entry_stats.mode[1].acquisitions, 400);
    assert_true(r->k.entry_stats.mode[1].contentions > 20);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

/* A file of 4 MiB in blocks: all pages of a 2 MiB entry have one lock; of a hole there are
 * none. */
static void a_large_entry_is_one_lock(void **state)
{
    (void)state;
    for (int mapped = 0; mapped < 2; mapped++) {
        struct rig *r = dax_rig(PCL_FS_EXT4, "server-2s", 4);

        (void)pcl_kernel_inode(&r->k, 4 << 20, mapped);
        r->k.inode[0].max_order = r->k.inode[0].lock_order = PCL_MAX_ORDER;
        for (uint32_t t = 0; t < 4; t++)
            for (int i = 0; i < 50; i++)
                (void)rig_ask(r, t, PCL_OP_FAULT_READ, (int64_t)(4 * i + (int)t) * P, 1);
        rig_run(r);
        assert_int_equal(r->k.cache->t->nr_folios, mapped ? 1 : 200);
        assert_int_equal(r->k.entry_stats.mode[1].contentions > 0, mapped);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

/* Smaller entries are in the way of a large one, and part of a large one cannot be dropped. */
static void entries_do_not_grow_and_go_as_a_whole(void **state)
{
    struct rig *r = dax_rig(PCL_FS_XFS, NULL, 1);

    (void)state;
    (void)pcl_kernel_inode(&r->k, 4 << 20, true);
    r->k.inode[0].max_order = r->k.inode[0].lock_order = PCL_MAX_ORDER;
    pcl_cache_populate(r->k.cache, 0, 9, 1, 0, 0);
    (void)rig_ask(r, 0, PCL_OP_FAULT_READ, 5 * P, 1);
    (void)rig_ask(r, 0, PCL_OP_FAULT_READ, 700 * P, 1);
    rig_run(r);
    assert_int_equal(r->k.cache->t->nr_folios, 3);
    assert_int_equal(r->k.cache->t->nr_pages, 2 + 512);
    r->m.stop = false;
    (void)rig_ask(r, 0, PCL_OP_PUNCH, 800 * P, P);
    (void)rig_ask(r, 0, PCL_OP_READ, 0, 1000 * P);
    rig_run(r);
    assert_int_equal(r->k.cache->t->nr_pages, 2);
    assert_int_equal(pcl_map_get(r->k.cache, 0, 0, 700, NULL), PCL_NONE);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

/* A device works on page 3 for a millisecond. The punch of it waits, without the invalidate
 * lock: faults elsewhere go on; that of another page does not wait. */
static void a_punch_waits_for_a_pinned_page_and_lets_others_in(void **state)
{
    struct rig *r = dax_rig(PCL_FS_XFS, "server-2s", 4);

    (void)state;
    (void)pcl_kernel_inode(&r->k, 16 * P, true);
    (void)rig_ask(r, 0, PCL_OP_FAULT_WRITE, 3 * P, 1);
    rig_ask(r, 0, PCL_OP_PAGE_LOCK, 3 * P, 1)->hold = 1000000;
    (void)rig_ask(r, 1, PCL_OP_PUNCH, 8 * P, P);
    (void)rig_ask(r, 1, PCL_OP_PUNCH, 2 * P, 4 * P);
    (void)rig_ask(r, 1, PCL_OP_READ, 0, 16 * P);
    r->start[1] = 100000;
    for (int i = 0; i < 20; i++)
        (void)rig_ask(r, 2, PCL_OP_FAULT_WRITE, 9 * P, 1);
    r->start[2] = 300000;
    rig_run(r);
    assert_true(r->end[1][0] < 300000);
    assert_true(r->end[1][1] > r->end[0][1]);
    assert_true(r->end[2][19] < 900000);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_trail_has_no_page_locks),
        cmocka_unit_test(tmpfs_has_no_dax),
        cmocka_unit_test(locks_on_pages_are_refused),
        cmocka_unit_test(stores_and_writes_see_each_other),
        cmocka_unit_test(faults_on_one_page_take_turns),
        cmocka_unit_test(a_large_entry_is_one_lock),
        cmocka_unit_test(entries_do_not_grow_and_go_as_a_whole),
        cmocka_unit_test(a_punch_waits_for_a_pinned_page_and_lets_others_in),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Ranges that a call asks a range lock for before it knows all that it will touch: read-ahead reads
 * more than was asked for, the end of file moves while an append waits, and what was waited for may
 * be over when a lock that fails is tried again.
 */
#include "rig.h"

#define P PCL_PAGE_SIZE

static struct pcl_scheme with(const char *lock)
{
    struct pcl_scheme s = {0};

    (void)snprintf(s.role[PCL_ROLE_IOLOCK].lock, sizeof s.role[PCL_ROLE_IOLOCK].lock, "%s", lock);
    (void)snprintf(s.role[PCL_ROLE_INVALIDATE].lock, sizeof s.role[PCL_ROLE_INVALIDATE].lock, "%s",
                   lock);
    return s;
}

/* Or a punch of the pages behind would not wait for it, and they would come back. */
static void what_is_read_ahead_is_locked(void **unused)
{
    static const struct {
        enum pcl_op op;
        int64_t page, pages, locked;
    } rows[] = {{PCL_OP_READ, 0, 1, 4}, {PCL_OP_READ, 7, 2, 2}, {PCL_OP_FAULT_READ, 20, 1, 32}};
    struct pcl_scheme s = with("interval-tree");

    (void)unused;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct rig *r = rig_new_with(PCL_FS_XFS, NULL, 1, false, &s);

        (void)pcl_kernel_inode(&r->k, 100 * P, true);
        (void)rig_ask(r, 0, rows[i].op, rows[i].page * P, rows[i].pages * P);
        rig_run(r);
        assert_int_equal(r->k.cache->t->nr_pages, rows[i].locked);
        assert_int_equal(r->k.range[PCL_ROLE_INVALIDATE].stats.widest + 1, rows[i].locked * P);
        rig_free(r);
    }
}

/* The last page of the longest file there is. */
static void read_ahead_ends_with_the_last_byte(void **unused)
{
    struct pcl_scheme s = with("interval-tree");
    struct rig *r = rig_new_with(PCL_FS_XFS, NULL, 1, false, &s);

    (void)unused;
    (void)pcl_kernel_inode(&r->k, PCL_OFF_MAX, false);
    (void)rig_ask(r, 0, PCL_OP_FAULT_READ, PCL_OFF_MAX - 1, 1);
    rig_run(r);
    assert_int_equal(r->k.cache->t->nr_pages, 16 + 1); /* those before it */
    rig_free(r);
}

/* It asks for everything behind the end of file, and by then that is nearer. */
static void an_append_locks_where_it_writes(void **unused)
{
    struct pcl_scheme s = with("interval-tree");
    bool twice = false;

    (void)unused;
    for (pcl_ns start = 0; start < 8000; start += 50) {
        struct rig *r = rig_new_with(PCL_FS_XFS, "guest-2vcpu", 2, false, &s);

        (void)pcl_kernel_inode(&r->k, 12 * P, true);
        (void)rig_ask(r, 1, PCL_OP_TRUNCATE, 2 * P, 0);
        rig_ask(r, 0, PCL_OP_WRITE, 0, P)->flags = PCL_OPF_APPEND;
        r->start[1] = start;
        rig_run(r);
        assert_int_equal(r->wrong, 0);
        twice |= strstr(r->trail, "+io:X -io +io:X") != NULL;
        rig_free(r);
    }
    assert_true(twice);
}

/* A fault on tmpfs that tries again while a punch covers its page, and then no longer. */
static void a_try_again_may_have_become_needless(void **unused)
{
    struct pcl_scheme s = with("skip-list");

    (void)unused;
    for (pcl_ns start = 0; start < 10000; start += 20) {
        struct rig *r = rig_new_with(PCL_FS_TMPFS, "guest-2vcpu", 2, false, &s);

        (void)pcl_kernel_inode(&r->k, 12 * P, false);
        pcl_cache_populate(r->k.cache, 0, 0, 8, 0, 0);
        (void)rig_ask(r, 1, PCL_OP_PUNCH, 0, 2 * P);
        (void)rig_ask(r, 0, PCL_OP_FAULT_READ, P, 1);
        r->start[1] = start;
        rig_run(r);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

/* So no folio reaches over the end of a range that is held. */
static void ranges_are_of_whole_folios(void **unused)
{
    static const enum pcl_op ops[] = {PCL_OP_READ, PCL_OP_WRITE, PCL_OP_DREAD, PCL_OP_DWRITE,
                                      PCL_OP_PUNCH};
    struct pcl_scheme s = with("interval-tree");

    (void)unused;
    for (unsigned order = 0; order <= 9; order += 3)
        for (size_t i = 0; i < LENGTH(ops); i++) {
            struct rig *r = rig_new_with(PCL_FS_XFS, NULL, 1, false, &s);

            (void)pcl_kernel_inode(&r->k, PCL_OFF_MAX, false);
            r->k.inode[0].max_order = r->k.inode[0].lock_order = order;
            (void)rig_ask(r, 0, ops[i], (P << order) - P, P + 1);
            (void)rig_ask(r, 0, ops[i], PCL_OFF_MAX - P, P - 1); /* there is no page behind it */
            rig_run(r);
            assert_int_equal(r->wrong, 0);
            assert_int_equal(r->k.range[PCL_ROLE_IOLOCK].stats.widest + 1, 2 * (P << order));
            rig_free(r);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_read_ahead_is_locked),
        cmocka_unit_test(read_ahead_ends_with_the_last_byte),
        cmocka_unit_test(an_append_locks_where_it_writes),
        cmocka_unit_test(a_try_again_may_have_become_needless),
        cmocka_unit_test(ranges_are_of_whole_folios),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

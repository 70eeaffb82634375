/*
 * Changes of an address space beside faults in it: who waits for whom under mmap_lock, with per-VMA
 * locks, and with faults that speculate.
 */
#include "rig.h"

#define P PCL_PAGE_SIZE

struct outcome {
    pcl_ns fault;    /* longest fault */
    pcl_ns change;   /* longest change */
    uint64_t done, aborted;
    uint64_t mapped; /* PTEs at the end */
};

/* Task 0 faults on pages of file 0 while task 1 maps and unmaps file `changed` all the time. */
static struct outcome beside(uint8_t how, enum pcl_op change, uint32_t changed)
{
    struct pcl_scheme s = {.title = ""};
    struct outcome o = {0};

    s.option[PCL_OPTION_VMA_LOCK] = (uint8_t)(1 + how);
    struct rig *r = rig_new_with(PCL_FS_TMPFS, "server-2s", 2, false, &s);

    (void)pcl_kernel_inode(&r->k, 16 * P, true);
    (void)pcl_kernel_inode(&r->k, 16 * P, true);
    pcl_cache_populate(r->k.cache, 0, 0, 16, 0, 0);
    for (int i = 0; i < 200; i++) {
        (void)rig_ask(r, 0, PCL_OP_FAULT_WRITE, i % 16 * P, 1);
        rig_ask(r, 1, change, 0, 16 * P)->inode = changed;
    }
    rig_run(r);
    for (uint32_t i = 0; i < 200; i++) {
        o.fault = rig_took(r, 0, i) > o.fault ? rig_took(r, 0, i) : o.fault;
        o.change = rig_took(r, 1, i) > o.change ? rig_took(r, 1, i) : o.change;
    }
    o.done = r->k.vma_faults;
    o.aborted = r->k.vma_aborts;
    o.mapped = r->k.cache->t->nr_mapped;
    assert_int_equal(r->wrong, 0);
    for (uint32_t v = 0; v < r->k.n_vmas; v++) {
        assert_int_equal(r->k.vma[v].readers, 0);
        assert_int_equal(r->k.vma[v].writer, 0);
        assert_int_equal(r->k.vma[v].waiter, PCL_NONE);
    }
    rig_free(r);
    return o;
}

static void another_vma_changes_without_a_wait(void **unused)
{
    struct outcome lock = beside(PCL_VMA_LOCK_NO, PCL_OP_MUNMAP, 1);
    struct outcome vma = beside(PCL_VMA_LOCK_YES, PCL_OP_MUNMAP, 1);
    struct outcome spec = beside(PCL_VMA_LOCK_SPECULATIVE, PCL_OP_MUNMAP, 1);

    (void)unused;
    assert_int_equal(vma.done, 200);
    assert_int_equal(vma.aborted, 0);
    assert_int_equal(spec.done, 200);
    assert_int_equal(spec.aborted, 0);
    assert_int_equal(lock.done, 0);
    assert_true(vma.fault < lock.fault / 2);
    assert_true(spec.fault < lock.fault / 2);
}

static void the_same_vma_is_taken_in_turn(void **unused)
{
    static const enum pcl_op changes[] = {PCL_OP_MUNMAP, PCL_OP_MPROTECT};

    (void)unused;
    for (size_t i = 0; i < LENGTH(changes); i++) {
        struct outcome vma = beside(PCL_VMA_LOCK_YES, changes[i], 0);
        struct outcome spec = beside(PCL_VMA_LOCK_SPECULATIVE, changes[i], 0);

        assert_true(vma.aborted > 0);
        assert_int_equal(vma.done + vma.aborted, 200);
        assert_true(spec.aborted > 0);
        assert_int_equal(spec.done + spec.aborted, 200);
    }
}

/* A new VMA is nobody's yet: it disturbs no fault but those that need mmap_lock. */
static void a_new_vma_disturbs_nobody(void **unused)
{
    struct outcome vma = beside(PCL_VMA_LOCK_YES, PCL_OP_MMAP, 0);

    (void)unused;
    assert_int_equal(vma.aborted, 0);
    assert_int_equal(vma.mapped, 16);
}

/* Whoever changes a VMA waits for the fault inside: here one that writes a page which is locked. */
static void a_change_waits_for_the_faults_inside(void **unused)
{
    struct pcl_scheme s = {.title = ""};

    (void)unused;
    s.option[PCL_OPTION_VMA_LOCK] = 1 + PCL_VMA_LOCK_YES;
    struct rig *r = rig_new_with(PCL_FS_XFS, NULL, 3, false, &s);

    (void)pcl_kernel_inode(&r->k, 16 * P, true);
    pcl_cache_populate(r->k.cache, 0, 0, 16, 0, 0);
    /* the page's lock is free at the first look, and taken when page_mkwrite wants it */
    r->p.xfs_mkwrite = 5000;
    (void)rig_ask(r, 0, PCL_OP_FAULT_WRITE, 0, 1);
    (void)rig_ask(r, 1, PCL_OP_MUNMAP, 0, 16 * P);
    (void)rig_ask(r, 2, PCL_OP_FAULT_READ, P, 1);
    r->start[1] = 1000;
    r->start[2] = 2000;
    rig_run(r);
    assert_int_equal(r->end[0][0], 5000);
    assert_int_equal(r->end[1][0], 5000); /* waits, with mmap_lock */
    assert_int_equal(r->end[2][0], 5000); /* which this one needs now */
    assert_int_equal(r->k.vma_aborts, 1);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

/* At whatever moment of a fault the VMA changes: the simulator itself asserts who is inside. */
static void no_fault_is_inside_a_change(void **unused)
{
    uint64_t aborted = 0;

    (void)unused;
    for (pcl_ns d = 0; d < 6000; d += 3) {
        struct pcl_scheme s = {.title = ""};

        s.option[PCL_OPTION_VMA_LOCK] = 1 + PCL_VMA_LOCK_YES;
        struct rig *r = rig_new_with(PCL_FS_TMPFS, "server-2s", 2, false, &s);

        (void)pcl_kernel_inode(&r->k, 16 * P, true);
        pcl_cache_populate(r->k.cache, 0, 0, 16, 0, 0);
        (void)rig_ask(r, 0, PCL_OP_MPROTECT, 0, 16 * P);
        (void)rig_ask(r, 1, PCL_OP_FAULT_WRITE, 0, 1);
        r->start[1] = d;
        rig_run(r);
        assert_int_equal(r->wrong, 0);
        aborted += r->k.vma_aborts;
        rig_free(r);
    }
    assert_in_range(aborted, 100, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(another_vma_changes_without_a_wait),
        cmocka_unit_test(the_same_vma_is_taken_in_turn),
        cmocka_unit_test(a_new_vma_disturbs_nobody),
        cmocka_unit_test(a_change_waits_for_the_faults_inside),
        cmocka_unit_test(no_fault_is_inside_a_change),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

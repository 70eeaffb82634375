/*
 * Path options: what each takes out of a path or puts into it, and what is lost with it.
 * Against a punch that comes at any moment of a fault, the lock and the recheck of the mapping
 * together leave no entry that maps a removed folio; either alone does.
 */
#include "rig.h"

static struct pcl_scheme with(enum pcl_option o, uint8_t value)
{
    struct pcl_scheme s = {.title = ""};

    s.option[o] = (uint8_t)(value + 1);
    return s;
}

static void options_change_what_is_taken(void **unused)
{
    static const struct {
        enum pcl_option option;
        uint8_t value;
        enum pcl_fs fs;
        enum pcl_op op;
        bool cached;
        const char *want;
    } rows[] = {
        {PCL_OPTION_FAULT_PAGE_LOCK, PCL_NO, PCL_FS_XFS, PCL_OP_FAULT_READ, true, "+mm:S -mm "},
        {PCL_OPTION_FAULT_PAGE_LOCK, PCL_NO, PCL_FS_XFS, PCL_OP_FAULT_READ, false,
         "+mm:S -mm +inv:S +il:S -il -inv +mm:S -mm "},
        {PCL_OPTION_FAULT_PAGE_LOCK, PCL_NO, PCL_FS_XFS, PCL_OP_FAULT_WRITE, true,
         "+mm:S +inv:S +il:S -il -inv -mm "},
        {PCL_OPTION_FAULT_PAGE_LOCK, PCL_NO, PCL_FS_TMPFS, PCL_OP_FAULT_WRITE, true,
         "+mm:S -mm "},
        {PCL_OPTION_FAULT_PAGE_LOCK, PCL_NO, PCL_FS_XFS, PCL_OP_PAGE_LOCK, true, "+p -p "},
        {PCL_OPTION_FAULT_INVALIDATE, PCL_FAULT_INVALIDATE_ALWAYS, PCL_FS_XFS,
         PCL_OP_FAULT_READ, true, "+mm:S +inv:S +p -p -inv -mm "},
        {PCL_OPTION_FAULT_INVALIDATE, PCL_FAULT_INVALIDATE_ALWAYS, PCL_FS_EXT4,
         PCL_OP_FAULT_READ, false,
         "+mm:S +inv:S -mm +il:S -il -inv +mm:S +inv:S +p -p -inv -mm "},
        {PCL_OPTION_FAULT_INVALIDATE, PCL_FAULT_INVALIDATE_ALWAYS, PCL_FS_XFS,
         PCL_OP_FAULT_WRITE, true, "+mm:S +inv:S +p -p -inv +inv:S +p +il:S -il -inv -p -mm "},
        {PCL_OPTION_FAULT_INVALIDATE, PCL_FAULT_INVALIDATE_ALWAYS, PCL_FS_TMPFS,
         PCL_OP_FAULT_READ, true, "+mm:S +p -p -mm "},
        {PCL_OPTION_VMA_LOCK, PCL_VMA_LOCK_YES, PCL_FS_XFS, PCL_OP_FAULT_READ, true, "+p -p "},
        {PCL_OPTION_VMA_LOCK, PCL_VMA_LOCK_YES, PCL_FS_XFS, PCL_OP_FAULT_WRITE, true,
         "+p -p +inv:S +p +il:S -il -inv -p "},
        {PCL_OPTION_VMA_LOCK, PCL_VMA_LOCK_YES, PCL_FS_XFS, PCL_OP_FAULT_READ, false,
         "+inv:S +il:S -il -inv +mm:S +p -p -mm "},
        {PCL_OPTION_VMA_LOCK, PCL_VMA_LOCK_SPECULATIVE, PCL_FS_TMPFS, PCL_OP_FAULT_WRITE, true,
         "+p -p "},
        {PCL_OPTION_UNALIGNED_DIO, PCL_DIO_SHARED_FIRST, PCL_FS_XFS, PCL_OP_DWRITE, false,
         "+io:S +il:S -il -io "},
        {PCL_OPTION_UNALIGNED_DIO, PCL_DIO_EXCLUSIVE, PCL_FS_XFS, PCL_OP_DWRITE, false,
         "+io:X +il:S -il -io "},
    };

    (void)unused;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct pcl_scheme s = with(rows[i].option, rows[i].value);
        struct rig *r = rig_new_with(rows[i].fs, NULL, 1, false, &s);

        (void)pcl_kernel_inode(&r->k, 64 << 10, true);
        if (rows[i].cached)
            pcl_cache_populate(r->k.cache, 0, 0, 1, 0, 0);
        (void)rig_ask(r, 0, rows[i].op, 0, 1);
        rig_run(r);
        if (strcmp(r->trail, rows[i].want) != 0)
            fail_msg("row %zu: took %s", i, r->trail);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

/* Micro-steps of a fault on a cached page: each recheck is one, the two of the folio are one.
 */
static void each_recheck_goes_by_itself(void **unused)
{
    static const struct {
        uint8_t value;
        uint64_t fewer;
    } rows[] = {{PCL_RECHECK_ALL, 0},
                {PCL_RECHECK_MAPPING | PCL_RECHECK_INDEX, 1},
                {PCL_RECHECK_INDEX | PCL_RECHECK_EOF, 0},
                {PCL_RECHECK_MAPPING | PCL_RECHECK_EOF, 0},
                {PCL_RECHECK_EOF, 1},
                {0, 2}};
    uint64_t all = 0;

    (void)unused;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        struct pcl_scheme s = with(PCL_OPTION_RECHECK, rows[i].value);
        struct rig *r = rig_new_with(PCL_FS_XFS, NULL, 1, false, &s);

        (void)pcl_kernel_inode(&r->k, 64 << 10, true);
        pcl_cache_populate(r->k.cache, 0, 0, 1, 0, 0);
        (void)rig_ask(r, 0, PCL_OP_FAULT_READ, 0, 1);
        rig_run(r);
        if (i == 0)
            all = r->steps[0][0];
        assert_int_equal(all - r->steps[0][0], rows[i].fewer);
        rig_free(r);
    }
}

/* Faults on a page against a removal of it that begins d later, over many d: the number of runs
 * that leave an entry for a folio that is no longer the file's. */
static unsigned stale(const struct pcl_scheme *s, enum pcl_op fault, enum pcl_op removal)
{
    unsigned n = 0;

    for (pcl_ns d = -4000; d < 4000; d += 20) {
        struct rig *r = rig_new_with(PCL_FS_EXT4, "guest-2vcpu", 2, false, s);
        uint32_t f;

        (void)pcl_kernel_inode(&r->k, 64 << 10, true);
        pcl_cache_populate(r->k.cache, 0, 0, 16, 0, 0);
        r->start[0] = 10000;
        r->start[1] = 10000 + d;
        (void)rig_ask(r, 0, fault, 0, 1);
        (void)rig_ask(r, 1, removal, 0, removal == PCL_OP_PUNCH ? 4096 : 0);
        rig_run(r);
        f = pcl_map_get(r->k.cache, 0, 0, 0, NULL);
        n += f != PCL_NONE && r->k.cache->folio[f].inode == PCL_NONE;
        rig_free(r);
    }
    return n;
}

static void lock_and_recheck_guard_the_mapping_together(void **unused)
{
    struct pcl_scheme linux_now = {.title = ""};
    struct pcl_scheme no_lock = with(PCL_OPTION_FAULT_PAGE_LOCK, PCL_NO);
    struct pcl_scheme no_recheck =
        with(PCL_OPTION_RECHECK, PCL_RECHECK_INDEX | PCL_RECHECK_EOF);
    struct pcl_scheme invalidate = no_lock;

    (void)unused;
    assert_int_equal(stale(&linux_now, PCL_OP_FAULT_READ, PCL_OP_PUNCH), 0);
    assert_int_equal(stale(&linux_now, PCL_OP_FAULT_WRITE, PCL_OP_PUNCH), 0);
    assert_int_equal(stale(&linux_now, PCL_OP_FAULT_READ, PCL_OP_TRUNCATE), 0);
    /* removed between recheck and map; between look-up and page_mkwrite's lock */
    assert_true(stale(&no_lock, PCL_OP_FAULT_READ, PCL_OP_PUNCH) > 0);
    assert_true(stale(&no_recheck, PCL_OP_FAULT_WRITE, PCL_OP_PUNCH) > 0);
    /* with the removers kept out for the whole fault nothing else is needed */
    invalidate.option[PCL_OPTION_FAULT_INVALIDATE] = 1 + PCL_FAULT_INVALIDATE_ALWAYS;
    assert_int_equal(stale(&invalidate, PCL_OP_FAULT_READ, PCL_OP_PUNCH), 0);
}

/* The most that have page 0 at a time, over faults that begin at various times. */
static int64_t most_at_a_time(const struct pcl_scheme *s, enum pcl_op op)
{
    int64_t most = 0;

    for (pcl_ns d = -8000; d < 8000; d += 100) {
        struct rig *r = rig_new_with(PCL_FS_XFS, "guest-2vcpu", 2, false, s);

        (void)pcl_kernel_inode(&r->k, 64 << 10, true);
        pcl_cache_populate(r->k.cache, 0, 0, 1, 0, 0);
        r->start[0] = 10000;
        r->start[1] = 10000 + d;
        (void)rig_ask(r, 0, op, 0, 1);
        (void)rig_ask(r, 1, op, 0, 1);
        rig_run(r);
        assert_int_equal(r->k.page.stats.overlaps, 0);
        if (r->k.page.stats.held_max > most)
            most = r->k.page.stats.held_max;
        rig_free(r);
    }
    return most;
}

static void faults_that_only_map_share_the_page(void **unused)
{
    static const struct pcl_scheme rw = {.role[PCL_ROLE_PAGE] = {.lock = "rw-page"}};
    static const struct pcl_scheme folio = {.role[PCL_ROLE_PAGE] = {.lock = "folio"}};

    (void)unused;
    assert_int_equal(most_at_a_time(&rw, PCL_OP_FAULT_READ), 2);
    assert_int_equal(most_at_a_time(&rw, PCL_OP_FAULT_WRITE), 1);
    assert_int_equal(most_at_a_time(&folio, PCL_OP_FAULT_READ), 1);
}

/* Four threads of one process fault on pages 4 MiB apart, each on a warm file's page of its own. */
static pcl_ns distant_faults(uint8_t lock)
{
    struct pcl_scheme s = with(PCL_OPTION_PTE_LOCK, lock);
    struct rig *r;
    pcl_ns end = 0;

    s.option[PCL_OPTION_VMA_LOCK] = 1 + PCL_VMA_LOCK_SPECULATIVE; /* nothing else is shared */
    r = rig_new_with(PCL_FS_TMPFS, "server-2s", 4, false, &s);
    (void)pcl_kernel_inode(&r->k, 64 << 20, false);
    for (uint32_t t = 0; t < 4; t++) {
        pcl_cache_populate(r->k.cache, 0, t * 1024, 100, 0, PCL_FOLIO_DIRTY);
        for (uint64_t i = 0; i < 100; i++)
            (void)rig_ask(r, t, PCL_OP_FAULT_WRITE, (int64_t)(t * 1024 + i) * 4096, 1);
    }
    rig_run(r);
    for (uint32_t t = 0; t < 4; t++)
        end = r->end[t][99] > end ? r->end[t][99] : end;
    assert_int_equal(r->wrong, 0);
    rig_free(r);
    return end;
}

static void a_lock_for_each_page_table_keeps_distant_faults_apart(void **unused)
{
    (void)unused;
    assert_true(distant_faults(PCL_PTE_LOCK_TABLE) * 10 < distant_faults(PCL_PTE_LOCK_MM) * 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_for_each_page_table_keeps_distant_faults_apart),
        cmocka_unit_test(options_change_what_is_taken),
        cmocka_unit_test(each_recheck_goes_by_itself),
        cmocka_unit_test(faults_that_only_map_share_the_page),
        cmocka_unit_test(lock_and_recheck_guard_the_mapping_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

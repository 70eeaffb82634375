/*
 * Anything beside anything: four tasks make random requests of every operation on two small files.
 * Under every shipped scheme that has inode locks nobody reads what was not right, nothing is lost
 * and nothing is left behind.
 */
#include "rig.h"

#define P PCL_PAGE_SIZE

enum { FILE_PAGES = 12, REQUESTS = 60, SEEDS = 3 };

static uint64_t state;

static uint64_t below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % n;
}

static void ask_something(struct rig *r, uint32_t task)
{
    uint64_t any = below(PCL_N_OPS - 1); /* but for PAGE_PAIR: two of them may wait for ever */
    enum pcl_op op = (enum pcl_op)(any + (any >= PCL_OP_PAGE_PAIR));
    int64_t off = (int64_t)below(FILE_PAGES) * P, len = (1 + (int64_t)below(4)) * P;

    if (below(4) == 0) /* parts of pages */
        off += (int64_t)below((uint64_t)P), len += (int64_t)below((uint64_t)P);
    if (op == PCL_OP_FSYNC)
        off = len = 0;
    struct pcl_request *q = rig_ask(r, task, op, off, len);

    q->inode = below(4) == 0; /* mostly the one file */
    q->inode2 = 1 - q->inode;
    if (op == PCL_OP_PAGE_LOCK)
        q->hold = (pcl_ns)below(2000);
    if (op == PCL_OP_WRITE && below(8) == 0)
        q->flags |= PCL_OPF_APPEND;
    if ((op == PCL_OP_ALLOCATE || op == PCL_OP_ZERO) && below(2))
        q->flags |= PCL_OPF_KEEPSIZE;
}

static void mix(enum pcl_fs fs, const struct pcl_scheme *scheme, uint64_t seed)
{
    struct rig *r = rig_new_with(fs, "guest-2vcpu", RIG_TASKS, false, scheme);

    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    (void)pcl_kernel_inode(&r->k, FILE_PAGES * P, below(2));
    (void)pcl_kernel_inode(&r->k, FILE_PAGES * P, below(2));
    pcl_cache_populate(r->k.cache, 0, below(4), below(8), 0, below(2) ? PCL_FOLIO_DIRTY : 0);
    for (uint32_t t = 0; t < RIG_TASKS; t++)
        for (int i = 0; i < REQUESTS; i++)
            ask_something(r, t);
    rig_run(r);
    for (uint32_t v = 0; v < r->k.n_vmas; v++) {
        assert_int_equal(r->k.vma[v].readers, 0);
        assert_int_equal(r->k.vma[v].writer, 0);
    }
    if (r->wrong)
        fail_msg("%s under %s, seed %llu: %llu violations, the first: %s of page %llu",
                 pcl_fs_name(fs), scheme->name, (unsigned long long)seed,
                 (unsigned long long)r->wrong, pcl_wrong_name(r->first_wrong.what),
                 (unsigned long long)r->first_wrong.pgoff);
    rig_free(r);
}

static void nothing_wrong_is_seen(void **unused)
{
    static const enum pcl_fs all[] = {PCL_FS_XFS, PCL_FS_EXT4, PCL_FS_TMPFS};
    struct pcl_schemes s = {0};
    struct pcl_err err;

    (void)unused;
    assert_int_equal(pcl_schemes_default(&s, &err), PCL_OK);
    for (size_t i = 0; i < s.n; i++) {
        if (strcmp(s.v[i].role[PCL_ROLE_IOLOCK].lock, "none") == 0)
            continue; /* what goes wrong without inode locks is another test's subject */
        for (size_t f = 0; f < LENGTH(all); f++)
            for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                struct pcl_scheme x = s.v[i];

                if (seed % 2)
                    x.option[PCL_OPTION_COLLAPSE] = 1 + PCL_COLLAPSE_MOVE;
                x.option[PCL_OPTION_VMA_LOCK] = (uint8_t)(1 + (seed + i) % 3);
                mix(all[f], &x, 100 * i + seed);
            }
    }
    pcl_schemes_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_wrong_is_seen)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

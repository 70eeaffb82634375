/*
 * Anything beside anything: four tasks make random requests of every operation on two small files.
 * Under every shipped scheme that has inode locks nobody reads what was not right, nothing is lost
 * and nothing is left behind.
 *
 * For a longer hunt: test_paths_random FIRST LAST [SCHEME [FS]] tries those seeds and goes on
 * behind a failure.
 */
#include "rig.h"

#include <inttypes.h>

#define P PCL_PAGE_SIZE

enum { FILE_PAGES = 12, REQUESTS = 60, SEEDS = 8 };

static uint64_t state;

static uint64_t below(uint64_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 11) % n;
}

/* What a seed makes: requests that are dropped later leave the others as they are. */
struct recipe {
    enum pcl_fs fs;
    const struct pcl_scheme *scheme;
    bool mapped[2];
    uint64_t cached_at, cached;
    unsigned flags, order; /* of the largest folios */
    struct pcl_request ask[RIG_TASKS][REQUESTS];
    bool dropped[RIG_TASKS][REQUESTS];
};

static struct pcl_request something(void)
{
    uint64_t any = below(PCL_N_OPS - 1); /* but for PAGE_PAIR: two of them may wait for ever */
    enum pcl_op op = (enum pcl_op)(any + (any >= PCL_OP_PAGE_PAIR));
    int64_t off = (int64_t)below(FILE_PAGES) * P, len = (1 + (int64_t)below(4)) * P;

    if (below(4) == 0) /* parts of pages */
        off += (int64_t)below((uint64_t)P), len += (int64_t)below((uint64_t)P);
    if (op == PCL_OP_FSYNC)
        off = len = 0;
    if (op == PCL_OP_KILL) /* who is killed may swallow a wake-up in some kernels: test_page.c */
        op = PCL_OP_SYSCALL;
    struct pcl_request q = {.op = (uint8_t)op, .off = off, .len = len};

    q.inode = below(4) == 0; /* mostly the one file */
    q.inode2 = 1 - q.inode;
    if (op == PCL_OP_PAGE_LOCK)
        q.hold = (pcl_ns)below(2000);
    if (op == PCL_OP_WRITE && below(8) == 0)
        q.flags |= PCL_OPF_APPEND;
    if ((op == PCL_OP_ALLOCATE || op == PCL_OP_ZERO) && below(2))
        q.flags |= PCL_OPF_KEEPSIZE;
    return q;
}

static void invent(struct recipe *x, enum pcl_fs fs, const struct pcl_scheme *scheme, uint64_t seed)
{
    *x = (struct recipe){.fs = fs, .scheme = scheme};
    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    x->mapped[0] = below(2);
    x->mapped[1] = below(2);
    x->cached_at = below(4);
    x->cached = below(8);
    x->flags = below(2) ? PCL_FOLIO_DIRTY : 0;
    for (uint32_t t = 0; t < RIG_TASKS; t++)
        for (int i = 0; i < REQUESTS; i++)
            x->ask[t][i] = something();
    x->order = (unsigned)below(4);
}

/* Where no page is cached it protects nothing; what it has locked must end all the same. */
static bool protects(const struct pcl_scheme *s)
{
    return strcmp(s->role[PCL_ROLE_INVALIDATE].lock, "resident") != 0;
}

/* Violations, the first of them; it is a deadlock when tasks wait for ever: out says where. */
static uint64_t cook(const struct recipe *x, struct pcl_wrong_info *first, FILE *out)
{
    struct rig *r = rig_new_with(x->fs, "guest-2vcpu", RIG_TASKS, false, x->scheme);
    uint64_t wrong;

    (void)pcl_kernel_inode(&r->k, FILE_PAGES * P, x->mapped[0]);
    (void)pcl_kernel_inode(&r->k, FILE_PAGES * P, x->mapped[1]);
    for (uint32_t i = 0; i < 2; i++)
        r->k.inode[i].max_order = r->k.inode[i].lock_order = x->order;
    pcl_cache_populate(r->k.cache, 0, x->cached_at, x->cached, 0, x->flags);
    for (uint32_t t = 0; t < RIG_TASKS; t++)
        for (int i = 0; i < REQUESTS; i++)
            if (!x->dropped[t][i])
                *rig_ask(r, t, PCL_OP_SYSCALL, 0, 0) = x->ask[t][i];
    rig_go(r);
    if (rig_stuck(r, out)) {
        *first = (struct pcl_wrong_info){.what = PCL_WRONG_DEADLOCK};
        rig_drop(r);
        return 1;
    }
    for (uint32_t v = 0; v < r->k.n_vmas; v++) {
        assert_int_equal(r->k.vma[v].readers, 0);
        assert_int_equal(r->k.vma[v].writer, 0);
    }
    wrong = r->wrong;
    if (strcmp(x->scheme->role[PCL_ROLE_IOLOCK].lock, "two-state") == 0) /* it promises less than XFS */
        wrong -= pcl_oracle_count(r->k.cache->oracle, PCL_WRONG_TORN);
    *first = r->first_wrong;
    rig_free(r);
    return wrong;
}

/* Leaves out what a failure of that kind does without, half of the requests first, single ones
 * last. */
static void shrink(struct recipe *x, enum pcl_wrong what)
{
    const int all = RIG_TASKS * REQUESTS;
    struct pcl_wrong_info w;
    bool *dropped = &x->dropped[0][0], less = true;

    for (int n = all / 2; n >= 1; n = less && n == 1 ? 1 : n / 2) {
        less = false;
        for (int i = 0; i < all; i += n) {
            bool was[RIG_TASKS * REQUESTS];
            bool fresh = false;

            memcpy(was, dropped, sizeof was);
            for (int j = i; j < i + n && j < all; j++)
                fresh |= !dropped[j], dropped[j] = true;
            if (fresh && cook(x, &w, NULL) && w.what == what)
                less = true;
            else
                memcpy(dropped, was, sizeof was);
        }
    }
}

static void tell(const struct recipe *x)
{
    struct pcl_wrong_info w;
    char what[80];

    uint64_t wrong = cook(x, &w, stderr);

    (void)fprintf(stderr, "  %" PRIu64 " violations", wrong);
    (void)fprintf(stderr, ": file %u page %" PRIu64 " folio %d seen %" PRIx64 " right %" PRIx64 "\n",
                  w.inode, w.pgoff, (int)w.folio, w.seen, w.right);
    (void)fprintf(stderr, "  mapped %d %d, cached %" PRIu64 "+%" PRIu64 "%s, order %u\n",
                  x->mapped[0], x->mapped[1], x->cached_at, x->cached, x->flags ? " dirty" : "",
                  x->order);
    for (uint32_t t = 0; t < RIG_TASKS; t++)
        for (int i = 0; i < REQUESTS; i++)
            if (!x->dropped[t][i])
                (void)fprintf(stderr, "  task %u: file %u %s %" PRId64 " %" PRId64 " flags %u\n", t,
                              x->ask[t][i].inode,
                              pcl_request_tell(&x->ask[t][i], what, sizeof what),
                              x->ask[t][i].off, x->ask[t][i].len, x->ask[t][i].flags);
}

/* False, with what it takes on stderr: somebody saw what he must not. */
static bool mix(enum pcl_fs fs, const struct pcl_scheme *scheme, uint64_t seed)
{
    static struct recipe x;
    struct pcl_wrong_info first;

    invent(&x, fs, scheme, seed);
    if (cook(&x, &first, NULL) == 0 ||
        (!protects(scheme) && first.what != PCL_WRONG_DEADLOCK))
        return true;
    (void)fprintf(stderr, "%s under %s: %s of page %" PRIu64 "\n", pcl_fs_name(fs), scheme->name,
                  pcl_wrong_name(first.what), first.pgoff);
    shrink(&x, first.what);
    tell(&x);
    return false;
}

/* What a scheme meets is its own, and the same wherever it stands in the list. */
static uint64_t seed_of(const struct pcl_scheme *scheme, uint64_t n)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (const char *p = scheme->name; *p; p++)
        hash = (hash ^ (uint64_t)*p) * UINT64_C(0x100000001b3);
    return hash + n;
}

/* Seeds [first, last] under each scheme and filesystem, or those named; the failures. */
static uint64_t hunt(uint64_t first, uint64_t last, const char *only, const char *only_fs)
{
    static const enum pcl_fs all[] = {PCL_FS_XFS, PCL_FS_EXT4, PCL_FS_TMPFS};
    struct pcl_schemes s = {0};
    struct pcl_err err;
    uint64_t wrong = 0;

    assert_int_equal(pcl_schemes_default(&s, &err), PCL_OK);
    for (size_t i = 0; i < s.n; i++) {
        if (strcmp(s.v[i].role[PCL_ROLE_IOLOCK].lock, "none") == 0 ||
            strcmp(s.v[i].role[PCL_ROLE_IOLOCK].lock, "resident") == 0 ||
            (only && strcmp(only, s.v[i].name) != 0))
            continue; /* what goes wrong without inode locks is another test's subject */
        for (size_t f = 0; f < LENGTH(all); f++)
            for (uint64_t n = first; n <= last; n++) {
                struct pcl_scheme x = s.v[i];

                if (only_fs && strcmp(only_fs, pcl_fs_name(all[f])) != 0)
                    continue;
                if (!protects(&x)) /* or they may wait in a ring: docs/locks.md */
                    x.option[PCL_OPTION_WRITEBACK] = 1 + PCL_WRITEBACK_SUBMIT;
                if (n % 2 && all[f] == PCL_FS_XFS) /* ext4's reads take no lock: docs/model.md */
                    x.option[PCL_OPTION_COLLAPSE] = 1 + PCL_COLLAPSE_MOVE;
                if (!protects(&x)) /* or write-back waits for the range: docs/locks.md */
                    x.option[PCL_OPTION_WRITEBACK] = 1 + PCL_WRITEBACK_SUBMIT;
                if (n % 4 == 3 && all[f] != PCL_FS_TMPFS && protects(&x))
                    x.option[PCL_OPTION_DAX] = 1 + PCL_YES;
                x.option[PCL_OPTION_MIGRATE_BATCH] = (uint8_t)(1 + n % 3 / 2);
                x.option[PCL_OPTION_VMA_LOCK] = (uint8_t)(1 + seed_of(&x, n) % 3);
                if (!mix(all[f], &x, seed_of(&x, n))) {
                    (void)fprintf(stderr, "again: %llu %llu %s %s\n", (unsigned long long)n,
                                  (unsigned long long)n, x.name, pcl_fs_name(all[f]));
                    wrong++;
                }
            }
    }
    pcl_schemes_fini(&s);
    return wrong;
}

static void nothing_wrong_is_seen(void **unused)
{
    (void)unused;
    assert_int_equal(hunt(1, SEEDS, NULL, NULL), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_wrong_is_seen)};

    if (argc > 2)
        return hunt(strtoull(argv[1], NULL, 10), strtoull(argv[2], NULL, 10),
                    argc > 3 ? argv[3] : NULL, argc > 4 ? argv[4] : NULL) != 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

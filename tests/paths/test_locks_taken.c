/*
 * Who takes what, in which order: the trail of locks of each operation under each personality,
 * held against what Linux does (the list in docs/personalities and the kernel's own comments).
 * "+io:S" is the iolock taken shared, "-io" given back; p is a page lock; read-in and fill
 * unlock "-p".
 */
#include "rig.h"

enum state {
    ABSENT, /* of an extent */
    HOLE,   /* absent, and no blocks */
    CLEAN,
    DIRTY
};

struct trail {
    enum pcl_fs fs;
    enum pcl_op op;
    enum state state; /* of the file's first page; the file has 16, nothing else is cached */
    int64_t off, len;
    const char *want;
};

static const struct trail trails[] = {
#include "trails.def"
};

static void the_trail_is_the_kernels(void **unused)
{
    int wrong = 0;

    (void)unused;
    for (size_t i = 0; i < LENGTH(trails); i++) {
        const struct trail *t = &trails[i];
        struct rig *r = rig_new(t->fs, NULL, 1, false);
        uint32_t inode = pcl_kernel_inode(&r->k, 64 << 10, t->state != HOLE);

        if (t->state == CLEAN || t->state == DIRTY)
            pcl_cache_populate(r->k.cache, inode, 0, 1, 0,
                               t->state == DIRTY ? PCL_FOLIO_DIRTY : 0);
        (void)rig_ask(r, 0, t->op, t->off, t->len);
        rig_run(r);
        if (strcmp(r->trail, t->want) != 0) {
            print_error("%s %s, state %d, off %lld: took %s\n", pcl_fs_name(t->fs),
                        pcl_op_name(t->op), t->state, (long long)t->off, r->trail);
            wrong++;
        }
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_trail_is_the_kernels)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

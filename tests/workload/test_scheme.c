/*
 * Schemes: the shipped file, specs as --scheme takes them, files of the user's own, and what is
 * said about a wrong one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <pclsim/scheme.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SHIPPED PCLSIM_SOURCE_DIR "/workloads/schemes.ini"

static struct pcl_schemes shipped(void)
{
    struct pcl_schemes s = {0};
    struct pcl_err e;

    if (pcl_schemes_load(SHIPPED, &s, &e) != PCL_OK) {
        pcl_err_print(stderr, &e);
        fail();
    }
    return s;
}

static void lock_is(const struct pcl_scheme *s, enum pcl_role r, const char *lock)
{
    assert_string_equal(s->role[r].lock, lock);
}

static void the_shipped_schemes_are_the_kernels_and_the_references(void **state)
{
    static const struct {
        const char *name, *page, *iolock, *invalidate;
    } want[] = {
        {"v4.8", "zone-hash", "rwsem", "rwsem"},
        {"v4.9", "bit-hash", "rwsem", "rwsem"},
        {"v4.10", "waiters-bit", "rwsem", "rwsem"},
        {"v4.13", "fifo-tail", "rwsem", "rwsem"},
        {"v4.14", "bookmark", "rwsem", "rwsem"},
        {"v5.8", "unfair", "rwsem", "rwsem"},
        {"v5.9-rc1", "handoff", "rwsem", "rwsem"},
        {"v5.9", "hybrid", "rwsem", "rwsem"},
        {"v6.7", "folio", "rwsem", "rwsem"},
        {"v5.8-1024", "unfair", "rwsem", "rwsem"},
        {"v5.8-head", "unfair-head", "rwsem", "rwsem"},
        {"v5.8-late-break", "unfair-late-break", "rwsem", "rwsem"},
        {"atomic-handoff", "atomic-handoff", "rwsem", "rwsem"},
        {"page-queue", "page-queue", "rwsem", "rwsem"},
        {"page-alloc-queue", "page-alloc-queue", "rwsem", "rwsem"},
        {"lockdep-page", "lockdep-page", "rwsem", "rwsem"},
        {"spin-sleep", "spin-sleep", "rwsem", "rwsem"},
        {"spin-owner", "spin-sleep", "rwsem", "rwsem"},
        {"mcs-page", "mcs-page", "rwsem", "rwsem"},
        {"rw-page", "rw-page", "rwsem", "rwsem"},
        {"page-only", "hybrid", "none", "none"},
        {"range-tree", "hybrid", "interval-tree", "interval-tree"},
        {"range-btree", "hybrid", "btree-mutex", "btree-mutex"},
        {"range-olc", "hybrid", "btree-olc", "btree-olc"},
        {"range-segments", "hybrid", "segments", "segments"},
        {"range-bitmap", "hybrid", "segment-bitmap", "segment-bitmap"},
        {"range-segtree", "hybrid", "segment-tree", "segment-tree"},
        {"i-mutex", "hybrid", "mutex", "rwsem"},
        {"percpu-rwsem", "hybrid", "percpu-rwsem", "rwsem"},
        {"rwsem-v5.8", "hybrid", "rwsem-v5.8", "rwsem-v5.8"},
        {"range-list", "hybrid", "range-list", "range-list"},
        {"range-list-rw", "hybrid", "range-list-rw", "range-list-rw"},
        {"range-fifo", "hybrid", "fifo-list", "fifo-list"},
        {"resident", "hybrid", "rwsem", "resident"},
        {"resident-only", "hybrid", "resident", "resident"},
        {"two-state", "hybrid", "two-state", "rwsem"},
        {"skip-list", "hybrid", "skip-list", "skip-list"},
        {"hashed-offsets", "hybrid", "hashed", "hashed"},
        {"fifo", "fifo", "rwsem", "rwsem"},
    };
    struct pcl_schemes s = shipped();

    (void)state;
    assert_int_equal(s.n, sizeof want / sizeof want[0]);
    for (size_t i = 0; i < s.n; i++) {
        const struct pcl_scheme *x = pcl_schemes_find(&s, want[i].name);

        assert_non_null(x);
        assert_true(x->title[0] != '\0');
        assert_string_equal(x->path, SHIPPED);
        assert_true(x->line > 0);
        lock_is(x, PCL_ROLE_PAGE, want[i].page);
        lock_is(x, PCL_ROLE_IOLOCK, want[i].iolock);
        lock_is(x, PCL_ROLE_INVALIDATE, want[i].invalidate);
        lock_is(x, PCL_ROLE_MMAP, "");
    }
    pcl_schemes_fini(&s);
}

static struct pcl_scheme resolve(const struct pcl_schemes *s, const char *spec)
{
    struct pcl_scheme x;
    struct pcl_err e;

    if (pcl_scheme_resolve(s, spec, &x, &e) != PCL_OK) {
        pcl_err_print(stderr, &e);
        fail();
    }
    return x;
}

static void a_spec_is_a_name_and_overrides(void **state)
{
    struct pcl_schemes s = shipped();
    struct pcl_scheme x = resolve(&s, "v5.9:page=handoff:invalidate=range-list");

    (void)state;
    assert_string_equal(x.name, "v5.9:page=handoff:invalidate=range-list");
    lock_is(&x, PCL_ROLE_PAGE, "handoff");
    lock_is(&x, PCL_ROLE_IOLOCK, "rwsem");
    lock_is(&x, PCL_ROLE_INVALIDATE, "range-list");

    x = resolve(&s, "v5.9:page.unfairness=1:mapping-tree=xa:page.buckets=-7:page.unfairness=2");
    assert_int_equal(x.role[PCL_ROLE_PAGE].n_params, 2);
    assert_string_equal(x.role[PCL_ROLE_PAGE].param[0].name, "unfairness");
    assert_int_equal(x.role[PCL_ROLE_PAGE].param[0].value, 2); /* the last one wins */
    assert_int_equal(x.role[PCL_ROLE_PAGE].param[1].value, -7);
    lock_is(&x, PCL_ROLE_MAPPING_TREE, "xa");

    /* parameters belong to a lock: another lock drops them, the same one keeps them */
    x = resolve(&s, "v5.9:page.unfairness=1:page=handoff");
    assert_int_equal(x.role[PCL_ROLE_PAGE].n_params, 0);
    x = resolve(&s, "v5.9:page.unfairness=1:page=hybrid");
    assert_int_equal(x.role[PCL_ROLE_PAGE].n_params, 1);
    pcl_schemes_fini(&s);
}

static void equal_choices_have_equal_text(void **state)
{
    struct pcl_schemes s = shipped();
    struct pcl_scheme a = resolve(&s, "v5.9:page.b=2:page.a=1");
    struct pcl_scheme b = resolve(&s, "v5.8:page=hybrid:page.a=1:page.b=2");
    char *x = pcl_scheme_text(&a), *y = pcl_scheme_text(&b);

    (void)state;
    assert_string_equal(x, y);
    assert_string_equal(x, "iolock = rwsem\ninvalidate = rwsem\npage = hybrid\npage.a = 1\n"
                           "page.b = 2\n");
    free(y);
    free(x);
    pcl_schemes_fini(&s);
}

static void path_options_are_part_of_a_scheme(void **state)
{
    struct pcl_schemes s = shipped();
    struct pcl_scheme x = resolve(&s, "v5.9:path.fault-page-lock=no:path.recheck=eof+mapping");
    char *text = pcl_scheme_text(&x);

    (void)state;
    assert_int_equal(pcl_scheme_option(&x, PCL_OPTION_FAULT_PAGE_LOCK), PCL_NO);
    assert_int_equal(pcl_scheme_option(&x, PCL_OPTION_RECHECK),
                     PCL_RECHECK_MAPPING | PCL_RECHECK_EOF);
    assert_int_equal(pcl_scheme_option(&x, PCL_OPTION_FAULT_INVALIDATE),
                     PCL_FAULT_INVALIDATE_MISS); /* not said: as in Linux */
    assert_string_equal(text, "iolock = rwsem\ninvalidate = rwsem\npage = hybrid\n"
                              "path.fault-page-lock = no\npath.recheck = mapping+eof\n");
    free(text);

    /* what says the default says nothing: the text is the same as before there were options */
    x = resolve(&s, "v5.9:path.recheck=none:path.recheck=index+mapping+eof");
    text = pcl_scheme_text(&x);
    assert_string_equal(text, "iolock = rwsem\ninvalidate = rwsem\npage = hybrid\n");
    free(text);
    pcl_schemes_fini(&s);
}

static void a_wrong_spec_is_explained(void **state)
{
    static const struct {
        const char *spec, *msg, *hint;
    } bad[] = {
        {"v5.88", "unknown scheme 'v5.88'", "'v5.8'"},
        {"zebra", "unknown scheme 'zebra'", "schemes: v4.8, v4.9, v4.10"},
        {"", "want NAME", NULL},
        {":page=fifo", "want NAME", NULL},
        {"v5.8,v5.9", "want NAME", NULL},
        {"v5.9:", "found nothing", NULL},
        {"v5.9:page", "want role=lock, role.param=value or path.option=value, found 'page'",
         NULL},
        {"v5.9:pgae=fifo", "unknown role 'pgae'", "'page'"},
        {"v5.9:pgae.x=1", "unknown role 'pgae'", "'page'"},
        {"v5.9:frob=1", "unknown role 'frob'", "roles: mmap, iolock"},
        {"v5.9:title=x", "unknown role 'title'", NULL},
        {"v5.9:path=x", "want path.OPTION, found 'path'", NULL},
        {"v5.9:paht.recheck=none", "unknown role 'paht'", "'path'"},
        {"v5.9:path.rechek=none", "unknown path option 'rechek'", "'recheck'"},
        {"v5.9:path.frob=none", "unknown path option 'frob'", "schemes --options"},
        {"v5.9:path.recheck=eof+maping",
         "want mapping, index or eof joined by +, or none, found 'maping'", "'mapping'"},
        {"v5.9:path.recheck=", "found nothing", NULL},
        {"v5.9:path.fault-page-lock=0", "path.fault-page-lock: want no or yes, found '0'",
         NULL},
        {"v5.9:page=", "page: want the name of a lock, found nothing", NULL},
        {"v5.9:page.=1", "name of a parameter", NULL},
        {"v5.9:page.x=", "page.x: want a whole number, found nothing", NULL},
        {"v5.9:page.x=1us", "page.x: want a whole number, found '1us'", NULL},
        {"v5.9:page.x=9223372036854775808", "number too large", NULL},
        {"v5.9:page.a=1:page.b=1:page.c=1:page.d=1:page.e=1:page.f=1:page.g=1:page.h=1:page.i="
         "1",
         "at most 8 parameters", NULL},
    };
    struct pcl_schemes s = shipped();

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pcl_scheme x;
        struct pcl_err e = {.code = PCL_OK};
        int rc = pcl_scheme_resolve(&s, bad[i].spec, &x, &e);

        if (rc != PCL_EINVAL || !strstr(e.msg, bad[i].msg) ||
            (bad[i].hint && !strstr(e.hint, bad[i].hint))) {
            print_error("'%s' gave %s (%s)\n", bad[i].spec, e.msg, e.hint);
            fail();
        }
        assert_int_equal(pcl_scheme_resolve(&s, bad[i].spec, &x, NULL), PCL_EINVAL);
    }
    pcl_schemes_fini(&s);
}

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void a_wrong_file_is_shown_where_it_is(void **state)
{
    static const struct {
        const char *text;
        unsigned line, col;
        const char *msg;
    } bad[] = {
        {"[mine]\npage = fifo\nnope = x\n", 3, 1, "unknown role 'nope'"},
        {"[mine]\npage = a/b\n", 2, 8, "want the name of a lock, found 'a/b'"},
        {"[mine]\nrmw = 1ns\n", 2, 1, "rmw is a machine constant"},
        {"[mine]\npath.recheck = all\n", 2, 16, "path.recheck: want mapping, index or eof"},
        {"[mine]\npath.lock = no\n", 2, 1, "unknown path option 'lock'"},
        {"[mine x]\npage = fifo\n", 1, 1, "want [NAME], found [mine x]"},
        {"[mi,ne]\n", 1, 1, "want a name of letters"},
        {"[mine]\npage = fifo\n[mine]\n", 3, 1, "appears twice"},
    };
    char path[] = "/tmp/pclsim-schemes-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pcl_schemes s = {0};
        struct pcl_err e;

        write_file(path, bad[i].text);
        assert_int_equal(pcl_schemes_load(path, &s, &e), PCL_EINVAL);
        assert_string_equal(e.file, path);
        assert_int_equal(e.line, bad[i].line);
        assert_int_equal(e.col, bad[i].col);
        assert_non_null(strstr(e.msg, bad[i].msg));
        pcl_schemes_fini(&s);
    }
    assert_int_equal(unlink(path), 0);
}

static void the_users_schemes_add_to_the_shipped_ones(void **state)
{
    char root[] = "/tmp/pclsim-config-XXXXXX", path[256];
    struct pcl_schemes s = {0};
    struct pcl_err e;

    (void)state;
    assert_non_null(mkdtemp(root));
    (void)snprintf(path, sizeof path, "%s/pclsim", root);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/pclsim/workloads", root);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/pclsim/workloads/schemes.ini", root);
    write_file(path, "[mine]\npage = fifo\n[scheme v5.8]\npage = handoff\n");
    assert_int_equal(setenv("PCLSIM_DATA", PCLSIM_SOURCE_DIR, 1), 0);
    assert_int_equal(setenv("XDG_CONFIG_HOME", root, 1), 0);

    assert_int_equal(pcl_schemes_default(&s, &e), PCL_OK);
    assert_non_null(pcl_schemes_find(&s, "mine"));
    assert_string_equal(pcl_schemes_find(&s, "mine")->path, path);
    assert_non_null(pcl_schemes_find(&s, "v5.9"));
    /* $PCLSIM_DATA comes before the user's folder: its v5.8 has the last word */
    lock_is(pcl_schemes_find(&s, "v5.8"), PCL_ROLE_PAGE, "unfair");
    pcl_schemes_fini(&s);

    /* the user's folder comes before what is shipped */
    assert_int_equal(unsetenv("PCLSIM_DATA"), 0);
    assert_int_equal(pcl_schemes_default(&s, &e), PCL_OK);
    lock_is(pcl_schemes_find(&s, "v5.8"), PCL_ROLE_PAGE, "handoff");
    lock_is(pcl_schemes_find(&s, "v5.9"), PCL_ROLE_PAGE, "hybrid");
    pcl_schemes_fini(&s);

    assert_int_equal(unlink(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
    *strrchr(path, '/') = '\0';
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_schemes_are_the_kernels_and_the_references),
        cmocka_unit_test(a_spec_is_a_name_and_overrides),
        cmocka_unit_test(equal_choices_have_equal_text),
        cmocka_unit_test(path_options_are_part_of_a_scheme),
        cmocka_unit_test(a_wrong_spec_is_explained),
        cmocka_unit_test(a_wrong_file_is_shown_where_it_is),
        cmocka_unit_test(the_users_schemes_add_to_the_shipped_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Every operation beside every other: one task does one and reads the page afterwards, a second task
 * does the other; under Linux's locks and under a range lock nobody sees what he must not, nobody
 * waits for ever. The file is small, and cached, absent, dirty or a hole.
 *
 *   task 0:  OP A; read        task 1:  OP B
 *
 * By default a part of it. Others: test_run_race_pairs FS SCHEME PREEMPTIONS [OP [FILE]], which goes on
 * behind what it finds, and with PAIRS set says which pairs have many states.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pclsim/race.h>

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* A page that others see from both sides; what shifts or cuts does it before that page. */
static const char *const ops[] = {
    "read 4k 4k",     "write 4k 4k",    "dread 4k 4k",       "dwrite 4k 4k",
    "fault 4k",       "wfault 4k",      "fsync 0 0",         "truncate 4k 0",
    "punch 4k 4k",    "allocate 4k 8k", "pagelock 4k",       "pagewait 4k",
    "pagewaitdrop 4k", "dontneed 4k",   "zero 4k 4k",        "collapse 0 4k",
    "insert 0 4k",    "mmap 4k",        "munmap 4k",         "mprotect 4k",
    "migrate 4k",     "migrate-async 4k", "migrate-sync 4k", "reclaim 0 16k",
    "khugepaged 0",   "split 0 12k",    "exchange 4k 4k",
};

static const struct {
    const char *name, *text;
} files[] = {
    {"cached", "cached = all"},
    {"absent", ""},
    {"dirty", "cached = all\ndirty = yes"},
    {"hole", "mapped = no"},
};

struct tried {
    struct pcl_race_result r;
    struct pcl_scenario *scenario;
    struct pcl_scheme scheme;
    struct pcl_profile machine;
    struct pcl_job job;
    struct pcl_race_conf conf;
};

static bool same_op(const char *op, const char *name)
{
    size_t n = strlen(name);

    return strncmp(op, name, n) == 0 && (op[n] == ' ' || op[n] == '\0');
}

/* False when something was found, or not everything looked at. */
static bool try_pair(const char *fs, const char *file, const char *a, const char *b,
                     const char *scheme, int64_t preemptions, struct tried *x)
{
    char text[600];
    struct pcl_schemes known = {0};
    struct pcl_err err = {0};

    (void)snprintf(text, sizeof text,
                   "[scenario]\ntitle = t\nfs = %s\nduration = 1ms\nmachine = ideal\n"
                   "[file f]\nsize = 12k\n%s\n[file g]\nsize = 12k\n"
                   "[group a]\nfile = f\nfile2 = g\ndo = %s; read 4k 4k\n"
                   "[group b]\nfile = f\nfile2 = g\ndo = %s\n",
                   fs, file, a, b);
    *x = (struct tried){0};
    if (pcl_scenario_parse("pair.ini", text, NULL, 0, &x->scenario, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(pcl_schemes_default(&known, &err), PCL_OK);
    assert_int_equal(pcl_scheme_resolve(&known, scheme, &x->scheme, &err), PCL_OK);
    pcl_schemes_fini(&known);
    pcl_profile_ideal(&x->machine);
    x->job = (struct pcl_job){
        .scenario = x->scenario, .scheme = &x->scheme, .machine = &x->machine, .seed = 1};
    x->conf = (struct pcl_race_conf){
        .job = &x->job, .each = 1, .preemptions = preemptions, .states = 3000000};
    assert_int_equal(pcl_race_search(&x->conf, &x->r, &err), PCL_OK);
    return !*x->r.kind && x->r.exhausted == preemptions;
}

static void forget(struct tried *x)
{
    pcl_race_fini(&x->r);
    pcl_scenario_free(x->scenario);
}

static void say(const struct tried *x, const char *fs, const char *file, const char *a,
                const char *b, const char *scheme)
{
    (void)fprintf(stderr, "%s %s %s: %s; read beside %s: %s %s (%llu states, exhausted %lld)\n", fs,
                  scheme, file, a, b, x->r.kind, x->r.text, (unsigned long long)x->r.states,
                  (long long)x->r.exhausted);
}

/* All pairs, or those with one operation; the pairs in which something was found. */
static unsigned try_all(const char *fs, const char *scheme, int64_t preemptions, const char *op,
                        const char *only_file, unsigned every)
{
    uint64_t states = 0;
    unsigned found = 0, n = 0;

    for (size_t f = 0; f < LENGTH(files); f++)
        for (size_t i = 0; i < LENGTH(ops); i++)
            for (size_t j = i; j < LENGTH(ops); j++) {
                struct tried x;

                if ((op && !same_op(ops[i], op) && !same_op(ops[j], op)) ||
                    (only_file && strcmp(only_file, files[f].name) != 0) || n++ % every != 0)
                    continue;
                if (!try_pair(fs, files[f].text, ops[i], ops[j], scheme, preemptions, &x)) {
                    say(&x, fs, files[f].name, ops[i], ops[j], scheme);
                    found++;
                } else if (getenv("PAIRS") && x.r.states > 100000) {
                    say(&x, fs, files[f].name, ops[i], ops[j], scheme);
                }
                states += x.r.states;
                forget(&x);
            }
    (void)fprintf(stderr, "%s under %s: %u pairs, %llu states, %u found\n", fs, scheme, n,
                  (unsigned long long)states, found);
    return found;
}

/* Of the disk filesystems one pair in 23, which is no divisor of anything here; of tmpfs all. */
static void nothing_is_found_without_preemption(void **state)
{
    static const char *const schemes[] = {"v6.7", "range-tree"};

    (void)state;
    for (size_t i = 0; i < LENGTH(schemes); i++) {
        assert_int_equal(try_all("xfs", schemes[i], 0, NULL, NULL, 23), 0);
        assert_int_equal(try_all("ext4", schemes[i], 0, NULL, NULL, 23), 0);
        assert_int_equal(try_all("tmpfs", schemes[i], 0, NULL, NULL, 1), 0);
    }
}

/* The test itself: without the inode's locks it finds what there is to find. */
static void page_locks_alone_are_found_wanting(void **state)
{
    struct tried x;

    (void)state;
    assert_false(try_pair("xfs", "", "read 4k 4k", "punch 4k 4k", "page-only", 2, &x));
    assert_string_equal(x.r.kind, "stale data");
    forget(&x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_found_without_preemption),
                                       cmocka_unit_test(page_locks_alone_are_found_wanting)};

    if (argc > 3)
        return try_all(argv[1], argv[2], strtoll(argv[3], NULL, 10), argc > 4 ? argv[4] : NULL,
                       argc > 5 ? argv[5] : NULL, 1) != 0;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

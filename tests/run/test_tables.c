/*
 * Who made whom wait, and what the waits were spent on, as `pclsim run` has them from a result: the
 * rows of deterministic scenarios, compared as text with tables.txt (renewed with PCLSIM_RENEW=1),
 * and under no lock a row without a holder.
 */
#include "rig.h"

#include <stdio.h>

#define GOLDEN PCLSIM_SOURCE_DIR "/tests/run/tables.txt"

#define MIX(fs)                                                                                 \
    "[scenario]\ntitle = t\nfs = " fs "\nmachine = server-2s\nduration = 10ms\n"                \
    "[file f]\nsize = 8m\ncached = 4m\n[group a]\ntasks = 12\nsize = 4k-64k\n"                  \
    "mix = read:4 write:4 dread:2 dwrite:2 fault:3 punch:1 fsync:1\n"

static const char giant[] =
    "[scenario]\ntitle = t\nfs = xfs\nmachine = server-2s\nduration = 20ms\n"
    "[file f]\nsize = 1t\nmapped = no\n"
    "[group p]\nmix = punch:1\nsize = 1g\nalign = 1g\nregion = 0..4g\nthink = 200us\n"
    "[group r]\ntasks = 4\nmix = fault:1\nregion = 0..4g\nthink = exp:100us\nthink_on = sleep\n";

static const char mixed[] = MIX("xfs");
static const char early[] = MIX("ext4-half-shared");

static const struct {
    const char *name, *text, *scheme;
} cases[] = {
    {"xfs rwsem", mixed, "v6.7"},
    {"xfs interval tree", mixed, "range-tree"},
    {"xfs list", mixed, "range-list"},
    {"xfs units", mixed, "v6.7:iolock=unit-4k:invalidate=unit-4k"},
    {"xfs strict list", mixed, "v6.7:iolock=fifo-list:invalidate=fifo-list"},
    {"xfs segments", mixed, "v6.7:iolock=segments:invalidate=segments"},
    {"xfs hashed", mixed, "v6.7:iolock=hashed:invalidate=hashed"},
    {"xfs try-only", mixed, "v6.7:iolock=skip-list:invalidate=skip-list"},
    {"xfs present pages", mixed, "resident-only:path.writeback=submit"},
    {"ext4 of 2019", early, "v5.9"},
    {"a sweep of units", giant, "v6.7:invalidate=unit-4k"},
};

struct page {
    char *text;
    size_t n;
};

static void tell(FILE *f, const struct pcl_result *r)
{
    for (size_t i = 0; i < r->n_locks; i++) {
        const struct pcl_lock_row *l = &r->locks[i];
        const struct pcl_wait_split *w = &l->split;

        if (l->contentions)
            (void)fprintf(f, "%s %c: %llu waits %lld: line %lld spin %lld optimistic %lld conflict "
                             "%lld wakeup %lld cpu %lld\n",
                          l->name, l->mode, (unsigned long long)l->contentions,
                          (long long)l->wait_total, (long long)w->line, (long long)w->spinlock,
                          (long long)w->optimistic, (long long)w->conflict, (long long)w->wakeup,
                          (long long)w->cpu);
    }
    for (size_t i = 0; i < r->n_blocked; i++) {
        const struct pcl_blocked_row *b = &r->blocked[i];

        (void)fprintf(f, "  %s: %s %c for %s %c behind %s %c: %llu %lld %lld\n", b->lock, b->waiter,
                      b->waiter_mode, b->holder[0] ? b->holder : "-", b->holder_mode,
                      b->behind[0] ? b->behind : "-", b->behind_mode,
                      (unsigned long long)b->count, (long long)b->total, (long long)b->longest);
    }
}

static char *tables(void)
{
    struct page p = {0};
    FILE *f = open_memstream(&p.text, &p.n);

    assert_non_null(f);
    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct setting s;
        struct pcl_result r;

        setting_text(&s, cases[i].text, cases[i].scheme, NULL, 0);
        run_ok(&s.job, &r);
        (void)fprintf(f, "== %s (%s)\n", cases[i].name, cases[i].scheme);
        tell(f, &r);
        for (size_t k = 0; k < r.n_blocked; k++)
            if (!r.blocked[k].holder[0])
                fail_msg("%s: %s waits for %s, and nobody has it", cases[i].name,
                         r.blocked[k].waiter, r.blocked[k].lock);
        pcl_result_fini(&r);
        setting_fini(&s);
    }
    (void)fclose(f);
    return p.text;
}

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "r");
    char *text = pcl_xcalloc(1, 1 << 20);

    if (f) {
        (void)fread(text, 1, (1 << 20) - 1, f);
        (void)fclose(f);
    }
    return text;
}

/* The first line in which two texts differ. */
static void assert_lines(const char *got, const char *want)
{
    for (int line = 1;; line++) {
        size_t a = strcspn(got, "\n"), b = strcspn(want, "\n");

        if (a != b || strncmp(got, want, a) != 0)
            fail_msg("tables.txt:%d: want '%.*s', found '%.*s' (PCLSIM_RENEW=1 renews)", line,
                     (int)b, want, (int)a, got);
        if (!got[a] || !want[b])
            break;
        got += a + 1, want += b + 1;
    }
}

static void the_tables_are_what_they_were(void **state)
{
    char *got = tables(), *want;

    (void)state;
    if (getenv("PCLSIM_RENEW")) {
        FILE *f = fopen(GOLDEN, "w");

        assert_non_null(f);
        assert_true(fputs(got, f) >= 0);
        assert_int_equal(fclose(f), 0);
    }
    want = read_file(GOLDEN);
    assert_lines(got, want);
    free(got);
    free(want);
}

/* Whoever is named for a wait had the lock: where there are no writers, nobody waits for one. */
static void who_is_named_was_there(void **state)
{
    struct setting s;
    struct pcl_result r;

    (void)state;
    setting_text(&s, giant, "v6.7:invalidate=unit-4k", NULL, 0);
    run_ok(&s.job, &r);
    assert_true(r.n_blocked > 0);
    for (size_t i = 0; i < r.n_blocked; i++) {
        const struct pcl_blocked_row *b = &r.blocked[i];

        if (strcmp(b->waiter, "fault") == 0 && strcmp(b->lock, "invalidate") == 0)
            assert_true(strcmp(b->holder, "punch") == 0 || strcmp(b->holder, "fault") == 0);
        assert_string_not_equal(b->holder, "syscall");
    }
    pcl_result_fini(&r);
    setting_fini(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tables_are_what_they_were),
        cmocka_unit_test(who_is_named_was_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Sweeps from the outside: the same rows however the work was cut, killed or interrupted, and
 * stores of parts that become one. "The same" is the canonical dump, byte for byte.
 */
#include "command.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <sqlite3.h>

#include <pclsim/store.h>

static struct said s;
static struct pcl_err err;

/* A grid of 2 x 3 points that takes a moment. */
static const char study[] = "[scenario]\n"
                            "title = a small study\n"
                            "duration = 20ms\n"
                            "reps = 5\n"
                            "schemes = v5.8, v5.9\n"
                            "[file data]\n"
                            "size = 64k\n"
                            "cached = all\n"
                            "[group readers]\n"
                            "tasks = 2\n"
                            "mix = read:1 pagelock:1\n"
                            "hold = 1us\n"
                            "think = exp:5us\n"
                            "[grid]\n"
                            "tasks = 2, 4, 8\n"
                            "think = exp:5us, exp:20us\n";

static char *dump(const char *name)
{
    struct pcl_store *store;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    if (pcl_store_open(in_folder(3, name), PCL_STORE_READ, &store, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(pcl_store_dump(store, out, &err), PCL_OK);
    pcl_store_close(store);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void assert_same(const char *a, const char *b)
{
    char *x = dump(a), *y = dump(b);

    if (strcmp(x, y) != 0) {
        size_t at = 0;

        while (x[at] == y[at])
            at++;
        fail_msg("%s and %s differ: %.200s\n-- %.200s", a, b, x + at, y + at);
    }
    free(x);
    free(y);
}

static void sql(const char *name, const char *text)
{
    sqlite3 *db;
    char *why = NULL;

    assert_int_equal(sqlite3_open(in_folder(3, name), &db), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s", why);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* The study as it must be, made by one worker without disturbance. */
static const char *reference(void)
{
    static bool made;

    if (!made) {
        write_text("study.ini", study);
        pclsim(&s, "sweep", "study.ini", "--db", "all.db", "-j", "1", NULL);
        assert_code(&s, 0);
        assert_says(s.out, "6 points, 2 schemes, 5 replications, seed 1: 60 runs");
        assert_says(s.out, "60: 60 new, 0 from the store");
        made = true;
    }
    return "all.db";
}

static void what_is_stored_is_never_run_again(void **state)
{
    (void)state;
    (void)reference();
    pclsim(&s, "sweep", "study.ini", "--db", "more.db", "--reps", "2", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "24: 24 new, 0 from the store");
    pclsim(&s, "sweep", "study.ini", "--db", "more.db", "--reps", "2", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "24: 0 new, 24 from the store");
    pclsim(&s, "sweep", "study.ini", "--db", "more.db", "--vary", "tasks=2,4", NULL);
    assert_says(s.out, "40: 24 new, 16 from the store");
    pclsim(&s, "sweep", "study.ini", "--db", "more.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "60: 12 new, 48 from the store");
    assert_same("all.db", "more.db");
    pclsim(&s, "run", "study.ini", "--set", "tasks=2", "--db", "more.db", NULL);
    assert_code(&s, 0);
}

static void workers_shards_and_merges_give_the_same_rows(void **state)
{
    static const char *const part[] = {"1/4", "2/4", "3/4", "4/4"};
    static const char *const db[] = {"p1.db", "p2.db", "p3.db", "p4.db"};

    (void)state;
    (void)reference();
    pclsim(&s, "sweep", "study.ini", "--db", "two.db", "-j", "2", NULL);
    assert_code(&s, 0);
    assert_same("all.db", "two.db");
    for (size_t i = 0; i < 4; i++) {
        pclsim(&s, "sweep", "study.ini", "--db", db[i], "--shard", part[i], NULL);
        assert_code(&s, 0);
        assert_says(s.out, "15: 15 new");
    }
    pclsim(&s, "merge", "merged.db", "p3.db", "p1.db", "p4.db", "p2.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "merged.db: 60 runs");
    assert_same("all.db", "merged.db");
    pclsim(&s, "merge", "merged.db", "p3.db", "p1.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "0 runs added, 15 were there");
    assert_same("all.db", "merged.db");
    pclsim(&s, "sweep", "study.ini", "--db", "merged.db", NULL);
    assert_says(s.out, "60: 0 new");
}

/* Tables show the points in the order of the grid, whichever run ended first. */
static void merged_parts_compare_like_the_whole(void **state)
{
    struct said whole = {0};

    (void)state;
    pclsim(&whole, "compare", "all.db", NULL);
    assert_code(&whole, 0);
    pclsim(&s, "compare", "merged.db", NULL);
    assert_code(&s, 0);
    for (struct said *x = &whole; x; x = x == &whole ? &s : NULL) {
        char *name = strstr(x->out, ", store "); /* the only difference */

        assert_non_null(name);
        memmove(name, strchr(name, '\n'), strlen(strchr(name, '\n')) + 1);
    }
    assert_string_equal(s.out, whole.out);
    forget(&whole);
}

/* --- mpirun ----------------------------------------------------------------------------------
 */

static int under_mpirun(const char *rest)
{
    char command[1200];

    (void)snprintf(command, sizeof(command),
                   "cd '%s' && OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_ALLOW_RUN_AS_ROOT=1 "
                   "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 mpirun --oversubscribe -n 3 %s %s "
                   "> mpi.out 2> mpi.err",
                   in_folder(2, "."), getenv("PCLSIM_COMMAND"), rest);
    return system(command);
}

static void ranks_give_the_same_rows(void **state)
{
    (void)state;
    if (!getenv("PCLSIM_MPIRUN"))
        skip();
    (void)reference();
    assert_int_equal(under_mpirun("sweep study.ini --reps 2 --db ranks.db"), 0);
    assert_int_equal(under_mpirun("sweep study.ini --db ranks.db"), 0);
    assert_same("all.db", "ranks.db");
    assert_int_not_equal(access(in_folder(0, "ranks.db.rank1"), F_OK), 0);
    assert_int_not_equal(under_mpirun("sweep no-such.ini --db ranks.db"), 0);
    assert_int_not_equal(under_mpirun("sweep study.ini --db /no/such/folder/ranks.db"), 0);
}

/* What a rank stored before its sweep was killed is not lost. */
static void a_store_left_by_a_rank_is_taken_in(void **state)
{
    (void)state;
    (void)reference();
    pclsim(&s, "sweep", "study.ini", "--db", "left.db.rank7", "--shard", "1/2", NULL);
    assert_code(&s, 0);
    pclsim(&s, "sweep", "study.ini", "--db", "left.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "60: 30 new, 30 from the store");
    assert_same("all.db", "left.db");
    assert_int_not_equal(access(in_folder(0, "left.db.rank7"), F_OK), 0);
}

/* --- disturbed -------------------------------------------------------------------------------
 */

static void doze(long ms)
{
    const struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

#define LONG_SWEEP "sweep", "study.ini", "--reps", "40", "--check"

static void after_50_kills_the_store_is_as_if_undisturbed(void **state)
{
    static const char *const words[] = {LONG_SWEEP, "--db", "killed.db", "-j", "2", NULL};
    uint32_t random = 20240607;
    int interrupted = 0;

    (void)state;
    (void)reference();
    for (int i = 0; i < 50; i++) {
        pid_t pid = start(words);

        random = random * 1664525 + 1013904223;
        doze(5 + (long)(random >> 16) % 60);
        (void)kill(pid, SIGKILL);
        interrupted += wait_for(pid) == 128 + SIGKILL;
    }
    pclsim(&s, LONG_SWEEP, "--db", "killed.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "480: ");
    pclsim(&s, LONG_SWEEP, "--db", "calm.db", NULL);
    assert_code(&s, 0);
    assert_same("calm.db", "killed.db");
    print_message("%d of 50 kills hit\n", interrupted);
    assert_true(interrupted > 0);
}

/* Has the started sweep said what it is going to do? From then on it can be interrupted. */
static bool has_begun(void)
{
    char *said = NULL;
    size_t n;
    bool yes = pcl_read_file(in_folder(0, "started.out"), 1 << 20, &said, &n, NULL) == PCL_OK &&
               strstr(said, "grid");

    free(said);
    return yes;
}

static void an_interruption_says_how_to_go_on(void **state)
{
    static const char *const words[] = {LONG_SWEEP, "--db", "stopped.db", NULL};
    pid_t pid;
    int code;

    (void)state;
    (void)unlink(in_folder(0, "started.out"));
    pid = start(words);
    for (int i = 0; i < 6000 && !has_begun(); i++)
        doze(5);
    (void)kill(pid, SIGINT);
    code = wait_for(pid);
    if (code != 0) { /* a fast machine may have been done */
        char *said;
        size_t n;

        assert_int_equal(code, 130);
        assert_int_equal(pcl_read_file(in_folder(0, "started.err"), 1 << 20, &said, &n, &err),
                         0);
        assert_says(said, "the same command goes on from there");
        free(said);
    }
    pclsim(&s, LONG_SWEEP, "--db", "stopped.db", NULL);
    assert_code(&s, 0);
    assert_same("calm.db", "stopped.db");
}

static void a_full_disk_leaves_a_store_that_goes_on(void **state)
{
    struct rlimit before, small;

    (void)state;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 700000;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    pclsim(&s, LONG_SWEEP, "--db", "full.db", NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_code(&s, 2);
    assert_says(s.err, "no space left to write (limit on the size of a file)");
    pclsim(&s, LONG_SWEEP, "--db", "full.db", "--dry-run", NULL); /* it can be read */
    assert_code(&s, 0);
    pclsim(&s, LONG_SWEEP, "--db", "full.db", NULL);
    assert_code(&s, 0);
    assert_same("calm.db", "full.db");
}

/* --- failed runs -----------------------------------------------------------------------------
 */

static void a_failed_run_is_a_row_and_can_be_retried(void **state)
{
    (void)state;
    (void)reference();
    pclsim(&s, "merge", "failed.db", "all.db", NULL);
    sql("failed.db", "UPDATE run SET state='failed', code=-4, error='a made-up failure' WHERE"
                     " run_id IN (3, 20)");
    pclsim(&s, "sweep", "study.ini", "--db", "failed.db", NULL);
    assert_code(&s, 2);
    assert_says(s.out, "60: 0 new, 60 from the store, 2 FAILED");
    assert_says(s.err,
                "2 of 60 runs failed; the first: v5.8, replication 2: a made-up failure");
    assert_says(s.err, "--retry-failed");
    pclsim(&s, "sweep", "study.ini", "--db", "failed.db", "--retry-failed", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "60: 2 new, 58 from the store");
    assert_same("all.db", "failed.db");

    sql("failed.db", "UPDATE run SET state='failed', code=-4, error='again' WHERE run_id="
                     "(SELECT min(run_id) FROM run)");
    pclsim(&s, "merge", "failed.db", "all.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "1 in place of failed ones");
    assert_same("all.db", "failed.db");
    sql("failed.db", "UPDATE run SET state='failed', code=-4, error='again' WHERE run_id="
                     "(SELECT min(run_id) FROM run)");
    pclsim(&s, "merge", "good.db", "all.db", "failed.db", NULL);
    assert_code(&s, 0);
    assert_same("all.db", "good.db");
}

/* --- precision -------------------------------------------------------------------------------
 */

#define PRECISE "sweep", "study.ini", "--precision", "latency_mean:2%", "--reps", "3"

static void replications_are_added_until_intervals_are_narrow(void **state)
{
    (void)state;
    (void)reference();
    pclsim(&s, PRECISE, "--max-reps", "200", "--db", "precise.db", "-j", "1", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "reached in 12 of 12 cells");
    pclsim(&s, PRECISE, "--max-reps", "200", "--db", "precise2.db", "-j", "2", NULL);
    assert_code(&s, 0);
    assert_same("precise.db", "precise2.db");
    pclsim(&s, PRECISE, "--max-reps", "200", "--db", "precise.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, " 0 new");
    /* whatever was there, the same runs are asked for */
    pclsim(&s, PRECISE, "--max-reps", "200", "--db", "all.db", NULL);
    assert_code(&s, 0);
    pclsim(&s, "sweep", "study.ini", "--db", "precise.db", NULL);
    assert_code(&s, 0);
    assert_same("precise.db", "all.db");
    pclsim(&s, PRECISE, "--max-reps", "200", "--shard", "1/2", "--db", "half1.db", NULL);
    assert_code(&s, 0);
    pclsim(&s, PRECISE, "--max-reps", "200", "--shard", "2/2", "--db", "half2.db", NULL);
    assert_code(&s, 0);
    pclsim(&s, "merge", "halves.db", "half1.db", "half2.db", NULL);
    assert_code(&s, 0);
    assert_same("precise2.db", "halves.db");
}

static void a_precision_that_is_not_reached_is_said_loudly(void **state)
{
    (void)state;
    pclsim(&s, "sweep", "study.ini", "--precision", "latency_mean:0.01%", "--reps", "3",
           "--max-reps", "5", "--db", "wide.db", NULL);
    assert_code(&s, 3);
    assert_says(s.out, "*** PRECISION NOT REACHED in 12 cells");
    assert_says(s.out, "would take about");
    assert_says(s.out, "60: 60 new");
    pclsim(&s, "sweep", "study.ini", "--precision", "latency_mean:0.01%", "--reps", "3",
           "--budget", "50", "--db", "budget.db", NULL);
    assert_code(&s, 3);
    assert_says(s.out, "the budget is spent");
    pclsim(&s, "sweep", "study.ini", "--precision", "latency_mean:2%", "--precision-of",
           "change", "--reps", "3", "--db", "change.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "latency_mean of the change");
    pclsim(&s, "sweep", "study.ini", "--precision", "latency_maen:2%", "--reps", "3", "--db",
           "metric.db", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "did you mean 'latency_mean'");
    pclsim(&s, "sweep", "study.ini", "--precision", "no_such_metric:2%", "--reps", "3", "--db",
           "wide.db", NULL);
    assert_code(&s, 3); /* all runs are there: it shows in the cells */
    assert_says(s.out, "has no such metric");
}

/* --- merging what must not be mixed ----------------------------------------------------------
 */

static void refuses(const char *name, const char *what)
{
    char *before = dump("target.db"), *after;

    pclsim(&s, "merge", "target.db", name, NULL);
    assert_code(&s, 1);
    assert_says(s.err, what);
    after = dump("target.db");
    assert_string_equal(before, after);
    free(before);
    free(after);
}

static void stores_that_do_not_belong_together_are_refused(void **state)
{
    (void)state;
    pclsim(&s, "sweep", "study.ini", "--reps", "1", "--db", "target.db", NULL);
    pclsim(&s, "merge", "other.db", "target.db", NULL);
    sql("other.db", "UPDATE study SET build='0.9'");
    refuses("other.db", "model build 0.9");

    pclsim(&s, "sweep", "tiny.ini", "--reps", "1", "--db", "tiny.db", NULL);
    assert_code(&s, 0);
    refuses("tiny.db", "another scenario, 'tiny'");

    (void)mkdir(in_folder(0, "changed"), 0755);
    write_text("changed/study.ini", study);
    {
        char text[sizeof(study)];
        char *at;

        memcpy(text, study, sizeof(text));
        at = strstr(text, "20ms");
        assert_non_null(at);
        *at = '3';
        write_text("changed/study.ini", text);
    }
    pclsim(&s, "sweep", "changed/study.ini", "--reps", "1", "--vary", "tasks=16", "--db",
           "changed.db", NULL);
    assert_code(&s, 0);
    refuses("changed.db", "was changed between them");
    sql("changed.db", "UPDATE config SET source=''"); /* as in an older store */
    pclsim(&s, "sweep", "changed/study.ini", "--reps", "1", "--db", "changed2.db", NULL);
    sql("changed2.db", "UPDATE config SET source=''");
    refuses("changed2.db", "is not what it is in the other store");

    pclsim(&s, "merge", "conflict.db", "target.db", NULL);
    sql("conflict.db", "UPDATE run SET fingerprint='00000000deadbeef' WHERE run_id=4");
    refuses("conflict.db", "equal inputs must give equal results");
    pclsim(&s, "merge", "number.db", "target.db", NULL);
    sql("number.db", "UPDATE scalar SET value=value+1 WHERE run_id=4 AND object='all'");
    refuses("number.db", "another number");

    write_text("text.db", "no store\n");
    refuses("text.db", "is no pclsim store");
    refuses("target.db", "into itself");
    refuses("no-such.db", "no such store");
}

/* --- usage -----------------------------------------------------------------------------------
 */

static const struct {
    const char *words[6];
    const char *says;
} wrong[] = {
    {{"--vary", "taks=1,2"}, "taks"},
    {{"--vary", "tasks=1,x"}, "want a whole number, found 'x'"},
    {{"--vary", "tasks"}, "want KEY=VALUE"},
    {{"--vary", "tasks="}, "found nothing"},
    {{"--vary", "think=5"}, "--vary"},
    {{"--vary", "tasks=1,1"}, "listed twice"},
    {{"--vary", "tasks=1,2", "--set", "tasks=3"}, "given with --set too"},
    {{"--vary", "tasks=1..100000"}, "at most 1000 values"},
    {{"--vary", "tasks=1..1000", "--vary", "cpus=1..1000", "--vary", "seed=1"}, "cannot vary"},
    {{"--vary", "tasks=1..1000", "--vary", "cpus=1..1000"}, "more than 200000"},
    {{"--vary", "tasks=1..900", "--vary", "cpus=1..900", "--vary", "passes=1..900"}, "points"},
    {{"--vary", "tasks=1..100", "--vary", "cpus=1..100", "--reps", "999"}, "10000000 runs"},
    {{"--reps", "0"}, "--reps"},
    {{"-j", "0"}, "--jobs"},
    {{"--shard", "0/4"}, "I/N"},
    {{"--shard", "5/4"}, "I/N"},
    {{"--shard", "x"}, "I/N"},
    {{"--precision", "throughput"}, "METRIC:PERCENT"},
    {{"--precision", "throughput:0%"}, "METRIC:PERCENT"},
    {{"--precision", "throughput:5us"}, "METRIC:PERCENT"},
    {{"--precision", "throughput:1%", "--reps", "20", "--max-reps", "10"}, "--max-reps"},
    {{"--precision", "throughput:1%", "--budget", "5"}, "does not pay"},
    {{"--budget", "5"}, "is for --precision"},
    {{"--csv"}, "is for --dry-run"},
    {{"--scheme", "v5.9:page=handof"}, "handoff"},
};

static void wrong_usage_is_refused(void **state)
{
    (void)state;
    (void)reference();
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        const char *words[12] = {"sweep", "study.ini", "--db", "usage.db"};

        for (size_t k = 0; k < 6 && wrong[i].words[k]; k++)
            words[4 + k] = wrong[i].words[k];
        pclsim_v(&s, TO_MEMORY, words);
        assert_code(&s, 1);
        assert_says(s.err, wrong[i].says);
    }
    pclsim(&s, "sweep", NULL);
    assert_code(&s, 1);
    pclsim(&s, "merge", "out.db", NULL);
    assert_code(&s, 1);
    assert_says(s.err, "OUT and one or more");
}

static void a_dry_run_lists_and_stores_nothing(void **state)
{
    (void)state;
    pclsim(&s, "sweep", "study.ini", "--db", "dry.db", "--dry-run", "-j", "2", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "60 runs: 60 to run, 0 stored");
    assert_says(s.out, "from a few tries");
    assert_int_not_equal(access(in_folder(0, "dry.db"), F_OK), 0);
    pclsim(&s, "sweep", "study.ini", "--db", "all.db", "--dry-run", "--csv", "--reps", "6",
           "--shard", "2/2", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "run,tasks,think,scheme,replication,seed,state,key\n");
    assert_says(s.out, "1,2,exp:5us,v5.8,1,1,done,");
}

static void a_store_has_a_name_of_its_own(void **state)
{
    (void)state;
    pclsim(&s, "sweep", "tiny.ini", "--reps", "1", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "stored in tiny.db");
    assert_int_equal(access(in_folder(0, "tiny.db"), F_OK), 0);
    pclsim(&s, "sweep", "sqlite-insert.strace", "--vary", "clone=1,2", "--reps", "1", "--db",
           "clones.db", NULL);
    assert_code(&s, 0);
    assert_says(s.out, "2 points");
}

static int end(void **state)
{
    forget(&s);
    return remove_folder(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_stored_is_never_run_again),
        cmocka_unit_test(workers_shards_and_merges_give_the_same_rows),
        cmocka_unit_test(merged_parts_compare_like_the_whole),
        cmocka_unit_test(ranks_give_the_same_rows),
        cmocka_unit_test(a_store_left_by_a_rank_is_taken_in),
        cmocka_unit_test(after_50_kills_the_store_is_as_if_undisturbed),
        cmocka_unit_test(an_interruption_says_how_to_go_on),
        cmocka_unit_test(a_full_disk_leaves_a_store_that_goes_on),
        cmocka_unit_test(a_failed_run_is_a_row_and_can_be_retried),
        cmocka_unit_test(a_dry_run_lists_and_stores_nothing),
        cmocka_unit_test(replications_are_added_until_intervals_are_narrow),
        cmocka_unit_test(a_precision_that_is_not_reached_is_said_loudly),
        cmocka_unit_test(stores_that_do_not_belong_together_are_refused),
        cmocka_unit_test(wrong_usage_is_refused),
        cmocka_unit_test(a_store_has_a_name_of_its_own),
    };

    return cmocka_run_group_tests(tests, make_folder, end);
}

/* The store: what goes in comes out, foreign files are refused, and a crash or a full disk
 * leaves whole runs only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pclsim/store.h>

#include "golden.h"
#include "store_internal.h"
#include "synthetic.h"

static char dir[] = "/tmp/pclsim-store-XXXXXX";
static struct pcl_err err;

static const char *path_of(const char *name)
{
    static char path[128];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)unlink(path);
    return path;
}

static struct pcl_store *open_ok(const char *path, unsigned flags)
{
    struct pcl_store *s = NULL;

    if (pcl_store_open(path, flags, &s, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    return s;
}

static void put_ok(struct pcl_store *s, const struct syn *y)
{
    if (pcl_store_put(s, &y->d, &y->r, &err) != PCL_OK)
        fail_msg("%s", err.msg);
}

static void put_simple(struct pcl_store *s, const char *scheme, const char *tasks, uint32_t rep)
{
    struct syn y;

    syn_init(&y, scheme, "tasks", tasks, rep);
    syn_metrics(&y, 1000 + rep, 5000, 1e6, 8, rep);
    put_ok(s, &y);
    syn_fini(&y);
}

static char *dump_of(const char *path)
{
    struct pcl_store *s = open_ok(path, PCL_STORE_READ);
    char *text = NULL;
    size_t size;
    FILE *f = open_memstream(&text, &size);

    assert_int_equal(pcl_store_dump(s, f, &err), PCL_OK);
    (void)fclose(f);
    pcl_store_close(s);
    return text;
}

static void full_result(struct syn *y)
{
    struct pcl_lock_row *l;
    struct pcl_violation *v;
    struct pcl_hist *h;

    syn_init(y, "v5.9:page.unfairness=1", "tasks", "64", 3);
    syn_metrics(y, 1.0 / 3, 5000, 1e6, 8, 3);
    (void)pcl_result_add(&y->r, "latency_mean", "read", "ns", PCL_BETTER_LOWER, (double)NAN);
    h = pcl_result_add_hist(&y->r, "latency", "read");
    for (int64_t i = 0; i < 1000; i++)
        pcl_hist_add(h, i * i);
    l = pcl_result_add_lock(&y->r, "page", 'X');
    *l = (struct pcl_lock_row){.name = "page",
                               .mode = 'X',
                               .acquisitions = 1,
                               .contentions = 2,
                               .con_bounces = 3,
                               .acq_bounces = 4,
                               .wait_min = 5,
                               .wait_max = 6,
                               .wait_total = 7,
                               .hold_min = 8,
                               .hold_max = 9,
                               .hold_total = 10,
                               .steals = 11,
                               .handoffs = 12,
                               .lost_retries = 13,
                               .trylock_failures = 14,
                               .walk_visits = 15,
                               .walk_foreign = 16,
                               .walks = 17,
                               .walk_max = 18,
                               .walk_foreign_max = 19,
                               .wasted_wakes = 20,
                               .sleeps = 21,
                               .line_transfers = 22,
                               .bypass_max = 23,
                               .split = {24, 25, 26, 27, 28, 29},
                               .irqs_off_max = 30,
                               .irqs_off_in_irq = 31};
    *pcl_result_add_blocked(&y->r) = (struct pcl_blocked_row){.lock = "iolock",
                                                              .waiter = "read",
                                                              .waiter_mode = 'S',
                                                              .holder = "read i/o",
                                                              .holder_mode = 'X',
                                                              .behind_mode = '-',
                                                              .count = 1,
                                                              .total = 2,
                                                              .longest = 3};
    *pcl_result_add_point(&y->r) = (struct pcl_lock_point){
        .lock = "iolock", .at = "read.1", .what = "read: lock IOLOCK", .count = 4};
    *pcl_result_add_point(&y->r) = (struct pcl_lock_point){
        .lock = "iolock", .holds = true, .at = "read.1", .what = "read: lock IOLOCK", .count = 5};
    v = pcl_result_add_violation(&y->r);
    (void)snprintf(v->kind, sizeof(v->kind), "stale data");
    (void)snprintf(v->text, sizeof(v->text), "task 3 read page 9");
    v->at = 77;
    v->steps = pcl_xstrdup("one\ntwo\n");
    y->r.total_violations = 250;
}

static void a_run_comes_back_as_it_went_in(void **state)
{
    const char *path = path_of("round.db");
    struct pcl_store *s = open_ok(path, PCL_STORE_WRITE);
    struct pcl_store_peek peek;
    struct pcl_result r;
    struct syn y;

    (void)state;
    full_result(&y);
    put_ok(s, &y);
    assert_true(pcl_store_peek(s, y.d.key, NULL, NULL, &peek));
    assert_false(pcl_store_peek(s, "0123", NULL, NULL, &peek));
    pcl_store_close(s);

    s = open_ok(path, PCL_STORE_READ);
    pcl_result_init(&r);
    assert_int_equal(pcl_store_get(s, y.d.key, &r, &err), PCL_OK);
    assert_string_equal(r.scheme, y.r.scheme);
    assert_true(r.seed == 1 && r.replication == 3 && !r.failed && r.code == PCL_OK);
    assert_true(r.sim_ns == y.r.sim_ns && r.warmup_ns == y.r.warmup_ns && r.ops == y.r.ops);
    assert_true(r.events == y.r.events && r.fingerprint == y.r.fingerprint);
    assert_true(r.wall_s == y.r.wall_s);
    assert_int_equal(r.n_metrics, y.r.n_metrics);
    for (size_t i = 0; i < y.r.n_metrics; i++) {
        const struct pcl_metric *a = &y.r.metrics[i],
                                *b = pcl_result_find(&r, a->name, a->object);

        assert_non_null(b);
        assert_string_equal(a->unit, b->unit);
        assert_int_equal(a->better, b->better);
        assert_true(a->value == b->value || (isnan(a->value) && isnan(b->value)));
    }
    assert_int_equal(r.n_hists, 1);
    assert_true(r.hists[0].h.count == 1000 && r.hists[0].h.max == 999 * 999);
    assert_true(pcl_hist_quantile(&r.hists[0].h, 0.99) ==
                pcl_hist_quantile(&y.r.hists[0].h, 0.99));
    assert_int_equal(r.n_locks, 1);
    assert_memory_equal(&r.locks[0].acquisitions, &y.r.locks[0].acquisitions,
                        sizeof(r.locks[0]) - offsetof(struct pcl_lock_row, acquisitions));
    assert_int_equal(r.n_blocked, 1);
    assert_memory_equal(r.blocked, y.r.blocked, sizeof(*r.blocked));
    assert_int_equal(r.n_points, 2);
    assert_memory_equal(r.points, y.r.points, 2 * sizeof(*r.points));
    assert_int_equal(r.n_violations, 1);
    assert_true(r.total_violations == 250);
    assert_string_equal(r.violations[0].steps, "one\ntwo\n");
    assert_int_equal(pcl_store_get(s, "no such key", &r, &err), PCL_ENOENT);
    pcl_result_fini(&r);
    syn_fini(&y);
    pcl_store_close(s);
}

static void a_dataset_groups_runs_by_configuration(void **state)
{
    const char *path = path_of("group.db");
    struct pcl_store *s = open_ok(path, PCL_STORE_WRITE);
    struct pcl_dataset d;
    const struct pcl_series *m;
    struct syn y;

    (void)state;
    for (uint32_t rep = 0; rep < 3; rep++) {
        put_simple(s, "v5.8", "8", rep);
        put_simple(s, "v5.9", "8", rep);
    }
    syn_init(&y, "v5.9", "tasks", "8", 3);
    y.r.failed = true;
    y.r.code = PCL_ELAW;
    (void)snprintf(y.r.error, sizeof(y.r.error), "law broken");
    put_ok(s, &y);
    syn_fini(&y);
    pcl_store_close(s);

    pcl_dataset_init(&d);
    assert_int_equal(pcl_store_read(path, &d, &err), PCL_OK);
    assert_int_equal(d.n_configs, 2);
    assert_string_equal(d.config[0]->desc.scheme, "v5.8");
    assert_string_equal(pcl_config_param(d.config[0], "tasks"), "8");
    assert_null(pcl_config_param(d.config[0], "think"));
    assert_true(pcl_same_point(d.config[0], d.config[1]));
    assert_int_equal(d.config[1]->n_runs, 4);
    m = pcl_config_series(d.config[1], "throughput", "all");
    assert_true(m->value[2] == 1002);
    assert_true(isnan(m->value[3]));
    assert_int_equal(pcl_dataset_count(&d).runs, 7);
    assert_int_equal(pcl_dataset_count(&d).failed, 1);
    pcl_dataset_fini(&d);
}

static void the_same_run_twice_is_kept_once(void **state)
{
    struct pcl_store *s = open_ok(path_of("twice.db"), PCL_STORE_WRITE);
    struct syn y;

    (void)state;
    put_simple(s, "v5.8", "8", 0);
    put_simple(s, "v5.8", "8", 0);
    assert_int_equal(pcl_store_runs(s), 1);
    syn_init(&y, "v5.8", "tasks", "8", 0);
    y.r.fingerprint ^= 1;
    assert_int_equal(pcl_store_put(s, &y.d, &y.r, &err), PCL_EFAIL);
    assert_non_null(strstr(err.msg, "equal inputs gave another result"));
    syn_fini(&y);
    pcl_store_close(s);
}

static void a_failed_run_is_replaced_by_a_good_one(void **state)
{
    struct pcl_store *s = open_ok(path_of("failed.db"), PCL_STORE_WRITE);
    struct syn y;
    struct pcl_result r;

    (void)state;
    full_result(&y);
    y.r.failed = true;
    put_ok(s, &y);
    y.r.failed = false;
    put_ok(s, &y);
    assert_int_equal(pcl_store_runs(s), 1);
    pcl_result_init(&r);
    assert_int_equal(pcl_store_get(s, y.d.key, &r, &err), PCL_OK);
    assert_false(r.failed);
    pcl_result_fini(&r);
    syn_fini(&y);
    pcl_store_close(s);
}

static void a_dump_does_not_depend_on_the_order_of_insertion(void **state)
{
    static const char *const schemes[] = {"v5.8", "v5.9"}, *const tasks[] = {"1", "64"};
    char a[128], *da, *db;
    const char *b;
    struct pcl_store *s;
    struct syn y;

    (void)state;
    (void)snprintf(a, sizeof(a), "%s", path_of("a.db"));
    s = open_ok(a, PCL_STORE_WRITE);
    full_result(&y);
    put_ok(s, &y);
    for (int i = 0; i < 8; i++)
        put_simple(s, schemes[i & 1], tasks[i >> 1 & 1], (uint32_t)i >> 2);
    pcl_store_close(s);
    b = path_of("b.db");
    s = open_ok(b, PCL_STORE_WRITE);
    for (int i = 7; i >= 0; i--)
        put_simple(s, schemes[i & 1], tasks[i >> 1 & 1], (uint32_t)i >> 2);
    y.r.wall_s = 99; /* stands in run_host only */
    put_ok(s, &y);
    syn_fini(&y);
    pcl_store_close(s);
    da = dump_of(a);
    db = dump_of(b);
    assert_string_equal(da, db);
    assert_non_null(strstr(da, "tasks"));
    assert_null(strstr(da, "wall"));
    free(da);
    free(db);
}

static void write_file(const char *path, const void *data, size_t n)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static void refuses(const char *path, unsigned flags, const char *message)
{
    struct pcl_store *s = NULL;

    assert_int_not_equal(pcl_store_open(path, flags, &s, &err), PCL_OK);
    if (!strstr(err.msg, message))
        fail_msg("want \"%s\" in \"%s\"", message, err.msg);
}

static void sql(const char *path, const char *text)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(db);
}

static void foreign_files_are_refused_and_left_alone(void **state)
{
    const char *path = path_of("text.db");
    char *data;
    size_t n;

    (void)state;
    write_file(path, "just some text, longer than sixteen bytes\n", 42);
    refuses(path, PCL_STORE_WRITE, "not an SQLite database");
    assert_int_equal(pcl_read_file(path, 1000, &data, &n, &err), PCL_OK);
    assert_int_equal(n, 42);
    free(data);
    write_file(path, "hi", 2);
    refuses(path, PCL_STORE_WRITE, "not an SQLite database");

    path = path_of("other.db");
    sql(path, "PRAGMA application_id=4711; CREATE TABLE t(a)");
    refuses(path, PCL_STORE_WRITE, "another program");
    refuses(path, PCL_STORE_READ, "another program");
    path = path_of("plain.db");
    sql(path, "CREATE TABLE t(a)");
    refuses(path, PCL_STORE_WRITE, "another program");

    path = path_of("newer.db");
    pcl_store_close(open_ok(path, PCL_STORE_WRITE));
    sql(path, "PRAGMA user_version=99");
    refuses(path, PCL_STORE_READ, "newer pclsim (schema 99");

    refuses(path_of("missing.db"), PCL_STORE_READ, "no such store");
    refuses(dir, PCL_STORE_WRITE, "is a directory");
    refuses("/no/such/folder/x.db", PCL_STORE_WRITE, "cannot write");
    path = path_of("empty.db");
    write_file(path, "", 0);
    refuses(path, PCL_STORE_READ, "is empty");
    pcl_store_close(open_ok(path, PCL_STORE_WRITE));
}

/* A store as the program of that schema wrote it, kept as SQL. */
static void make_old(const char *path, int schema)
{
    char name[512], *text;
    size_t size;

    (void)snprintf(name, sizeof(name), "%s/tests/analysis/golden/store-%d.sql",
                   PCLSIM_SOURCE_DIR, schema);
    if (pcl_read_file(name, 1 << 20, &text, &size, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    (void)unlink(path);
    sql(path, text);
    free(text);
}

static char *dump_file(const char *path, unsigned flags)
{
    struct pcl_store *s = open_ok(path, flags);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    assert_int_equal(pcl_store_dump(s, out, &err), PCL_OK);
    assert_int_equal(fclose(out), 0);
    pcl_store_close(s);
    return text;
}

static void check_old(int schema)
{
    char path[128], name[32], *before, *after, *as_old, *as_new;
    struct pcl_dataset d;
    size_t n_before, n_after;

    (void)snprintf(path, sizeof(path), "%s", path_of("old.db"));
    make_old(path, schema);
    assert_int_equal(pcl_read_file(path, 1 << 24, &before, &n_before, &err), PCL_OK);
    as_old = dump_file(path, PCL_STORE_READ);
    assert_int_equal(pcl_read_file(path, 1 << 24, &after, &n_after, &err), PCL_OK);
    assert_int_equal(n_before, n_after);
    assert_memory_equal(before, after, n_before);
    (void)snprintf(name, sizeof(name), "store-%d.txt", schema);
    golden(name, as_old);
    pcl_dataset_init(&d);
    assert_int_equal(pcl_store_read(path, &d, &err), PCL_OK);
    assert_int_equal(pcl_dataset_count(&d).runs, 1);
    pcl_dataset_fini(&d);
    as_new = dump_file(path, PCL_STORE_WRITE);
    assert_string_equal(as_old, as_new);
    free(as_new);
    as_new = dump_file(path, PCL_STORE_READ);
    assert_string_equal(as_old, as_new);
    free(before);
    free(after);
    free(as_old);
    free(as_new);
}

static void an_old_store_is_read_as_it_is_and_brought_up_to_date_when_written(void **state)
{
    (void)state;
    for (int schema = 1; schema < PCL_STORE_SCHEMA; schema++)
        check_old(schema);
}

/* What a migrated store looks like is what a new one looks like. */
static void a_migrated_store_has_the_tables_of_a_new_one(void **state)
{
    static const char columns[] =
        "SELECT group_concat(t.name || '.' || c.name || ' ' || c.type, ', ') FROM"
        " (SELECT name FROM sqlite_master WHERE type IN('table','view') ORDER BY name) t,"
        " pragma_table_info(t.name) c";
    char path[128], *want = NULL;

    (void)state;
    for (int schema = PCL_STORE_SCHEMA; schema > 0; schema--) {
        struct pcl_store *s;
        sqlite3_stmt *st;

        (void)snprintf(path, sizeof(path), "%s", path_of("columns.db"));
        if (schema < PCL_STORE_SCHEMA)
            make_old(path, schema);
        s = open_ok(path, PCL_STORE_WRITE);
        assert_int_equal(sqlite3_prepare_v2(s->db, columns, -1, &st, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_step(st), SQLITE_ROW);
        if (!want)
            want = strdup((const char *)sqlite3_column_text(st, 0));
        assert_string_equal(want, (const char *)sqlite3_column_text(st, 0));
        (void)sqlite3_finalize(st);
        pcl_store_close(s);
    }
    free(want);
}

static void an_old_store_can_be_merged(void **state)
{
    char old[128], path[128];
    struct pcl_store_merged m;
    struct pcl_store *s;

    (void)state;
    for (int schema = 1; schema < PCL_STORE_SCHEMA; schema++) {
        char *whole, *merged;

        (void)snprintf(old, sizeof(old), "%s", path_of("old.db"));
        (void)snprintf(path, sizeof(path), "%s", path_of("merged.db"));
        make_old(old, schema);
        s = open_ok(path, PCL_STORE_WRITE);
        assert_int_equal(pcl_store_merge(s, old, &m, &err), PCL_OK);
        assert_int_equal(m.added, 1);
        pcl_store_close(s);
        whole = dump_file(old, PCL_STORE_READ);
        merged = dump_file(path, PCL_STORE_READ);
        assert_string_equal(whole, merged);
        free(whole);
        free(merged);
        s = open_ok(old, PCL_STORE_READ); /* it was not touched */
        assert_int_equal(pcl_store_int(s, "PRAGMA main.user_version"), schema);
        pcl_store_close(s);
    }
}

static void a_store_has_one_writer_and_many_readers(void **state)
{
    char path[128];
    struct pcl_store *w, *r;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s", path_of("one.db"));
    w = open_ok(path, PCL_STORE_WRITE);
    put_simple(w, "v5.8", "8", 0);
    refuses(path, PCL_STORE_WRITE, "one writer");
    r = open_ok(path, PCL_STORE_READ);
    assert_int_equal(pcl_store_runs(r), 1);
    put_simple(w, "v5.8", "8", 1);
    assert_int_equal(pcl_store_runs(r), 2);
    pcl_store_close(w); /* a reader may stay */
    assert_int_equal(pcl_store_runs(r), 2);
    pcl_store_close(r);
    w = open_ok(path, PCL_STORE_WRITE);
    assert_int_equal(pcl_store_runs(w), 2);
    pcl_store_close(w);
    (void)snprintf(path + strlen(path), 8, "-wal");
    assert_int_not_equal(access(path, F_OK), 0); /* one file again */
}

static void the_file_is_marked_as_ours(void **state)
{
    const char *path = path_of("mark.db");
    char *data;
    size_t n;

    (void)state;
    pcl_store_close(open_ok(path, PCL_STORE_WRITE));
    assert_int_equal(pcl_read_file(path, 1 << 24, &data, &n, &err), PCL_OK);
    assert_memory_equal(data + 68, "PCLS", 4);
    assert_int_equal(data[63], PCL_STORE_SCHEMA);
    assert_int_equal((unsigned char)data[16] << 8 | (unsigned char)data[17], 8192);
    free(data);
}

/* Runs until the disk is full; what was stored before must be readable and whole. */
static int64_t check_whole(const char *path, int64_t at_least)
{
    int64_t n;
    struct pcl_dataset d;
    struct pcl_store *s = open_ok(path, PCL_STORE_WRITE); /* recovers a log that a kill left */

    n = pcl_store_runs(s);
    assert_true(n >= at_least);
    assert_int_equal(pcl_store_int(s, "SELECT count(*) FROM run WHERE run_id NOT IN"
                                      "(SELECT run_id FROM run_host)"),
                     0);
    assert_int_equal(pcl_store_int(s, "SELECT count(*) FROM (SELECT run_id FROM scalar"
                                      " GROUP BY run_id HAVING count(*) != 8)"),
                     0);
    assert_int_equal(pcl_store_int(s, "SELECT count(*) FROM pragma_integrity_check"
                                      " WHERE integrity_check != 'ok'"),
                     0);
    pcl_store_close(s);
    pcl_dataset_init(&d);
    assert_int_equal(pcl_store_read(path, &d, &err), PCL_OK);
    assert_int_equal(pcl_dataset_count(&d).runs, n);
    pcl_dataset_fini(&d);
    return n;
}

static void a_full_disk_is_an_error_and_the_store_stays_whole(void **state)
{
    const char *path = path_of("full.db");
    struct pcl_store *s = open_ok(path, PCL_STORE_WRITE);
    struct syn y;
    int64_t before;
    int rc = PCL_OK;

    (void)state;
    put_simple(s, "v5.8", "8", 0);
    assert_int_equal(pcl_store_exec(s, "PRAGMA max_page_count=40", &err), PCL_OK);
    for (uint32_t i = 1; rc == PCL_OK && i < 10000; i++) {
        before = pcl_store_runs(s);
        syn_init(&y, "v5.8", "tasks", "8", i);
        syn_metrics(&y, 1, 2, 3, 4, 5);
        rc = pcl_store_put(s, &y.d, &y.r, &err);
        syn_fini(&y);
    }
    assert_int_equal(rc, PCL_EIO);
    assert_non_null(strstr(err.msg, "no space left"));
    assert_true(before > 1);
    assert_int_equal(pcl_store_runs(s), before);
    pcl_store_close(s);
    (void)check_whole(path, before);
}

static void a_limit_on_file_size_is_met_with_a_message(void **state)
{
    char path[128];
    int status;
    pid_t pid;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s", path_of("limit.db"));
    pid = fork();
    if (pid == 0) {
        struct rlimit lim = {300000, 300000};
        struct pcl_store *s = NULL;
        int rc = pcl_store_open(path, PCL_STORE_WRITE, &s, &err);

        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &lim);
        for (uint32_t i = 0; rc == PCL_OK && i < 10000; i++) {
            struct syn y;

            syn_init(&y, "v5.8", "tasks", "8", i);
            syn_metrics(&y, 1, 2, 3, 4, 5);
            rc = pcl_store_put(s, &y.d, &y.r, &err);
            syn_fini(&y);
        }
        pcl_store_close(s);
        _exit(rc == PCL_EIO && err.msg[0] ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    (void)check_whole(path, 1);
}

static void a_killed_writer_leaves_whole_runs_only(void **state)
{
    char path[128];
    int64_t runs = 0;

    (void)state;
    for (int round = 0; round < 3 || (runs == 0 && round < 30); round++) {
        const long ms = 40 * (round + 1); /* a busy machine may need some rounds for its first run */
        const struct timespec pause = {ms / 1000, ms % 1000 * 1000000 + round * 7654};
        int status;
        pid_t pid;

        (void)snprintf(path, sizeof(path), "%s", path_of("kill.db"));
        pid = fork();
        if (pid == 0) {
            struct pcl_store *s = open_ok(path, PCL_STORE_WRITE);

            for (uint32_t i = 0;; i++)
                put_simple(s, "v5.8", "8", i);
        }
        (void)nanosleep(&pause, NULL);
        (void)kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        struct pcl_dataset d;

        pcl_dataset_init(&d);
        if (pcl_store_read(path, &d, &err) != PCL_OK) /* killed before anything was stored */
            assert_true(strstr(err.msg, "is empty") || strstr(err.msg, "no such store"));
        pcl_dataset_fini(&d);
        runs += check_whole(path, 0);
    }
    assert_true(runs > 0);
}

static void the_result_hash_follows_the_fingerprints(void **state)
{
    struct pcl_dataset a, b;
    char ha[65], hb[65];
    struct syn y;

    (void)state;
    pcl_dataset_init(&a);
    pcl_dataset_init(&b);
    for (uint32_t i = 0; i < 4; i++) {
        syn_init(&y, "v5.8", NULL, NULL, i);
        pcl_dataset_add(&a, &y.d, &y.r);
        syn_fini(&y);
        syn_init(&y, "v5.8", NULL, NULL, 3 - i);
        pcl_dataset_add(&b, &y.d, &y.r);
        syn_fini(&y);
    }
    pcl_dataset_hash(&a, ha);
    pcl_dataset_hash(&b, hb);
    assert_string_equal(ha, hb);
    b.config[0]->run[2].fingerprint++;
    pcl_dataset_hash(&b, hb);
    assert_string_not_equal(ha, hb);
    pcl_dataset_fini(&a);
    pcl_dataset_fini(&b);
}

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    char cmd[128];

    (void)state;
    (void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
    return system(cmd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_comes_back_as_it_went_in),
        cmocka_unit_test(a_dataset_groups_runs_by_configuration),
        cmocka_unit_test(the_same_run_twice_is_kept_once),
        cmocka_unit_test(a_failed_run_is_replaced_by_a_good_one),
        cmocka_unit_test(a_dump_does_not_depend_on_the_order_of_insertion),
        cmocka_unit_test(foreign_files_are_refused_and_left_alone),
        cmocka_unit_test(an_old_store_is_read_as_it_is_and_brought_up_to_date_when_written),
        cmocka_unit_test(a_migrated_store_has_the_tables_of_a_new_one),
        cmocka_unit_test(an_old_store_can_be_merged),
        cmocka_unit_test(a_store_has_one_writer_and_many_readers),
        cmocka_unit_test(the_file_is_marked_as_ours),
        cmocka_unit_test(a_full_disk_is_an_error_and_the_store_stays_whole),
        cmocka_unit_test(a_limit_on_file_size_is_met_with_a_message),
        cmocka_unit_test(a_killed_writer_leaves_whole_runs_only),
        cmocka_unit_test(the_result_hash_follows_the_fingerprints),
    };

    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

/*
 * The recordings that are shipped, accounted for to the last line.
 */
#include "render.h"

#define FOLDER PCLSIM_SOURCE_DIR "/workloads/traces/"

static struct pcl_trace *read_sample(const char *name)
{
    struct pcl_trace *t = NULL;
    struct pcl_err err;
    char path[4096];

    (void)snprintf(path, sizeof(path), FOLDER "%s", name);
    if (pcl_trace_read(path, &t, &err) != PCL_OK)
        fail_msg("%s: %s", path, err.msg);
    return t;
}

static void check(const char *name, const char *skips, const size_t ops[PCL_N_OPS])
{
    struct pcl_trace *t = read_sample(name);
    char *got = render(t, RENDER_SKIPS);
    size_t n[PCL_N_OPS] = {0};
    uint64_t lines = t->lines_used;

    for (size_t i = 0; i < t->n_skips; i++)
        lines += t->skips[i].lines;
    assert_true(lines == t->lines_read);
    assert_string_equal(got, skips);
    for (size_t i = 0; i < t->n_ops; i++)
        n[t->ops[i].op]++;
    for (unsigned op = 0; op < PCL_N_OPS; op++) {
        if (n[op] != ops[op])
            fail_msg("%s: %zu %s", name, n[op], pcl_op_name((enum pcl_op)op));
    }
    assert_true(t->guessed_offsets == 0 && t->time_backwards == 0);
    assert_true(t->tracer_ns_per_call > 5000.0 && t->tracer_ns_per_call < 15000.0);
    free(got);
    pcl_trace_free(t);
}

static void sqlite(void **state)
{
    static const size_t ops[PCL_N_OPS] = {
        [PCL_OP_SYSCALL] = 107, [PCL_OP_READ] = 19,    [PCL_OP_MMAP] = 25,
        [PCL_OP_MUNMAP] = 1,    [PCL_OP_MPROTECT] = 6, [PCL_OP_WRITE] = 462,
        [PCL_OP_FSYNC] = 12,    [PCL_OP_TRUNCATE] = 1};
    struct pcl_trace *t = read_sample("sqlite-insert.strace");
    const struct pcl_trace_inode *db = inode_of(t, "/data/xfs/db", 0);

    (void)state;
    check("sqlite-insert.strace",
          "35 call without a file\n15 not a regular file: directory\n14 failed call: ENOENT\n"
          "5 not a regular file: device\n4 not a regular file: socket\n1 exit\n",
          ops);
    assert_true(t->lines_read == 707 && t->lines_used == 633 && t->n_ops == 633);
    assert_true(t->n_threads == 1 && t->threads[0].tid == 26819 && t->threads[0].pid == 26819);
    assert_true(t->n_inodes == 13 && db->created && db->extent == 237568 && db->n_ops == 228);
    for (size_t i = 0; i < 4; i++) /* each transaction has a journal of its own */
        assert_true(inode_of(t, "/data/xfs/db-journal", i)->created);
    assert_true(inode_of(t, "/usr/lib/x86_64-linux-gnu/libc.so.6", 0)->size == 1926232);
    assert_true(t->span_ns == 58295000); /* the exit line of the process */
    assert_string_equal(t->sha256,
                        "f38712cbb71b5e0b5918bdec2abfa01cbc94e51416d20e5932f6d690584c2506");
    pcl_trace_free(t);
}

static void cp(void **state)
{
    static const size_t ops[PCL_N_OPS] = {
        [PCL_OP_SYSCALL] = 26, [PCL_OP_READ] = 40,  [PCL_OP_WRITE] = 32,
        [PCL_OP_MMAP] = 21,    [PCL_OP_MUNMAP] = 1, [PCL_OP_MPROTECT] = 5};
    struct pcl_trace *t = read_sample("cp.strace");

    (void)state;
    check("cp.strace",
          "21 call without a file\n5 failed call: ENOENT\n5 not a regular file: proc or sys\n"
          "4 not a regular file: device\n1 exit\n",
          ops);
    assert_true(t->lines_read == 161 && t->lines_used == 125);
    assert_true(inode_of(t, "/data/xfs/src", 0)->size == 4194304);
    assert_true(!inode_of(t, "/data/xfs/src", 0)->created);
    assert_true(inode_of(t, "/data/xfs/dst", 0)->created);
    assert_true(inode_of(t, "/data/xfs/dst", 0)->extent == 4194304);
    pcl_trace_free(t);
}

static void fio(void **state)
{
    static const size_t ops[PCL_N_OPS] = {
        [PCL_OP_SYSCALL] = 208, [PCL_OP_READ] = 451,    [PCL_OP_MMAP] = 249,
        [PCL_OP_MUNMAP] = 1,    [PCL_OP_MPROTECT] = 62, [PCL_OP_WRITE] = 929,
        [PCL_OP_FSYNC] = 1,     [PCL_OP_TRUNCATE] = 1,  [PCL_OP_ALLOCATE] = 1};
    struct pcl_trace *t = read_sample("fio-falloc.strace.gz");
    const struct pcl_trace_inode *f = inode_of(t, "/data/xfs/fiof", 0);

    (void)state;
    check(
        "fio-falloc.strace.gz",
        "287 call without a file\n63 not a regular file: proc or sys\n46 failed call: ENOENT\n"
        "41 not a regular file: directory\n8 not a regular file: pipe\n6 exit\n"
        "5 not modelled yet: fadvise DONTNEED\n4 not a regular file: anonymous inode\n"
        "4 not a regular file: device\n4 resumed without begin\n2 failed call: EEXIST\n",
        ops);
    assert_true(t->lines_read == 3028 && t->lines_used == 2558 && t->n_ops == 1903);
    assert_true(t->unmatched_resumed == 4 && t->unmatched_unfinished == 0);
    assert_true(t->evidence ==
                (PCL_HAS_THREADS | PCL_HAS_DURATIONS | PCL_HAS_INODES | PCL_LOSSY));
    assert_true(t->n_threads == 3 && t->idle_threads == 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(t->threads[i].pid == 26836);
    assert_true(f->created && f->extent == 2097152 && f->n_threads == 3 && f->n_ops == 1326);
    pcl_trace_free(t);
}

/* What the reader takes from the lines agrees with a count of the lines themselves. */
static void operations_agree_with_a_plain_count(void **state)
{
    char *data;
    size_t size;
    unsigned pwrites = 0;
    uint64_t written = 0, counted = 0;
    struct pcl_trace *t = read_sample("sqlite-insert.strace");

    (void)state;
    assert_true(pcl_read_file(FOLDER "sqlite-insert.strace", 1 << 20, &data, &size, NULL) ==
                PCL_OK);
    for (const char *p = data; (p = strstr(p, " pwrite64(")) != NULL; p++) {
        const char *end = strchr(p, '\n'), *eq = p;
        for (const char *q = p; q < end && (q = strstr(q, ") = ")) != NULL && q < end; q++)
            eq = q;
        pwrites++;
        written += strtoull(eq + 4, NULL, 10);
    }
    for (size_t i = 0; i < t->n_ops; i++) {
        if (t->ops[i].op == PCL_OP_WRITE) {
            pwrites--;
            counted += (uint64_t)t->ops[i].len;
        }
    }
    assert_true(pwrites == 0 && written == counted && counted > 1000000);
    free(data);
    pcl_trace_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sqlite),
        cmocka_unit_test(cp),
        cmocka_unit_test(fio),
        cmocka_unit_test(operations_agree_with_a_plain_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

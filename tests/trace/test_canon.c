/*
 * The canonical forms: nothing is lost on the way through them, whatever is cut off is an error or
 * a counted skip, and what slice, scale and merge promise.
 */
#include "render.h"

#include <pclsim/trace_canon.h>

#include <unistd.h>

#define FOLDER PCLSIM_SOURCE_DIR "/workloads/traces/"

static char folder[] = "/tmp/pclsim-canon-XXXXXX";

static const char *in_folder(unsigned slot, const char *name)
{
    static char path[4][4096];

    (void)snprintf(path[slot], sizeof(path[slot]), "%s/%s", folder, name);
    return path[slot];
}

static void write_text(const char *name, const char *text, size_t n)
{
    FILE *f = fopen(in_folder(0, name), "wb");

    assert_non_null(f);
    assert_true(fwrite(text, 1, n, f) == n && fclose(f) == 0);
}

/* What a stream becomes, as bytes. */
static char *converted(const char *path, bool binary, size_t *n)
{
    const struct pcl_slice all = {.until = PCL_NS_MAX};
    struct pcl_trace_stream *s = NULL;
    struct pcl_err err;
    char *out = NULL;
    FILE *f = open_memstream(&out, n);
    struct pcl_trace_sink *k = pcl_trace_sink_new(f, binary);

    if (pcl_trace_stream_open(path, &s, &err) != PCL_OK ||
        pcl_trace_slice(s, &all, k, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(pcl_trace_sink_end(k, true), PCL_OK);
    pcl_trace_stream_close(s);
    (void)fclose(f);
    return out;
}

static void assert_same(const struct pcl_trace *a, const struct pcl_trace *b)
{
    assert_true(a->n_ops == b->n_ops && a->n_threads == b->n_threads &&
                a->n_inodes == b->n_inodes && a->span_ns == b->span_ns &&
                a->evidence == b->evidence && a->guessed_offsets == b->guessed_offsets);
    for (size_t i = 0; i < a->n_ops; i++) {
        struct pcl_trace_op x = a->ops[i], y = b->ops[i];
        x.line = y.line = 0;
        assert_true(x.t_ns == y.t_ns && x.dur_ns == y.dur_ns && x.thread == y.thread &&
                    x.inode == y.inode && x.op == y.op && x.flags == y.flags && x.off == y.off &&
                    x.len == y.len);
    }
    for (size_t i = 0; i < a->n_inodes; i++) {
        assert_string_equal(a->inodes[i].path, b->inodes[i].path);
        assert_true(a->inodes[i].size == b->inodes[i].size &&
                    a->inodes[i].created == b->inodes[i].created &&
                    a->inodes[i].extent == b->inodes[i].extent);
    }
    for (size_t i = 0; i < a->n_threads; i++)
        assert_true(a->threads[i].tid == b->threads[i].tid &&
                    a->threads[i].pid == b->threads[i].pid);
}

static void there_and_back_nothing_is_lost(void **state)
{
    static const char *const names[] = {"fio-falloc.strace.gz", "sqlite-insert.strace",
                                        "fault-punch.trace-cmd.txt.gz", "ops.fsx"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct pcl_trace *a = NULL, *b = NULL, *c = NULL;
        char *text, *binary, *again, path[4096];
        size_t n_text, n_binary, n_again;

        (void)snprintf(path, sizeof(path), FOLDER "%s", names[i]);
        assert_int_equal(pcl_trace_read(path, &a, NULL), PCL_OK);
        text = converted(path, false, &n_text);
        write_text("a.txt", text, n_text);
        binary = converted(in_folder(1, "a.txt"), true, &n_binary);
        write_text("a.bin", binary, n_binary);
        again = converted(in_folder(1, "a.bin"), false, &n_again);
        assert_true(n_again == n_text && memcmp(again, text, n_text) == 0);
        b = parse_ok(text, n_text);
        c = parse_ok(binary, n_binary);
        assert_same(a, b);
        assert_same(a, c);
        pcl_trace_free(a);
        pcl_trace_free(b);
        pcl_trace_free(c);
        free(text);
        free(binary);
        free(again);
    }
}

#define HEAD "pclsim trace 1 text\nmeta 1 100\n"
static const char small[] =
    HEAD "file 0 -1 0 /a\\040b\nfile 1 4096 1 /c\nthread 0 7 7\nthread 1 8 7\n"
         "op 0 5 0 0 read 0 4096 -\nop 10 5 1 1 write 4096 100 ag\nop 20 -1 0 - syscall 0 0 f\n"
         "op 30 5 0 1 fsync 0 0 d\nop 40 5 1 0 truncate 9223372036854775807 0 -\nend 5\n";

enum what { SLICE, SCALE, MERGE };

static void check_ops(enum what what, const void *how, const char *want)
{
    struct pcl_trace_stream *s[2] = {NULL, NULL};
    struct pcl_err err;
    char *out = NULL;
    size_t n;
    FILE *f = open_memstream(&out, &n);
    struct pcl_trace_sink *k = pcl_trace_sink_new(f, false);
    struct pcl_trace *t;
    int rc = PCL_OK;

    write_text("small", small, sizeof(small) - 1);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(pcl_trace_stream_open(in_folder(0, "small"), &s[i], &err), PCL_OK);
    if (what == SLICE)
        rc = pcl_trace_slice(s[0], how, k, &err);
    else if (what == SCALE)
        rc = pcl_trace_scale(s[0], how, k, &err);
    else
        rc = pcl_trace_merge(s, 2, how != NULL, k, &err);
    if (rc != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(pcl_trace_sink_end(k, true), PCL_OK);
    (void)fclose(f);
    for (unsigned i = 0; i < 2; i++)
        pcl_trace_stream_close(s[i]);
    t = parse_ok(out, n);
    free(out);
    out = render(t, RENDER_OPS | RENDER_TIDS | RENDER_TIMES);
    assert_string_equal(out, want);
    free(out);
    pcl_trace_free(t);
}

static void slices(void **state)
{
    static const int64_t tid = 8;
    static const char *const file = "a b";
    const struct pcl_slice time = {.from = 10, .until = 30},
                           thread = {.until = PCL_NS_MAX, .tids = &tid, .n_tids = 1},
                           name = {.until = PCL_NS_MAX, .files = &file, .n_files = 1};

    (void)state;
    check_ops(SLICE, &time, "10+5 8/7 write /c 4096+100 append guessed\n20+-1 7/7 syscall - failed\n");
    check_ops(SLICE, &thread, "10+5 8/7 write /c 4096+100 append guessed\n"
                              "40+5 8/7 truncate /a b 9223372036854775807+0\n");
    check_ops(SLICE, &name, "0+5 7/7 read /a b 0+4096\n"
                            "40+5 8/7 truncate /a b 9223372036854775807+0\n");
}

/* Samples of all remainders together are the whole. */
static void a_sample_takes_whole_files(void **state)
{
    (void)state;
    for (uint32_t n = 2; n < 5; n++) {
        const struct pcl_slice how = {.until = PCL_NS_MAX, .sample = n};
        struct pcl_trace_stream *s = NULL;
        struct pcl_trace *all = NULL, *part = NULL;
        char *out = NULL;
        size_t len;
        FILE *f = open_memstream(&out, &len);
        struct pcl_trace_sink *k = pcl_trace_sink_new(f, true);
        assert_int_equal(pcl_trace_stream_open(FOLDER "fio-falloc.strace.gz", &s, NULL), PCL_OK);
        assert_int_equal(pcl_trace_slice(s, &how, k, NULL), PCL_OK);
        assert_int_equal(pcl_trace_sink_end(k, true), PCL_OK);
        (void)fclose(f);
        part = parse_ok(out, len);
        assert_int_equal(pcl_trace_read(FOLDER "fio-falloc.strace.gz", &all, NULL), PCL_OK);
        assert_true(part->n_inodes > 0 && part->n_inodes < all->n_inodes);
        for (size_t i = 0; i < part->n_inodes; i++)
            assert_true(part->inodes[i].n_ops ==
                        inode_of(all, part->inodes[i].path, 0)->n_ops);
        pcl_trace_stream_close(s);
        pcl_trace_free(all);
        pcl_trace_free(part);
        free(out);
    }
}

static void scaled(void **state)
{
    const struct pcl_scale twice = {.clones = 2, .shift = 8192, .speed = 2.0},
                           own = {.clones = 2, .own_files = true, .speed = 1.0};

    (void)state;
    check_ops(SCALE, &twice,
              "0+2 7/7 read /a b 0+4096\n0+2 7/7 read /a b 8192+4096\n"
              "5+2 8/7 write /c 4096+100 append guessed\n5+2 8/7 write /c 12288+100 append guessed\n"
              "10+-1 7/7 syscall - failed\n10+-1 7/7 syscall - failed\n15+2 7/7 fsync /c 0+0 datasync\n"
              "15+2 7/7 fsync /c 0+0 datasync\n20+2 8/7 truncate /a b 9223372036854775807+0\n");
    check_ops(SCALE, &own,
              "0+5 7/7 read /a b 0+4096\n0+5 7/7 read /a b (copy 1) 0+4096\n"
              "10+5 8/7 write /c 4096+100 append guessed\n"
              "10+5 8/7 write /c (copy 1) 4096+100 append guessed\n"
              "20+-1 7/7 syscall - failed\n20+-1 7/7 syscall - failed\n30+5 7/7 fsync /c 0+0 datasync\n"
              "30+5 7/7 fsync /c (copy 1) 0+0 datasync\n40+5 8/7 truncate /a b 9223372036854775807+0\n"
              "40+5 8/7 truncate /a b (copy 1) 9223372036854775807+0\n");
}

static void merged_threads_stay_apart(void **state)
{
    struct pcl_trace_stream *s[2] = {NULL, NULL};
    struct pcl_trace *t;
    char *out = NULL;
    size_t n;

    (void)state;
    for (unsigned separate = 0; separate < 2; separate++) {
        FILE *f = open_memstream(&out, &n);
        struct pcl_trace_sink *k = pcl_trace_sink_new(f, separate);
        assert_int_equal(pcl_trace_stream_open(FOLDER "randrw.v2.iolog", &s[0], NULL), PCL_OK);
        assert_int_equal(pcl_trace_stream_open(FOLDER "randrw.v3.iolog", &s[1], NULL), PCL_OK);
        assert_int_equal(pcl_trace_merge(s, 2, separate, k, NULL), PCL_OK);
        assert_int_equal(pcl_trace_sink_end(k, true), PCL_OK);
        (void)fclose(f);
        t = parse_ok(out, n);
        assert_true(t->n_ops == 2 * 506 && t->n_threads == 2);
        assert_true(t->n_inodes == (separate ? 2 : 1));
        assert_true(t->evidence & PCL_HAS_THREADS);
        pcl_trace_free(t);
        pcl_trace_stream_close(s[0]);
        pcl_trace_stream_close(s[1]);
        free(out);
    }
}

static void every_cut_and_every_broken_byte(void **state)
{
    static const char bytes[] = {0, '\n', ' ', '-', '9', '\\', '\xff', 'o'};
    char *binary, copy[2048];
    size_t n;

    (void)state;
    write_text("small", small, sizeof(small) - 1);
    binary = converted(in_folder(1, "small"), true, &n);
    for (unsigned form = 0; form < 2; form++) {
        const char *data = form ? binary : small;
        size_t size = form ? n : sizeof(small) - 1;
        assert_true(size < sizeof(copy));
        for (size_t cut = 20; cut < size; cut++) {
            struct pcl_trace *t = parse_ok(data, cut);
            if (cut + 8 < size)
                assert_true(t->evidence & PCL_LOSSY); /* the end is missing, and that is said */
            pcl_trace_free(t);
        }
        for (size_t i = 20; i < size; i++) {
            for (size_t k = 0; k < sizeof(bytes); k++) {
                memcpy(copy, data, size);
                copy[i] = bytes[k];
                pcl_trace_free(parse_ok(copy, size));
            }
        }
    }
    free(binary);
}

static void a_stream_says_which_record_is_wrong(void **state)
{
    static const char *const bad[] = {
        HEAD "op 0 0 0 0 read 0 0 -\nend 1\n", /* nothing declared */
        HEAD "thread 0 1 1\nfile 0 0 0 /a\nop 0 0 0 0 frob 0 0 -\nend 1\n",
        HEAD "thread 0 1 1\nfile 0 0 0 /a\nop 0 0 0 0 read 9223372036854775807 1 -\nend 1\n",
        HEAD "thread 0 1 1\nfile 0 0 0 /a\nop 0 0 0 0 read -1 1 -\nend 1\n",
        HEAD "thread 0 1 1\nfile 0 0 0 /a\nop 0 0 0 0 read 0 18446744073709551616 -\nend 1\n",
        HEAD "thread 1 1 1\nend 0\n", HEAD "file 0 -2 0 /a\nend 0\n", HEAD "hello\n", HEAD};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct pcl_trace_stream *s = NULL;
        struct pcl_trace_record r;
        struct pcl_err err = {0};
        bool more = true;
        int rc = PCL_OK;
        write_text("bad", bad[i], strlen(bad[i]));
        assert_int_equal(pcl_trace_stream_open(in_folder(1, "bad"), &s, &err), PCL_OK);
        while (rc == PCL_OK && more)
            rc = pcl_trace_stream_next(s, &r, &more, &err);
        if (rc == PCL_OK || !strstr(err.msg, "record"))
            fail_msg("accepted: %s", bad[i]);
        pcl_trace_stream_close(s);
    }
}

static int make_folder(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"a.txt", "a.bin", "small", "bad"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        (void)unlink(in_folder(0, names[i]));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back_nothing_is_lost),
        cmocka_unit_test(slices),
        cmocka_unit_test(a_sample_takes_whole_files),
        cmocka_unit_test(scaled),
        cmocka_unit_test(merged_threads_stay_apart),
        cmocka_unit_test(every_cut_and_every_broken_byte),
        cmocka_unit_test(a_stream_says_which_record_is_wrong),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}

/*
 * Where the bytes come from and where operations wait: files and pipes of any length through a
 * window of bounded size, packed or not, sorted on disk when they are many.
 */
#include "../../sim/trace/source.h"
#include "../../sim/trace/spool.h"
#include "dat.h"
#include "render.h"

#include <pclsim/trace_canon.h>

#include <unistd.h>
#include <zlib.h>

/* --- the window -------------------------------------------------------------------------- */

static char *temp_with(const char *data, size_t n)
{
    char *path = strdup("/tmp/pclsim-test-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0 && write(fd, data, n) == (ssize_t)n);
    (void)close(fd);
    return path;
}

static void lines_are_whole_wherever_the_window_ends(void **state)
{
    char *text = NULL, *path;
    size_t n, lines = 0, bytes = 0;
    FILE *f = open_memstream(&text, &n);
    struct source s;
    struct pcl_err err;
    struct text line;

    (void)state;
    for (int i = 0; i < 40000; i++)
        (void)fprintf(f, "%d %.*s\n", i, i % 97, "abcdefghijklmnopqrstuvwxyz");
    (void)fputs("the last, without newline", f);
    (void)fclose(f);
    path = temp_with(text, n);
    assert_int_equal(source_open(&s, path, &err), PCL_OK);
    while (source_line(&s, &line)) {
        if (lines < 40000)
            assert_int_equal(atoi(line.p), (int)lines);
        lines++;
        bytes += line.n + 1;
    }
    assert_int_equal(lines, 40001);
    assert_int_equal(bytes, n + 1);
    source_close(&s);
    (void)unlink(path);
    free(path);
    free(text);
}

static void a_line_without_end_is_cut_and_the_next_is_whole(void **state)
{
    size_t n = 3 * SOURCE_MAX_LINE + 7;
    char *text = calloc(n + 64, 1), *path;
    struct source s;
    struct pcl_err err;
    struct text line;

    (void)state;
    memset(text, 'x', n);
    memcpy(text + n, "\nafter\n", 7);
    memcpy(text, "before\n", 7);
    path = temp_with(text, n + 7);
    assert_int_equal(source_open(&s, path, &err), PCL_OK);
    assert_true(source_line(&s, &line) && text_is(line, "before"));
    assert_true(source_line(&s, &line) && line.n == SOURCE_MAX_LINE + 1 && line.p[5] == 'x');
    assert_true(source_line(&s, &line) && text_is(line, "after"));
    assert_false(source_line(&s, &line));
    assert_true(s.cap <= 4 * SOURCE_MAX_LINE);
    source_close(&s);
    (void)unlink(path);
    free(path);
    free(text);
}

/* --- sorting on disk --------------------------------------------------------------------- */

static void what_is_put_in_any_order_comes_out_by_time(void **state)
{
    static const size_t chunks[] = {16, 100, 1000, 100000};

    (void)state;
    for (size_t c = 0; c < sizeof(chunks) / sizeof(chunks[0]); c++) {
        struct spool s;
        struct pcl_trace_op op = {.line = 0}, last = {.t_ns = -1};
        uint64_t seen = 0, sum = 0;
        spool_init(&s, chunks[c]);
        for (uint32_t i = 0; i < 5000; i++) {
            op.t_ns = (pcl_ns)(i * UINT64_C(2654435761) % 997); /* many equal times */
            op.line = 5000 - i;
            op.off = i;
            spool_put(&s, &op);
        }
        assert_int_equal(s.n_runs, (5000 - 1) / chunks[c]);
        spool_turn(&s);
        while (spool_next(&s, &op)) {
            assert_true(op.t_ns > last.t_ns || (op.t_ns == last.t_ns && op.line > last.line));
            last = op;
            sum += (uint64_t)op.off;
            seen++;
        }
        assert_int_equal(seen, 5000);
        assert_int_equal(sum, 4999 * 5000 / 2);
        spool_fini(&s);
    }
}

/* More operations than one chunk holds, a late one that belongs in front of all of them. */
static void a_long_recording_is_as_a_short_one(void **state)
{
    enum { OPS = SPOOL_CHUNK + 200000 };
    char *text = NULL, *path;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    struct pcl_trace *t;
    struct pcl_err err;

    (void)state;
    (void)fputs("9 1700000000.000000 fsync(3</f> <unfinished ...>\n", f);
    for (int i = 0; i < OPS; i++)
        (void)fprintf(f, "7 17000000%02d.%06d pread64(4</g>, \"\"..., 9, %d) = 9\n",
                      i / 1000000, i % 1000000, i);
    (void)fputs("9 1700000099.000000 <... fsync resumed>) = 0\n", f);
    (void)fclose(f);
    path = temp_with(text, n);
    if (pcl_trace_read(path, &t, &err) != PCL_OK)
        fail_msg("%s", err.msg);
    assert_int_equal(t->n_ops, OPS + 1);
    assert_int_equal(t->lines_used, OPS + 2);
    assert_true(t->store.in_file);
    assert_int_equal(t->ops[0].op, PCL_OP_FSYNC);
    assert_string_equal(t->inodes[0].path, "/f");
    for (int i = 0; i < OPS; i++) {
        if (i % PCL_BIG_STRIDE == 0)
            pcl_big_relax(&t->store);
        assert_int_equal(t->ops[i + 1].off, i);
    }
    assert_int_equal(t->inodes[1].extent, OPS + 8);
    pcl_trace_free(t);
    (void)unlink(path);
    free(path);
    free(text);
}

/* --- what is made up, and what is put together --- */

static struct pcl_trace *synthesised(const char *text)
{
    char *path = temp_with(text, strlen(text));
    struct pcl_trace_input *in;
    struct pcl_trace *t = NULL;
    struct pcl_err err;

    assert_int_equal(pcl_trace_input_open(path, &in, &err), PCL_OK);
    pcl_trace_input_synthesise(in);
    assert_int_equal(pcl_trace_input_trace(in, &t, &err), PCL_OK);
    pcl_trace_input_close(in);
    (void)unlink(path);
    free(path);
    return t;
}

static void faults_are_made_up_on_request_only(void **state)
{
    static const char text[] =
        "1 mmap(NULL, 131073, PROT_READ, MAP_PRIVATE, 3</f>, 0) = 0x7f0000000000\n"
        "1 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_SHARED, 3</f>, 0x1000) = 0x7f0000100000\n"
        "1 mmap(NULL, 8192, PROT_NONE, MAP_SHARED, 3</f>, 0) = 0x7f0000200000\n";
    struct pcl_trace *t = parse_ok(text, strlen(text));
    char *got;

    (void)state;
    assert_true(t->n_ops == 3 && t->synthesised == 0);
    pcl_trace_free(t);
    t = synthesised(text);
    got = render(t, RENDER_OPS);
    assert_string_equal(got, "mmap /f 0+135168\nfault /f 0+4096\nmmap /f 4096+8192\n"
                             "fault /f 65536+4096\nwfault /f 4096+4096\nmmap /f 0+8192\n"
                             "fault /f 131072+4096\nwfault /f 8192+4096\n");
    assert_true(t->synthesised == 5 && t->lines_used == 3);
    free(got);
    pcl_trace_free(t);
}

/* strace -ff: a file for each thread, which bears its number, on one clock. */
static void merged_recordings_of_one_clock_keep_their_distance(void **state)
{
    static const char *const text[] = {"1700000000.000000 pread64(3</f>, \"\", 9, 0) = "
                                       "9\n1700000000.000900 close(3</f>) = 0\n",
                                       "1700000000.000500 pread64(4</f>, \"\", 9, 9) = 9\n"};
    struct pcl_trace_stream *in[2];
    struct pcl_trace_sink *sink;
    struct pcl_trace *t;
    struct pcl_err err;
    char *out = NULL, *got, name[64];
    size_t n;
    FILE *f = open_memstream(&out, &n);

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *path = temp_with(text[i], strlen(text[i]));
        (void)snprintf(name, sizeof(name), "%s.%d", path, 41 + i);
        assert_int_equal(rename(path, name), 0);
        assert_int_equal(pcl_trace_stream_open(name, &in[i], &err), PCL_OK);
        (void)unlink(name);
        free(path);
    }
    sink = pcl_trace_sink_new(f, false);
    assert_int_equal(pcl_trace_merge(in, 2, false, sink, &err), PCL_OK);
    assert_int_equal(pcl_trace_sink_end(sink, true), PCL_OK);
    (void)fclose(f);
    t = parse_ok(out, n);
    got = render(t, RENDER_OPS | RENDER_TIMES | RENDER_TIDS);
    assert_string_equal(got, "0+-1 41/-1 read /f 0+9\n500000+-1 42/-1 read /f 9+9\n"
                             "900000+-1 41/-1 syscall /f\n");
    assert_true(t->start_ns == 1700000000000000000);
    free(got);
    pcl_trace_free(t);
    for (int i = 0; i < 2; i++)
        pcl_trace_stream_close(in[i]);
    free(out);
}

/* --- trace.dat --------------------------------------------------------------------------- */

static void check_dat(const char *data, size_t n)
{
    static const struct pcl_err none;
    struct pcl_trace *t = NULL;
    struct pcl_err err = none;
    int rc = pcl_trace_parse("x.dat", data, n, &t, &err);
    char *got;

    if (rc != PCL_OK && strstr(err.msg, "which this build cannot read"))
        skip();
    if (rc != PCL_OK)
        fail_msg("%s", err.msg);
    assert_string_equal(t->format, "trace.dat (ftrace)");
    got = render(t, RENDER_OPS | RENDER_TIMES | RENDER_SKIPS | RENDER_TIDS);
    assert_string_equal(got, "0+3000 41/-1 read dev 7:1 ino 132 0+4096\n"
                             "10000+3000 41/-1 read dev 7:1 ino 132 4096+4096\n"
                             "20000+3000 41/-1 read dev 7:1 ino 132 8192+4096\n");
    assert_int_equal(t->lines_read, 9);
    free(got);
    pcl_trace_free(t);
}

static void trace_dat_is_read_as_its_report(void **state)
{
    size_t n;
    char *data = make_dat(3, &n);

    (void)state;
    check_dat(data, n);
    free(data);
}

static void trace_dat_may_be_packed(void **state)
{
    size_t n, bound;
    char *data = make_dat(3, &n), *packed;
    z_stream z = {.next_in = (unsigned char *)data, .avail_in = (unsigned)n};

    (void)state;
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    bound = deflateBound(&z, n);
    packed = malloc(bound);
    z.next_out = (unsigned char *)packed;
    z.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    check_dat(packed, z.total_out);
    (void)deflateEnd(&z);
    free(packed);
    free(data);
}

static void a_damaged_trace_dat_is_an_error_or_a_shorter_trace(void **state)
{
    size_t n;
    char *data = make_dat(3, &n);

    (void)state;
    for (size_t cut = 11; cut < n; cut += 397) {
        struct pcl_trace *t = NULL;
        struct pcl_err err;
        if (pcl_trace_parse("cut", data, cut, &t, &err) == PCL_OK) {
            assert_true(t->lines_read <= 9);
            pcl_trace_free(t);
        }
    }
    for (size_t i = 11; i < 700; i += 61) {
        struct pcl_trace *t = NULL;
        struct pcl_err err;
        char was = data[i];
        data[i] ^= 0x55;
        if (pcl_trace_parse("bad", data, n, &t, &err) == PCL_OK)
            pcl_trace_free(t);
        data[i] = was;
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_whole_wherever_the_window_ends),
        cmocka_unit_test(a_line_without_end_is_cut_and_the_next_is_whole),
        cmocka_unit_test(what_is_put_in_any_order_comes_out_by_time),
        cmocka_unit_test(a_long_recording_is_as_a_short_one),
        cmocka_unit_test(faults_are_made_up_on_request_only),
        cmocka_unit_test(merged_recordings_of_one_clock_keep_their_distance),
        cmocka_unit_test(trace_dat_is_read_as_its_report),
        cmocka_unit_test(trace_dat_may_be_packed),
        cmocka_unit_test(a_damaged_trace_dat_is_an_error_or_a_shorter_trace),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

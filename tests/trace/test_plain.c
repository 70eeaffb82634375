/*
 * Formats whose lines stand for themselves: fio's logs, fsx' lists, tables, blkparse; and what is
 * packed with zstd.
 */
#include "render.h"

#define FOLDER PCLSIM_SOURCE_DIR "/workloads/traces/"

static void fio_logs(void **state)
{
    static const struct rule rules[] = {
        {"version 3 counts microseconds; a sync's numbers mean nothing",
         "fio version 3 iolog\n21 /t add\n132 /t open\n137 /t write 0 4096\n2137 /t sync 4096 0\n"
         "2140 /t datasync 4096 0\n3000 /t trim 0 4096\n4000 /t read 8192 5000000000\n5000 /t close\n",
         "0+-1 syscall /t\n5000+-1 write /t 0+4096\n2005000+-1 fsync /t 0+0\n"
         "2008000+-1 fsync /t 0+0 datasync\n2868000+-1 punch /t 0+4096\n"
         "3868000+-1 read /t 8192+5000000000\n4868000+-1 syscall /t\n1 header\n1 names a file\n"},
        {"version 2 waits until so many milliseconds after the start",
         "fio version 2 iolog\n/t write 0 1\n/t wait 3000 0\n/t wait 2 0\n/t read 0 1\n",
         "0+-1 write /t 0+1\n3000000000+-1 read /t 0+1\n2 wait\n1 header\n"},
        {"a second header is another job, with a clock of its own",
         "fio version 3 iolog\n5 /t write 0 1\n9 /t write 1 1\nfio version 3 iolog\n6 /t write 2 1\n",
         "0+-1 write /t 0+1\n1000+-1 write /t 2+1\n4000+-1 write /t 1+1\n2 header\n"},
        {"names that fio writes and does not read, and lines that are none",
         "fio version 3 iolog\n5 /t sync_file_range 0 1\n6 /t frob 0 1\n7 /t read -1 1\n8 /t read x 1\n"
         "9 /t read 9223372036854775807 1\n-9 /t read 0 1\n9 /t read 0 18446744073709551615\n10 /t\n"
         "11 /t write 0 1\n",
         "0+-1 write /t 0+1\n3 fields not understood\n3 offset or length out of range\n1 header\n"
         "1 not modelled yet: sync_file_range, syncfs\n1 unknown action\n"},
    };
    struct pcl_trace *t;

    (void)state;
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        struct pcl_trace *k = parse_ok(rules[i].text, strlen(rules[i].text));
        pcl_ns first = k->n_ops ? k->ops[0].t_ns : 0;
        char *got;
        for (size_t n = 0; n < k->n_ops; n++)
            k->ops[n].t_ns -= first; /* logs do not begin at 0 */
        got = render(k, RENDER_OPS | RENDER_TIMES | RENDER_SKIPS);
        if (strcmp(got, rules[i].want) != 0)
            fail_msg("%s\n--- want\n%s--- got\n%s", rules[i].says, rules[i].want, got);
        free(got);
        pcl_trace_free(k);
    }
    t = parse_ok(rules[2].text, strlen(rules[2].text));
    assert_true(t->n_threads == 2 && (t->evidence & PCL_HAS_THREADS));
    pcl_trace_free(t);
}

/* fio itself replays both with these counts. */
static void fio_samples(void **state)
{
    static const char *const names[] = {"randrw.v2.iolog", "randrw.v3.iolog"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct pcl_trace *t = NULL;
        size_t n[PCL_N_OPS] = {0};
        char path[4096];
        (void)snprintf(path, sizeof(path), FOLDER "%s", names[i]);
        assert_int_equal(pcl_trace_read(path, &t, NULL), PCL_OK);
        for (size_t k = 0; k < t->n_ops; k++)
            n[t->ops[k].op]++;
        assert_true(n[PCL_OP_READ] == 344 && n[PCL_OP_WRITE] == 154 && n[PCL_OP_FSYNC] == 6);
        assert_true(t->lines_read == 508 && t->lines_used == 506);
        pcl_trace_free(t);
    }
}

static void fsx_lists(void **state)
{
    static const char want[] =
        "write file of fsx 0+65536\nread file of fsx 4096+12288\nfault file of fsx 0+4096\n"
        "fault file of fsx 4096+4096\nwfault file of fsx 61440+4096\nwfault file of fsx 65536+4096\n"
        "truncate file of fsx 98304+0\nallocate file of fsx 98304+32768 keepsize\n"
        "punch file of fsx 16384+8192 keepsize\nzero file of fsx 32768+4096\n"
        "collapse file of fsx 8192+4096\ninsert file of fsx 4096+4096\nread file of fsx 0+8192\n"
        "write file of fsx 196608+8192\nfsync file of fsx 0+0\n1 comment\n1 marked skip by fsx\n"
        "1 not modelled yet: clone, dedupe, exchange\n";
    struct pcl_trace *t = NULL;
    char *got;

    (void)state;
    assert_int_equal(pcl_trace_read(FOLDER "ops.fsx", &t, NULL), PCL_OK);
    got = render(t, RENDER_OPS | RENDER_SKIPS);
    assert_string_equal(got, want);
    assert_true(t->inodes[0].created && t->inodes[0].size == 0);
    free(got);
    pcl_trace_free(t);
}

static void tables(void **state)
{
    static const struct rule rules[] = {
        {"a header maps the columns",
         "t_us,tid,file,op,off,len,-,dur_us\n10,7,/a b,READ,4096,100,x,2.5\n12.25,8,/a b,w,0,1,y,1\n"
         "13,7,/a b,fdatasync,0,0,,\n14,7,/a b,truncate,77,0,,0\n",
         "0+2500 7/-1 read /a b 4096+100\n2250+1000 8/-1 write /a b 0+1\n"
         "4000+0 7/-1 truncate /a b 77+0\n1 fields not understood\n1 names of columns\n"},
        {"other separators, no times", "op;off;len\nread;0;4096\nwrite;4096;1\n",
         "0+-1 0/-1 read the file 0+4096\n1000+-1 0/-1 write the file 4096+1\n1 names of columns\n"},
        {"MSR Cambridge: ticks of 100 ns since 1601",
         "128166385295514663,hm,0,Write,9056014336,2048,2833\n"
         "128166385295514763,hm,1,Read,0,4096,10\n",
         "0+283300 0/-1 write volume hm.0 9056014336+2048\n"
         "10000+1000 1/-1 read volume hm.1 0+4096\n"},
        {"Tencent: sectors, seconds, 0 and 1", "1538323199,8,16,1,1323\n1538323200,0,1,0,1323\n",
         "0+-1 0/-1 write volume 1323 4096+8192\n1000000000+-1 0/-1 read volume 1323 0+512\n"},
        {"Alibaba: bytes, microseconds", "4,R,126703644672,4096,1577808000000068\n"
                                         "4,W,0,4096,1577808000000070\n",
         "0+-1 0/-1 read device 4 126703644672+4096\n2000+-1 0/-1 write device 4 0+4096\n"},
        {"FIU: some rows are short",
         "1 1000 open 77 9000\n2 2000 read 77 9000 4096 512 HIT\n3 2500 fsync 77 9000\n",
         "0+-1 0/-1 syscall inode 77\n1000+-1 0/-1 read inode 77 4096+512\n"
         "1500+-1 0/-1 fsync inode 77 0+0\n"},
        {"bad rows are counted",
         "op,off,len,t_ns\nread,0,1,5\nread,0\nfrob,0,1,6\nread,-1,1,7\nread,9223372036854775807,1,8\n"
         "read,1,1,99999999999999999999\n# a\n",
         "0+-1 0/-1 read the file 0+1\n2 offset or length out of range\n1 comment\n"
         "1 fields not understood\n1 names of columns\n1 too few columns\n1 unknown operation\n"},
    };

    (void)state;
    CHECK_RULES(rules, RENDER_OPS | RENDER_TIMES | RENDER_TIDS | RENDER_SKIPS);
}

static void block_traces_calibrate_a_device(void **state)
{
    static const char text[] =
        "  7,2    0        1     0.000000000 13774  Q   R 223490 + 8 [fio]\n"
        "  7,2    0        2     0.000001000 13774  D   R 223490 + 8 [fio]\n"
        "  7,2    1        3     0.000002000 13774  D  WS 446980 + 128 [fio]\n"
        "  7,2    0        4     0.000101000 13774  C   R 223490 + 8 [0]\n"
        "  7,2    1        5     0.000302000 13774  C  WS 446980 + 128 [0]\n"
        "  7,2    1        6     0.000400000 13774  D  FN [fio]\n"
        "  7,2    1        7     0.000402000 13774  C   R 1 + 1 [0]\n"
        "  8,0    1        8     0.000403000 13774  D   R 223490 + 8 [fio]\n"
        "  7,2    0        9     0.000410000 13774  D   R 223490 + 8 [fio]\n"
        "  7,2    0       10     0.000710000 13774  C   R 223490 + 8 [0]\n"
        "\nCPU0 (7,2):\n Reads Queued:           2,        8KiB\n";
    struct pcl_trace *t = parse_ok(text, sizeof(text) - 1);
    char *got = render(t, RENDER_SKIPS);

    (void)state;
    assert_string_equal(got, "2 summary of blkparse\n1 blank\n1 completion without issue\n"
                             "1 neither issue nor completion\n1 request without sectors\n");
    assert_true(t->n_ops == 0 && t->n_device == 2 && t->device_most_open == 2);
    assert_string_equal(t->device[0].what, "read");
    assert_true(t->device[0].requests == 2 && t->device[0].bytes == 8192);
    assert_true(t->device[0].min == 100000 && t->device[0].max == 300000);
    assert_true(t->device[0].mean_ns > 199999.0 && t->device[0].mean_ns < 200001.0);
    assert_true(t->device[1].p50 == 300000 && t->device[1].bytes == 65536);
    free(got);
    pcl_trace_free(t);
}

/* "fio version 3 iolog\n5 /t write 0 1\n" and a second frame with "9 /t write 1 1\n" behind it,
 * uncompressed blocks, as zstd writes what it cannot make smaller */
static void zstd_is_seen_by_its_magic_number(void **state)
{
    static const char a[] = "fio version 3 iolog\n5 /t write 0 1\n", b[] = "9 /t write 1 1\n";
    unsigned char data[128];
    size_t n = 0;
    struct pcl_trace *t = NULL;
    struct pcl_err err;
    int rc;

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        const char *s = i ? b : a;
        size_t len = strlen(s);
        memcpy(data + n, "\x28\xb5\x2f\xfd\x20", 5); /* magic; one segment, size in one byte */
        data[n + 5] = (unsigned char)len;
        data[n + 6] = (unsigned char)(len << 3 | 1); /* last block, raw */
        data[n + 7] = (unsigned char)(len >> 5);
        data[n + 8] = 0;
        memcpy(data + n + 9, s, len);
        n += 9 + len;
    }
    assert_true(pcl_trace_recognise((const char *)data, n));
    rc = pcl_trace_parse("x", (const char *)data, n, &t, &err);
    if (rc != PCL_OK && strstr(err.msg, "this build cannot read"))
        skip();
    assert_int_equal(rc, PCL_OK);
    assert_true(t->n_ops == 2);
    pcl_trace_free(t);
    for (size_t cut = 4; cut < n; cut++) { /* any cut is an error, or ends between the frames */
        if (pcl_trace_parse("x", (const char *)data, cut, &t, &err) == PCL_OK)
            pcl_trace_free(t);
        else
            assert_non_null(strstr(err.msg, "zstd"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fio_logs),
        cmocka_unit_test(fio_samples),
        cmocka_unit_test(fsx_lists),
        cmocka_unit_test(tables),
        cmocka_unit_test(block_traces_calibrate_a_device),
        cmocka_unit_test(zstd_is_seen_by_its_magic_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Mechanisms seen on a real kernel (Linux 6.18, two CPUs, XFS, ext4, tmpfs): direction and
 * order of magnitude must come out of the model by themselves. Each row is printed beside what
 * was measured.
 */
#include "rig.h"

#define HEAD(fs)                                                                               \
    "[scenario]\ntitle = t\nfs = " fs "\nmachine = guest-2vcpu\nwarmup = 20ms\n"               \
    "duration = 100ms\n[file f]\nsize = max\ncached = 16M\nmapped = no\n"
#define CLIENT(op) "[group client]\nmix = " op ":1\nregion = 0..4M\n"
#define PUNCH(region, size)                                                                    \
    "[group puncher]\ntasks_are = processes\nmix = punch:1\noffsets = hot\nregion = " region   \
    "\nsize = " size "\n"

/* Operations of one kind per second. */
static double rate(const char *text, const char *op)
{
    struct setting s;
    struct pcl_result r;
    double x = (double)NAN;

    setting_text(&s, text, "v5.9", NULL, 0);
    run_ok(&s.job, &r);
    for (size_t i = 0; i < r.n_metrics; i++)
        if (strcmp(r.metrics[i].name, "throughput") == 0 &&
            (strcmp(r.metrics[i].object, op) == 0 ||
             (isnan(x) && strcmp(r.metrics[i].object, "all") == 0)))
            x = r.metrics[i].value;
    pcl_result_fini(&r);
    setting_fini(&s);
    return x;
}

static void row(const char *what, double model, double measured, double lo, double hi)
{
    print_message("    %-58s %9.3g, measured %9.3g\n", what, model, measured);
    if (model < lo || model > hi)
        fail_msg("%s: %g is not in [%g, %g]", what, model, lo, hi);
}

static void a_far_punch_takes_nothing_from_read_faults(void **unused)
{
    double alone = rate(HEAD("xfs") CLIENT("fault"), "fault");

    (void)unused;
    row("xfs read faults keep beside a far punch of almost 8 EiB",
        rate(HEAD("xfs") CLIENT("fault") PUNCH("1G..end", "region"), "fault") / alone, 1, 0.8,
        1.1);
}

static void write_faults_wait_for_any_punch_whatever_its_range(void **unused)
{
    double alone = rate(HEAD("xfs") CLIENT("wfault"), "wfault");
    double tmpfs = rate(HEAD("tmpfs") CLIENT("wfault"), "wfault");

    (void)unused;
    double near = rate(HEAD("xfs") CLIENT("wfault") PUNCH("1G..end", "4k"), "wfault") / alone;
    double huge =
        rate(HEAD("xfs") CLIENT("wfault") PUNCH("1G..end", "region"), "wfault") / alone;

    row("xfs write faults keep beside a far punch of 4 KiB", near, 0.4, 0.15, 0.75);
    row("  of almost 8 EiB, against that", huge / near, 1, 0.8, 1.25);
    row("tmpfs write faults keep beside a far punch",
        rate(HEAD("tmpfs") CLIENT("wfault") PUNCH("1G..end", "4k"), "wfault") / tmpfs, 1, 0.8,
        1.1);
}

#define WRITER                                                                                 \
    "[group writer]\ntasks_are = processes\nmix = write:1\nregion = 8M..12M\nsize = 4k\n"
#define READER "[group reader]\nmix = read:1\nregion = 0..4M\nsize = 4k\n"

static void only_xfs_readers_wait_for_a_writer(void **unused)
{
    double xfs = rate(HEAD("xfs") READER, "read"), ext4 = rate(HEAD("ext4") READER, "read");
    double tmpfs = rate(HEAD("tmpfs") READER, "read");

    (void)unused;
    row("xfs reader keeps beside a flat-out writer",
        rate(HEAD("xfs") READER WRITER, "read") / xfs, 0.39, 0.1, 0.8);
    row("ext4 reader keeps", rate(HEAD("ext4") READER WRITER, "read") / ext4, 1, 0.8, 1.1);
    row("tmpfs reader keeps", rate(HEAD("tmpfs") READER WRITER, "read") / tmpfs, 1, 0.8, 1.1);
}

static void writes_to_one_file_are_serial(void **unused)
{
    static const char *const fs[] = {HEAD("xfs"), HEAD("ext4"), HEAD("tmpfs")};

    (void)unused;
    for (size_t i = 0; i < LENGTH(fs); i++) {
        char one[1024], two[1024];

        (void)snprintf(one, sizeof(one), "%s%s", fs[i], WRITER);
        (void)snprintf(two, sizeof(two), "%s%stasks = 2\n", fs[i], WRITER);
        row("two writers against one", rate(two, "write") / rate(one, "write"), 1, 0.3, 1.25);
    }
}

/* Faults of a page of one's own and madvise(DONTNEED) of it, in turn. */
static double faults(const char *cpus, const char *kind)
{
    char text[1024];

    (void)snprintf(text, sizeof(text),
                   "[scenario]\ntitle = t\nfs = xfs\nmachine = guest-2vcpu\nwarmup = 20ms\n"
                   "duration = 100ms\ncpus = %s\n[file f]\nsize = 64k\ncached = all\n"
                   "[group g]\ntasks = 2\ntasks_are = %s\nmix = fault:1 dontneed:1\n"
                   "offsets = partition\nsize = 32k\n",
                   cpus, kind);
    return rate(text, "fault");
}

static void threads_pay_for_shootdowns_and_processes_do_not(void **unused)
{
    double one = faults("1", "threads");

    (void)unused;
    row("two fault threads on two CPUs against one CPU", faults("2", "threads") / one, 0.45,
        0.2, 0.9);
    row("two fault processes on two CPUs against one CPU", faults("2", "processes") / one, 2.26,
        1.5, 2.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_far_punch_takes_nothing_from_read_faults),
        cmocka_unit_test(write_faults_wait_for_any_punch_whatever_its_range),
        cmocka_unit_test(only_xfs_readers_wait_for_a_writer),
        cmocka_unit_test(writes_to_one_file_are_serial),
        cmocka_unit_test(threads_pay_for_shootdowns_and_processes_do_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

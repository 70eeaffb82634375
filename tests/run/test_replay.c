/*
 * Replays of the shipped recordings: every operation is carried out once per clone, in each
 * mode; the modes differ in time as they should; a replay ends when its threads have ended.
 */
#include "rig.h"

static struct pcl_result replay_under(const char *scheme, const char *file,
                                      struct pcl_replay_opts opts, uint64_t *n_ops,
                                      pcl_ns *span)
{
    char path[512];
    struct pcl_trace *t;
    struct pcl_err err;
    struct setting s = {0};
    struct pcl_result r;
    struct pcl_schemes known = {0};

    (void)snprintf(path, sizeof(path), PCLSIM_SOURCE_DIR "/workloads/traces/%s", file);
    must(pcl_trace_read(path, &t, &err), &err);
    must(pcl_schemes_load(PCLSIM_SOURCE_DIR "/workloads/schemes.ini", &known, &err), &err);
    must(pcl_scheme_resolve(&known, scheme, &s.scheme, &err), &err);
    must(pcl_profile_load("guest-2vcpu", &s.machine, &err), &err);
    s.job = (struct pcl_job){.trace = t,
                             .replay = opts,
                             .scheme = &s.scheme,
                             .machine = &s.machine,
                             .seed = 1,
                             .check = true};
    run_ok(&s.job, &r);
    *n_ops = t->n_ops;
    *span = t->span_ns;
    pcl_schemes_fini(&known);
    pcl_trace_free(t);
    return r;
}

static struct pcl_result replay(const char *file, struct pcl_replay_opts opts, uint64_t *n_ops,
                                pcl_ns *span)
{
    return replay_under("v5.9", file, opts, n_ops, span);
}

static const char *const files[] = {"cp.strace", "sqlite-insert.strace",
                                    "fio-falloc.strace.gz"};

static void every_recorded_operation_is_done_once_per_clone(void **unused)
{
    static const uint32_t clones[] = {0, 1, 3};

    (void)unused;
    for (size_t f = 0; f < LENGTH(files); f++)
        for (size_t c = 0; c < LENGTH(clones); c++) {
            uint64_t n_ops;
            pcl_ns span;
            struct pcl_result r =
                replay(files[f], (struct pcl_replay_opts){.clone = clones[c]}, &n_ops, &span);

            assert_int_equal(r.ops, n_ops * (clones[c] ? clones[c] : 1));
            assert_int_equal(r.total_violations, 0);
            pcl_result_fini(&r);
        }
}

/* Whatever stands in the roles: what was recorded is done, and nobody sees what he must not. */
static void every_correct_scheme_replays_without_a_violation(void **unused)
{
    struct pcl_schemes known = {0};
    struct pcl_err err;

    (void)unused;
    must(pcl_schemes_load(PCLSIM_SOURCE_DIR "/workloads/schemes.ini", &known, &err), &err);
    for (size_t i = 0; i < known.n; i++) {
        const char *const lock = known.v[i].role[PCL_ROLE_IOLOCK].lock;
        uint64_t n_ops;
        pcl_ns span;

        if (strcmp(lock, "none") == 0)
            continue;
        struct pcl_result r = replay_under(known.v[i].name, "ops.fsx",
                                           (struct pcl_replay_opts){.clone = 3}, &n_ops, &span);

        assert_int_equal(r.ops, 3 * n_ops);
        assert_int_equal(r.total_violations, 0);
        pcl_result_fini(&r);
    }
    pcl_schemes_fini(&known);
}

/* The other shipped recordings, as fast as they go, on each filesystem. */
static void recordings_of_real_programs_break_nothing(void **unused)
{
    static const char *const all[] = {"cp.strace",
                                      "sqlite-insert.strace",
                                      "fio-falloc.strace.gz",
                                      "fault-punch.trace-cmd.txt.gz",
                                      "ops.fsx",
                                      "randrw.v2.iolog",
                                      "randrw.v3.iolog",
                                      "read-write.ftrace.txt.gz"};
    struct pcl_schemes known = {0};
    struct pcl_err err;

    (void)unused;
    must(pcl_schemes_load(PCLSIM_SOURCE_DIR "/workloads/schemes.ini", &known, &err), &err);
    for (size_t i = 0; i < known.n; i++)
        for (size_t f = 0; f < LENGTH(all); f++) {
            enum pcl_fs fs = (enum pcl_fs)((i + f) % PCL_FS_PAGE_ONLY);
            uint64_t n_ops;
            pcl_ns span;

            if (strcmp(known.v[i].role[PCL_ROLE_IOLOCK].lock, "none") == 0)
                continue;
            struct pcl_result r = replay_under(
                known.v[i].name, all[f],
                (struct pcl_replay_opts){.mode = PCL_REPLAY_ASAP, .fs = fs, .clone = 2}, &n_ops,
                &span);

            if (r.total_violations)
                fail_msg("%s under %s on %s: %s", all[f], known.v[i].name, pcl_fs_name(fs),
                         r.violations[0].text);
            pcl_result_fini(&r);
        }
    pcl_schemes_fini(&known);
}

static void the_modes_keep_their_promises(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < LENGTH(files); f++) {
        static const struct pcl_replay_opts modes[] = {
            {.mode = PCL_REPLAY_THINK},
            {.mode = PCL_REPLAY_OPEN},
            {.mode = PCL_REPLAY_ASAP},
            {.mode = PCL_REPLAY_SCALED, .factor = 4},
            {.mode = PCL_REPLAY_SCALED, .factor = 1},
            {.mode = PCL_REPLAY_THINK, .max_think = 1000},
        };
        pcl_ns took[LENGTH(modes)], span = 0;

        for (size_t i = 0; i < LENGTH(modes); i++) {
            uint64_t n_ops;
            struct pcl_result r = replay(files[f], modes[i], &n_ops, &span);

            took[i] = r.sim_ns;
            assert_int_equal(r.ops, n_ops);
            pcl_result_fini(&r);
        }
        print_message("    %s: span %lld", files[f], (long long)span);
        for (size_t i = 0; i < LENGTH(modes); i++)
            print_message(" %lld", (long long)took[i]);
        print_message("\n");
        assert_true(took[2] < took[0] && took[5] < took[0]); /* asap, cut think */
        assert_true(took[2] < took[3] && took[3] < took[0]);
        assert_int_equal(took[4], took[0]);
        assert_true(took[0] < 2 * span && took[2] < span);
        /* open keeps the recorded starts: the end is that of the recording, or a little later
         */
        assert_true(took[1] > span / 2 && took[1] < 2 * span);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recorded_operation_is_done_once_per_clone),
        cmocka_unit_test(every_correct_scheme_replays_without_a_violation),
        cmocka_unit_test(recordings_of_real_programs_break_nothing),
        cmocka_unit_test(the_modes_keep_their_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

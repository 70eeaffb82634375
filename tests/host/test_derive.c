/*
 * A machine with odd constants is run through the model; the latencies of its single operations
 * are given to the solver as readings, and it must find the constants again.
 */
#include "derive.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void begin(struct pcl_calibration *c, const char *base)
{
    struct pcl_err err;

    memset(c, 0, sizeof(*c));
    assert_int_equal(pcl_profile_load(base, &c->profile, &err), PCL_OK);
    (void)snprintf(c->base, sizeof(c->base), "%s", base);
    c->scale = 1;
    for (int i = 0; i < PCL_N_CONSTS; i++)
        c->known[i] = PCL_KNOWN_TAKEN;
}

static void reading(struct pcl_calibration *c, enum host_reading r, const char *fs, double v)
{
    c->readings = pcl_xrealloc(c->readings, c->n_readings + 1, sizeof(*c->readings));
    c->readings[c->n_readings++] = (struct pcl_reading){.name = host_readings[r].name,
                                                        .what = host_readings[r].what,
                                                        .fs = fs,
                                                        .median = v,
                                                        .lo = 0.9 * v,
                                                        .hi = 1.1 * v,
                                                        .rounds = 5,
                                                        .samples = 5};
}

/* All single operations of a file system as that machine does them. */
static void readings_of(struct pcl_calibration *c, enum pcl_fs fs, const struct pcl_profile *p)
{
    for (int r = HOST_R_pread_1; r <= HOST_R_direct_write; r++)
        if (derive_settles((enum host_reading)r, fs))
            reading(c, (enum host_reading)r, pcl_fs_name(fs),
                    derive_simulate((enum host_reading)r, fs, p));
}

static void near(int64_t found, int64_t want, double slack)
{
    if (fabs((double)(found - want)) > slack * (double)want + 2)
        fail_msg("found %lld, want %lld", (long long)found, (long long)want);
}

static void the_constants_of_an_odd_machine_are_found_again(void **state)
{
    struct pcl_calibration c;
    struct pcl_profile odd;
    struct derive d = {.c = &c, .fs = PCL_FS_XFS};

    (void)state;
    begin(&c, "guest-2vcpu");
    odd = c.profile;
    odd.xfs_read = 777;
    odd.xfs_write = 2345;
    odd.copy_page = 211;
    odd.fault = 3100;
    odd.fault_around = 133;
    odd.madvise = 1900;
    odd.xfs_mkwrite = 610;
    odd.folio_alloc = odd.folio_insert = 420;
    odd.xfs_fallocate = 3300;
    odd.folio_remove = 250;
    odd.xfs_extent = 9000;
    odd.dev_read = 210000;
    odd.dev_write = 44000;
    readings_of(&c, PCL_FS_XFS, &odd);
    derive_settle(&d);
    near(c.profile.xfs_read, 777, 0.01);
    near(c.profile.xfs_write, 2345, 0.01);
    near(c.profile.copy_page, 211, 0.02);
    near(c.profile.fault, 3100, 0.01);
    near(c.profile.fault_around, 133, 0.02);
    near(c.profile.madvise, 1900, 0.01);
    near(c.profile.xfs_mkwrite, 610, 0.05);
    near(c.profile.folio_alloc, 420, 0.02);
    near(c.profile.folio_insert, 420, 0.02);
    near(c.profile.xfs_fallocate, 3300, 0.01);
    near(c.profile.folio_remove, 250, 0.02);
    near(c.profile.xfs_extent, 9000, 0.02);
    near(c.profile.dev_read, 210000, 0.05);
    near(c.profile.dev_write, 44000, 0.05);
    assert_int_equal(c.known[PCL_C_fault], PCL_KNOWN_DERIVED);
    assert_int_equal(c.known[PCL_C_pte], PCL_KNOWN_TAKEN);
    assert_true(c.profile.lo[PCL_C_fault] < c.profile.fault);
    assert_true(c.profile.hi[PCL_C_fault] > c.profile.fault);
    assert_int_equal(c.n_notes, 0);
    pcl_calibration_fini(&c);
}

static void an_operation_shorter_than_its_parts_is_noted_and_settles_nothing(void **state)
{
    struct pcl_calibration c;
    struct derive d = {.c = &c, .fs = PCL_FS_EXT4};
    int64_t before;

    (void)state;
    begin(&c, "guest-2vcpu");
    before = c.profile.ext4_read;
    reading(&c, HOST_R_pread_1, "ext4", 10);
    derive_settle(&d);
    assert_int_equal(c.profile.ext4_read, before);
    assert_int_equal(c.known[PCL_C_ext4_read], PCL_KNOWN_TAKEN);
    assert_int_equal(c.n_notes, 1);
    assert_non_null(strstr(c.notes[0], "ext4_read"));
    pcl_calibration_fini(&c);
}

static void a_machine_twice_as_slow_has_scale_two(void **state)
{
    static const enum host_reading by[] = {HOST_R_pread_1, HOST_R_pwrite_4k, HOST_R_fault_one,
                                           HOST_R_dontneed};
    struct pcl_calibration c;
    struct derive d = {.c = &c, .fs = PCL_FS_TMPFS};
    int64_t pte;

    (void)state;
    begin(&c, "guest-2vcpu");
    for (size_t i = 0; i < 4; i++)
        reading(&c, by[i], "tmpfs", 2 * derive_simulate(by[i], PCL_FS_TMPFS, &c.profile));
    c.scale = derive_scale(&d);
    near((int64_t)(1000 * c.scale), 2000, 0.005);
    pte = c.profile.pte;
    derive_taken(&c);
    near(c.profile.pte, 2 * pte, 0.01);
    assert_int_equal(c.known[PCL_C_pte], PCL_KNOWN_SCALED);
    assert_int_equal(c.known[PCL_C_dirty_limit], PCL_KNOWN_TAKEN);
    pcl_calibration_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_constants_of_an_odd_machine_are_found_again),
        cmocka_unit_test(an_operation_shorter_than_its_parts_is_noted_and_settles_nothing),
        cmocka_unit_test(a_machine_twice_as_slow_has_scale_two),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

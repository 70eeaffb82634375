/* Whole files: exact contents, pipes, bounds, and messages that name the path. */
#include "tmpdir.h"

static char dir[] = "/tmp/pclsim-test-XXXXXX";

static int make_dir(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int drop_dir(void **state)
{
    (void)state;
    tmp_remove(dir);
    return 0;
}

static void contents_come_back_exactly(void **state)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 100000};
    char path[512];

    (void)state;
    for (size_t i = 0; i < LENGTH(sizes); i++) {
        size_t n = sizes[i], got_n = 1;
        char *want = malloc(n + 1), *got = NULL;
        struct pcl_err err;

        assert_non_null(want);
        for (size_t j = 0; j < n; j++)
            want[j] = (char)(j * 7 % 251);
        tmp_write(dir, "data", want, n);
        assert_int_equal(
            pcl_read_file(tmp_path(path, sizeof path, dir, "data"), n, &got, &got_n, &err),
            PCL_OK);
        assert_int_equal(got_n, n);
        assert_memory_equal(got, want, n);
        assert_int_equal(got[n], 0);
        free(got);
        free(want);
    }
}

static void a_pipe_is_read_to_its_end(void **state)
{
    char *got;
    size_t n;
    struct pcl_err err;
    FILE *p = popen("seq 1 20000", "r");
    char path[64];

    (void)state;
    assert_non_null(p);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fileno(p));
    assert_int_equal(pcl_read_file(path, 1 << 20, &got, &n, &err), PCL_OK);
    assert_int_equal(n, 108894);
    free(got);
    assert_int_equal(pclose(p), 0);
}

static void a_dash_is_standard_input(void **state)
{
    int keep = dup(STDIN_FILENO), fds[2];
    char *got;
    size_t n;
    struct pcl_err err;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_int_equal(write(fds[1], "hello", 5), 5);
    (void)close(fds[1]);
    assert_true(dup2(fds[0], STDIN_FILENO) >= 0);
    assert_int_equal(pcl_read_file("-", 5, &got, &n, &err), PCL_OK);
    assert_string_equal(got, "hello");
    free(got);
    (void)close(fds[0]);
    if (keep >= 0) {
        (void)dup2(keep, STDIN_FILENO);
        (void)close(keep);
    }
}

static void what_cannot_be_read_is_named(void **state)
{
    char path[512], want[1024], *got = NULL;
    size_t n = 77;
    struct pcl_err err;

    (void)state;
    (void)tmp_path(path, sizeof path, dir, "missing");
    assert_int_equal(pcl_read_file(path, 10, &got, &n, &err), PCL_ENOENT);
    (void)snprintf(want, sizeof want,
                   "pclsim: error: cannot read '%s': No such file or directory\n", path);
    assert_prints(&err, want);

    assert_int_equal(pcl_read_file(dir, 10, &got, &n, &err), PCL_EIO);
    (void)snprintf(want, sizeof want, "pclsim: error: cannot read '%s': Is a directory\n", dir);
    assert_prints(&err, want);

    tmp_write(dir, "large", "12345678901", 11);
    (void)tmp_path(path, sizeof path, dir, "large");
    assert_int_equal(pcl_read_file(path, 10, &got, &n, &err), PCL_EINVAL);
    (void)snprintf(want, sizeof want, "pclsim: error: '%s' is larger than 10 bytes\n", path);
    assert_prints(&err, want);

    assert_int_equal(pcl_read_file("/dev/zero", 100000, &got, &n, &err), PCL_EINVAL);
    assert_prints(&err, "pclsim: error: '/dev/zero' is larger than 100000 bytes\n");
    assert_null(got);
    assert_int_equal(n, 77);
    assert_int_equal(pcl_read_file(path, 10, &got, &n, NULL), PCL_EINVAL);
}

static void the_hash_is_sha256(void **state)
{
    /* FIPS 180-4 examples */
    char hex[65];

    (void)state;
    pcl_sha256_hex("abc", 3, hex);
    assert_string_equal(hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    pcl_sha256_hex("", 0, hex);
    assert_string_equal(hex,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(contents_come_back_exactly),
        cmocka_unit_test(a_pipe_is_read_to_its_end),
        cmocka_unit_test(a_dash_is_standard_input),
        cmocka_unit_test(what_cannot_be_read_is_named),
        cmocka_unit_test(the_hash_is_sha256),
    };

    return cmocka_run_group_tests(tests, make_dir, drop_dir);
}

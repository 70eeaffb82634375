/* A folder of a test's own, below the test's working folder so that a binary copied there still
 * counts as outside or inside the build tree as the test wants. */
#ifndef PCLSIM_TESTS_BASE_TMPDIR_H
#define PCLSIM_TESTS_BASE_TMPDIR_H

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"

static inline const char *tmp_path(char *buf, size_t n, const char *dir, const char *name)
{
    assert_true((size_t)snprintf(buf, n, "%s/%s", dir, name) < n);
    return buf;
}

/** Writes dir/name, making the folders on the way. */
static inline void tmp_write(const char *dir, const char *name, const char *data, size_t n)
{
    char path[512];
    FILE *f;

    (void)tmp_path(path, sizeof path, dir, name);
    for (char *s = strchr(path + 1, '/'); s; s = strchr(s + 1, '/')) {
        *s = '\0';
        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
        *s = '/';
    }
    f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/** Removes a folder made by mkdtemp; only for names of our own making. */
static inline void tmp_remove(const char *dir)
{
    char command[600];

    assert_non_null(strstr(dir, "pclsim-test-"));
    (void)snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

#endif

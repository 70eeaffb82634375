/*
 * A file without a name (O_TMPFILE); where the file system has none, one that loses its name at
 * once.
 */
#ifndef _GNU_SOURCE
#error "O_TMPFILE needs _GNU_SOURCE"
#endif
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int host_scratch(const char *dir, int flags, struct pcl_err *err)
{
    char path[4096];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | flags, 0600);

    if (fd >= 0)
        return fd;
    if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
        return pcl_fail(err, PCL_EIO, "%s: %s", dir, strerror(errno));
    (void)snprintf(path, sizeof(path), "%s/pclsim-XXXXXX", dir);
    fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return pcl_fail(err, PCL_EIO, "%s: %s", dir, strerror(errno));
    (void)unlink(path);
    return fd;
}

/*
 * Large arrays in unnamed files; see big.h. The kernel writes their pages out when memory is
 * needed, which memory of the process's own would need swap for.
 */
#define _DEFAULT_SOURCE /* madvise: posix_madvise does nothing here */
#include <pclsim/base.h>
#include <pclsim/big.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "memory.h"

static int temp_in(const char *folder)
{
    char path[4096];
    int n = snprintf(path, sizeof(path), "%s/pclsim-XXXXXX", folder), fd;

    if (n < 0 || (size_t)n >= sizeof(path))
        return -1;
    fd = mkstemp(path);
    if (fd >= 0) {
        (void)unlink(path);
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    }
    return fd;
}

int pcl_temp_file(void)
{
    static const char *const folders[] = {"/var/tmp", "/tmp"};
    const char *mine = getenv("TMPDIR");
    int fd = mine && *mine ? temp_in(mine) : -1;

    for (size_t i = 0; fd < 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
        fd = temp_in(folders[i]);
    return fd;
}

/* Room on the disk first: a page of a full disk would be a SIGBUS later. */
static void *map_file(size_t bytes)
{
    int fd = pcl_temp_file();
    void *p = MAP_FAILED;

    if (fd < 0)
        return NULL;
    if (posix_fallocate(fd, 0, (off_t)bytes) == 0)
        p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    (void)close(fd);
    return p == MAP_FAILED ? NULL : p;
}

void pcl_big_alloc(struct pcl_big *b, size_t n, size_t size)
{
    *b = (struct pcl_big){.bytes = pcl_checked_size(n, size)};
    if (b->bytes > PCL_BIG_IN_MEMORY)
        b->p = map_file(b->bytes);
    b->in_file = b->p != NULL;
    if (!b->p)
        b->p = pcl_xcalloc(n, size);
}

void pcl_big_free(struct pcl_big *b)
{
    if (b->in_file)
        (void)munmap(b->p, b->bytes);
    else
        free(b->p);
    *b = (struct pcl_big){0};
}

void pcl_big_relax(const struct pcl_big *b)
{
    if (b->in_file)
        (void)madvise(b->p, b->bytes, MADV_DONTNEED);
}

/*
 * Allocation that never returns NULL. A simulator that has no memory left has nothing better to
 * do than say how much it wanted and stop; so nobody above has to check.
 */
#include <pclsim/base.h>

#include <stdlib.h>
#include <string.h>

#include "memory.h"

_Noreturn void pcl_out_of_memory(size_t n, size_t size)
{
    (void)fprintf(stderr, "pclsim: error: out of memory: asked for %zu x %zu bytes\n", n, size);
    /* Not exit(): this may be a worker thread, and handlers of others may want memory too. */
    _Exit(2);
}

size_t pcl_checked_size(size_t n, size_t size)
{
    if (size != 0 && n > PTRDIFF_MAX / size)
        pcl_out_of_memory(n, size);
    return n * size;
}

void *pcl_xcalloc(size_t n, size_t size)
{
    void *p;

    (void)pcl_checked_size(n, size);
    if (n == 0 || size == 0)
        n = size = 1;
    p = calloc(n, size);
    if (!p)
        pcl_out_of_memory(n, size);
    return p;
}

void *pcl_xrealloc(void *old, size_t n, size_t size)
{
    size_t bytes = pcl_checked_size(n, size);
    void *p = realloc(old, bytes ? bytes : 1);

    if (!p)
        pcl_out_of_memory(n, size);
    return p;
}

char *pcl_xstrdup(const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(pcl_xcalloc(n, 1), s, n);
}

/*
 * Our own bugs stop here: where, which condition, and what this thread was simulating, which is
 * enough to replay. The context is per thread, because runs go on in several threads at once.
 */
#include <pclsim/base.h>

#include <inttypes.h>
#include <stdlib.h>

static _Thread_local struct {
    const pcl_ns *now;
    const uint32_t *task;
    uint64_t seed;
} context;

void pcl_assert_context(const pcl_ns *now, const uint32_t *task, uint64_t seed)
{
    context.now = now;
    context.task = task;
    context.seed = seed;
}

_Noreturn void pcl_assert_failed(const char *file, int line, const char *cond)
{
    (void)fprintf(stderr, "%s:%d: bug in pclsim: '%s' does not hold", file, line, cond);
    if (context.now)
        (void)fprintf(stderr, "; simulated time %" PRId64 " ns, seed %" PRIu64, *context.now,
                      context.seed);
    if (context.task && *context.task != PCL_NONE)
        (void)fprintf(stderr, ", task %" PRIu32, *context.task);
    (void)fputc('\n', stderr);
    abort();
}

/*
 * Without MPI there are no other ranks. What remains is to notice a launcher, whose processes
 * would get into each other's way.
 */
#include <pclsim/ranks.h>

int pcl_ranks_start(struct pcl_ranks **out, struct pcl_err *err)
{
    *out = NULL;
    (void)pcl_fail(err, PCL_EINVAL,
                   "started by mpirun or srun with other processes, but built without MPI");
    return pcl_hint(err, "configure with MPI installed, or give each process its part: "
                         "--shard I/N and a store of its own, then pclsim merge");
}

void pcl_ranks_end(struct pcl_ranks *r)
{
    PCL_ASSERT(!r);
}

int pcl_ranks_number(const struct pcl_ranks *r)
{
    PCL_ASSERT(!r);
    return 0;
}

int pcl_ranks_count(const struct pcl_ranks *r)
{
    PCL_ASSERT(!r);
    return 1;
}

int pcl_ranks_agree(struct pcl_ranks *r, int code, const char *text, struct pcl_err *err)
{
    (void)text;
    (void)err;
    PCL_ASSERT(!r);
    return code;
}

int pcl_ranks_run(struct pcl_ranks *r, size_t n, size_t (*job)(size_t i, void *arg),
                  void (*ended)(size_t i, const struct pcl_study_outcome *o, void *arg),
                  void *arg, const volatile int *cancel, struct pcl_err *err)
{
    (void)r, (void)n, (void)job, (void)ended, (void)arg, (void)cancel, (void)err;
    PCL_NEVER("ranks without MPI");
}

int pcl_ranks_dismiss(struct pcl_ranks *r, struct pcl_err *err)
{
    (void)r, (void)err;
    PCL_NEVER("ranks without MPI");
}

int pcl_ranks_serve(struct pcl_ranks *r, const struct pcl_study *s,
                    const struct pcl_study_precision *precision, const char *path,
                    const volatile int *cancel)
{
    (void)r, (void)s, (void)precision, (void)path, (void)cancel;
    PCL_NEVER("ranks without MPI");
}

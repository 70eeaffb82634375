/*
 * Was this process started together with others? Launchers say so in the environment, before
 * MPI itself is asked: a program that nobody launched then never starts it.
 */
#include <stdlib.h>

#include <pclsim/ranks.h>

static bool more_than_one(const char *name)
{
    const char *v = getenv(name);
    int64_t n;

    return v && pcl_parse_int(v, 2, INT32_MAX, &n, NULL) == PCL_OK;
}

bool pcl_ranks_launched(void)
{
    /* srun --mpi=pmix gives the rank only; how many there are says the step */
    bool pmix = getenv("PMIX_RANK") && more_than_one("SLURM_STEP_NUM_TASKS");

    return more_than_one("OMPI_COMM_WORLD_SIZE") || more_than_one("PMI_SIZE") || pmix;
}

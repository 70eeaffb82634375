/*
 * The key of a job: everything that its result depends on, hashed. Equal keys are equal results;
 * another model build or any other input is another key.
 */
#include <stdlib.h>

#include <pclsim/run.h>

/* Raised by every change that moves a result; CHANGELOG.md says what moved. */
#define PCL_MODEL_BUILD "6"

const char *pcl_model_build(void)
{
    return PCL_MODEL_BUILD;
}

static const char *replay_name(enum pcl_replay mode)
{
    static const char *const names[] = {"think", "open", "asap", "scaled"};

    return names[mode];
}

void pcl_job_key(const struct pcl_job *job, char out[65])
{
    char *text = NULL, *scheme = pcl_scheme_text(job->scheme);
    char *machine = pcl_profile_text(job->machine);
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);

    PCL_ASSERT(f);
    fprintf(f, "model %s\n", pcl_model_build());
    if (job->scenario)
        fprintf(f, "scenario\n%s\n", job->scenario->run_text);
    if (job->trace)
        fprintf(f, "trace %s\nreplay %s %.17g clone %u think %lld fs %s\n", job->trace->sha256,
                replay_name(job->replay.mode), job->replay.factor, job->replay.clone,
                (long long)job->replay.max_think, pcl_fs_name(job->replay.fs));
    fprintf(f, "scheme\n%s\nmachine\n%s\nseed %llu replication %u check %d\n", scheme, machine,
            (unsigned long long)job->seed, job->replication, job->check);
    if (job->explore)
        fprintf(f, "explore\n");
    PCL_ASSERT(fclose(f) == 0);
    pcl_sha256_hex(text, size, out);
    free(text);
    free(scheme);
    free(machine);
}

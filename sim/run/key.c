/*
 * The key of a job: everything that its result depends on, hashed. Equal keys are equal
 * results; another model build or any other input is another key. The replication comes last,
 * so that the long texts before it are hashed once for all replications.
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

void pcl_job_key_stem(const struct pcl_job *job, struct pcl_key_stem *out)
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
    fprintf(f, "scheme\n%s\nmachine\n%s\n", scheme, machine);
    PCL_ASSERT(fclose(f) == 0);
    pcl_sha256_init(&out->hash);
    pcl_sha256_add(&out->hash, text, size);
    free(text);
    free(scheme);
    free(machine);
}

void pcl_job_key_at(const struct pcl_key_stem *stem, const struct pcl_job *job, char out[65])
{
    struct pcl_sha256 h = stem->hash;
    char text[96];
    int n = snprintf(text, sizeof(text), "seed %llu replication %u check %d\n%s",
                     (unsigned long long)job->seed, job->replication, job->check,
                     job->explore ? "explore\n" : "");

    PCL_ASSERT(n > 0 && (size_t)n < sizeof(text));
    pcl_sha256_add(&h, text, (size_t)n);
    pcl_sha256_end(&h, out);
}

void pcl_job_key(const struct pcl_job *job, char out[65])
{
    struct pcl_key_stem stem;

    pcl_job_key_stem(job, &stem);
    pcl_job_key_at(&stem, job, out);
}

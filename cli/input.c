/*
 * Read once, then decide: standard input cannot be read twice, and what a file is shows in its
 * first bytes only.
 */
#include "input.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_SCENARIO ((size_t)64 << 20) /* keeps /dev/zero from taking the machine along */

const struct cli_folder cli_scenario_folders[] = {
    {"workloads", ""},
    {"workloads/claims", "claims/"},
    {"workloads/published", "published/"},
    {"workloads/studies", "studies/"},
    {"workloads/explore", "explore/"},
    {NULL, NULL},
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

size_t cli_list_scenarios(const struct cli_folder *f, char ***paths)
{
    size_t n = pcl_list_data(f->path, ".ini", paths), kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (strcmp(base_name((*paths)[i]), "schemes.ini") == 0)
            free((*paths)[i]);
        else
            (*paths)[kept++] = (*paths)[i];
    }
    return kept;
}

static bool begins_like_a_trace(const char *path)
{
    struct pcl_trace_input *in;
    struct pcl_err err = {0};
    bool is = pcl_trace_input_open(path, &in, &err) == PCL_OK && pcl_trace_input_recognised(in);

    pcl_trace_input_close(in);
    return is;
}

size_t cli_list_traces(char ***paths)
{
    size_t n = pcl_list_data("workloads/traces", "", paths), kept = 0;

    for (size_t i = 0; i < n; i++) {
        if (begins_like_a_trace((*paths)[i]))
            (*paths)[kept++] = (*paths)[i];
        else
            free((*paths)[i]);
    }
    return kept;
}

const char *cli_name_of(const char *path, const char *prefix, const char *ext, char *buf,
                        size_t n)
{
    const char *base = base_name(path);

    (void)snprintf(buf, n, "%s%.*s", prefix, (int)(strlen(base) - strlen(ext)), base);
    return buf;
}

/* A file, a pipe or a device; a folder only if it can be nothing else (its name has a slash).
 */
static bool is_path(const char *name)
{
    struct stat st;

    if (strcmp(name, "-") == 0)
        return true;
    if (stat(name, &st) != 0)
        return false;
    return !S_ISDIR(st.st_mode) || strchr(name, '/');
}

int cli_find_input(const char *name, char **path, struct pcl_err *err)
{
    static const struct {
        const char *folder, *ext;
    } places[] = {{"workloads", ".ini"},
                  {"workloads/traces", ""},
                  {".", ""}}; /* "workloads/hot-page.ini" from anywhere */
    struct pcl_err other;

    if (is_path(name)) {
        *path = pcl_xstrdup(name);
        return PCL_OK;
    }
    if (pcl_find_data(places[0].folder, name, places[0].ext, path, err) == PCL_OK)
        return PCL_OK; /* else err tells of this place, where most things are */
    for (size_t i = 1; i < sizeof(places) / sizeof(places[0]); i++)
        if (pcl_find_data(places[i].folder, name, places[i].ext, path, &other) == PCL_OK)
            return PCL_OK;
    return err->code;
}

static int load(const char *name, bool only_trace, bool synthesise, struct cli_input *in, struct pcl_err *err)
{
    struct pcl_trace_input *input = NULL;
    size_t size;
    int rc;

    memset(in, 0, sizeof(*in));
    rc = cli_find_input(name, &in->path, err);
    if (rc == PCL_OK)
        rc = pcl_trace_input_open(in->path, &input, err);
    if (rc == PCL_EIO)
        rc = err->code = PCL_EINVAL; /* a folder, no permission: what was named is no input */
    if (rc != PCL_OK)
        goto out;
    if (synthesise)
        pcl_trace_input_synthesise(input);
    if (only_trace || pcl_trace_input_recognised(input)) {
        rc = pcl_trace_input_trace(input, &in->trace, err);
        goto out;
    }
    rc = pcl_trace_input_text(input, MAX_SCENARIO, &in->text, &size, err);
    if (rc == PCL_OK && size == 0)
        rc = pcl_fail(err, PCL_EINVAL, "'%s' is empty", in->path);
    else if (rc == PCL_OK && memchr(in->text, 0, size))
        rc = pcl_fail(err, PCL_EINVAL,
                      "'%s' is neither a scenario nor a trace of a known format", in->path);
out:
    pcl_trace_input_close(input);
    if (rc != PCL_OK)
        cli_input_fini(in);
    return rc;
}

int cli_input_load(const char *name, struct cli_input *in, struct pcl_err *err)
{
    return load(name, false, false, in, err);
}

int cli_trace_load(const char *name, bool synthesise, struct cli_input *in, struct pcl_err *err)
{
    return load(name, true, synthesise, in, err);
}

void cli_input_fini(struct cli_input *in)
{
    pcl_trace_free(in->trace);
    free(in->text);
    free(in->path);
    memset(in, 0, sizeof(*in));
}

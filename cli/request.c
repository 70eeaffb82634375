/* Options and an input file into the specification of a study. */
#include "request.h"

#include <stdlib.h>
#include <string.h>

#define DEFAULT_MAX_THINK INT64_C(1000000000) /* 1 s: longer gaps are people, not programs */

static int read_replay(const struct cli_verb *verb, const struct cli_request_values *v,
                       struct pcl_replay_opts *out)
{
    const char *why;

    *out = (struct pcl_replay_opts){.mode = PCL_REPLAY_THINK,
                                    .factor = 1.0,
                                    .clone = 1,
                                    .max_think = DEFAULT_MAX_THINK,
                                    .fs = v->fs >= 0 ? (enum pcl_fs)v->fs : PCL_FS_XFS};
    if (v->max_think && pcl_parse_time(v->max_think, &out->max_think, &why) != PCL_OK)
        return cli_usage(verb, "--max-think: %s, found '%s'", why, v->max_think);
    if (!v->replay || strcmp(v->replay, "think") == 0)
        return CLI_GO;
    if (strcmp(v->replay, "open") == 0) {
        out->mode = PCL_REPLAY_OPEN;
    } else if (strcmp(v->replay, "asap") == 0) {
        out->mode = PCL_REPLAY_ASAP;
    } else if (strncmp(v->replay, "scaled:", 7) == 0) {
        out->mode = PCL_REPLAY_SCALED;
        if (pcl_parse_real(v->replay + 7, &out->factor, &why) != PCL_OK || out->factor <= 0.0)
            return cli_usage(verb, "--replay: want a factor above 0 after scaled:, found '%s'",
                             v->replay + 7);
    } else {
        return cli_usage(verb, "--replay: want think, open, asap or scaled:F, found '%s'",
                         v->replay);
    }
    return CLI_GO;
}

static int read_clones(const struct cli_verb *verb, const struct cli_request_values *v,
                       struct cli_request *r)
{
    const char *why;
    int64_t k;

    r->clones = pcl_xcalloc(v->clones.n + 1, sizeof(*r->clones));
    for (size_t i = 0; i < v->clones.n; i++) {
        if (pcl_parse_int(v->clones.v[i], 1, 1000000, &k, &why) != PCL_OK)
            return cli_usage(verb, "--clone: want a whole number from 1 to 1000000, found '%s'",
                             v->clones.v[i]);
        r->clones[i] = (uint32_t)k;
    }
    r->spec.clones = r->clones;
    r->spec.n_clones = v->clones.n;
    return CLI_GO;
}

/* The options that make sense for one kind of input only. */
static int read_kind(const struct cli_verb *verb, struct cli_request_values *v,
                     struct cli_request *r)
{
    int code;

    if (r->input.trace) {
        r->spec.trace = r->input.trace;
        code = read_replay(verb, v, &r->spec.replay);
        return code == CLI_GO ? read_clones(verb, v, r) : code;
    }
    if (v->clones.n || v->replay || v->max_think)
        return cli_usage(verb, "--%s is for traces, '%s' is a scenario",
                         v->clones.n ? "clone"
                         : v->replay ? "replay"
                                     : "max-think",
                         r->input.path);
    r->spec.scenario = r->input.path;
    r->spec.scenario_text = r->input.text;
    if (v->fs >= 0) {
        (void)snprintf(r->fs_set, sizeof(r->fs_set), "scenario.fs=%s",
                       pcl_fs_name((enum pcl_fs)v->fs));
        cli_list_add(&v->set, r->fs_set);
    }
    return CLI_GO;
}

int cli_request_read(const struct cli_verb *verb, const char *file,
                     struct cli_request_values *v, struct cli_request *r)
{
    struct pcl_err err = {0};
    int code;

    if (cli_input_load(file, &r->input, &err) != PCL_OK)
        return cli_report(&err);
    code = read_kind(verb, v, r);
    if (code != CLI_GO)
        return code;
    if (v->schemes_file) {
        if (pcl_schemes_default(&r->known, &err) != PCL_OK ||
            pcl_schemes_load(v->schemes_file, &r->known, &err) != PCL_OK)
            return cli_report(&err);
        r->spec.known = &r->known;
    }
    r->spec.schemes = cli_words(&v->schemes);
    r->spec.n_schemes = v->schemes.n;
    r->spec.machine = v->machine;
    r->spec.set = cli_words(&v->set);
    r->spec.n_set = v->set.n;
    r->spec.reps = v->reps >= 0 ? (uint32_t)v->reps : 0;
    r->spec.has_seed = v->seed >= 0;
    r->spec.seed = v->seed >= 0 ? (uint64_t)v->seed : 0;
    r->spec.check = v->check;
    r->spec.no_runahead = v->no_run_ahead;
    return CLI_GO;
}

void cli_request_fini(struct cli_request *r)
{
    cli_input_fini(&r->input);
    pcl_schemes_fini(&r->known);
    free(r->clones);
}

void cli_request_values_fini(struct cli_request_values *v)
{
    cli_list_fini(&v->schemes);
    cli_list_fini(&v->clones);
    cli_list_fini(&v->set);
}

unsigned cli_request_workers(const struct cli_request_values *v)
{
    return v->jobs > 0 ? (unsigned)v->jobs : 0;
}

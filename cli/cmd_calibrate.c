/*
 * pclsim calibrate: what this host costs, as a machine file that --machine takes.
 */
#include "cli.h"
#include "json.h"

#include <pclsim/calibrate.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct values {
    const char *out, *name;
    int64_t rounds;
    int form;
};

static const struct cli_option options[] = {
    {"output", 'o', CLI_TEXT, offsetof(struct values, out), "FILE", "@file", 0, 0,
     "the machine file to write, - for standard output; else host.ini"},
    {"name", 0, CLI_TEXT, offsetof(struct values, name), "NAME", NULL, 0, 0,
     "the machine's name in results; else host"},
    {"rounds", 0, CLI_INT, offsetof(struct values, rounds), "N", NULL, 1, 16,
     "rounds of all probes, 1 to 16; fewer where 110 s do not suffice; else 5"},
    {"format", 0, CLI_CHOICE, offsetof(struct values, form), "FORM", "table|json", 0, 0,
     "form of what is printed: table or json"},
    {"json", 0, CLI_SHORT, offsetof(struct values, form), NULL, NULL, CLI_JSON, 0,
     "short for --format json"},
};

#define WIDTH 79

static void progress(const char *what, unsigned done, unsigned total, void *arg)
{
    (void)arg;
    (void)fprintf(stderr, "\rcalibrating: %3u %%  %-16s", 100 * done / total, what);
    (void)fflush(stderr);
}

/* --- what was found
 * ------------------------------------------------------------------------------ */

static const char *known_word(enum pcl_known k)
{
    switch (k) {
    case PCL_KNOWN_MEASURED:
        return "measured";
    case PCL_KNOWN_DERIVED:
        return "derived";
    case PCL_KNOWN_SCALED:
        return "scaled";
    case PCL_KNOWN_TAKEN:
        break;
    }
    return "taken over";
}

static void summary(FILE *f, const struct pcl_calibration *c, const char *out)
{
    unsigned n[4] = {0};

    for (int i = 0; i < PCL_N_CONSTS; i++)
        n[c->known[i]]++;
    (void)fprintf(f, "%s\n%u rounds in %.0f s\n\n", c->profile.title, c->rounds, c->seconds);
    (void)fprintf(f, "%-6s %-18s%12s%12s%8s\n", "on", "single operation", "measured ns",
                  "simulated", "");
    for (size_t i = 0; i < c->n_checks; i++) {
        const struct pcl_check_row *r = &c->checks[i];

        (void)fprintf(f, "%-6s %-18s%12.0f%12.0f%+6.0f %%%s\n", r->fs, r->name, r->measured,
                      r->simulated, 100 * (r->simulated / r->measured - 1),
                      r->solved ? " =" : "");
    }
    if (c->n_checks)
        (void)fprintf(f, "= a constant was solved from it, so that agreement says nothing\n\n");
    (void)fprintf(
        f,
        "%u constants measured, %u derived, %u scaled by %.2f from %s,\n%u taken over "
        "as they are\n",
        n[PCL_KNOWN_MEASURED], n[PCL_KNOWN_DERIVED], n[PCL_KNOWN_SCALED], c->scale, c->base,
        n[PCL_KNOWN_TAKEN]);
    for (size_t i = 0; i < c->n_notes; i++) {
        (void)fputs("note: ", f);
        cli_wrap(f, c->notes[i], 6, 6, WIDTH);
    }
    if (strcmp(out, "-") != 0)
        (void)fprintf(f, "written: %s; use it with --machine %s%s\n", out,
                      strchr(out, '/') ? "" : "./", out);
}

static json_t *constants_json(const struct pcl_calibration *c)
{
    json_t *list = json_array();

    for (int i = 0; i < PCL_N_CONSTS; i++) {
        enum pcl_const_id id = (enum pcl_const_id)i;
        int64_t v = pcl_profile_get(&c->profile, id);
        char word[64];

        json_array_append_new(
            list, json_pack("{ss so so so ss so}", "name", pcl_consts[i].name, "value",
                            pcl_consts[i].kind == PCL_KIND_WORD
                                ? cli_json_text(pcl_const_format(id, v, word, sizeof(word)))
                                : cli_json_i64(v),
                            "low", cli_json_i64(c->profile.lo[i]), "high",
                            cli_json_i64(c->profile.hi[i]), "known", known_word(c->known[i]),
                            "source", cli_json_text(c->profile.source[i])));
    }
    return list;
}

static int print_json(const struct pcl_calibration *c, const char *out)
{
    json_t *readings = json_array(), *checks = json_array(), *notes = json_array();

    for (size_t i = 0; i < c->n_readings; i++) {
        const struct pcl_reading *r = &c->readings[i];

        json_array_append_new(readings,
                              json_pack("{ss ss ss sf sf sf sf si sI}", "name", r->name, "fs",
                                        r->fs, "what", r->what, "median", r->median, "low",
                                        r->lo, "high", r->hi, "spread", r->spread, "rounds",
                                        (int)r->rounds, "samples", (json_int_t)r->samples));
    }
    for (size_t i = 0; i < c->n_checks; i++)
        json_array_append_new(checks,
                              json_pack("{ss ss sf sf sb}", "fs", c->checks[i].fs, "what",
                                        c->checks[i].what, "measured_ns", c->checks[i].measured,
                                        "simulated_ns", c->checks[i].simulated, "solved",
                                        c->checks[i].solved));
    for (size_t i = 0; i < c->n_notes; i++)
        json_array_append_new(notes, cli_json_text(c->notes[i]));
    return cli_json_print(
        json_pack("{so ss so so ss sf sf sf si so so so so}", "title",
                  cli_json_text(c->profile.title), "file", out, "cpu", cli_json_text(c->cpu),
                  "kernel", cli_json_text(c->kernel), "base", c->base, "scale", c->scale,
                  "load", c->load, "steal", c->steal, "rounds", (int)c->rounds, "readings",
                  readings, "checks", checks, "notes", notes, "constants", constants_json(c)));
}

static int run(const struct cli_verb *verb, int argc, char **argv)
{
    struct values v = {.out = "host.ini", .name = "host", .rounds = 5};
    struct cli_list dirs = {0};
    struct pcl_calibration c = {0};
    struct pcl_calibrate_opts o = {.seconds = 110};
    struct pcl_err err = {0};
    int code = cli_parse(verb, argc, argv, &v, &dirs);

    if (code == CLI_GO)
        code = cli_want_operands(verb, &dirs, 0, PCL_CALIBRATE_DIRS, "directory");
    if (code == CLI_GO && (!*v.name || strlen(v.name) > 60 || strpbrk(v.name, "\n;#[]")))
        code = cli_usage(verb, "--name: want a short name, found '%s'", v.name);
    if (code != CLI_GO)
        goto out;
    o.n_dirs = dirs.n;
    for (size_t i = 0; i < dirs.n; i++)
        o.dir[i] = dirs.v[i];
    o.rounds = (unsigned)v.rounds;
    o.name = v.name;
    o.cancel = cli_catch_signals();
    o.progress = isatty(STDERR_FILENO) ? progress : NULL;
    code = CLI_DONE;
    if (pcl_calibrate(&o, &c, &err) != PCL_OK ||
        pcl_calibration_write(&c, v.out, &err) != PCL_OK)
        code = err.code == PCL_EINTR && cli_signal() ? 128 + cli_signal() : cli_code(err.code);
    if (o.progress)
        (void)fprintf(stderr, "\r%40s\r", "");
    if (code != CLI_DONE)
        (void)cli_report(&err);
    else if (v.form == CLI_JSON && strcmp(v.out, "-") != 0)
        code = print_json(&c, v.out);
    else
        summary(strcmp(v.out, "-") == 0 ? stderr : stdout, &c, v.out);
out:
    pcl_calibration_fini(&c);
    cli_list_fini(&dirs);
    return code;
}

const struct cli_verb cli_verb_calibrate = {
    .name = "calibrate",
    .summary = "measure this host and write a machine profile",
    .operands = "[DIR ...]",
    .actions = "",
    .complete = "@file",
    .about =
        "Measures what this host's CPUs and kernel cost, from user space and in under two "
        "minutes, and writes a machine file that --machine takes. Each DIR is a directory on a "
        "file system to measure (XFS, ext4 or tmpfs, one each); it is left as it was found. "
        "Without a DIR only the CPU side is measured.\n\nConstants are measured; or solved: "
        "the "
        "same single operation is run through the model, and the one constant still open is "
        "chosen so that both agree; or taken over from a shipped machine, times the speed of "
        "kernel code here. The file says which, with the spread between rounds. Nothing is "
        "fitted to contention: how many threads get on is left to the model, and pclsim "
        "validate "
        "compares it.\n\nWants two CPUs, and quiet: other load and stolen time are noted in "
        "the "
        "file.",
    .examples = "pclsim calibrate .\n"
                "pclsim calibrate /mnt/xfs /dev/shm -o mine.ini --name mine\n"
                "pclsim run hot-page --machine ./host.ini\n",
    .options = options,
    .n_options = CLI_N(options),
    .main = run,
};

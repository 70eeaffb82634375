/*
 * A calibration as a machine file: comments that say where, when and how sure, all readings,
 * the check of single operations, then every constant with its range and source. The file is
 * written beside its place and renamed, so that it is whole or not there.
 */
#include <pclsim/calibrate.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The first constant of each section, in the order of profile.def. */
static const struct {
    int first;
    const char *name;
} sections[] = {{PCL_C_sockets, "topology"},
                {PCL_C_hz, "kernel"},
                {PCL_C_l1_hit, "lines"},
                {PCL_C_ctx_switch, "scheduler"},
                {PCL_C_irq_entry, "interrupts"},
                {PCL_C_syscall, "paths"},
                {PCL_C_xfs_read, "filesystems"},
                {PCL_C_dev_channels, "device"},
                {PCL_C_dirty_background, "writeback"}};

static void readings(FILE *f, const struct pcl_calibration *c)
{
    (void)fprintf(
        f, "#\n# Readings: median of the rounds' medians, lowest first and highest third\n"
           "# quartile of a round, spread of the medians; ns unless it says otherwise.\n");
    for (size_t i = 0; i < c->n_readings; i++) {
        const struct pcl_reading *r = &c->readings[i];

        (void)fprintf(f, "#   %-6s %-16s %12.1f  %12.1f .. %-12.1f %4.0f %%  %s\n",
                      *r->fs ? r->fs : "cpu", r->name, r->median, r->lo, r->hi, 100 * r->spread,
                      r->what);
    }
}

static void checks(FILE *f, const struct pcl_calibration *c)
{
    if (c->n_checks == 0)
        return;
    (void)fprintf(
        f, "#\n# Single operations on an idle machine, measured and simulated with this\n"
           "# profile, ns; = marks those from which a constant was solved.\n");
    for (size_t i = 0; i < c->n_checks; i++) {
        const struct pcl_check_row *r = &c->checks[i];

        (void)fprintf(f, "#   %-6s %10.0f %10.0f  %+5.0f %% %s %s\n", r->fs, r->measured,
                      r->simulated, 100 * (r->simulated / r->measured - 1),
                      r->solved ? "=" : " ", r->what);
    }
}

static void constant(FILE *f, const struct pcl_profile *p, enum pcl_const_id id)
{
    char v[64], lo[64], hi[64];

    (void)pcl_const_format(id, pcl_profile_get(p, id), v, sizeof(v));
    (void)pcl_const_format(id, p->lo[id], lo, sizeof(lo));
    (void)pcl_const_format(id, p->hi[id], hi, sizeof(hi));
    if (pcl_consts[id].kind == PCL_KIND_WORD)
        (void)fprintf(f, "%s = %s %s\n", pcl_consts[id].name, v, p->source[id]);
    else
        (void)fprintf(f, "%s = %s (%s..%s) %s\n", pcl_consts[id].name, v, lo, hi,
                      p->source[id]);
}

static void write_all(FILE *f, const struct pcl_calibration *c)
{
    size_t s = 0;

    (void)fprintf(
        f, "# Made by pclsim calibrate on %s: %s,\n# Linux %s%s%s; %u rounds in %.0f s.\n",
        c->date, c->cpu, c->kernel, *c->virt ? ", " : "", c->virt, c->rounds, c->seconds);
    (void)fprintf(f,
                  "# What could not be measured is from %s; kernel code here takes %.2f times\n"
                  "# as long as there.\n",
                  c->base, c->scale);
    for (size_t i = 0; i < c->n_notes; i++)
        (void)fprintf(f, "# Note: %s.\n", c->notes[i]);
    readings(f, c);
    checks(f, c);
    (void)fprintf(f, "\n[machine]\nname = %s\ntitle = %s\n", c->profile.name, c->profile.title);
    for (int id = 0; id < PCL_N_CONSTS; id++) {
        if (s < sizeof(sections) / sizeof(sections[0]) && sections[s].first == id)
            (void)fprintf(f, "\n[%s]\n", sections[s++].name);
        constant(f, &c->profile, (enum pcl_const_id)id);
    }
}

int pcl_calibration_write(const struct pcl_calibration *c, const char *path,
                          struct pcl_err *err)
{
    char part[4096];
    FILE *f;

    if (strcmp(path, "-") == 0) {
        write_all(stdout, c);
        return PCL_OK; /* the command looks at standard output when it ends */
    }
    (void)snprintf(part, sizeof(part), "%s.part", path);
    f = fopen(part, "w");
    if (!f)
        return pcl_fail(err, PCL_EIO, "%s: %s", part, strerror(errno));
    write_all(f, c);
    if (ferror(f) | fclose(f) || rename(part, path) != 0) {
        (void)pcl_fail(err, PCL_EIO, "%s: %s", path, strerror(errno));
        (void)unlink(part);
        return PCL_EIO;
    }
    return PCL_OK;
}

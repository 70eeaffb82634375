/*
 * Rounds of probes, then a profile. All probes run once in each round; a reading's value is the
 * median of its rounds and its spread what the rounds differ by, so that "how sure" comes from
 * the same repetition that a second calibration would be.
 */
#include "derive.h"
#include "describe.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct probe {
    const char *what;
    void (*run)(struct host *h);
};

static const struct probe cpu_probes[] = {
    {"CPU", host_probe_core},
    {"cache lines", host_probe_lines},
    {"scheduler", host_probe_sched},
    {"wake-ups", host_probe_wakes},
    {"address spaces", host_probe_memory},
};
static const struct probe dir_probes[] = {
    {"cached file", host_probe_cached},
    {"punches", host_probe_punches},
    {"storage", host_probe_device},
};
#define N(a) (sizeof(a) / sizeof((a)[0]))

struct place {
    const char *dir;
    enum pcl_fs fs;
    int fd;
    struct host_series series[HOST_N_READINGS];
};

struct work {
    const struct pcl_calibrate_opts *o;
    struct host h;
    struct host_series cpu[HOST_N_READINGS];
    struct place place[PCL_CALIBRATE_DIRS];
    size_t n_places;
    unsigned done, total;
};

/* --- directories
 * ---------------------------------------------------------------------------------- */

static int open_places(struct work *w, struct pcl_calibration *c, struct pcl_err *err)
{
    for (size_t i = 0; i < w->o->n_dirs; i++) {
        struct place *p = &w->place[w->n_places];
        const char *name;
        int rc = pcl_host_fs(w->o->dir[i], &p->fs, &name, err);

        if (rc != PCL_OK)
            return rc;
        if (p->fs == PCL_N_FS) {
            derive_note(c, "%s lies on %s, which is not modelled: nothing is measured there",
                        w->o->dir[i], name);
            continue;
        }
        for (size_t j = 0; j < w->n_places; j++)
            if (w->place[j].fs == p->fs)
                return pcl_fail(err, PCL_EINVAL,
                                "'%s' and '%s' lie both on %s; want a directory "
                                "for each file system",
                                w->place[j].dir, w->o->dir[i], name);
        p->dir = w->o->dir[i];
        p->fd = host_scratch(p->dir, 0, err);
        if (p->fd < 0)
            return p->fd;
        w->n_places++;
    }
    return PCL_OK;
}

/* --- rounds
 * ----------------------------------------------------------------------------------------- */

static bool probe_all(struct work *w, const struct probe *probe, size_t n)
{
    for (size_t i = 0; i < n && !host_stop(&w->h); i++) {
        if (w->o->progress)
            w->o->progress(probe[i].what, w->done, w->total, w->o->arg);
        probe[i].run(&w->h);
        w->done++;
    }
    return !host_stop(&w->h);
}

static bool round_of(struct work *w)
{
    if (!probe_all(w, cpu_probes, N(cpu_probes)))
        return false;
    host_end_round(&w->h, w->cpu);
    for (size_t i = 0; i < w->n_places; i++) {
        w->h.fd = w->place[i].fd;
        w->h.fs = w->place[i].fs;
        if (ftruncate(w->h.fd, 0) != 0 || !probe_all(w, dir_probes, N(dir_probes)))
            return false;
        host_end_round(&w->h, w->place[i].series);
    }
    return true;
}

static int rounds(struct work *w, struct pcl_calibration *c, struct pcl_err *err)
{
    uint64_t t0 = host_now();
    double span = 0;

    w->total = w->o->rounds * (unsigned)(N(cpu_probes) + w->n_places * N(dir_probes));
    /* another round only while one as long as those before still fits */
    while (c->rounds < w->o->rounds &&
           (c->rounds < 1 || span + span / c->rounds < w->o->seconds)) {
        if (!round_of(w))
            return host_stop(&w->h)
                       ? pcl_fail(err, PCL_EINTR, "interrupted; nothing is written")
                       : pcl_fail(err, PCL_EIO, "%s", strerror(errno));
        c->rounds++;
        span = (double)(host_now() - t0) / 1e9;
    }
    c->seconds = span;
    return PCL_OK;
}

/* --- readings
 * ---------------------------------------------------------------------------------------- */

static void add_readings(struct pcl_calibration *c, const struct host_series *s, const char *fs)
{
    for (int r = 0; r < HOST_N_READINGS; r++) {
        double sorted[HOST_MAX_ROUNDS], lo = INFINITY, hi = 0, m;
        unsigned n = s[r].rounds;

        if (n == 0)
            continue;
        memcpy(sorted, s[r].median, n * sizeof(*sorted));
        host_sort(sorted, n);
        for (unsigned i = 0; i < n; i++) {
            lo = fmin(lo, s[r].q1[i]);
            hi = fmax(hi, s[r].q3[i]);
        }
        m = host_quantile(sorted, n, 0.5);
        c->readings = pcl_xrealloc(c->readings, c->n_readings + 1, sizeof(*c->readings));
        c->readings[c->n_readings++] = (struct pcl_reading){
            .name = host_readings[r].name,
            .what = host_readings[r].what,
            .fs = fs,
            .median = m,
            .lo = fmin(lo, 0.95 * m), /* no clock is better than that over minutes */
            .hi = fmax(hi, 1.05 * m),
            .spread = m > 0 ? (sorted[n - 1] - sorted[0]) / m : 0,
            .rounds = n,
            .samples = s[r].samples,
        };
    }
}

static void derive_all(struct work *w, struct pcl_calibration *c)
{
    const struct pcl_reading *clock = derive_reading(c, HOST_R_clock, PCL_N_FS);
    const struct pcl_reading *call = derive_reading(c, HOST_R_syscall, PCL_N_FS);
    struct derive d = {.c = c, .fs = PCL_N_FS, .clock = clock ? clock->median : 0};
    double base_call = (double)c->profile.syscall;

    c->scale = call && base_call > 0 ? call->median / base_call : 1;
    if (w->n_places > 0) {
        double s;

        d.fs = w->place[0].fs;
        s = derive_scale(&d);
        c->scale = isnan(s) ? c->scale : s;
    }
    derive_direct(c, &w->h);
    derive_taken(c);
    for (size_t i = 0; i < w->n_places; i++) {
        d.fs = w->place[i].fs;
        derive_settle(&d);
        derive_device(&d);
    }
    for (size_t i = 0; i < w->n_places; i++) {
        d.fs = w->place[i].fs;
        derive_checks(&d);
    }
}

static void remarks(const struct work *w, struct pcl_calibration *c)
{
    unsigned unsteady = 0;

    for (size_t i = 0; i < c->n_readings; i++)
        unsteady += c->readings[i].spread > 0.25;
    if (w->h.n_cpus < 2)
        derive_note(c,
                    "one CPU: no line transfer, no wake-up of another CPU and no flush across "
                    "CPUs can be measured");
    if (w->n_places == 0)
        derive_note(c, "no file system was measured: name a directory on XFS, ext4 or tmpfs");
    if (c->rounds < w->o->rounds)
        derive_note(c, "%u of %u rounds: the time was up", c->rounds, w->o->rounds);
    if (c->steal > 0.02)
        derive_note(c, "noisy: the hypervisor took %.0f %% of the CPU time meanwhile",
                    100 * c->steal);
    if (c->load > 0.5)
        derive_note(c, "noisy: %.1f other tasks were running at the start", c->load);
    if (unsteady)
        derive_note(c, "%u of %zu readings differ by more than 25 %% between rounds", unsteady,
                    c->n_readings);
}

static int prepare(struct work *w, struct pcl_calibration *c, struct pcl_err *err)
{
    host_topology(&w->h);
    host_describe(c);
    (void)snprintf(c->base, sizeof(c->base), "%s",
                   *c->virt ? "guest-2vcpu" : "server-2s-eevdf");
    if (pcl_profile_load(c->base, &c->profile, err) != PCL_OK)
        return err->code;
    (void)snprintf(c->profile.name, sizeof(c->profile.name), "%s", w->o->name);
    (void)snprintf(c->profile.title, sizeof(c->profile.title), "%.80s, %d CPUs, Linux %.40s",
                   c->cpu, w->h.n_cpus, c->kernel);
    for (int id = 0; id < PCL_N_CONSTS; id++)
        c->known[id] = PCL_KNOWN_TAKEN;
    return open_places(w, c, err);
}

int pcl_calibrate(const struct pcl_calibrate_opts *o, struct pcl_calibration *out,
                  struct pcl_err *err)
{
    struct work *w = pcl_xcalloc(1, sizeof(*w));
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    cpu_set_t cpus;
    struct host_steal steal;
    int rc;

    w->o = o;
    w->h.cancel = o->cancel;
    memset(out, 0, sizeof(*out));
    (void)sched_getaffinity(0, sizeof(cpus), &cpus);
    (void)sigaction(SIGXFSZ, &ignore,
                    &before); /* a limit on file sizes is an error, not a death */
    rc = prepare(w, out, err);
    if (rc == PCL_OK) {
        out->load = host_load();
        host_steal_begin(&steal);
        rc = rounds(w, out, err);
        out->steal = host_steal_end(&steal);
    }
    if (rc == PCL_OK) {
        add_readings(out, w->cpu, "");
        for (size_t i = 0; i < w->n_places; i++)
            add_readings(out, w->place[i].series, pcl_fs_name(w->place[i].fs));
        derive_all(w, out);
        remarks(w, out);
    }
    for (size_t i = 0; i < w->n_places; i++)
        (void)close(w->place[i].fd);
    host_drop_samples(&w->h);
    (void)sigaction(SIGXFSZ, &before, NULL);
    (void)sched_setaffinity(0, sizeof(cpus), &cpus);
    free(w);
    return rc;
}

void pcl_calibration_fini(struct pcl_calibration *c)
{
    free(c->readings);
    free(c->checks);
    for (size_t i = 0; i < c->n_notes; i++)
        free(c->notes[i]);
    memset(c, 0, sizeof(*c));
}

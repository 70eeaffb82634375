/*
 * Constants that a reading gives as it is, or less one other; those that the kernel tells; and
 * those that nothing in user space shows, which are the base machine's.
 */
#include "derive.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

const struct pcl_reading *derive_reading(const struct pcl_calibration *c, enum host_reading r,
                                         enum pcl_fs fs)
{
    const char *name = fs == PCL_N_FS ? "" : pcl_fs_name(fs);

    for (size_t i = 0; i < c->n_readings; i++)
        if (strcmp(c->readings[i].name, host_readings[r].name) == 0 &&
            strcmp(c->readings[i].fs, name) == 0)
            return &c->readings[i];
    return NULL;
}

void derive_note(struct pcl_calibration *c, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (c->n_notes < sizeof(c->notes) / sizeof(c->notes[0]))
        c->notes[c->n_notes++] = pcl_xstrdup(text);
}

void derive_put(struct pcl_calibration *c, int id, enum pcl_known how, double v, double lo,
                double hi)
{
    struct pcl_profile *p = &c->profile;
    int64_t whole = (int64_t)llround(fmax(0, v));

    memcpy((char *)p + pcl_consts[id].offset, &whole, sizeof(whole));
    p->typical[id] = whole;
    p->lo[id] = (int64_t)llround(fmax(0, fmin(lo, v)));
    p->hi[id] = (int64_t)llround(fmax(hi, fmax(0, v)));
    c->known[id] = how;
}

static void source(struct pcl_calibration *c, int id, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void source(struct pcl_calibration *c, int id, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(c->profile.source[id], sizeof(c->profile.source[id]), fmt, ap);
    va_end(ap);
}

static void told(struct pcl_calibration *c, int id, int64_t v, const char *by)
{
    derive_put(c, id, PCL_KNOWN_MEASURED, (double)v, (double)v, (double)v);
    source(c, id, "told by %s", by);
}

/* --- readings
 * ------------------------------------------------------------------------------------ */

struct direct {
    int id;
    enum host_reading by, less; /* less: HOST_N_READINGS, nothing is taken off */
    bool sampled;               /* one by one: the clock's own time is in it */
};

static const struct direct directs[] = {
    {PCL_C_l1_hit, HOST_R_l1_load, HOST_N_READINGS, false},
    {PCL_C_dram, HOST_R_dram_load, HOST_N_READINGS, false},
    {PCL_C_rmw, HOST_R_atomic, HOST_N_READINGS, false},
    {PCL_C_line_llc, HOST_R_line_llc, HOST_N_READINGS, false},
    {PCL_C_line_socket, HOST_R_line_socket, HOST_N_READINGS, false},
    {PCL_C_line_remote, HOST_R_line_remote, HOST_N_READINGS, false},
    {PCL_C_zero_page, HOST_R_zero_hot, HOST_N_READINGS, false},
    {PCL_C_copy_page, HOST_R_copy_hot, HOST_N_READINGS, false},
    {PCL_C_syscall, HOST_R_syscall, HOST_N_READINGS, false},
    {PCL_C_ctx_switch, HOST_R_switch_pair, HOST_N_READINGS, false},
    {PCL_C_wake_call, HOST_R_futex_wake, HOST_R_futex_none, true},
    {PCL_C_wake_idle_shallow, HOST_R_wake_run_10us, HOST_R_futex_none, true},
    {PCL_C_wake_idle_deep, HOST_R_wake_run_3ms, HOST_R_futex_none, true},
    {PCL_C_tick_cost, HOST_R_tick_gap, HOST_N_READINGS, true},
    {PCL_C_rcu_gp, HOST_R_rcu, HOST_N_READINGS, true},
    {PCL_C_vma, HOST_R_vma, HOST_R_syscall, false},
    {PCL_C_ipi, HOST_R_unmap_2cpu, HOST_R_unmap_1cpu, false},
    {PCL_C_ipi_handler, HOST_R_ipi_gap, HOST_N_READINGS, true},
};

static void one_direct(struct pcl_calibration *c, const struct direct *d, double clock)
{
    const struct pcl_reading *r = derive_reading(c, d->by, PCL_N_FS);
    const struct pcl_reading *less =
        d->less == HOST_N_READINGS ? NULL : derive_reading(c, d->less, PCL_N_FS);
    double off = (less ? less->median : 0) + (d->sampled ? clock : 0);

    if (!r)
        return;
    if (r->median <= off) {
        derive_note(c, "%s: %s, %.1f ns, is no more than what is to be taken off; %s stays",
                    pcl_consts[d->id].name, r->what, r->median, c->base);
        return;
    }
    derive_put(c, d->id, PCL_KNOWN_MEASURED, r->median - off, r->lo - off, r->hi - off);
    source(c, d->id, "measured: %s%s%s; median of %u rounds, spread %.0f %%%s", r->what,
           less ? ", less " : "", less ? less->name : "", r->rounds, 100 * r->spread,
           r->spread > 0.25 ? " (unsteady)" : "");
}

/* Idle time from which on a wake-up takes longer than the geometric mean of shortest and
 * longest. */
static void idle_states(struct pcl_calibration *c)
{
    static const struct {
        enum host_reading r;
        int64_t idle_ns;
    } row[] = {{HOST_R_wake_run_10us, 10000},   {HOST_R_wake_run_30us, 30000},
               {HOST_R_wake_run_100us, 100000}, {HOST_R_wake_run_300us, 300000},
               {HOST_R_wake_run_1ms, 1000000},  {HOST_R_wake_run_3ms, 3000000}};
    const size_t n = sizeof(row) / sizeof(row[0]);
    const struct pcl_reading *first = derive_reading(c, row[0].r, PCL_N_FS);
    const struct pcl_reading *last = derive_reading(c, row[n - 1].r, PCL_N_FS);
    double middle;

    if (!first || !last)
        return;
    if (last->median < 1.3 * first->median) {
        derive_note(c,
                    "wake-ups take as long after 3 ms of idleness as after 10 us: no deep idle "
                    "state is seen; idle_deep_after of %s stays, and is of no weight",
                    c->base);
        return;
    }
    middle = sqrt(first->median * last->median);
    for (size_t i = 1; i < n; i++) {
        const struct pcl_reading *r = derive_reading(c, row[i].r, PCL_N_FS);

        if (!r || r->median < middle)
            continue;
        derive_put(c, PCL_C_idle_deep_after, PCL_KNOWN_MEASURED,
                   sqrt((double)row[i - 1].idle_ns * (double)row[i].idle_ns),
                   (double)row[i - 1].idle_ns, (double)row[i].idle_ns);
        source(
            c, PCL_C_idle_deep_after,
            "measured: a wake-up after %lld us of idleness takes %.1f us, after 10 us %.1f us",
            (long long)(row[i].idle_ns / 1000), r->median / 1000, first->median / 1000);
        return;
    }
}

static void flush_per_cpu(struct pcl_calibration *c, int n_cpus)
{
    const struct pcl_reading *all = derive_reading(c, HOST_R_unmap_all, PCL_N_FS);
    const struct pcl_reading *two = derive_reading(c, HOST_R_unmap_2cpu, PCL_N_FS);
    int more = n_cpus - 2;

    if (!all || !two || more < 1 || all->median <= two->median)
        return;
    derive_put(c, PCL_C_ipi_per_cpu, PCL_KNOWN_MEASURED, (all->median - two->median) / more,
               (all->lo - two->hi) / more, (all->hi - two->lo) / more);
    source(c, PCL_C_ipi_per_cpu, "measured: flush with %d CPUs less the same with two, by %d",
           n_cpus, more);
}

/* --- what the kernel tells
 * ------------------------------------------------------------------------ */

static bool line_of(const char *path, char *line, size_t n)
{
    FILE *f = fopen(path, "r");
    bool well = f && fgets(line, (int)n, f);

    if (f)
        (void)fclose(f);
    return well;
}

/* The distinct values of a field over the CPUs. */
static int distinct(const struct host *h, int socket, bool llc)
{
    int n = 0;

    for (int i = 0; i < h->n_cpus; i++) {
        bool seen = socket >= 0 && h->cpu[i].socket != socket;

        for (int j = 0; j < i && !seen; j++)
            seen =
                (socket < 0 || h->cpu[j].socket == socket) &&
                (llc ? h->cpu[j].llc == h->cpu[i].llc : h->cpu[j].socket == h->cpu[i].socket);
        n += !seen;
    }
    return n;
}

static void topology(struct pcl_calibration *c, const struct host *h)
{
    int sockets = distinct(h, -1, false), llcs = 1, per, pages = (int)(sysconf(_SC_PAGESIZE));
    char line[64];
    int64_t cache = 0;

    for (int i = 0; i < h->n_cpus; i++) {
        int n = distinct(h, h->cpu[i].socket, true);

        llcs = n > llcs ? n : llcs;
    }
    per = (h->n_cpus + sockets * llcs - 1) / (sockets * llcs);
    told(c, PCL_C_sockets, sockets, "sysfs, of the CPUs that the program may use");
    told(c, PCL_C_llcs_per_socket, llcs, "sysfs");
    told(c, PCL_C_cpus_per_llc, per, "sysfs");
    if (sockets * llcs * per != h->n_cpus)
        derive_note(c, "the %d CPUs are not spread evenly over %d caches; the profile has %d",
                    h->n_cpus, sockets * llcs, sockets * llcs * per);
    told(c, PCL_C_ram, (int64_t)sysconf(_SC_PHYS_PAGES) * pages, "sysconf");
    for (int i = 4; i >= 0 && cache == 0; i--) {
        char path[96];

        (void)snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu0/cache/index%d/size",
                       i);
        if (line_of(path, line, sizeof(line)))
            cache = strtoll(line, NULL, 10) * 1024 * sockets * llcs;
    }
    if (cache > 0)
        told(c, PCL_C_llc_bytes, cache, "sysfs, last-level caches together");
    else
        derive_note(c, "the size of the caches is not told; llc_bytes of %s stays", c->base);
}

static bool release_from(const char *release, int major, int minor)
{
    int a = 0, b = 0;

    (void)sscanf(release, "%d.%d", &a, &b);
    return a > major || (a == major && b >= minor);
}

/* The preemption model: debugfs marks it with brackets; else the version string has a hint. */
static void preemption(struct pcl_calibration *c, const struct utsname *u)
{
    static const char *const by_file = "/sys/kernel/debug/sched/preempt";
    char line[128] = "";
    const char *word = NULL;

    if (line_of(by_file, line, sizeof(line)))
        word = strstr(line, "(full)") ? "full"
               : strstr(line, "(voluntary)")
                   ? "voluntary"
                   : "none"; /* lazy waits for the tick, nearly none */
    if (word) {
        told(c, PCL_C_preempt,
             strcmp(word, "full") == 0        ? PCL_PREEMPT_FULL
             : strcmp(word, "voluntary") == 0 ? PCL_PREEMPT_VOLUNTARY
                                              : PCL_PREEMPT_NONE,
             strstr(line, "(lazy)") ? "debugfs: lazy, taken as none" : "debugfs");
        return;
    }
    if (strstr(u->version, "PREEMPT_DYNAMIC") || !strstr(u->version, "PREEMPT"))
        derive_note(
            c,
            "the kernel's preemption model is not shown (debugfs is not readable); that "
            "of %s is taken; see preempt= on the kernel's command line",
            c->base);
    else
        told(c, PCL_C_preempt, PCL_PREEMPT_FULL, "uname -v");
}

static void scheduler(struct pcl_calibration *c, const struct utsname *u, int n_cpus)
{
    bool eevdf = release_from(u->release, 6, 6);
    char line[64];
    double slice = (eevdf ? 700000.0 : 750000.0) * (1 + floor(log2(n_cpus < 8 ? n_cpus : 8)));
    const struct pcl_reading *r = derive_reading(c, HOST_R_stretch, PCL_N_FS);

    told(c, PCL_C_sched, eevdf ? PCL_SCHED_EEVDF : PCL_SCHED_CFS,
         "the release: EEVDF from 6.6 on");
    if (line_of("/sys/kernel/debug/sched/base_slice_ns", line, sizeof(line))) {
        told(c, PCL_C_slice, strtoll(line, NULL, 10), "debugfs, base_slice_ns");
        return;
    }
    derive_put(c, PCL_C_slice, PCL_KNOWN_DERIVED, slice, slice / 2, 3e6);
    source(c, PCL_C_slice,
           "default times 1 + log2 of %d CPUs, at most 8; two spinning threads took turns of "
           "%.1f ms",
           n_cpus, r ? r->median / 1e6 : 0.0);
}

static void kernel(struct pcl_calibration *c, const struct host *h)
{
    struct timespec res;
    struct utsname u;

    if (clock_getres(CLOCK_MONOTONIC_COARSE, &res) == 0 && res.tv_nsec > 0)
        told(c, PCL_C_hz, (1000000000 + res.tv_nsec / 2) / res.tv_nsec,
             "the resolution of the coarse clock");
    if (uname(&u) != 0)
        return;
    preemption(c, &u);
    scheduler(c, &u, h->n_cpus);
}

void derive_direct(struct pcl_calibration *c, const struct host *h)
{
    const struct pcl_reading *clock = derive_reading(c, HOST_R_clock, PCL_N_FS);

    topology(c, h);
    kernel(c, h);
    for (size_t i = 0; i < sizeof(directs) / sizeof(directs[0]); i++)
        one_direct(c, &directs[i], clock ? clock->median : 0);
    idle_states(c);
    flush_per_cpu(c, h->n_cpus);
}

/* --- storage
 * --------------------------------------------------------------------------------------- */

/* The spread of a request belongs to the device; the rest of its time is nearly constant. */
static void spread_of(struct pcl_calibration *c, int id, const struct pcl_reading *cv,
                      const struct pcl_reading *mean, int latency)
{
    double device = (double)pcl_profile_get(&c->profile, (enum pcl_const_id)latency);
    double v;

    if (!cv || !mean || device <= 0)
        return;
    v = fmin(1000, cv->median * mean->median / device);
    derive_put(c, id, PCL_KNOWN_MEASURED, v, cv->lo,
               fmin(1000, cv->hi * mean->median / device));
    source(c, id, "measured: spread of single direct requests on %s", cv->fs);
}

void derive_device(const struct derive *d)
{
    struct pcl_calibration *c = d->c;
    const struct pcl_reading *depth = derive_reading(c, HOST_R_direct_depth, d->fs);
    const struct pcl_reading *rd = derive_reading(c, HOST_R_read_rate, d->fs);
    const struct pcl_reading *wr = derive_reading(c, HOST_R_write_rate, d->fs);
    const struct pcl_reading *sync = derive_reading(c, HOST_R_sync_write, d->fs);

    spread_of(c, PCL_C_dev_read_cv, derive_reading(c, HOST_R_direct_read_cv, d->fs),
              derive_reading(c, HOST_R_direct_read, d->fs), PCL_C_dev_read);
    spread_of(c, PCL_C_dev_write_cv, derive_reading(c, HOST_R_direct_write_cv, d->fs),
              derive_reading(c, HOST_R_direct_write, d->fs), PCL_C_dev_write);
    if (depth) {
        derive_put(c, PCL_C_dev_channels, PCL_KNOWN_MEASURED, fmax(1, round(depth->median)),
                   fmax(1, floor(depth->lo)), ceil(depth->hi));
        source(c, PCL_C_dev_channels,
               "measured on %s: best rate of 1 to 16 threads over one's, %.1f", depth->fs,
               depth->median);
    }
    if (rd) {
        derive_put(c, PCL_C_dev_read_bw, PCL_KNOWN_MEASURED, rd->median, rd->lo, rd->hi);
        source(c, PCL_C_dev_read_bw, "measured on %s: direct reads of 1 MiB, four threads",
               rd->fs);
    }
    if (wr) {
        derive_put(c, PCL_C_dev_write_bw, PCL_KNOWN_MEASURED, wr->median, wr->lo, wr->hi);
        source(c, PCL_C_dev_write_bw, "measured on %s: direct writes of 1 MiB, four threads",
               wr->fs);
    }
    if (sync) {
        derive_put(c, PCL_C_dev_flush, PCL_KNOWN_MEASURED, sync->median, sync->lo, sync->hi);
        source(c, PCL_C_dev_flush, "measured: fdatasync on %s with nothing left to write",
               sync->fs);
    }
}

/* --- the rest
 * ---------------------------------------------------------------------------------------- */

/* Times of kernel code: they go with the speed of the CPU. */
static const int scaled[] = {PCL_C_spin_handoff,   PCL_C_migrate,       PCL_C_irq_entry,
                             PCL_C_tlb_flush,      PCL_C_pte,           PCL_C_node_visit,
                             PCL_C_list_visit,     PCL_C_slab_alloc,    PCL_C_folio_lookup,
                             PCL_C_folio_alloc,    PCL_C_folio_insert,  PCL_C_folio_remove,
                             PCL_C_folio_write,    PCL_C_direct_io,     PCL_C_fault,
                             PCL_C_fault_around,   PCL_C_madvise,       PCL_C_xfs_read,
                             PCL_C_xfs_write,      PCL_C_xfs_fallocate, PCL_C_xfs_extent,
                             PCL_C_xfs_mkwrite,    PCL_C_ext4_read,     PCL_C_ext4_write,
                             PCL_C_ext4_fallocate, PCL_C_ext4_extent,   PCL_C_ext4_mkwrite,
                             PCL_C_ext4_buffers,   PCL_C_tmpfs_read,    PCL_C_tmpfs_write,
                             PCL_C_tmpfs_fallocate};

static bool is_scaled(int id)
{
    for (size_t i = 0; i < sizeof(scaled) / sizeof(scaled[0]); i++)
        if (scaled[i] == id)
            return true;
    return false;
}

void derive_taken(struct pcl_calibration *c)
{
    for (int id = 0; id < PCL_N_CONSTS; id++) {
        double v = (double)pcl_profile_get(&c->profile, (enum pcl_const_id)id);

        if (c->known[id] != PCL_KNOWN_TAKEN)
            continue;
        if (!is_scaled(id)) {
            source(c, id, "taken over from %s: not to be measured here", c->base);
            continue;
        }
        derive_put(c, id, PCL_KNOWN_SCALED, v * c->scale, (double)c->profile.lo[id] * c->scale,
                   (double)c->profile.hi[id] * c->scale);
        source(c, id, "taken over from %s, times %.2f, the speed of kernel code here", c->base,
               c->scale);
    }
}

/*
 * From readings to constants. What a constant stands for cannot always be timed by itself: a
 * read is its call, its filesystem code, a look-up and a copy. So the same operation is run
 * through the model on an idle machine, and the one constant that is still open is chosen such
 * that the model's time is the measured one. The rows below say which operation settles which
 * constant, in order. Only single operations of one thread are used; nothing is fitted to
 * contention.
 */
#include "derive.h"

#include <pclsim/run.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An operation that is timed on the host and can be run in the model. */
struct single {
    enum host_reading reading;
    const char *list; /* the scenario's do = */
    const char *op;   /* whose mean latency is meant */
    bool hole;        /* of a file without blocks, nothing cached */
    unsigned on;      /* bit of each file system that it can be said of */
};

#define ON(fs) (1u << PCL_FS_##fs)
#define DISK (ON(XFS) | ON(EXT4))
#define ANY (DISK | ON(TMPFS))

static const struct single singles[] = {
    {HOST_R_pread_1, "read 268k 1", "read", false, ANY},
    {HOST_R_pread_4k, "read 268k 4k", "read", false, ANY},
    {HOST_R_pwrite_4k, "write 268k 4k", "write", false, ANY},
    {HOST_R_fault_one, "dontneed 268k 4k; fault 268k", "fault", false, ANY},
    {HOST_R_fault_16, "dontneed 0 1M; fault 268k", "fault", false, ANY},
    {HOST_R_dontneed, "dontneed 268k 4k; fault 268k", "dontneed", false, ANY},
    {HOST_R_fault_write, "dontneed 268k 4k; wfault 268k", "wfault", false, ANY},
    {HOST_R_read_hole, "punch 268k 4k; read 268k 4k", "read", true, DISK},
    {HOST_R_fault_hole, "punch 268k 4k; fault 268k", "fault", true, ANY},
    {HOST_R_punch_none, "punch 0 1M", "punch", true, ANY},
    {HOST_R_punch_hole_1, "read 0 4k; punch 0 1M", "punch", true, DISK},
    {HOST_R_punch_hole_256, "read 0 1M; punch 0 1M", "punch", true, DISK},
    {HOST_R_punch_clean_1, "write 0 4k; fsync; punch 0 1M", "punch", true, ANY},
    {HOST_R_punch_clean_256, "write 0 1M; fsync; punch 0 1M", "punch", true, ANY},
    {HOST_R_punch_dirty_256, "write 0 1M; punch 0 1M", "punch", true, ANY},
    {HOST_R_direct_read, "dread 0 4k", "dread", false, DISK},
    {HOST_R_direct_write, "dwrite 0 4k", "dwrite", false, DISK},
};
#define N_SINGLES (sizeof(singles) / sizeof(singles[0]))
#define PCL_NAN ((double)NAN) /* could not be simulated */

/* Which constant an operation settles. PCL_C_fs_*: that of the file system of the directory. */
enum { FS_READ = PCL_N_CONSTS, FS_WRITE, FS_FALLOCATE, FS_EXTENT, FS_MKWRITE };

struct settle {
    int id, also; /* also: a second constant that gets the same value, -1: none */
    enum host_reading by;
    unsigned on;
};

static const struct settle settles[] = {
    {FS_READ, -1, HOST_R_pread_1, ANY},
    {PCL_C_copy_page, -1, HOST_R_pread_4k, ANY},
    {FS_WRITE, -1, HOST_R_pwrite_4k, ANY},
    {PCL_C_fault, -1, HOST_R_fault_one, ANY},
    {PCL_C_fault_around, -1, HOST_R_fault_16, ANY},
    {PCL_C_madvise, -1, HOST_R_dontneed, ANY},
    {FS_MKWRITE, -1, HOST_R_fault_write, DISK},
    {PCL_C_folio_alloc, PCL_C_folio_insert, HOST_R_read_hole, DISK},
    {PCL_C_folio_alloc, PCL_C_folio_insert, HOST_R_fault_hole, ON(TMPFS)},
    {FS_FALLOCATE, -1, HOST_R_punch_none, ANY},
    {PCL_C_folio_remove, -1, HOST_R_punch_hole_256, DISK},
    {PCL_C_folio_remove, -1, HOST_R_punch_clean_256, ON(TMPFS)},
    {FS_EXTENT, -1, HOST_R_punch_clean_1, DISK},
    {PCL_C_ext4_buffers, -1, HOST_R_punch_dirty_256, ON(EXT4)},
    {PCL_C_dev_read, -1, HOST_R_direct_read, DISK},
    {PCL_C_dev_write, -1, HOST_R_direct_write, DISK},
    {PCL_C_folio_write, -1, HOST_R_punch_dirty_256, ON(XFS)},
};

/* The constants of a file system's own code, by the words above. */
static int const_of(int id, enum pcl_fs fs)
{
    static const int own[3][5] = {
        [PCL_FS_XFS] = {PCL_C_xfs_read, PCL_C_xfs_write, PCL_C_xfs_fallocate, PCL_C_xfs_extent,
                        PCL_C_xfs_mkwrite},
        [PCL_FS_EXT4] = {PCL_C_ext4_read, PCL_C_ext4_write, PCL_C_ext4_fallocate,
                         PCL_C_ext4_extent, PCL_C_ext4_mkwrite},
        [PCL_FS_TMPFS] = {PCL_C_tmpfs_read, PCL_C_tmpfs_write, PCL_C_tmpfs_fallocate, -1, -1},
    };

    return id < PCL_N_CONSTS ? id : own[fs][id - FS_READ];
}

static const struct single *single_of(enum host_reading r)
{
    for (size_t i = 0; i < N_SINGLES; i++)
        if (singles[i].reading == r)
            return &singles[i];
    PCL_NEVER("a reading without its operation");
}

/* --- one operation in the model
 * ---------------------------------------------------------------- */

static void put(struct pcl_profile *p, int id, double v)
{
    int64_t whole = (int64_t)llround(v);

    memcpy((char *)p + pcl_consts[id].offset, &whole, sizeof(whole));
}

static double get(const struct pcl_profile *p, int id)
{
    return (double)pcl_profile_get(p, (enum pcl_const_id)id);
}

static double latency_in(const struct pcl_result *r, const char *op)
{
    const struct pcl_metric *m = pcl_result_find(r, "latency_mean", op);

    return m ? m->value : pcl_result_find(r, "latency_mean", "all")->value;
}

double derive_simulate(enum host_reading reading, enum pcl_fs fs,
                       const struct pcl_profile *machine)
{
    const struct single *s = single_of(reading);
    struct pcl_profile p = *machine;
    struct pcl_scenario *sc = NULL;
    struct pcl_schemes all = {0};
    struct pcl_scheme scheme;
    struct pcl_result r;
    struct pcl_err err = {0};
    char text[512];
    double v = PCL_NAN;
    struct pcl_job job = {.scheme = &scheme, .machine = &p, .seed = 1};

    p.hz = 0;
    (void)snprintf(text, sizeof(text),
                   "[scenario]\ntitle = one operation\nfs = %s\ncpus = 1\nops = 40\n"
                   "[file f]\nsize = 2M\ncached = %s\nmapped = %s\n"
                   "[group g]\ntasks = 1\nthink = 5us\ndo = %s\n",
                   pcl_fs_name(fs), s->hole ? "0" : "1M", s->hole ? "no" : "yes", s->list);
    pcl_result_init(&r);
    if (pcl_scenario_parse("one operation", text, NULL, 0, &sc, &err) == PCL_OK &&
        pcl_schemes_default(&all, &err) == PCL_OK &&
        pcl_scheme_resolve(&all, "v6.7", &scheme, &err) == PCL_OK) {
        job.scenario = sc;
        if (pcl_run(&job, &r, NULL, &err) == PCL_OK && !r.failed)
            v = latency_in(&r, s->op);
    }
    pcl_result_fini(&r);
    pcl_schemes_fini(&all);
    pcl_scenario_free(sc);
    return v;
}

/* The value of a constant with which the model takes so many ns: the model is linear in it. */
static double solve(const struct derive *d, const struct settle *row, int id, double want)
{
    struct pcl_profile p = d->c->profile;
    double probe = fmax(100, get(&p, id)), at_0, at_1;

    put(&p, id, 0);
    if (row->also >= 0)
        put(&p, row->also, 0);
    at_0 = derive_simulate(row->by, d->fs, &p);
    put(&p, id, probe);
    if (row->also >= 0)
        put(&p, row->also, probe);
    at_1 = derive_simulate(row->by, d->fs, &p);
    return at_1 > at_0 ? (want - at_0) * probe / (at_1 - at_0) : PCL_NAN;
}

/* --- the constants
 * ------------------------------------------------------------------------------ */

static void set_settled(const struct derive *d, const struct settle *row, int id,
                        const struct pcl_reading *r, double v)
{
    struct pcl_calibration *c = d->c;
    double lo = solve(d, row, id, r->lo - d->clock), hi = solve(d, row, id, r->hi - d->clock);
    char how[160];

    (void)snprintf(how, sizeof(how), "solved from: %s on %s, %.0f ns (%.0f to %.0f)", r->what,
                   r->fs, r->median, r->lo, r->hi);
    for (int k = 0; k < 2; k++) {
        int which = k ? row->also : id;

        if (which < 0)
            continue;
        derive_put(c, which, PCL_KNOWN_DERIVED, v, lo, hi);
        (void)snprintf(c->profile.source[which], sizeof(c->profile.source[which]), "%s%s", how,
                       row->also >= 0 ? "; in equal parts with its neighbour" : "");
    }
}

void derive_settle(const struct derive *d)
{
    for (size_t i = 0; i < sizeof(settles) / sizeof(settles[0]); i++) {
        const struct settle *row = &settles[i];
        const struct pcl_reading *r = derive_reading(d->c, row->by, d->fs);
        int id = row->on & 1u << d->fs ? const_of(row->id, d->fs) : -1;
        double v;

        if (id < 0 || !r || (row->id < PCL_N_CONSTS && d->c->known[id] == PCL_KNOWN_DERIVED))
            continue; /* not here, or settled on another file system */
        v = solve(d, row, id, r->median - d->clock);
        if (isnan(v) || v < 0)
            derive_note(
                d->c,
                "%s: %s takes %.0f ns on %s, less than its other parts; the figure of %s "
                "stays",
                pcl_consts[id].name, r->what, r->median, r->fs, d->c->base);
        else
            set_settled(d, row, id, r, v);
    }
}

bool derive_settles(enum host_reading by, enum pcl_fs fs)
{
    for (size_t i = 0; i < sizeof(settles) / sizeof(settles[0]); i++)
        if (settles[i].by == by && settles[i].on & 1u << fs)
            return true;
    return false;
}

double derive_scale(const struct derive *d)
{
    static const enum host_reading by[] = {HOST_R_pread_1, HOST_R_pwrite_4k, HOST_R_fault_one,
                                           HOST_R_dontneed};
    double sum = 0;
    int n = 0;

    for (size_t i = 0; i < sizeof(by) / sizeof(by[0]); i++) {
        const struct pcl_reading *r = derive_reading(d->c, by[i], d->fs);
        double there = r ? derive_simulate(by[i], d->fs, &d->c->profile) : PCL_NAN;

        if (r && there > 0 && r->median > d->clock) {
            sum += log((r->median - d->clock) / there);
            n++;
        }
    }
    return n ? exp(sum / n) : PCL_NAN;
}

void derive_checks(const struct derive *d)
{
    for (size_t i = 0; i < N_SINGLES; i++) {
        const struct single *s = &singles[i];
        const struct pcl_reading *r = derive_reading(d->c, s->reading, d->fs);

        if (!r || !(s->on & 1u << d->fs))
            continue;
        d->c->checks = pcl_xrealloc(d->c->checks, d->c->n_checks + 1, sizeof(*d->c->checks));
        d->c->checks[d->c->n_checks++] = (struct pcl_check_row){
            .fs = r->fs,
            .name = r->name,
            .what = r->what,
            .measured = r->median - d->clock,
            .simulated = derive_simulate(s->reading, d->fs, &d->c->profile),
            .solved = derive_settles(s->reading, d->fs),
        };
    }
}

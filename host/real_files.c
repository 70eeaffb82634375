/*
 * The scenario's files for real: of the size that it says (as far as the file system goes),
 * with the blocks and the cached pages that it says. They have no name, so nothing is left of
 * them.
 */
#ifndef _GNU_SOURCE
#error "O_TMPFILE needs _GNU_SOURCE"
#endif
#include "real.h"
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE INT64_C(4096)
#define CHUNK (INT64_C(1) << 20)

static int failed(struct pcl_err *err, const struct pcl_real_opts *o, const char *what)
{
    return pcl_fail(err, PCL_EIO, "%s: %s: %s", o->dir, what, strerror(errno));
}

int64_t real_most_bytes(const struct pcl_scenario *s)
{
    int64_t most = PAGE;

    for (size_t i = 0; i < s->n_groups; i++) {
        const struct pcl_group *g = &s->groups[i];
        int64_t n = g->size.kind == PCL_DIST_UNIFORM ? g->size.b : g->size.a;

        for (size_t k = 0; k < g->n_list; k++)
            n = g->list[k].len > n ? g->list[k].len : n;
        most = n > most ? n : most;
    }
    return most > CHUNK ? CHUNK : most;
}

/* Reads or writes [at, at + len) in steps; a step makes one folio where the file system has
 * large ones. */
static bool walk(int fd, int64_t at, int64_t len, int64_t step, bool write)
{
    char *buf = pcl_xcalloc(1, (size_t)step);
    bool well = true;

    memset(buf, 'r', (size_t)step);
    for (int64_t done = 0; done < len && well; done += step) {
        size_t n = (size_t)(len - done < step ? len - done : step);
        ssize_t got = write ? pwrite(fd, buf, n, at + done) : pread(fd, buf, n, at + done);

        well = got == (ssize_t)n || (!write && got >= 0);
    }
    free(buf);
    return well;
}

/* As large as wanted, or as the file system goes: offsets behind that are never used, or fail
 * and are counted. */
static bool resize(int fd, int64_t size)
{
    while (ftruncate(fd, size) != 0) {
        if (errno != EFBIG || size < INT64_C(1) << 30)
            return false;
        size = size / 2 / PAGE * PAGE;
    }
    return true;
}

/* Blocks with data in them, nothing of it cached: blocks that were only allocated are read
 * without the device. */
static bool write_blocks(int fd, int64_t size)
{
    return walk(fd, 0, size, CHUNK, true) && fsync(fd) == 0 &&
           posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0;
}

static int fill(const struct real_file *f, const struct pcl_source_file *s,
                const struct pcl_real_opts *o, struct pcl_err *err)
{
    int64_t step = PAGE << s->order;
    bool whole = s->mapped && s->size <= o->space;

    if (!resize(f->fd, s->size) || (whole && !write_blocks(f->fd, s->size)))
        return failed(err, o, "making a file");
    (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_RANDOM); /* folios of one page; no read-ahead */
    if (s->cached > 0 &&
        !walk(f->fd, s->cached_at, s->cached, step, s->mapped && (!whole || s->order > 0)))
        return failed(err, o, "filling a file");
    if (s->mapped && fsync(f->fd) != 0)
        return failed(err, o, "syncing a file");
    if (s->dirty && !walk(f->fd, s->cached_at, s->cached, step, true))
        return failed(err, o, "filling a file");
    if (s->max_order > 0)
        (void)posix_fadvise(f->fd, 0, 0, POSIX_FADV_NORMAL);
    return PCL_OK;
}

/* The parts of the files that groups fault on. */
static void plan_maps(struct real_file *f, const struct pcl_source *s)
{
    const struct pcl_scenario *sc = s->scenario;

    for (uint32_t t = 0; t < s->n_tasks; t++) {
        const struct pcl_group *g = &sc->groups[s->group_of[t]];
        struct real_file *x = &f[s->inode_of[t]];
        int64_t at = g->region_at / PAGE * PAGE, end = g->region_at + g->region_len;
        int64_t old_end = x->map_at + x->map_len;
        bool faults = g->weight[PCL_OP_FAULT_READ] || g->weight[PCL_OP_FAULT_WRITE] ||
                      g->weight[PCL_OP_DONTNEED];

        for (size_t k = 0; k < g->n_list; k++)
            faults |= g->list[k].op == PCL_OP_FAULT_READ ||
                      g->list[k].op == PCL_OP_FAULT_WRITE || g->list[k].op == PCL_OP_DONTNEED;
        if (!faults)
            continue;
        if (x->map_len) {
            at = at < x->map_at ? at : x->map_at;
            end = end > old_end ? end : old_end;
        }
        x->map_at = at;
        x->map_len = end - at;
    }
}

static int open_one(struct real_file *f, const struct pcl_source_file *s,
                    const struct pcl_real_opts *o, struct pcl_err *err)
{
    char path[64];

    f->fd = host_scratch(o->dir, 0, err);
    if (f->fd < 0)
        return f->fd;
    (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", f->fd);
    f->direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
    return fill(f, s, o, err);
}

/* Bytes that the files will take, as far as it can be known before. */
static int check_space(const struct pcl_source *s, const struct pcl_real_opts *o,
                       struct pcl_err *err)
{
    int64_t sum = 0;

    for (uint32_t i = 0; i < s->n_files; i++) {
        int64_t n = s->files[i].mapped && s->files[i].size <= o->space ? s->files[i].size
                                                                       : s->files[i].cached;

        if (__builtin_add_overflow(sum, n, &sum) || sum > o->space) {
            char room[32];

            return pcl_fail(err, PCL_EINVAL,
                            "the files of the scenario take more than %s; see --space",
                            pcl_format_size(o->space, room, sizeof(room)));
        }
    }
    return PCL_OK;
}

int real_files_open(struct real_file *f, const struct pcl_real_opts *o,
                    const struct pcl_source *s, struct pcl_err *err)
{
    int rc = check_space(s, o, err);

    for (uint32_t i = 0; i < s->n_files; i++)
        f[i].fd = f[i].direct = -1;
    for (uint32_t i = 0; i < s->n_files && rc == PCL_OK; i++)
        rc = open_one(&f[i], &s->files[i], o, err);
    plan_maps(f, s);
    if (rc != PCL_OK)
        real_files_close(f, s->n_files);
    return rc;
}

void real_files_close(struct real_file *f, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (f[i].fd >= 0)
            (void)close(f[i].fd);
        if (f[i].direct >= 0)
            (void)close(f[i].direct);
        f[i].fd = f[i].direct = -1;
    }
}

/*
 * Each operation as what a program does: a call, or an access to mapped memory.
 */
#ifndef _GNU_SOURCE
#error "fallocate needs _GNU_SOURCE"
#endif
#include "real.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Reads or writes all of the range through the buffer; the end of the file ends a read. */
static int transfer(const struct real_worker *w, int fd, const struct pcl_request *r,
                    bool write)
{
    int64_t done = 0;

    if (fd < 0)
        return EOPNOTSUPP;
    while (done < r->len) {
        size_t n =
            (size_t)(r->len - done) < w->buf_size ? (size_t)(r->len - done) : w->buf_size;
        ssize_t got =
            write ? pwrite(fd, w->buf, n, r->off + done) : pread(fd, w->buf, n, r->off + done);

        if (got < 0)
            return errno;
        if (got == 0)
            return 0;
        done += got;
    }
    return 0;
}

static char *address(const struct real_worker *w, const struct pcl_request *r)
{
    const struct real_file *f = &w->file[r->inode];
    char *map = w->map[r->inode];

    if (!map || r->off < f->map_at || r->off >= f->map_at + f->map_len)
        return NULL;
    return map + (r->off - f->map_at);
}

/* A page behind the end of the file cannot be touched: the kernel says so with a signal. */
static _Thread_local sigjmp_buf behind_end;

static void on_bus_error(int sig)
{
    (void)sig;
    siglongjmp(behind_end, 1);
}

void real_guard_faults(void)
{
    struct sigaction sa = {.sa_handler = on_bus_error, .sa_flags = SA_NODEFER};

    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGBUS, &sa, NULL);
}

static int touch(const struct real_worker *w, const struct pcl_request *r, bool write)
{
    char *at = address(w, r);

    if (!at || sigsetjmp(behind_end, 0) != 0)
        return EFAULT;
    if (write)
        *(volatile char *)at = 1;
    else
        (void)*(volatile char *)at;
    return 0;
}

static int drop(const struct real_worker *w, const struct pcl_request *r)
{
    char *at = address(w, r);

    if (!at)
        return EFAULT;
    return madvise(at, (size_t)r->len, MADV_DONTNEED) == 0 ? 0 : errno;
}

static int reserve(int fd, const struct pcl_request *r, int mode)
{
    return fallocate(fd, mode, r->off, r->len) == 0 ? 0 : errno;
}

int real_do(struct real_worker *w, const struct pcl_request *r)
{
    const struct real_file *f = &w->file[r->inode];
    int keep = r->flags & PCL_OPF_KEEPSIZE ? FALLOC_FL_KEEP_SIZE : 0;

    /* the operations that real_lacks() names need no case */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
    switch ((enum pcl_op)r->op) {
    case PCL_OP_SYSCALL:
        return syscall(SYS_getppid) < 0 ? errno : 0;
    case PCL_OP_READ:
        return transfer(w, f->fd, r, false);
    case PCL_OP_WRITE:
        return transfer(w, f->fd, r, true);
    case PCL_OP_DREAD:
        return transfer(w, f->direct, r, false);
    case PCL_OP_DWRITE:
        return transfer(w, f->direct, r, true);
    case PCL_OP_FAULT_READ:
        return touch(w, r, false);
    case PCL_OP_FAULT_WRITE:
        return touch(w, r, true);
    case PCL_OP_DONTNEED:
        return drop(w, r);
    case PCL_OP_FSYNC:
        return (r->flags & PCL_OPF_DATASYNC ? fdatasync(f->fd) : fsync(f->fd)) == 0 ? 0 : errno;
    case PCL_OP_TRUNCATE:
        return ftruncate(f->fd, r->off) == 0 ? 0 : errno;
    case PCL_OP_PUNCH:
        return reserve(f->fd, r, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
    case PCL_OP_ALLOCATE:
        return reserve(f->fd, r, keep);
    case PCL_OP_ZERO:
        return reserve(f->fd, r, FALLOC_FL_ZERO_RANGE | keep);
    case PCL_OP_COLLAPSE:
        return reserve(f->fd, r, FALLOC_FL_COLLAPSE_RANGE);
    case PCL_OP_INSERT:
        return reserve(f->fd, r, FALLOC_FL_INSERT_RANGE);
    default:
        return EOPNOTSUPP;
    }
#pragma GCC diagnostic pop
}

const char *real_lacks(enum pcl_op op, enum pcl_fs fs)
{
    bool tmpfs = fs == PCL_FS_TMPFS;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wswitch-enum"
    switch (op) {
    case PCL_OP_SYSCALL:
    case PCL_OP_READ:
    case PCL_OP_WRITE:
    case PCL_OP_FAULT_READ:
    case PCL_OP_FAULT_WRITE:
    case PCL_OP_DONTNEED:
    case PCL_OP_FSYNC:
    case PCL_OP_TRUNCATE:
    case PCL_OP_PUNCH:
    case PCL_OP_ALLOCATE:
        return NULL;
    case PCL_OP_DREAD:
    case PCL_OP_DWRITE:
        return tmpfs ? "tmpfs has no direct I/O to a device" : NULL;
    case PCL_OP_ZERO:
    case PCL_OP_COLLAPSE:
    case PCL_OP_INSERT:
        return tmpfs ? "tmpfs does not have this mode of fallocate" : NULL;
    default:
        return "no program can ask the kernel for it";
    }
#pragma GCC diagnostic pop
}

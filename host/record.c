/*
 * An instance of tracefs: a directory that is made, switched on for this process, read and
 * removed. Nothing of the system's own trace buffer is touched.
 */
#include <pclsim/record.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH 160

struct pcl_record {
    char dir[PATH];
};

static bool put(const struct pcl_record *r, const char *file, const char *text)
{
    char path[PATH + 96];
    int fd;
    bool well;

    (void)snprintf(path, sizeof(path), "%s/%s", r->dir, file);
    fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd < 0)
        return false;
    well = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    (void)close(fd);
    return well;
}

static int make(struct pcl_record *r, struct pcl_err *err)
{
    static const char *const roots[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

    for (size_t i = 0; i < sizeof(roots) / sizeof(roots[0]); i++) {
        (void)snprintf(r->dir, sizeof(r->dir), "%s/instances/pclsim-%ld", roots[i],
                       (long)getpid());
        if (mkdir(r->dir, 0700) == 0)
            return PCL_OK;
    }
    return pcl_fail(err, PCL_ENOENT, "tracefs cannot be used (%s)", strerror(errno));
}

int pcl_record_begin(struct pcl_record **out, struct pcl_err *err)
{
    static const char *const events[] = {
        "events/lock/contention_begin/enable", "events/lock/contention_end/enable",
        "events/xfs/xfs_ilock/enable",         "events/xfs/xfs_ilock_nowait/enable",
        "events/xfs/xfs_ilock_demote/enable",  "events/xfs/xfs_iunlock/enable"};
    struct pcl_record *r = pcl_xcalloc(1, sizeof(*r));
    char pid[32];
    unsigned on = 0;
    int rc = make(r, err);

    if (rc != PCL_OK) {
        free(r);
        return rc;
    }
    (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
    (void)put(r, "tracing_on", "0");
    (void)put(r, "buffer_size_kb", "16384");
    (void)put(r, "trace_clock", "mono");
    (void)put(r, "options/event-fork", "1");
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++)
        on += put(r, events[i], "1");
    if (on == 0 || !put(r, "set_event_pid", pid) || !put(r, "tracing_on", "1")) {
        pcl_record_drop(r);
        return pcl_fail(err, PCL_ENOENT, "tracefs has no lock events");
    }
    *out = r;
    return PCL_OK;
}

int pcl_record_end(struct pcl_record *r, struct pcl_trace **trace, struct pcl_err *err)
{
    char path[PATH + 16];
    int rc;

    (void)put(r, "tracing_on", "0");
    (void)snprintf(path, sizeof(path), "%s/trace", r->dir);
    rc = pcl_trace_read(path, trace, err);
    pcl_record_drop(r);
    return rc;
}

void pcl_record_drop(struct pcl_record *r)
{
    if (!r)
        return;
    (void)put(r, "tracing_on", "0");
    (void)put(r, "events/enable", "0");
    (void)rmdir(r->dir);
    free(r);
}

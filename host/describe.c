/*
 * What this host is, from /proc and uname.
 */
#include "describe.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <time.h>

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

static void cpu_line(const char *line, struct pcl_calibration *c)
{
    const char *value = strchr(line, ':');

    if (!value)
        return;
    value += strspn(value, ": \t");
    if (strncmp(line, "model name", 10) == 0 && !*c->cpu)
        (void)snprintf(c->cpu, sizeof(c->cpu), "%.*s", (int)strcspn(value, "\n"), value);
    if (strncmp(line, "flags", 5) == 0 && strstr(value, " hypervisor"))
        (void)snprintf(c->virt, sizeof(c->virt), "virtual machine");
}

void host_describe(struct pcl_calibration *c)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    struct utsname u;
    time_t now = time(NULL);
    struct tm tm;
    char *line = NULL;
    size_t cap = 0;

    while (f && getline(&line, &cap, f) > 0)
        cpu_line(line, c);
    free(line);
    if (f)
        (void)fclose(f);
    if (!*c->cpu)
        (void)snprintf(c->cpu, sizeof(c->cpu), "unknown CPU");
    if (uname(&u) == 0)
        (void)snprintf(c->kernel, sizeof(c->kernel), "%.60s", u.release);
    if (gmtime_r(&now, &tm))
        (void)strftime(c->date, sizeof(c->date), "%Y-%m-%d", &tm);
}

double host_load(void)
{
    double sum = 0;
    int n = 0;

    for (int i = 0; i < 25; i++) {
        struct timespec wait = {0, 10000000};
        FILE *f = fopen("/proc/loadavg", "r");
        int running;

        if (!f)
            return 0;
        if (fscanf(f, "%*s %*s %*s %d", &running) == 1) {
            sum += running > 1 ? running - 1 : 0;
            n++;
        }
        (void)fclose(f);
        (void)nanosleep(&wait, NULL);
    }
    return n ? sum / n : 0;
}

void host_steal_begin(struct host_steal *s)
{
    FILE *f = fopen("/proc/stat", "r");
    unsigned long long v[8] = {0};

    *s = (struct host_steal){0};
    if (!f)
        return;
    if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &v[0], &v[1], &v[2], &v[3],
               &v[4], &v[5], &v[6], &v[7]) == 8) {
        s->stolen = v[7];
        for (int i = 0; i < 8; i++)
            s->total += v[i];
    }
    (void)fclose(f);
}

double host_steal_end(const struct host_steal *s)
{
    struct host_steal now;

    host_steal_begin(&now);
    return now.total > s->total
               ? (double)(now.stolen - s->stolen) / (double)(now.total - s->total)
               : 0;
}

int pcl_host_fs(const char *dir, enum pcl_fs *fs, const char **name, struct pcl_err *err)
{
    static const struct {
        long magic;
        enum pcl_fs fs;
        const char *name;
    } known[] = {
        {XFS_SUPER_MAGIC, PCL_FS_XFS, "xfs"},           {EXT4_SUPER_MAGIC, PCL_FS_EXT4, "ext4"},
        {TMPFS_MAGIC, PCL_FS_TMPFS, "tmpfs"},           {BTRFS_SUPER_MAGIC, PCL_N_FS, "btrfs"},
        {OVERLAYFS_SUPER_MAGIC, PCL_N_FS, "overlayfs"}, {NFS_SUPER_MAGIC, PCL_N_FS, "nfs"}};
    struct statfs s;

    if (statfs(dir, &s) != 0)
        return pcl_fail(err, PCL_EIO, "%s: %s", dir, strerror(errno));
    *fs = PCL_N_FS;
    *name = "another file system";
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if ((long)s.f_type == known[i].magic) {
            *fs = known[i].fs;
            *name = known[i].name;
        }
    return PCL_OK;
}

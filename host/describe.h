/*
 * What this host is and how quiet: CPU, kernel, hypervisor; other load and stolen time.
 */
#ifndef HOST_DESCRIBE_H
#define HOST_DESCRIBE_H

#include <pclsim/calibrate.h>

/* CPU time since the boot, in ticks of the kernel's account. */
struct host_steal {
    uint64_t stolen, total;
};

/** Fills cpu, kernel, date and virt. */
void host_describe(struct pcl_calibration *c);

/** Runnable tasks beside this one, mean over a quarter of a second. */
double host_load(void);

void host_steal_begin(struct host_steal *s);
/** Share of the CPU time since then that the hypervisor took; 0 where it does not tell. */
double host_steal_end(const struct host_steal *s);

#endif

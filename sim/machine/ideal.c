/*
 * The machine of the analytic cases: nothing costs anything, every task has a CPU, and the
 * device serves all comers at once. What remains is the locks themselves and the times that a
 * scenario names, which is what a closed form can be compared with.
 */
#include <pclsim/profile.h>

#include <string.h>

void pcl_profile_ideal(struct pcl_profile *p)
{
    memset(p, 0, sizeof *p);
    (void)snprintf(p->name, sizeof p->name, "ideal");
    (void)snprintf(p->title, sizeof p->title, "all costs zero, a CPU per task");
    (void)snprintf(p->path, sizeof p->path, "(built in)");
    p->sockets = 1;
    p->llcs_per_socket = 1;
    p->cpus_per_llc = 0;
    p->ram = PCL_OFF_MAX;
    p->llc_bytes = PCL_OFF_MAX;
    p->preempt = PCL_PREEMPT_NONE;
    p->sched = PCL_SCHED_IDEAL;
    p->dev_channels = 1024;
    /* nobody is throttled and nothing is written unless asked for: bandwidth 0 is unlimited */
    p->dirty_background = 100;
    p->dirty_limit = 100;
    for (unsigned id = 0; id < PCL_N_CONSTS; id++) {
        p->lo[id] = p->hi[id] = p->typical[id] = pcl_profile_get(p, (enum pcl_const_id)id);
        (void)snprintf(p->source[id], sizeof p->source[id], "by definition");
    }
}

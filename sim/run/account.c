/*
 * A scheme's memory account: its locks are set up on a machine of one task that never runs,
 * asked, and dropped.
 */
#include <pclsim/account.h>
#include <pclsim/locks.h>
#include <pclsim/profile.h>

static const enum pcl_role inode_roles[] = {PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                            PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

void pcl_memory_rates(const struct pcl_scheme_memory *m, bool lockdep,
                      struct pcl_memory_rates *out)
{
    const struct pcl_lock_memory *p = &m->of[PCL_ROLE_PAGE];

    *out = (struct pcl_memory_rates){.fixed = lockdep ? p->fixed_dbg : p->fixed,
                                     .page = lockdep ? p->per_page_dbg : p->per_page,
                                     .waiter = lockdep ? p->per_waiter_dbg : p->per_waiter};
    for (size_t i = 0; i < sizeof(inode_roles) / sizeof(inode_roles[0]); i++) {
        const struct pcl_lock_memory *r = &m->of[inode_roles[i]];
        int64_t waiter = lockdep ? r->per_waiter_dbg : r->per_waiter;

        out->fixed += lockdep ? r->fixed_dbg : r->fixed;
        out->inode += lockdep ? r->per_inode_dbg : r->per_inode;
        out->range += lockdep ? r->per_held_dbg : r->per_held;
        if (waiter > out->range_waiter)
            out->range_waiter = waiter;
    }
}

static const enum pcl_role range_roles[] = {PCL_ROLE_MMAP, PCL_ROLE_IOLOCK, PCL_ROLE_INVALIDATE,
                                            PCL_ROLE_ILOCK, PCL_ROLE_IMAP};

static int page_account(struct pcl_machine *m, const struct pcl_scheme *s,
                        struct pcl_scheme_memory *out, struct pcl_err *err)
{
    uint8_t *flags = NULL;
    struct pcl_page_locks L;
    int rc = pcl_page_locks_init(&L, m, &s->role[PCL_ROLE_PAGE], &flags, NULL, NULL, err);

    if (rc != PCL_OK)
        return rc;
    L.ops->memory(&L, &out->of[PCL_ROLE_PAGE]);
    out->used[PCL_ROLE_PAGE] = true;
    pcl_page_locks_fini(&L);
    return PCL_OK;
}

static int range_account(struct pcl_machine *m, const struct pcl_scheme *s, enum pcl_role role,
                         struct pcl_scheme_memory *out, struct pcl_err *err)
{
    struct pcl_range_locks R;
    int rc = pcl_range_locks_init(&R, m, role, &s->role[role], err);

    if (rc != PCL_OK)
        return rc;
    R.ops->memory(&R, &out->of[role]);
    out->used[role] = true;
    pcl_range_locks_fini(&R);
    return PCL_OK;
}

int pcl_scheme_memory(const struct pcl_scheme *s, struct pcl_scheme_memory *out,
                      struct pcl_err *err)
{
    struct pcl_profile ideal;
    struct pcl_machine m;
    int rc;

    *out = (struct pcl_scheme_memory){0};
    pcl_profile_ideal(&ideal);
    pcl_machine_init(&m, &(struct pcl_machine_conf){.profile = &ideal, .n_tasks = 1}, NULL);
    rc = page_account(&m, s, out, err);
    for (size_t i = 0; rc == PCL_OK && i < sizeof(range_roles) / sizeof(range_roles[0]); i++)
        rc = range_account(&m, s, range_roles[i], out, err);
    pcl_machine_fini(&m);
    return rc;
}

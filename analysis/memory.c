/*
 * The bill for a machine: rates times what there is many of. 2^63 bytes of RAM times 2^63 bytes a
 * page fit in 126 bits, and their sums in 127; ranges are held in each inode, a product of three.
 */
#include <pclsim/memory.h>

enum { PAGE_SHIFT = 12 };

/* *sum += a * b * c; false when it does not fit in 127 bits. a, b, c >= 0. */
static bool add_product(pcl_u128 *sum, pcl_u128 *part, int64_t a, int64_t b, int64_t c)
{
    const pcl_u128 most = ~(pcl_u128)0 >> 1;

    *part = (pcl_u128)(uint64_t)a * (uint64_t)b;
    if (c && *part > most / (uint64_t)c)
        return false;
    *part *= (uint64_t)c;
    if (*part > most - *sum)
        return false;
    *sum += *part;
    return true;
}

int pcl_memory_bill(const struct pcl_memory_rates *r, const struct pcl_fleet *f,
                    struct pcl_memory_bill *out, struct pcl_err *err)
{
    *out = (struct pcl_memory_bill){0};
    if (f->ram < 0 || f->inodes < 0 || f->waiters < 0 || f->ranges < 0)
        return pcl_fail(err, PCL_EINVAL, "memory: want numbers of 0 or more");
    if (!add_product(&out->rest, &out->fixed, r->fixed, 1, 1) ||
        !add_product(&out->rest, &out->pages, r->page, f->ram >> PAGE_SHIFT, 1) ||
        !add_product(&out->rest, &out->inodes, r->inode, f->inodes, 1))
        return pcl_fail(err, PCL_EINVAL, "memory: more than 2^127 bytes");
    out->total = out->rest;
    if (!add_product(&out->total, &out->waiters, r->waiter, f->waiters, 1) ||
        !add_product(&out->total, &out->ranges, r->range, f->inodes, f->ranges))
        return pcl_fail(err, PCL_EINVAL, "memory: more than 2^127 bytes");
    return PCL_OK;
}

int pcl_memory_row(const struct pcl_scheme *s, const struct pcl_fleet *f,
                   struct pcl_memory_row *out, struct pcl_err *err)
{
    struct pcl_scheme_memory m;
    int rc = pcl_scheme_memory(s, &m, err);

    *out = (struct pcl_memory_row){0};
    (void)snprintf(out->scheme, sizeof(out->scheme), "%s", s->name);
    for (int i = 0; i < 2 && rc == PCL_OK; i++) {
        pcl_memory_rates(&m, i, &out->rates[i]);
        rc = pcl_memory_bill(&out->rates[i], f, &out->bill[i], err);
    }
    return rc;
}

/*
 * The door from our counter-based generator to GSL: GSL wants a generator with a state, so the
 * state is the key and the number of the next draw.
 */
#include <pclsim/gsl.h>

#include <gsl/gsl_errno.h>
#include <limits.h>

#include "philox.h"

_Static_assert(ULONG_MAX == UINT64_MAX, "GSL's generators deliver an unsigned long");

struct state {
    struct pcl_stream s;
    uint64_t next;
};

static void seed(void *vstate, unsigned long gsl_seed)
{
    struct state *st = vstate;

    *st = (struct state){.s = pcl_stream(gsl_seed, 0, 0, PCL_DRAW_ANALYSIS)};
}

static unsigned long get(void *vstate)
{
    struct state *st = vstate;

    return pcl_philox(st->s, st->next++, 0).w[0];
}

static double get_double(void *vstate)
{
    return (double)(get(vstate) >> 11) * 0x1p-53; /* [0, 1), as GSL asks for */
}

static const gsl_rng_type type = {
    .name = "pclsim-philox2x64",
    .max = ULONG_MAX,
    .min = 0,
    .size = sizeof(struct state),
    .set = seed,
    .get = get,
    .get_double = get_double,
};

void pcl_gsl_init(void)
{
    (void)gsl_set_error_handler_off();
}

const gsl_rng_type *pcl_gsl_rng_type(void)
{
    return &type;
}

gsl_rng *pcl_gsl_rng_new(struct pcl_stream s)
{
    gsl_rng *r = gsl_rng_alloc(&type);

    PCL_ASSERT(r != NULL); /* only for lack of memory */
    *(struct state *)gsl_rng_state(r) = (struct state){.s = s};
    return r;
}

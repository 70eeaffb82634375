/*
 * Our random numbers as a gsl_rng_type, so that all of GSL's randist works on them. For analysis
 * only: GSL takes as many draws as it likes, so nothing on a simulated trajectory comes from here.
 * Unlike GSL's own generators it delivers all 64 bits: gsl_rng_uniform_int takes n to 2^64 - 1.
 */
#ifndef PCLSIM_GSL_H
#define PCLSIM_GSL_H

#include <gsl/gsl_rng.h>

#include <pclsim/dist.h>

/** Turns off GSL's error handler, which would abort the program; return codes must be looked at
 * instead. Process-wide and not thread-safe in GSL: call it in main before any thread starts;
 * further calls change nothing. */
void pcl_gsl_init(void);

/** For gsl_rng_alloc and gsl_rng_set; a GSL seed selects a stream of purpose PCL_DRAW_ANALYSIS. */
const gsl_rng_type *pcl_gsl_rng_type(void);

/** A generator that yields draw 0, 1, 2 ... of s (pcl_bits with lane 0); never NULL. The caller
 * frees it with gsl_rng_free. */
gsl_rng *pcl_gsl_rng_new(struct pcl_stream s);

#endif

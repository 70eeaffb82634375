/*
 * Prints exp_table.inc, the table behind pcl_exp_from_bits. Not part of the build: the table is
 * checked in so that every build has the same one. By hand, on a machine with 80-bit long
 * double:
 *
 *     cc -std=c17 gen_exp_table.c -lm -o gen_exp_table && ./gen_exp_table > exp_table.inc
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define SEGMENTS 256

int main(void)
{
    puts("/* Made by gen_exp_table.c: for segment i of [1/2, 1) with the upper end c,");
    puts(" * {-ln(c) in 2^-58, 1/c in 2^-63}; and ln 2 in 2^-58. */");
    printf("#define EXP_LN2 UINT64_C(0x%016" PRIx64 ")\n",
           (uint64_t)llroundl(logl(2.0L) * 0x1p58L));
    puts("static const struct exp_segment exp_table[] = {");
    for (int i = 0; i < SEGMENTS; i++) {
        long double c = (long double)(SEGMENTS + 1 + i) / (2 * SEGMENTS);

        printf("    {UINT64_C(0x%016" PRIx64 "), UINT64_C(0x%016" PRIx64 ")},\n",
               (uint64_t)llroundl(-logl(c) * 0x1p58L), (uint64_t)roundl(0x1p63L / c));
    }
    puts("};");
    return 0;
}

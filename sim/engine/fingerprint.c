/*
 * The cold half of the fingerprint: byte strings become words, and the last word becomes a
 * value in which every bit of the state has reached every bit.
 */
#include <pclsim/fingerprint.h>

void pcl_fp_add_bytes(struct pcl_fp *fp, const void *data, size_t size)
{
    const unsigned char *p = data;
    uint64_t word = 0;

    pcl_fp_add(fp, size); /* so that "ab", "c" is not "a", "bc" */
    for (size_t i = 0; i < size; i++) {
        word |= (uint64_t)p[i] << (i % 8 * 8);
        if (i % 8 == 7 || i + 1 == size) {
            pcl_fp_add(fp, word);
            word = 0;
        }
    }
}

uint64_t pcl_fp_value(const struct pcl_fp *fp)
{
    uint64_t x = fp->a ^ (fp->b << 23 | fp->b >> 41);

    x = (x ^ (x >> 33)) * UINT64_C(0xFF51AFD7ED558CCD);
    x = (x ^ (x >> 33)) * UINT64_C(0xC4CEB9FE1A85EC53);
    return x ^ (x >> 33);
}

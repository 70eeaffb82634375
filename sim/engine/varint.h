/*
 * Numbers of seven bits a byte, lowest first (LEB128): what the encodings for the store are made of.
 * What is read may come from anywhere.
 */
#ifndef PCLSIM_VARINT_H
#define PCLSIM_VARINT_H

#include <pclsim/base.h>

#define VARINT_MAX 10

static inline unsigned char *put_varint(unsigned char *p, uint64_t v)
{
    for (; v >= 128; v >>= 7)
        *p++ = (unsigned char)(v | 128);
    *p++ = (unsigned char)v;
    return p;
}

struct reader {
    const unsigned char *p, *end;
    bool bad; /* sticks: the caller looks once, at the end */
};

static inline uint64_t get_varint(struct reader *r)
{
    uint64_t v = 0;

    for (unsigned shift = 0; r->p < r->end && shift < 64; shift += 7) {
        unsigned char c = *r->p++;

        if (shift == 63 && c > 1)
            break; /* beyond 64 bits */
        v |= (uint64_t)(c & 127) << shift;
        if (c < 128) {
            r->bad |= c == 0 && shift > 0; /* one number, one form */
            return v;
        }
    }
    r->bad = true;
    return 0;
}

#endif

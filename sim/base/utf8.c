/*
 * UTF-8, one character at a time: overlong forms, surrogates and anything above U+10FFFF are
 * not text (RFC 3629, section 4).
 */
#include "utf8.h"

size_t pcl_utf8_step(const char *s, size_t n, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char c = (unsigned char)s[0];
    size_t len = c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    uint32_t v;

    if (len == 1) {
        *code = c;
        return 1;
    }
    if (c < 0xc2 || c > 0xf4 || n < len)
        return 0;
    v = c & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++) {
        unsigned char d = (unsigned char)s[i];

        if ((d & 0xc0) != 0x80)
            return 0;
        v = v << 6 | (d & 0x3f);
    }
    if (v < least[len] || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
        return 0;
    *code = v;
    return len;
}

/* Private to sim/base: one step through text that claims to be UTF-8. */
#ifndef PCLSIM_BASE_UTF8_H
#define PCLSIM_BASE_UTF8_H

#include <stddef.h>
#include <stdint.h>

/** Length of the well-formed character at s (n bytes left), or 0 when it is not UTF-8; *code is
 * set on success only. */
size_t pcl_utf8_step(const char *s, size_t n, uint32_t *code);

#endif

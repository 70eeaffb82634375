/*
 * Where a message points: at a value or a part of it, a key, a section's head. A value that an
 * override has set has no line; its message names "--set" instead of the file.
 */
#include "reader.h"

#include <stdarg.h>
#include <string.h>

static int fail(struct pcl_reader *r, unsigned line, unsigned col, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));

static int fail(struct pcl_reader *r, unsigned line, unsigned col, const char *fmt, va_list ap)
{
    struct pcl_ini *ini = r->ini;
    char msg[sizeof r->err->msg];

    (void)vsnprintf(msg, sizeof msg, fmt, ap);
    if (line == 0)
        return pcl_fail_at(r->err, "--set", 0, 0, "%s", msg);
    (void)pcl_fail_at(r->err, ini->file, line, col, "%s", msg);
    if (line <= ini->n_lines)
        pcl_err_source(r->err, ini->lines[line - 1], strlen(ini->lines[line - 1]));
    return PCL_EINVAL;
}

int pcl_fail_value(struct pcl_reader *r, const struct pcl_ini_entry *e, size_t skip,
                   const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fail(r, e->line, e->value_col + (unsigned)skip, fmt, ap);
    va_end(ap);
    return rc;
}

int pcl_fail_key(struct pcl_reader *r, const struct pcl_ini_entry *e, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fail(r, e->line, e->key_col, fmt, ap);
    va_end(ap);
    return rc;
}

int pcl_fail_section(struct pcl_reader *r, const struct pcl_ini_section *sec, const char *fmt,
                     ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = fail(r, sec->line, sec->col, fmt, ap);
    va_end(ap);
    return rc;
}

int pcl_fail_in(struct pcl_reader *r, struct pcl_ini_section *sec, const char *key,
                const char *fmt, ...)
{
    const struct pcl_ini_entry *e = pcl_ini_entry(sec, key);
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = e ? fail(r, e->line, e->value_col, fmt, ap) : fail(r, sec->line, sec->col, fmt, ap);
    va_end(ap);
    return rc;
}

int pcl_fail_unknown_key(struct pcl_reader *r, const struct pcl_ini_entry *e,
                         const char *const *names, size_t n)
{
    if (pcl_is_machine_constant(e->key))
        return pcl_fail_key(r, e,
                            "%s is a machine constant: it belongs into a machine profile, not "
                            "into a scenario; vary it with --set machine.%s=... or [grid] "
                            "machine.%s = low, typical, high",
                            e->key, e->key, e->key);
    (void)pcl_fail_key(r, e, "unknown key '%s'", e->key);
    return pcl_hint_nearest(r->err, e->key, names, n);
}

/* From profile.def, not from the profile's table: that one lives in sim/machine, above us. */
static const char *const constants[] = {
#define PCL_CONST(field, kind, choices, what) #field,
#include <pclsim/profile.def>
#undef PCL_CONST
};

const char *const *pcl_machine_constants(size_t *n)
{
    *n = sizeof constants / sizeof constants[0];
    return constants;
}

bool pcl_is_machine_constant(const char *name)
{
    for (size_t i = 0; i < sizeof constants / sizeof constants[0]; i++)
        if (strcmp(constants[i], name) == 0)
            return true;
    return false;
}

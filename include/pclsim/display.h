/*
 * How numbers, metrics and paragraphs look in tables, figures and verdicts.
 */
#ifndef PCLSIM_DISPLAY_H
#define PCLSIM_DISPLAY_H

#include <pclsim/compare.h>

#define PCL_COLUMNS 72        /* of everything that may be sent by mail */
#define PCL_HARD_BLANK '\x1f' /* pcl_wrap(): a blank at which no line ends */

/* A unit for people, chosen for all values of a row or axis at once. */
struct pcl_scale {
    double div;
    const char *unit; /* "" for plain numbers */
    bool suffix;      /* numbers take k, M, G */
};

/** The unit in which values up to max read well; unit is the metric's own. */
struct pcl_scale pcl_scale_for(const char *unit, double max);

/** A value in a scale, three to four digits. */
const char *pcl_show(double v, const struct pcl_scale *s, char *buf, size_t n);

/** A relative change as a percentage with sign ("-47.5%", "+403%"); half >= 0 limits the digits
 * to what the half-width supports, < 0 means it is exact. */
const char *pcl_show_change(double ratio, double half, char *buf, size_t n);

/** The half-width to go with it ("2.4"). */
const char *pcl_show_half(double ratio, double half, char *buf, size_t n);

/** Prints text as a paragraph wrapped at PCL_COLUMNS: first begins the first line, all others
 * are indented by indent. Bytes outside printable ASCII become '?'. */
void pcl_wrap(FILE *out, const char *first, int indent, const char *text);

/** What a parameter point is called: its label, or "tasks = 64, think = 5us". */
const char *pcl_point_title(const struct pcl_config_desc *d, char *buf, size_t n);

#endif

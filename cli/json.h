/*
 * JSON that every reader takes: no NaN, no infinity, and no integer that a double cannot hold.
 */
#ifndef PCLSIM_CLI_JSON_H
#define PCLSIM_CLI_JSON_H

#include <pclsim/result.h>

#include <jansson.h>

/** A number, or a string when it is beyond 2^53. */
json_t *cli_json_u64(uint64_t v);
json_t *cli_json_i64(int64_t v);
/** A number; null when it is not finite. */
json_t *cli_json_real(double v);
/** A 64-bit pattern as 16 hex digits. */
json_t *cli_json_hex(uint64_t v);
/** Any text; bytes that are not UTF-8 are replaced, since JSON cannot hold them. */
json_t *cli_json_text(const char *s);

/** One run's result: how it ended, counts, fingerprint, metrics, locks, violations. */
json_t *cli_json_result(const struct pcl_result *r);

/** Prints the document on standard output and drops it. Returns CLI_DONE. */
int cli_json_print(json_t *document);

#endif

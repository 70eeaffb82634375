/*
 * Runs the built pclsim as a user would and keeps what it said. Every test has a folder of its
 * own, which is also the home of the program: nobody's settings disturb.
 */
#ifndef PCLSIM_TESTS_CLI_COMMAND_H
#define PCLSIM_TESTS_CLI_COMMAND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <cmocka.h>

struct said {
    int code; /* exit code; 128 + the signal that killed it */
    char *out, *err;
};

/* Where standard output goes. */
enum sink {
    TO_MEMORY,
    TO_FULL_DISK,   /* /dev/full */
    TO_CLOSED_PIPE, /* a pipe that nobody reads */
    TO_NOTHING      /* closed */
};

/** Set-up and tear-down of a test program: makes the folder and removes it. */
int make_folder(void **state);
int remove_folder(void **state);

/** A path in the folder, in a static buffer per slot (0 to 3). */
const char *in_folder(unsigned slot, const char *name);

/** Writes a file in the folder. */
void write_text(const char *name, const char *text);

/** Runs pclsim with these words, the last one NULL. What it said last time is freed. */
void pclsim(struct said *s, const char *word, ...) __attribute__((sentinel));
void pclsim_v(struct said *s, enum sink sink, const char *const *words);
void forget(struct said *s);

/** Starts it without waiting; output goes to started.out and started.err in the folder.
 * wait_for() ends it. */
pid_t start(const char *const *words);
int wait_for(pid_t pid);

/** Fails, with all that was said, unless the exit code is code. */
void assert_code(const struct said *s, int code);
/** Fails, with text, unless text contains part. */
void assert_says(const char *text, const char *part);

/* A scenario that runs in a blink. */
extern const char tiny_scenario[];

#endif

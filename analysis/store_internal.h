/*
 * What the store's files share: the open connection, its statements and its error messages.
 */
#ifndef PCLSIM_STORE_INTERNAL_H
#define PCLSIM_STORE_INTERNAL_H

#include <sqlite3.h>

#include <pclsim/store.h>

enum pcl_stmt {
    PCL_STMT_STUDY_FIND,
    PCL_STMT_STUDY_ADD,
    PCL_STMT_CONFIG_FIND,
    PCL_STMT_CONFIG_ADD,
    PCL_STMT_PARAM_ADD,
    PCL_STMT_RUN_FIND,
    PCL_STMT_RUN_DROP,
    PCL_STMT_RUN_ADD,
    PCL_STMT_METRIC_FIND,
    PCL_STMT_METRIC_ADD,
    PCL_STMT_SCALAR_ADD,
    PCL_STMT_HIST_ADD,
    PCL_STMT_COURSE_ADD,
    PCL_STMT_LOCK_ADD,
    PCL_STMT_BLOCKED_ADD,
    PCL_STMT_POINT_ADD,
    PCL_STMT_VIOLATION_ADD,
    PCL_STMT_HOST_ADD,
    PCL_STMT_RUN_PEEK,
    PCL_STMT_VALUE_PEEK,
    PCL_STMT_RUN_GET,
    PCL_STMT_SCALAR_GET,
    PCL_STMT_CONFIG_RUNS,
    PCL_STMT_HIST_GET,
    PCL_STMT_HIST_ONE,
    PCL_STMT_COURSE_GET,
    PCL_STMT_COURSE_ONE,
    PCL_STMT_LOCK_GET,
    PCL_STMT_BLOCKED_GET,
    PCL_STMT_POINT_GET,
    PCL_STMT_VIOLATION_GET,
    PCL_N_STMTS
};

/* What a number of the table metric means. */
struct pcl_metric_name {
    int64_t id;
    char name[40], unit[12];
    enum pcl_better better;
};

struct pcl_store {
    sqlite3 *db;
    char *path;
    bool write;
    bool batch; /* a transaction of several runs is open */
    int lock_fd; /* flock()ed by the one writer; -1 */
    sqlite3_stmt *stmt[PCL_N_STMTS];
    struct pcl_metric_name *metric; /* by id; read when numbers are */
    size_t n_metrics;
    char host[128], kernel[160], cpu[160];
};

/** Makes the tables of a new store, or checks that an existing one is ours. */
int pcl_schema_check(struct pcl_store *s, struct pcl_err *err);

/** Runs SQL without result rows. */
int pcl_store_exec(struct pcl_store *s, const char *sql, struct pcl_err *err);

/** Turns the connection's last error into a message; returns the code. */
int pcl_store_error(struct pcl_store *s, struct pcl_err *err, const char *doing);

/** One integer from SQL without parameters, or -1. */
int64_t pcl_store_int(struct pcl_store *s, const char *sql);

/** The statement, prepared on first use and ready for new bindings; NULL on failure. */
sqlite3_stmt *pcl_store_stmt(struct pcl_store *s, enum pcl_stmt which);

/** Binds by letter: s text (NULL allowed), i int64_t, d double (NaN becomes NULL). Positions
 * count from 1 in the order of the letters. Text must stay until the statement is done. */
void pcl_store_bind(sqlite3_stmt *st, const char *letters, ...);

/** A column as text, "" for NULL; until the next step. */
const char *pcl_column(sqlite3_stmt *st, int i);

#endif

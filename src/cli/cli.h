/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of hsmlic: one table says which commands and options there
 * are; parsing, help, completion and the configuration read it.
 */
#ifndef HL_CLI_CLI_H
#define HL_CLI_CLI_H

#include <jansson.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "broker/broker.h"
#include "flow/target.h"
#include "store/store.h"

/* ---- tables ------------------------------------------------------------- */

typedef struct hl_option {
	const char *name;  /* long name without dashes */
	char letter;	   /* 0: none */
	const char *value; /* NULL: a flag; else what to call its value */
	const char *help;
	unsigned flags;
} hl_option;

#define HL_OPT_REPEAT 1U    /* a flag that counts, such as -vv */
#define HL_OPT_LINE_ONLY 2U /* neither from configuration nor environment */
#define HL_OPT_CHIP                                                            \
	4U		    /* one of the ways to name a chip: when one is on  \
			       the command line, none is taken from elsewhere */
#define HL_OPT_CONF_ONLY 8U /* a setting without an option */
#define HL_OPT_MANY 16U	    /* a value that may be given several times */

struct hl_cli;

/* What main() prepares for a command. */
#define HL_NEED_STORE                                                          \
	1U		  /* opened, made when it is the default one's first   \
			     use */
#define HL_NEED_BROKER 2U /* implies the store */
#define HL_NEED_MAKE 4U	  /* may make the store that --store names */
#define HL_NEED_LOOK                                                           \
	8U /* opened, never made; when there is none yet it does without:      \
	      hl_cli.store is NULL */
#define HL_STDOUT_LENT                                                         \
	16U /* standard output is another program's: --json counts only on the \
	       command line itself, where it is a mistake */
#define HL_TAKES_WORDS 32U /* of another program, behind "--" */
#define HL_NEED_READ 64U   /* opened for reading only, and never made */
#define HL_SEES_ALTERED                                                        \
	128U /* with HL_NEED_READ: also a store whose schema was altered */

#define HL_ONLY_READS                                                          \
	256U /* where the store may only be read, that is enough */

#define HL_OPERANDS_MANY INT_MAX

typedef struct hl_command {
	const char *group; /* "card" of "card list"; NULL: a plain command */
	const char *name;
	const char *operands; /* for usage, e.g. "CARD LABEL" */
	const char *help;     /* one line, lower case, no full stop */
	int min, max;	      /* operands */
	unsigned needs;
	const hl_option *options; /* ends with a name of NULL; may be NULL */
	/*
	 * Prints its result and returns HL_OK, or fails with *err. Checks that
	 * found something set cli->exit_code to 1 and return HL_OK.
	 */
	hl_rc (*run)(struct hl_cli *cli, char **operands, hl_err *err);
} hl_command;

extern const hl_command hl_commands[]; /* ends with a name of NULL */
/* help.c: is it in this group? NULL: is it a plain command? */
bool hl_command_in(const hl_command *c, const char *group);
/* Is it the table's first command of a group? */
bool hl_command_opens_group(const hl_command *c);
extern const hl_option hl_global_options[];
extern const hl_option hl_settings[]; /* configuration only */

/* ---- the running program ------------------------------------------------ */

#define HL_VALUES_MAX 64

typedef struct hl_value {
	const hl_option *option;
	const char *text; /* of the value; NULL: not given */
	unsigned count;	  /* times given */
	bool on_line;	  /* by the command line itself */
	bool from_file;	  /* by a configuration file */
	const char *where; /* a variable, or file and line; NULL: neither */
} hl_value;

typedef struct hl_cli {
	const hl_command *command; /* NULL until it is known */
	hl_value values[HL_VALUES_MAX];
	size_t n_values;
	char **config_values; /* owned: values that came from files */
	size_t n_config_values;
	const char *files[2]; /* configuration files that were read */
	size_t n_files;
	bool json, plain, quiet, yes, dry_run;
	unsigned verbose;
	bool color_out, color_err;
	hl_actor actor;
	uint32_t timeout_ms;
	hl_deadline until;
	hl_store *store;
	bool read_only; /* it is: nothing can be recorded */
	hl_broker *broker;
	hl_target_connect connect; /* a chip at ST's program, for the broker */
	mode_t mask;   /* of the user, for programs that are run for them */
	/* what the caller had made of SIGPIPE and SIGXFSZ, for the same */
	void (*sigpipe)(int);
	void (*sigxfsz)(int);
	hl_text url;	 /* of the store */
	hl_text scratch; /* folder of a dry run's own store; "" none */
	int exit_code; /* when the command returned HL_OK */
	int units_spent; /* by it */
	json_t *findings; /* that stopped it, for --json; or NULL */
	bool result_printed;
} hl_cli;

/* Value of an option of the running command, or NULL. The option must be in its
 * table or in the global ones. */
const char *hl_opt(const hl_cli *cli, const char *name);
/* The nth (from 0) of a HL_OPT_MANY option; NULL: not given so often. */
const char *hl_opt_nth(const hl_cli *cli, const char *name, size_t n);
bool hl_opt_set(const hl_cli *cli, const char *name); /* flags */
unsigned hl_opt_count(const hl_cli *cli, const char *name);
bool hl_opt_on_line(const hl_cli *cli, const char *name);
/* A whole number option; `dflt` when not given. HL_EUSAGE. */
HL_CHECK hl_rc hl_opt_number(const hl_cli *cli, const char *name, uint64_t max,
    uint64_t dflt, uint64_t *out, hl_err *err);

/* Adds to an error about an option's value where that comes from, unless the
 * command line itself says it. */
void hl_opt_blame(const hl_cli *cli, const char *name, hl_err *err);

/* What a command line asked for besides a command. */
typedef struct hl_args {
	char **operands; /* into argv, ends with NULL */
	int n;
	bool help, version;
	const char *group; /* --help of a group of commands */
} hl_args;

/* args.c: fills cli->command and cli->values. */
HL_CHECK hl_rc hl_args_parse(
    hl_cli *cli, int argc, char **argv, hl_args *out, hl_err *err);
/* config.c: values from environment and files, for what is not given yet. */
HL_CHECK hl_rc hl_config_load(hl_cli *cli, hl_err *err);
/* What a flag is set to there. False: neither true nor false. */
bool hl_flag_value(const char *text, bool *on);
/*
 * Reads the text of a configuration file (NUL-terminated) and takes from it
 * what the running command has an option for and nobody has set yet. `path` is
 * for messages. HL_EINPUT: a line that cannot be understood, an unknown
 * section, an unknown key, a key that stands twice.
 */
HL_CHECK hl_rc hl_config_parse(
    hl_cli *cli, const char *path, const char *text, hl_err *err);
/* Frees what hl_config_parse() kept. */
void hl_config_free(hl_cli *cli);
/* help.c */
void hl_help(const hl_cli *cli, const hl_command *command, FILE *f);
void hl_help_group(const char *group, FILE *f); /* its subcommands */
/* Sets the hint: which help to read. Both may be NULL. */
void hl_hint_help(const hl_command *c, const char *group, hl_err *err);
/* Fails: there is no such command (of this group, or NULL), but perhaps one
 * that is spelt much the same. */
hl_rc hl_no_command(const char *group, const char *word, hl_err *err);
void hl_usage_line(const hl_command *c, hl_buf *out);
hl_rc hl_cmd_help(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_completion(hl_cli *cli, char **operands, hl_err *err);

/*
 * Opens the store (and broker) when a command needs them later than at start. A
 * dry run makes none: it gets an empty one of its own.
 */
HL_CHECK hl_rc hl_cli_open_store(hl_cli *cli, bool create, hl_err *err);
/* What a dry run worked with where no store is. */
void hl_cli_remove_scratch(hl_cli *cli);
/* cli->url, from --store or the default. */
HL_CHECK hl_rc hl_cli_set_url(hl_cli *cli, hl_err *err);
/* May the command make the store that is not there? */
bool hl_cli_may_make_store(const hl_cli *cli);
HL_CHECK hl_rc hl_cli_open_broker(hl_cli *cli, hl_err *err);
/* May the store be read, and not be written? */
bool hl_cli_may_only_read(const hl_cli *cli);
void hl_cli_tell_read_only(const hl_cli *cli);
/* As HL_NEED_LOOK: when there is none yet, that is said and is no error. */
HL_CHECK hl_rc hl_cli_look_store(hl_cli *cli, hl_err *err);
/* As HL_NEED_READ. HL_ESTORE: it has an older schema, and so no ledger. */
HL_CHECK hl_rc hl_cli_read_store(hl_cli *cli, hl_err *err);

/* ---- output (print.c) --------------------------------------------------- */

/* The two lines of an error, or its JSON object. */
void hl_print_error(hl_cli *cli, const hl_err *err);
/* Flushes standard output. 0, or why it has failed, now or before. */
int hl_out_errno(void);
/* One message line on stderr, "hsmlic: ..."; not with -q. */
void hl_message(const hl_cli *cli, const char *fmt, ...) HL_PRINTF(2, 3);
/* "hsmlic: note: ...": what a person should know of units and of what cannot be
 * undone; also with -q. */
void hl_print_note(const hl_cli *cli, const char *text);
/* As hl_message(), but only with -v. */
void hl_detail(const hl_cli *cli, const char *fmt, ...) HL_PRINTF(2, 3);

/*
 * Prints the result object of a command (takes over `root`; NULL is out of
 * memory): adds "schema" in front. For --json only.
 */
HL_CHECK hl_rc hl_print_json(hl_cli *cli, json_t *root, hl_err *err);
/* One object of a stream (JSON Lines), without schema; takes it over. */
void hl_print_event(json_t *object);

/* JSON pieces. */
json_t *hl_json_text(const char *s);	      /* "" becomes null */
json_t *hl_json_time(int64_t ms);	      /* 0 becomes null */
json_t *hl_json_hex(const void *p, size_t n); /* lower case; n 0: null */
json_t *hl_json_uid(const hl_uid *u);
json_t *hl_json_uuid(const hl_uuid *u); /* all zero: null */
json_t *hl_json_error(const hl_err *err);

/* A table on stdout: columns as wide as they need, header when there are rows.
 * `right` has a bit for each column that is aligned to the right. */
typedef struct hl_table hl_table;
hl_table *hl_table_new(const char *const *columns, size_t n, unsigned right);
/* Copies n cells. */
void hl_table_row(hl_table *t, const char *const *cells);
bool hl_table_is_empty(const hl_table *t);
void hl_table_print(hl_cli *cli, hl_table **t); /* and frees it */
void hl_table_free(hl_table **t);

/* A counter as a bar of `width` columns: "[#####.....]". */
void hl_gauge(uint32_t n, uint32_t of, size_t width, hl_buf *out);
/* `one` for 1, `many` for any other number. */
const char *hl_plural(uint64_t n, const char *one, const char *many);

#define HL_CARD_WORDS (HL_TEXT_MAX + HL_SERIAL_TEXT + 4)
/* A card in questions and messages: "label" (SERIAL), or SERIAL alone. */
void
hl_card_words(const char *label, const char *serial, char *out, size_t size);

/* ---- people (ask.c) ----------------------------------------------------- */

/*
 * May this be done? --yes says so; on a terminal `question` is asked; else
 * HL_EDENIED.
 */
HL_CHECK hl_rc hl_ask(hl_cli *cli, const char *question, hl_err *err);
/* The same for units, which `spend = allow` lets go; the text is cleaned. */
HL_CHECK hl_rc hl_ask_units(hl_cli *cli, char *text, hl_err *err);
HL_CHECK hl_rc hl_ask_spend(void *cli, const hl_spend_plan *plan, hl_err *err);

/* Long work: on a terminal a bar with rate and time left; else a line every few
 * seconds; with --json an event. */
typedef struct hl_progress {
	hl_cli *cli;
	const char *what; /* "checking", ... */
	uint64_t done, total;
	int64_t started, shown; /* monotonic */
} hl_progress;
void hl_progress_start(
    hl_progress *p, hl_cli *cli, const char *what, uint64_t total);
void hl_progress_step(hl_progress *p, uint64_t done);
void hl_progress_end(hl_progress *p);

/* ---- operands (operand.c) ----------------------------------------------- */

/* What --cert, --uid and --target of a command say. */
typedef struct hl_chip_args {
	hl_cert cert;
	hl_uid uid;
	bool has_cert, has_uid;
} hl_chip_args;
HL_CHECK hl_rc hl_chip_options(hl_cli *cli, hl_chip_args *out, hl_err *err);
/* A chip of the store by UID, certificate hash (at least 8 digits) or label. */
HL_CHECK hl_rc hl_chip_operand(
    hl_cli *cli, const char *s, hl_chip *out, hl_err *err);
/* A license by its ID or how that begins, or the active one of a chip (and
 * --firmware). */
HL_CHECK hl_rc hl_license_operand(
    hl_cli *cli, const char *s, hl_license *out, hl_err *err);
/* The same, but the one of a chip that is in this state. */
HL_CHECK hl_rc hl_license_operand_in(hl_cli *cli, const char *s,
    hl_license_state state, hl_license *out, hl_err *err);

/* ---- commands: one file a group ----------------------------------------- */

hl_rc hl_cmd_get(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_prefetch(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_card_list(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_card_show(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_card_add(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_card_label(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_card_retire(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_card_slot(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_card_watch(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_chip_list(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_chip_show(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_chip_label(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_chip_read(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_license_list(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_license_show(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_license_export(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_license_import(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_license_retire(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_program(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_run(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_license_doubt(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_license_trust(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_reconcile(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_recover(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_preflight(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_status(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_doctor(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_explain(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_store_init(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_store_check(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_store_backup(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_store_restore(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_store_upgrade(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_store_merge(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_audit_log(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_audit_verify(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_audit_prove(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_audit_checkpoint(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_audit_witness(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_audit_bundle(hl_cli *cli, char **operands, hl_err *err);
hl_rc hl_cmd_audit_key(hl_cli *cli, char **operands, hl_err *err);

#endif

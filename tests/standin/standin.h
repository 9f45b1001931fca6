/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A STAND-IN for ST's closed STM32_Programmer_CLI, for tests: not ST's program,
 * nothing of it is in here, and it is never installed. What it takes and prints
 * follows the tool's published help, ST AN5054 and console output that users
 * published. Lines that nobody published are invented; each is marked SYNTHETIC
 * where it is printed, and nothing may be concluded from them about ST's tool.
 *
 * Its world is the folder that STM32CLI_STANDIN names:
 *	card-N		link to the state file of the card in slot N (hsmlic-sim
 *			card new)
 *	chip		link to a simulated chip (hsmlic-sim chip new): the one
 *			at the probe that no sn= names
 *	chip-SN		the same for the probe with that serial number
 *	device		lines "id 0x481", "name STM32U5xx", "uid 0x0BFA0700" or
 *			"uid none" (cannot be read), for what the chip is to the
 *			tool; also in a chip's folder, which wins
 *	option-bytes	in a chip's folder: lines "NAME : VALUE" for -ob displ
 *	switches	lines of habits and faults, see below
 *	journal		one line for each run: its arguments
 *	children	process IDs of what spawn-child left behind
 *
 * Switches, one a line or with commas between in STM32CLI_SWITCHES. With
 * "-COMMAND:" in front it holds only for runs with that command in them.
 *	version=X.Y.Z		in the banner; before 2.20 columns are aligned
 *	colors crlf clock comma	how lines look
 *	stderr			lines with "Error" go there
 *	h7rs			an install that goes well looks as on H7RS
 *	slow=MS			waits before it asks a card or touches a chip
 *	slow-write=MS		waits when the card has counted, then writes
 *	license-then-fail[=LINE]	every install fails, with this line
 *	bad-license		every install fails as with a bad license
 *	exit0-on-failure exit1-on-success
 *	hang-before-license	session open, nothing counted
 *	hang-after-count	counted, license not written
 *	stubborn		ignores SIGINT and SIGTERM
 *	kill-mid-write		SIGKILL with half of the license written
 *	no-license-file		counts, says so, writes nothing
 *	error-with-license	writes the license, then says an error, exit 1
 *	no-hsmglfcb		has no such command
 *	counter-only-by-command	-hsmgetinfo tells none
 *	no-counter no-state	nor does the command
 *	garbage			other bytes for each line; does its work
 *	spawn-child[=session]	leaves a child that holds stdout (in a session
 *				of its own)
 */
#ifndef STANDIN_H
#define STANDIN_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "card/card.h"
#include "chip/cert.h"
#include "util/buf.h"
#include "util/err.h"

#define STANDIN_SWITCHES_MAX 64
#define STANDIN_OPERANDS_MAX 64
/* The world is not as it has to be: the test is wrong, not the program. */
#define STANDIN_BROKEN 99

struct target {
	bool connected;
	char dir[PATH_MAX]; /* of the chip */
	hl_cert cert;
	uint32_t device_id;
	char name[64];
	bool has_uid;
	uint32_t uid_at;
};

struct tool {
	int argc;
	char **argv;
	char dir[PATH_MAX]; /* the world */
	hl_buf text;	    /* what the switches point into */
	char *switches[STANDIN_SWITCHES_MAX];
	size_t n_switches;
	FILE *log;
	unsigned garbage; /* state of its generator */
	struct target target;
};

/* Operands of one command: words up to the next one with a '-' in front. */
struct words {
	size_t n;
	char **w;
};

/* Each returns the exit status: 0, or 1 with an error said. */
typedef int command_run(struct tool *t, const struct words *w);

/* world.c */
/* Reads the world, and enters this run into the journal. Ends the program with
 * STANDIN_BROKEN when there is none. */
void world_open(struct tool *t);
void world_close(struct tool *t);
_Noreturn void world_broken(const char *what, const char *why);
/* NULL: not set. "" when it has no value. */
const char *world_switch(const struct tool *t, const char *name);
bool world_has(const struct tool *t, const char *name);
/* slow=MS, or another switch that is so many milliseconds. */
void world_slow(const struct tool *t, const char *name);
/* Never returns; ends by itself only when the world is gone. */
_Noreturn void world_hang(const struct tool *t);
void world_spawn_child(const struct tool *t);

/* say.c: one line of output. */
void say(struct tool *t, const char *fmt, ...) HL_PRINTF(2, 3);
/* "Error: ..."; returns 1. */
int say_error(struct tool *t, const char *fmt, ...) HL_PRINTF(2, 3);
/* KEY, ':' and a value, spaced as this version does. */
void say_field(struct tool *t, const char *key, const char *fmt, ...)
    HL_PRINTF(3, 4);
void say_banner(struct tool *t);
bool say_aligned(const struct tool *t);

/* words.c */
/* The value of the operand KEY=..., NULL when there is none. */
const char *words_value(const struct words *w, const char *key);
/* The i-th operand that is no KEY=VALUE of the tool's; NULL. */
const char *words_plain(const struct words *w, size_t i);
/* slot=N, 1 when not given; 0: not a number. */
unsigned words_slot(const struct words *w);
/* Operand behind an option anywhere in the command line; NULL. */
const char *words_of(const struct tool *t, const char *option);

/* hsm.c */
command_run hsm_get_info, hsm_get_counter, hsm_get_firmware, hsm_get_status,
    hsm_get_license, hsm_license_from_certificate;
/* A license for this chip: one unit, and the lines of samples. False: failed,
 * and said. */
bool hsm_issue(
    struct tool *t, unsigned slot, const hl_cert *cert, hl_card_answer *out);

/* target.c */
command_run target_connect, target_certificate, target_read32,
    target_option_bytes;
/* False: there is no connected target, and it was said. */
bool target_needed(struct tool *t);

/* install.c */
command_run install_sfi, install_ssp, install_module;

/* help.c */
void help_print(struct tool *t);

#endif

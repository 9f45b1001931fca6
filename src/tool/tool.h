/* SPDX-License-Identifier: Apache-2.0 */
/*
 * STM32_Programmer_CLI, the command line tool of STM32CubeProgrammer: found and
 * run, with the commands that spend nothing. Their syntax is that of its help
 * and of AN5054 rev 18 (3.2, 4.3). Nothing of this has run with the genuine
 * tool.
 */
#ifndef HL_TOOL_TOOL_H
#define HL_TOOL_TOOL_H

#include <limits.h>

#include "tool/output.h"
#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/spawn.h"

#define HL_TOOL_NAME "STM32_Programmer_CLI"
#define HL_TOOL_TEXT_MAX                                                       \
	((size_t)4 * 1024 * 1024) /* of an output that is kept */

typedef struct hl_tool {
	char path[PATH_MAX];
} hl_tool;

/*
 * Looks for the tool, in this order: `configured` (a path, or a name in PATH;
 * NULL or "": none), the program in STM32CUBEPRG_CLI, the folder in
 * STM32_CUBE_PROGRAMMER_DIR or bin/ in it, the absolute folders of PATH, the
 * folders that ST's installers propose (of several versions the newest). What
 * the first three name has to be there: another version than the one that
 * somebody asked for is not taken. The running program itself is never found,
 * by whatever name it goes, nor a copy of it: it may stand in the tool's place.
 * HL_ENODEV: the hint says where it was looked for.
 */
HL_CHECK hl_rc hl_tool_find(hl_tool *out, const char *configured, hl_err *err);

/* Is this file the running program: itself, a link to it, or a copy? */
bool hl_tool_is_ourselves(const char *path);
/*
 * The first program of that name in PATH that can be run and is not the one
 * that is running. Relative folders in PATH are passed over.
 */
bool hl_tool_in_path(hl_tool *out, const char *name);

/* In the error of this program when the tool that it runs is a script that runs
 * it again: see HL_SPAWN_RUNS. */
#define HL_TOOL_RUNS_US "hsmlic runs itself"

/*
 * Runs it with these arguments (NULL at the end, without argv[0]); what it
 * prints is appended to *text. HL_OK says that it ended, well or not: look at
 * *end, and at the text. HL_ETIMEOUT: it was ended at the deadline; *text has
 * what came. HL_ENODEV: it cannot be started, or is a script that runs this
 * program again. HL_EIO, HL_ENOMEM.
 */
HL_CHECK hl_rc hl_tool_run(const hl_tool *t, const char *const *args,
    hl_buf *text, hl_ended *end, hl_deadline until, hl_err *err);

/*
 * Does its --help name this option ("-hsmglfcb")? HL_ENODEV: it shows no help;
 * else as hl_tool_run().
 */
HL_CHECK hl_rc hl_tool_offers(const hl_tool *t, const char *option, bool *yes,
    hl_deadline until, hl_err *err);

/*
 * The figures of the card in a slot: -hsmgetinfo, then -hsmgetcounter and
 * -hsmgetstatus for what that did not tell. All that was printed is appended to
 * *raw, on failure too. HL_ECARD: no firmware identifier came from a card that
 * is not said to be in ST_STATE or OEM_STATE, or it ended with a failure
 * (STM32CubeH5's provisioning.bat takes that for one, too). Counter and state
 * may still be unknown. Else as hl_tool_run().
 */
HL_CHECK hl_rc hl_tool_card(const hl_tool *t, unsigned slot,
    hl_tool_report *out, hl_buf *raw, hl_deadline until, hl_err *err);

#define HL_CONNECT_MAX 16

/* What a target is connected by, the words behind -c; borrowed. */
typedef struct hl_connect {
	const char *words[HL_CONNECT_MAX]; /* "port=SWD", "mode=HOTPLUG", ... */
	size_t n;
} hl_connect;

/*
 * Has the certificate of the connected chip written to `path` (-gc). What was
 * there before is removed first, so that it cannot pass for the answer, and
 * what a failure left as well. `tfa`: the TF-A that STM32MP1 needs for it, or
 * NULL. There it is perhaps no mere reading: starting that TF-A programs an OTP
 * bit (TF-A, ssp_enable_processing), so warn before. On HL_OK the file has the
 * size of a certificate, and nothing else of it is checked; *out is the whole
 * output, with the chip's device ID. HL_ENODEV: no
 * certificate came; else as hl_tool_run().
 */
HL_CHECK hl_rc hl_tool_certificate(const hl_tool *t, const hl_connect *c,
    const char *path, const char *tfa, hl_tool_report *out, hl_deadline until,
    hl_err *err);

/* Reads `count` 32-bit words of memory (-r32). HL_ENODEV: not all came;
 * *words is untouched then. Else as hl_tool_run(). */
HL_CHECK hl_rc hl_tool_read32(const hl_tool *t, const hl_connect *c,
    uint32_t address, uint32_t *words, size_t count, hl_deadline until,
    hl_err *err);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What STM32_Programmer_CLI prints, read tolerantly: ANSI escapes, CR and LF,
 * the clock before a line, blanks around ':' or none, any letter case. The text
 * is bytes from outside, and may be anything.
 *
 * ST documents no output. What is relied on here was seen: in the screenshots
 * of AN5054 rev 18 (figures 30, 59, 65), in STM32CubeH5's provisioning.bat
 * (HSM FW IDENTIFIER), and in outputs that users posted on community.st.com
 * (td-p/795945, 65122, 855142, 635458, 741981, 900465, 123195). How the figures
 * of a card are labelled, apart from its firmware identifier, is not known:
 * they are looked for by words, and what is not clear stays unknown.
 */
#ifndef HL_TOOL_OUTPUT_H
#define HL_TOOL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HL_TOOL_LINE_MAX                                                       \
	1024 /* bytes of a line that are looked at, with NUL                   \
	      */

/* One output, or several one behind the other. What was not seen, or was seen
 * with different values where only one can be right, is "" or false. */
typedef struct hl_tool_report {
	/* the banner */
	char version[32];     /* of the tool: "2.21.0" */
	bool has_device_id;   /* of the chip, the first one that is named */
	uint32_t device_id;   /* 0x450; "0x0495" is 0x495 */
	char device_name[64]; /* "STM32H7A/B" */
	char probe_sn[64];    /* ST-LINK SN */
	/*
	 * A card's figures, from -hsmgetinfo and its sisters.
	 *
	 * The identifier is all that stands behind the first ':'. One of more
	 * than 64 bytes is "": a part of it could be another one's.
	 *
	 * The counter: behind a key with the word "counter", a decimal number
	 * that only words follow. Two numbers, or one that is not so plain:
	 * unknown. No number comes from anywhere else.
	 */
	char firmware_id[65];
	bool has_counter;
	uint32_t counter;
	char state[32]; /* as ST's API spells it: "OPERATIONAL_STATE" */
	char type[9];	/* "SFI", "SSP", "SMU", ... */
	char hsm_version[16];
	/* steps of a request (td-p/795945); the first is the one that counts */
	bool license_generated; /* "Succeed to generate license ..." */
	bool license_got;	/* "Succeed to get License ..." */
	bool certificate_done;	/* "Get Certificate done successfully" */
	/*
	 * `success`: "SFI Process Finished!" (AN5054 figure 65) or "Time
	 * elapsed during SFI install operation" (figures 59 and 65), at the
	 * beginning of a line. That the second never comes after a failure is
	 * not known, so look at `failure` too. No line that says so of SSP or
	 * of a module is known; without success seen, nothing has succeeded.
	 *
	 * `failure`: one of the failures that are known, or any "Error:" other
	 * than "failed to reconnect after reset !", which figure 59 shows in
	 * the middle of an install that went through.
	 */
	bool success, failure;
	char
	    error[256]; /* the first such line; without one, the harmless one */
} hl_tool_report;

void hl_tool_parse(const void *text, size_t n, hl_tool_report *out);

/*
 * The counter from the output of -hsmgetcounter alone, where more can be taken
 * for it: what hl_tool_parse() takes, and a line "... counter ... = 25" or
 * "... counter ... is 25". False: none, or two different ones.
 */
bool hl_tool_counter(const void *text, size_t n, uint32_t *counter);

/*
 * The words of `-r32 ADDRESS n` ("0x48000000 : ABFD77FF 00000000", upper case)
 * or OpenOCD's `mdw` ("0x1fff7590: 0014008f", lower case). Only lines count
 * whose address goes on from `address`. False, *words undefined, unless all are
 * there.
 */
bool hl_tool_words(const void *text, size_t n, uint32_t address,
    uint32_t *words, size_t count);

/*
 * Hands each line to line() until that says false: without ANSI escapes, end of
 * line, clock prefix and trailing blanks. Valid UTF-8: control characters and
 * broken bytes are '?', a tab is a blank. A lone CR ends a line as well, since
 * progress bars write over themselves. A line that is too long ends at a blank.
 */
void hl_tool_lines(const void *text, size_t n,
    bool (*line)(void *arg, const char *line), void *arg);

#endif

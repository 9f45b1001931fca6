/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option bytes as text: the CSV that STM32 Trusted Package Creator takes (ST
 * AN5054 2.5.1: register name and value, one a row, number and order of rows
 * depend on the product), and what STM32_Programmer_CLI prints for -ob displ.
 *
 * Of AN5054 are the H75x rows, with FOPTSR_PRG among them. That RDP is in bits
 * 15:8 of that register on H7, in bits 7:0 of FLASH_OPTR elsewhere, that TZEN
 * is bit 31 there, and what the values of RDP mean, is general knowledge of the
 * reference manuals. The names of the rows in ST's files for other products are
 * not known here: rows named RDP and TZEN are taken, and these registers by the
 * manuals' names as well as in the manner of FOPTSR_PRG.
 */
#ifndef HL_FLOW_OPTION_BYTES_H
#define HL_FLOW_OPTION_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

#define HL_OB_NAME 64 /* with NUL */
#define HL_OB_ROWS 256
#define HL_OB_CSV_MAX ((size_t)1024 * 1024)

#define HL_RDP_LEVEL_0 0xAAU
#define HL_RDP_LEVEL_0_5 0x55U
#define HL_RDP_LEVEL_2 0xCCU /* all others are level 1 */

typedef struct hl_ob_row {
	char name[HL_OB_NAME]; /* valid UTF-8, as it is written */
	uint32_t value;
	unsigned line; /* where it stands, from 1 */
	size_t same;   /* 1 + index of the first row of that name; 0: itself */
} hl_ob_row;

/* 20 KiB: better not on the stack. */
typedef struct hl_option_bytes {
	hl_ob_row row[HL_OB_ROWS]; /* in their order */
	size_t n;
} hl_option_bytes;

/*
 * Reads a CSV. Separated by comma, semicolon or tab, or by blanks; values are
 * decimal, or hex with 0x or of 2, 4 or 8 digits with a letter among them.
 * Taken as well: a byte order mark, any line ends, quotes, one row of titles,
 * blank rows, comments (#, //, ; at the beginning of a line, or behind the
 * value), more columns of text. HL_EINPUT says which line and why; *out is
 * undefined then. HL_EINPUT also when there is no option byte in it.
 */
HL_CHECK hl_rc hl_option_bytes_parse(
    hl_option_bytes *out, const void *text, size_t n, hl_err *err);

/*
 * Takes the rows `NAME : 0xVALUE` of -ob displ, over whatever stands before,
 * between and behind them: banner, colors, clock, titles, explanations. Never
 * fails; no row, or more than fit, is no error.
 */
void hl_option_bytes_displ(hl_option_bytes *out, const void *text, size_t n);

typedef enum hl_ob_field {
	HL_OB_RDP,  /* 8 bits */
	HL_OB_TZEN, /* 0: TrustZone is off */
} hl_ob_field;

/* The first row from index `from` on that tells the field: its index, with
 * *value; out->n and *value untouched when there is none. */
size_t hl_option_bytes_find(
    const hl_option_bytes *ob, hl_ob_field field, size_t from, uint32_t *value);

/* Rows of option bytes, whatever the file is called: it is understood as a
 * whole, and RDP or TZEN is among them. */
bool hl_option_bytes_likely(const void *text, size_t n);

/* Are these the registers of STM32H7, with FOPTSR_PRG? */
bool hl_option_bytes_h7(const hl_option_bytes *ob);
/* "level 0", "level 0.5", "level 1" or "level 2". */
const char *hl_rdp_words(uint32_t rdp);

#endif

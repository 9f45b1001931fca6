/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Error lines of STM32_Programmer_CLI and of what it stands on, that somebody
 * has met with: what is documented or was reported about each. ST documents
 * none of them. Nothing is made up here: a cause says who names it (a user, ST
 * staff, a document) or that it is deduced.
 */
#ifndef HL_FLOW_EXPLAIN_H
#define HL_FLOW_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

typedef struct hl_explanation {
	const char *id;	     /* stable: "rss-cmd-failed" */
	const char *pattern; /* the part of the line that is always the same */
	const char *means;
	const char
	    *causes[6]; /* these three end with NULL; causes may be none */
	const char *next[6];
	const char *sources[4]; /* addresses, or a document and its section */
	bool doubts_license;	/* the license may be meant: mark it suspect */
} hl_explanation;

extern const hl_explanation hl_explanations[]; /* ends with an id of NULL */
/* The next step that stands in many of them and is wrong as soon as one of them
 * doubts the license: to use the license again. */
extern const char hl_explain_retry[];

/*
 * Looks for their lines in a text of any bytes: letter case, blanks, colors and
 * prefixes of logs do not matter. Fills out[0..max-1] with those found, each
 * once, in the order in which they are met; returns how many there are in it.
 * The first HL_TOOL_LINE_MAX - 1 bytes of a line are looked at.
 */
size_t
hl_explain(const void *text, size_t n, const hl_explanation **out, size_t max);

#endif

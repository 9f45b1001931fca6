/* SPDX-License-Identifier: Apache-2.0 */
/* One output as other versions, terminals and languages would write it. */
#ifndef HL_TEST_TOOL_VARIANTS_H
#define HL_TEST_TOOL_VARIANTS_H

#include "util/buf.h"

typedef enum variant {
	VARIANT_PLAIN,
	VARIANT_CRLF,	/* Windows */
	VARIANT_CR,	/* a progress bar writes over itself */
	VARIANT_COLORS, /* around each line */
	VARIANT_CLOCK,	/* "17:13:15 : " before each line */
	VARIANT_LOG,	/* ST's scripts */
	VARIANT_TIGHT,	/* no blank around ':' */
	VARIANT_WIDE,	/* more blanks around ':' */
	VARIANT_COMMA,	/* decimal comma between digits */
	VARIANT_NO_END, /* the last line has no end */
	VARIANT_COUNT
} variant;

extern const char *const variant_name[VARIANT_COUNT];

/* Appends `text` to *out in that form. */
void variant_write(const char *text, variant v, hl_buf *out);

#endif

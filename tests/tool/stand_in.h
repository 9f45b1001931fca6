/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stand-in for STM32_Programmer_CLI: a shell script that the test writes into
 * its own directory. It knows no more of ST's program than the test says.
 */
#ifndef HL_TEST_TOOL_STAND_IN_H
#define HL_TEST_TOOL_STAND_IN_H

#include "tool/tool.h"
#include "util/scratch.h"

/* Writes DIR/NAME, a program that does what `body` says. */
static inline void
stand_in_write(const char *dir, const char *name, const char *body)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fprintf(f, "#!/bin/sh\n%s\n", body) > 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
}

static inline hl_tool
stand_in(const scratch *s, const char *body)
{
	hl_tool t;

	stand_in_write(s->dir, HL_TOOL_NAME, body);
	snprintf(t.path, sizeof(t.path), "%s/%s", s->dir, HL_TOOL_NAME);
	return t;
}

#endif

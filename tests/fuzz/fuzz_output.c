/* SPDX-License-Identifier: Apache-2.0 */
/* What a tool prints, as bytes: a report says nothing that is not there. */
#include <stdlib.h>
#include <string.h>

#include "tool/output.h"
#include "util/text.h"

#include "fuzz/must.h"

#define LINE_MANY 100000

typedef struct seen {
	size_t lines;
	bool counter, firmware, error; /* was found in a line */
	char number[16];
	const char *firmware_id, *error_line;
} seen;

static bool
see(void *arg, const char *line)
{
	seen *s = arg;
	const size_t n = strlen(line);

	MUST(n < HL_TOOL_LINE_MAX);
	MUST(hl_text_valid(line, n));
	MUST(n == 0 || line[n - 1] != ' ');
	MUST(strchr(line, '\n') == NULL && strchr(line, '\x1b') == NULL);
	MUST(++s->lines < LINE_MANY);
	/* blanks may stand between the letters of "counter" */
	if (strpbrk(line, "cC") != NULL && strstr(line, s->number) != NULL)
		s->counter = true;
	if (strstr(line, s->firmware_id) != NULL)
		s->firmware = true;
	if (strstr(line, s->error_line) != NULL)
		s->error = true;
	return true;
}

static bool
ends(const char *s, size_t size)
{
	const size_t n = strnlen(s, size);

	return n < size && hl_text_valid(s, n);
}

static void
check_fields(const hl_tool_report *r)
{
	static const char *const states[] = { "", "ST_STATE", "OEM_STATE",
		"OPERATIONAL_STATE", "UNKNOWN_STATE" };
	size_t i = 0;

	MUST(ends(r->version, sizeof(r->version)));
	MUST(ends(r->device_name, sizeof(r->device_name)));
	MUST(ends(r->probe_sn, sizeof(r->probe_sn)));
	MUST(ends(r->firmware_id, sizeof(r->firmware_id)));
	MUST(ends(r->state, sizeof(r->state)));
	MUST(ends(r->type, sizeof(r->type)));
	MUST(ends(r->hsm_version, sizeof(r->hsm_version)));
	MUST(ends(r->error, sizeof(r->error)));
	while (i < 5 && strcmp(r->state, states[i]) != 0)
		i++;
	MUST(i < 5);
	MUST(r->has_counter || r->counter == 0);
	MUST(r->has_device_id || r->device_id == 0);
	MUST(!r->failure || r->error[0] != '\0');
}

/* Whatever was told stands in a line. */
static void
check_origin(const uint8_t *data, size_t size, const hl_tool_report *r)
{
	seen s = { .firmware_id = r->firmware_id, .error_line = r->error };

	snprintf(s.number, sizeof(s.number), "%u", r->counter);
	hl_tool_lines(data, size, see, &s);
	MUST(s.lines <= size);
	MUST(!r->has_counter || s.counter);
	MUST(r->firmware_id[0] == '\0' || s.firmware);
	MUST(r->error[0] == '\0' || s.error);
}

/* -hsmgetcounter's reading knows more forms, but never another number. */
static void
check_counter(const uint8_t *data, size_t size, const hl_tool_report *r)
{
	uint32_t v = 0;

	if (hl_tool_counter(data, size, &v) && r->has_counter)
		MUST(v == r->counter);
}

/* The same lines with other ends say the same. */
static void
check_crlf(const uint8_t *data, size_t size, const hl_tool_report *r)
{
	uint8_t *copy = malloc(2 * size + 1);
	hl_tool_report again;
	size_t n = 0;

	MUST(copy != NULL);
	for (size_t i = 0; i < size; i++) {
		if (data[i] == '\n' && (i == 0 || data[i - 1] != '\r'))
			copy[n++] = '\r';
		copy[n++] = data[i];
	}
	hl_tool_parse(copy, n, &again);
	MUST(memcmp(r, &again, sizeof(again)) == 0);
	free(copy);
}

/* The first words of a text, read one by one, are those read together. */
static void
check_words(const uint8_t *data, size_t size)
{
	static const uint32_t at[] = { 0x48000000, 0x20030030, 0x1fff7590 };
	uint32_t many[3], fewer[2];

	for (size_t i = 0; i < 3; i++) {
		if (!hl_tool_words(data, size, at[i], many, 3))
			continue;
		MUST(hl_tool_words(data, size, at[i], fewer, 2));
		MUST(fewer[0] == many[0] && fewer[1] == many[1]);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	hl_tool_report r;

	if (size >= LINE_MANY)
		return 0;
	memset(&r, 0, sizeof(r));
	hl_tool_parse(data, size, &r);
	check_fields(&r);
	check_origin(data, size, &r);
	check_counter(data, size, &r);
	check_crlf(data, size, &r);
	check_words(data, size);
	return 0;
}

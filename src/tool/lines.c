/* SPDX-License-Identifier: Apache-2.0 */
/* A program's output, line by line, without what is meant for a terminal. */
#include <string.h>

#include "tool/match.h"
#include "tool/output.h"
#include "util/text.h"

#define ESC 0x1b
#define BEL 0x07

typedef struct raw_line {
	char s[HL_TOOL_LINE_MAX];
	size_t n;
	bool cut; /* there was more */
} raw_line;

static void
line_put(raw_line *l, char c)
{
	if (l->n < sizeof(l->s) - 1)
		l->s[l->n++] = c;
	else
		l->cut = true;
}

static bool
in_range(const uint8_t *p, const uint8_t *end, uint8_t first, uint8_t last)
{
	return p < end && *p >= first && *p <= last;
}

/*
 * ECMA-48 5.4: ESC [, parameters, intermediates, a final byte. Colors and
 * erasing leave the text as it is; all others move about, and what was written
 * before and behind does not belong together: a blank.
 */
static const uint8_t *
skip_csi(const uint8_t *p, const uint8_t *end, raw_line *l)
{
	while (in_range(p, end, 0x30, 0x3f))
		p++;
	while (in_range(p, end, 0x20, 0x2f))
		p++;
	if (!in_range(p, end, 0x40, 0x7e))
		return p;
	if (*p != 'm' && *p != 'K' && *p != 'J')
		line_put(l, ' ');
	return p + 1;
}

/* A title and the like: up to BEL or ESC \, but never beyond the line. */
static const uint8_t *
skip_osc(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p != BEL && *p != ESC && *p != '\n' && *p != '\r')
		p++;
	if (p < end && *p == BEL)
		return p + 1;
	return end - p >= 2 && p[0] == ESC && p[1] == '\\' ? p + 2 : p;
}

/* `p` is behind the ESC. */
static const uint8_t *
skip_escape(const uint8_t *p, const uint8_t *end, raw_line *l)
{
	if (p < end && *p == '[')
		return skip_csi(p + 1, end, l);
	if (p < end && *p == ']')
		return skip_osc(p + 1, end);
	while (in_range(p, end, 0x20, 0x2f))
		p++;
	return in_range(p, end, 0x30, 0x7e) ? p + 1 : p;
}

/* Reads to the end of the line, and over it; of CR LF only over the CR. */
static const uint8_t *
line_read(const uint8_t *p, const uint8_t *end, raw_line *l)
{
	uint8_t c;

	l->n = 0;
	l->cut = false;
	while (p < end) {
		c = *p++;
		if (c == '\n' || c == '\r')
			break;
		if (c == ESC)
			p = skip_escape(p, end, l);
		else if (c == '\t')
			line_put(l, ' ');
		else if (c == '\0') /* it would end the string */
			line_put(l, '?');
		else
			line_put(l, (char)c);
	}
	return p;
}

/* "17:13:15": 'd' stands for a digit. What is behind it, or NULL. */
static const char *
shape(const char *s, const char *like)
{
	for (; *like != '\0'; like++, s++) {
		if (*like == 'd' ? !hl_tool_is_digit(*s) : *s != *like)
			return NULL;
	}
	return s;
}

/* The tool's window: "17:13:15 : text". */
static const char *
skip_clock(const char *s)
{
	const char *p = shape(s, "dd:dd:dd");

	if (p == NULL)
		return s;
	p = hl_tool_skip_blanks(p);
	return *p == ':' ? hl_tool_skip_blanks(p + 1) : s;
}

/* ST's scripts: "2024-11-10 15:49:30,796 - root - DEBUG - text". */
static const char *
skip_log_head(const char *s)
{
	const char *p = shape(s, "dddd-dd-dd dd:dd:dd,ddd - ");

	for (int word = 0; p != NULL && word < 2; word++) {
		p += strcspn(p, " ");
		p = strncmp(p, " - ", 3) == 0 ? p + 3 : NULL;
	}
	return p == NULL ? s : p;
}

/* Logs of logs have both, or one of them twice. What no prefix stands before
 * keeps its indentation. */
static const char *
skip_prefixes(const char *line)
{
	const char *was, *s = hl_tool_skip_blanks(line);

	do {
		was = s;
		s = skip_clock(skip_log_head(s));
	} while (s != was);
	return s == hl_tool_skip_blanks(line) ? line : s;
}

/* From raw bytes to what the callback gets. */
static const char *
line_finish(raw_line *l)
{
	if (l->cut) { /* half a word could be another one, or a number */
		size_t n = l->n;

		while (n > 0 && l->s[n - 1] != ' ')
			n--;
		if (n > 0)
			l->n = n;
	}
	while (l->n > 0 && l->s[l->n - 1] == ' ')
		l->n--;
	l->s[l->n] = '\0';
	hl_text_clean(l->s);
	return skip_prefixes(l->s);
}

void
hl_tool_lines(const void *text, size_t n,
    bool (*call)(void *arg, const char *line), void *arg)
{
	const uint8_t *p = text, *end = n > 0 ? p + n : p;
	raw_line l;

	while (p < end) {
		p = line_read(p, end, &l);
		/* CR LF ends one line, not two */
		if (p < end && p[-1] == '\r' && p[0] == '\n')
			p++;
		if (!call(arg, line_finish(&l)))
			return;
	}
}

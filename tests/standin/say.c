/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of output, in each of the forms that were seen. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin.h"
#include "util/text.h"

#define DEFAULT_VERSION "2.21.0"
#define DASHES                                                                 \
	"-------------------------------------------------------------------"
/* Escape sequences before a line: seen. Which one an error gets: SYNTHETIC. */
#define COLOR "\x1b[39;49m\x1b[0m"
#define COLOR_ERROR "\x1b[31m"

static const char *
version(const struct tool *t)
{
	const char *v = world_switch(t, "version");

	return v != NULL ? v : DEFAULT_VERSION;
}

/* v2.10.0 was seen with columns, v2.21.0 without. */
bool
say_aligned(const struct tool *t)
{
	return strverscmp(version(t), "2.20") < 0;
}

static void
put_clock(const struct tool *t, FILE *f)
{
	const time_t now = time(NULL);
	char text[16];
	struct tm tm;

	if (!world_has(t, "clock") || localtime_r(&now, &tm) == NULL)
		return;
	(void)strftime(text, sizeof(text), "%H:%M:%S", &tm);
	fprintf(f, "%s : ", text);
}

/* Any bytes but the end of a line, the same in each run. */
static void
put_garbage(struct tool *t, FILE *f, size_t n)
{
	for (size_t i = 0; i < n + 1; i++) {
		t->garbage = t->garbage * 1103515245U + 12345U;
		(void)putc((int)(t->garbage >> 16 & 0xff), f);
	}
}

static void
put_line(struct tool *t, FILE *f, bool error, const char *line)
{
	const bool colors = world_has(t, "colors");

	if (colors)
		fputs(error ? COLOR_ERROR : COLOR, f);
	if (world_has(t, "garbage")) {
		put_garbage(t, f, strlen(line));
	} else {
		put_clock(t, f);
		fputs(line, f);
	}
	fputs(world_has(t, "crlf") ? "\r\n" : "\n", f);
	(void)fflush(f);
}

static void
put(struct tool *t, bool error, const char *prefix, hl_buf *b)
{
	hl_buf line = HL_BUF_INIT;

	hl_buf_printf(&line, "%s%s", prefix, hl_buf_str(b));
	put_line(t, error && world_has(t, "stderr") ? stderr : stdout, error,
	    hl_buf_str(&line));
	if (t->log != NULL)
		fprintf(t->log, "%s\n", hl_buf_str(&line));
	hl_buf_free(&line);
	hl_buf_free(b);
}

static void HL_PRINTF(2, 0) format(hl_buf *b, const char *fmt, va_list ap)
{
	char text[PATH_MAX + 256];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	hl_buf_put(b, text, strlen(text));
}

void
say(struct tool *t, const char *fmt, ...)
{
	hl_buf b = HL_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	format(&b, fmt, ap);
	va_end(ap);
	put(t, false, "", &b);
}

int
say_error(struct tool *t, const char *fmt, ...)
{
	hl_buf b = HL_BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	format(&b, fmt, ap);
	va_end(ap);
	put(t, true, "Error: ", &b);
	return 1;
}

void
say_field(struct tool *t, const char *key, const char *fmt, ...)
{
	hl_buf b = HL_BUF_INIT;
	va_list ap;

	if (say_aligned(t))
		hl_buf_printf(&b, "%-12s: ", key);
	else
		hl_buf_printf(&b, "%s : ", key);
	va_start(ap, fmt);
	format(&b, fmt, ap);
	va_end(ap);
	put(t, false, "", &b);
}

void
say_banner(struct tool *t)
{
	const bool aligned = say_aligned(t);
	const char *in = aligned ? "      " : "";

	say(t, "%s" DASHES, in);
	say(t, "%s%sSTM32CubeProgrammer v%s%s", in,
	    aligned ? "                  " : "", version(t),
	    aligned ? "                  " : "");
	say(t, "%s" DASHES, in);
	say(t, "%s", aligned ? " " : "");
}

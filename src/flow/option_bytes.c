/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/option_bytes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/hex.h"
#include "util/text.h"

#define BLANK_SEPARATOR ' '

/* Bytes of one line, none of which is a line end. */
typedef struct span {
	const char *p;
	size_t n;
} span;

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static span
trim(span s)
{
	while (s.n > 0 && is_blank(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n > 0 && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

static bool
starts(span s, const char *with)
{
	const size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

/* The next line of a text: ends in LF, CR LF or CR. False at its end. */
static bool
next_line(span *text, span *line)
{
	size_t n = 0;

	if (text->n == 0)
		return false;
	while (n < text->n && text->p[n] != '\n' && text->p[n] != '\r')
		n++;
	*line = (span){ text->p, n };
	if (n + 1 < text->n && text->p[n] == '\r' && text->p[n + 1] == '\n')
		n++;
	if (n < text->n)
		n++;
	text->p += n;
	text->n -= n;
	return true;
}

/* ---- values ------------------------------------------------------------- */

static bool
to_number(span s, unsigned base, uint32_t *v)
{
	uint64_t sum = 0;
	int digit;

	if (s.n == 0)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		digit = hl_hex_digit(s.p[i]);
		if (digit < 0 || (unsigned)digit >= base)
			return false;
		sum = sum * base + (unsigned)digit;
		if (sum > UINT32_MAX)
			return false;
	}
	*v = (uint32_t)sum;
	return true;
}

/* Without 0x, hex is told from a word by its length. */
static bool
read_number(span s, uint32_t *v)
{
	if (starts(s, "0x") || starts(s, "0X"))
		return to_number((span){ s.p + 2, s.n - 2 }, 16, v);
	return to_number(s, 10, v) ||
	    ((s.n == 2 || s.n == 4 || s.n == 8) && to_number(s, 16, v));
}

/* ---- fields ------------------------------------------------------------- */

typedef struct csv {
	hl_option_bytes *out;
	hl_err *err;
	unsigned line;
	bool titled; /* the row of titles was there */
} csv;

static hl_rc bad_line(const csv *c, const char *fmt, ...) HL_PRINTF(2, 3);

static hl_rc
bad_line(const csv *c, const char *fmt, ...)
{
	char why[HL_ERR_WHY / 2];
	va_list ap;

	va_start(ap, fmt);
	(void)hl_text_vformat(why, sizeof(why), fmt, ap);
	va_end(ap);
	return hl_fail(c->err, HL_EINPUT, "read the option bytes",
	    "a row is a register's name and its value, such as "
	    "FOPTSR_PRG,0x1026AAD0",
	    "line %u %s", c->line, why);
}

static bool
is_comment(span s)
{
	return starts(s, "#") || starts(s, "//") || starts(s, ";");
}

/* Behind a value, what the tool says in words stands in parentheses. */
static bool
is_remark(span s)
{
	return is_comment(s) || starts(s, "(");
}

/* What separates this line's fields: the first one outside of quotes, and in
 * front of a remark. */
static char
separator_of(span s)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && is_one_of(s.p[i], ",;\t"))
			return s.p[i];
		else if (!quoted && is_remark((span){ s.p + i, s.n - i }))
			break;
	}
	return BLANK_SEPARATOR;
}

/* Where the field ends that `s` begins with; s.n when it is the last one. */
static size_t
field_end(span s, char separator)
{
	bool quoted = false;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && s.p[i] == separator)
			return i;
	}
	return s.n;
}

/* Takes the next field off; quotes around it are taken away. */
static span
take_field(span *s, char separator)
{
	const size_t n = field_end(*s, separator);
	const size_t skip = n < s->n ? n + 1 : n;
	span field = trim((span){ s->p, n });

	if (field.n >= 2 && field.p[0] == '"' && field.p[field.n - 1] == '"')
		field = trim((span){ field.p + 1, field.n - 2 });
	*s = (span){ s->p + skip, s->n - skip };
	if (separator == BLANK_SEPARATOR)
		*s = trim(*s);
	return field;
}

/* A value ends at a blank; what follows is a comment or a description. */
static span
first_word(span s, span *rest)
{
	size_t n = 0;

	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != '(')
		n++;
	*rest = trim((span){ s.p + n, s.n - n });
	return (span){ s.p, n };
}

/* A second value would leave open which of them is meant. */
static bool
has_number(span rest, char separator)
{
	span more;
	uint32_t v;

	while (rest.n > 0 && !is_remark(rest)) {
		const span word =
		    first_word(take_field(&rest, separator), &more);

		if (word.n > 0 && is_digit(word.p[0]) && read_number(word, &v))
			return true;
	}
	return false;
}

/* ---- names -------------------------------------------------------------- */

/* A register in the manuals' spelling: FLASH_OPTR_PRG and FOPTR are OPTR. */
static void
plain_name(const char *name, char out[HL_OB_NAME])
{
	static const char *const ends[] = { "_PRG", "_CUR" };
	size_t n;

	if (strncasecmp(name, "FLASH_", 6) == 0)
		name += 6;
	else if (strncasecmp(name, "FOPT", 4) == 0)
		name++;
	(void)hl_text_copy(out, HL_OB_NAME, name);
	n = strlen(out);
	for (size_t i = 0; i < HL_COUNT(ends); i++)
		if (n > 4 && strcasecmp(out + n - 4, ends[i]) == 0)
			out[n - 4] = '\0';
}

static bool
is_named(const hl_ob_row *r, const char *name)
{
	char plain[HL_OB_NAME];

	plain_name(r->name, plain);
	return strcasecmp(plain, name) == 0;
}

static bool
tells(const hl_ob_row *r, hl_ob_field field, uint32_t *value)
{
	const bool optr = is_named(r, "OPTR");

	if (field == HL_OB_TZEN) {
		*value = optr ? r->value >> 31 : r->value;
		return optr || is_named(r, "TZEN");
	}
	if (is_named(r, "OPTSR")) {
		*value = r->value >> 8 & 0xFF;
		return true;
	}
	*value = optr ? r->value & 0xFF : r->value;
	return optr || is_named(r, "RDP");
}

size_t
hl_option_bytes_find(
    const hl_option_bytes *ob, hl_ob_field field, size_t from, uint32_t *value)
{
	uint32_t v;

	for (size_t i = from; i < ob->n; i++)
		if (tells(&ob->row[i], field, &v)) {
			*value = v;
			return i;
		}
	return ob->n;
}

bool
hl_option_bytes_h7(const hl_option_bytes *ob)
{
	for (size_t i = 0; i < ob->n; i++)
		if (is_named(&ob->row[i], "OPTSR"))
			return true;
	return false;
}

const char *
hl_rdp_words(uint32_t rdp)
{
	if (rdp == HL_RDP_LEVEL_0)
		return "level 0";
	if (rdp == HL_RDP_LEVEL_0_5)
		return "level 0.5";
	return rdp == HL_RDP_LEVEL_2 ? "level 2" : "level 1";
}

/* ---- rows --------------------------------------------------------------- */

static void
add_row(hl_option_bytes *ob, span name, uint32_t value, unsigned line)
{
	hl_ob_row *r = &ob->row[ob->n];

	memset(r, 0, sizeof(*r));
	memcpy(r->name, name.p, name.n);
	r->value = value;
	r->line = line;
	for (size_t i = 0; i < ob->n && r->same == 0; i++)
		if (strcasecmp(ob->row[i].name, r->name) == 0)
			r->same = i + 1;
	ob->n++;
}

static hl_rc
check_name(const csv *c, span name)
{
	if (name.n == 0)
		return bad_line(c, "has no register name");
	if (name.n >= HL_OB_NAME)
		return bad_line(c, "has a name of %zu characters", name.n);
	if (!is_letter(name.p[0]) || !hl_text_valid(name.p, name.n) ||
	    memchr(name.p, '"', name.n) != NULL)
		return bad_line(c, "begins with \"%.*s\", which is no name",
		    (int)name.n, name.p);
	return HL_OK;
}

/* Titles stand above all rows. What is a value, but a mistyped one, and what
 * decides over an installation, must not pass for one. */
static bool
is_title(csv *c, span name, span value)
{
	hl_ob_row as_row = { .line = 0 };
	span more;
	uint32_t v;

	if (c->titled || c->out->n > 0 || name.n >= HL_OB_NAME ||
	    memchr(name.p, '"', name.n) != NULL ||
	    (value.n > 0 && is_digit(value.p[0])))
		return false;
	name = first_word(name, &more);
	memcpy(as_row.name, name.p, name.n);
	if (has_number(more, BLANK_SEPARATOR) ||
	    tells(&as_row, HL_OB_RDP, &v) || tells(&as_row, HL_OB_TZEN, &v))
		return false;
	c->titled = true;
	return true;
}

static hl_rc
read_row(csv *c, span line)
{
	const char separator = separator_of(line);
	const span name = take_field(&line, separator);
	const span field = take_field(&line, separator);
	span more;
	const span value = first_word(field, &more);
	uint32_t v;
	hl_rc rc;

	if (!read_number(value, &v)) {
		if (is_title(c, name, value))
			return HL_OK;
		return value.n == 0
		    ? bad_line(c, "has no value")
		    : bad_line(c,
			  "has the value \"%.*s\", which is no number of 32 "
			  "bits",
			  (int)(value.n < 40 ? value.n : 40), value.p);
	}
	if ((rc = check_name(c, name)) != HL_OK)
		return rc;
	if (has_number(more, BLANK_SEPARATOR) || has_number(line, separator))
		return bad_line(c, "has more than one value");
	if (c->out->n == HL_OB_ROWS)
		return bad_line(
		    c, "is one too many: %d are the most that fit", HL_OB_ROWS);
	add_row(c->out, name, v, c->line);
	return HL_OK;
}

/* Nothing but what a spreadsheet writes for an empty row. */
static bool
is_empty(span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (!is_one_of(line.p[i], " \t,;\""))
			return false;
	return true;
}

/* Text of any encoding in which ASCII is ASCII, or not? */
static hl_rc
check_text(span text, hl_err *err)
{
	static const char what[] = "read the option bytes";
	static const char hint[] =
	    "save it as CSV in UTF-8, a register's name and its value a row";

	if (starts(text, "\xff\xfe") || starts(text, "\xfe\xff"))
		return hl_fail(err, HL_EINPUT, what, hint, "it is UTF-16");
	for (size_t i = 0; i < text.n; i++) {
		const unsigned char u = (unsigned char)text.p[i];

		if ((u < 0x20 && u != '\t' && u != '\n' && u != '\r') ||
		    u == 0x7f)
			return hl_fail(err, HL_EINPUT, what, hint,
			    "it is no text: byte %zu is 0x%02X", i, u);
	}
	return HL_OK;
}

hl_rc
hl_option_bytes_parse(
    hl_option_bytes *out, const void *text, size_t n, hl_err *err)
{
	csv c = { .out = out, .err = err };
	span all = { text, n }, line;
	hl_rc rc;

	out->n = 0;
	if ((rc = check_text(all, err)) != HL_OK)
		return rc;
	if (starts(all, "\xef\xbb\xbf"))
		all = (span){ all.p + 3, all.n - 3 };
	while (next_line(&all, &line)) {
		c.line++;
		line = trim(line);
		if (is_empty(line) || is_comment(line))
			continue;
		if ((rc = read_row(&c, line)) != HL_OK)
			return rc;
	}
	if (out->n > 0)
		return HL_OK;
	return hl_fail(err, HL_EINPUT, "read the option bytes",
	    "give the CSV that STM32 Trusted Package Creator was given with "
	    "-ob",
	    "there is no option byte in it");
}

/* ---- -ob displ ---------------------------------------------------------- */

/* Behind escape sequences (colors) and blanks. */
static span
skip_colors(span s)
{
	size_t n;

	for (s = trim(s); starts(s, "\x1b["); s = trim(s)) {
		n = 2;
		while (n < s.n && !is_letter(s.p[n]))
			n++;
		n = n < s.n ? n + 1 : n;
		s = (span){ s.p + n, s.n - n };
	}
	return s;
}

/* Behind "HH:MM:SS : " or "HH:MM:SS:mmm : ", as logs have it. */
static span
skip_clock(span s)
{
	size_t n = 0;

	while (n < s.n && (is_digit(s.p[n]) || s.p[n] == ':'))
		n++;
	if (n < 8 || s.p[2] != ':' || s.p[5] != ':')
		return s;
	s = trim((span){ s.p + n, s.n - n });
	if (starts(s, ":"))
		s = (span){ s.p + 1, s.n - 1 };
	return skip_colors(s);
}

static void
take_shown(hl_option_bytes *out, span s, unsigned line)
{
	span name = s, more;
	size_t n = 0;
	uint32_t v;

	while (
	    n < s.n && (is_letter(s.p[n]) || is_digit(s.p[n]) || s.p[n] == '_'))
		n++;
	name.n = n;
	s = trim((span){ s.p + n, s.n - n });
	if (n == 0 || n >= HL_OB_NAME || !is_letter(name.p[0]) ||
	    !starts(s, ":"))
		return;
	s = first_word(trim((span){ s.p + 1, s.n - 1 }), &more);
	if ((starts(s, "0x") || starts(s, "0X")) && read_number(s, &v))
		add_row(out, name, v, line);
}

void
hl_option_bytes_displ(hl_option_bytes *out, const void *text, size_t n)
{
	span all = { text, n }, line;
	unsigned number = 0;

	out->n = 0;
	while (out->n < HL_OB_ROWS && next_line(&all, &line))
		take_shown(out, skip_clock(skip_colors(line)), ++number);
}

bool
hl_option_bytes_likely(const void *text, size_t n)
{
	hl_option_bytes *ob = malloc(sizeof(*ob));
	uint32_t v;
	bool is = false;

	if (ob != NULL && hl_option_bytes_parse(ob, text, n, NULL) == HL_OK)
		is = hl_option_bytes_find(ob, HL_OB_RDP, 0, &v) < ob->n ||
		    hl_option_bytes_find(ob, HL_OB_TZEN, 0, &v) < ob->n;
	free(ob);
	return is;
}

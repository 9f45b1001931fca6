/* SPDX-License-Identifier: Apache-2.0 */
/* What the program says: errors, messages, JSON. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "util/hex.h"

static const char *
spent_words(int units)
{
	if (units == 0)
		return "nothing was spent";
	return units == 1 ? "one unit was spent" : "a unit may have been spent";
}

static void
schema_name(const hl_cli *cli, char *out, size_t size)
{
	const hl_command *c = cli->command;

	if (c == NULL)
		(void)snprintf(out, size, "hsmlic/error/1");
	else if (c->group == NULL)
		(void)snprintf(out, size, "hsmlic/%s/1", c->name);
	else
		(void)snprintf(out, size, "hsmlic/%s-%s/1", c->group, c->name);
}

static bool
reader_gone(void)
{
	struct pollfd p = { STDOUT_FILENO, POLLOUT, 0 };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR) != 0;
}

int
hl_out_errno(void)
{
	static int first;
	const int before = errno;

	errno = 0;
	if (first != 0 || (fflush(stdout) == 0 && ferror(stdout) == 0))
		return first;
	/* When printf() met with it, only errno can still tell. */
	if (errno != 0)
		first = errno;
	else if (reader_gone())
		first = EPIPE;
	else
		first = before != 0 ? before : EIO;
	return first;
}

static void
print_object(json_t *root)
{
	(void)json_dumpf(root, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER);
	(void)fputc('\n', stdout);
	(void)hl_out_errno();
}

json_t *
hl_json_error(const hl_err *err)
{
	json_t *units = err->units_spent == HL_UNITS_UNKNOWN
	    ? json_null()
	    : json_integer(err->units_spent);

	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "code",
	    hl_rc_name(err->rc), "what", err->what, "why", err->why, "hint",
	    err->hint, "units_spent", units);
}

static void
print_error_json(const hl_cli *cli, const hl_err *err)
{
	char schema[64];
	json_t *root;

	schema_name(cli, schema, sizeof(schema));
	root = json_pack(
	    "{s:s, s:o}", "schema", schema, "error", hl_json_error(err));
	if (root == NULL)
		return;
	if (cli->findings != NULL && err->rc == HL_EFOUND)
		(void)json_object_set(root, "findings", cli->findings);
	print_object(root);
	json_decref(root);
}

void
hl_print_error(hl_cli *cli, const hl_err *err)
{
	const char *on = cli->color_err ? "\033[31m" : "";
	const char *off = cli->color_err ? "\033[0m" : "";
	const bool hint = err->hint[0] != '\0';
	/* The hint may have said it in its own words. */
	const bool said = err->units_spent == 0 &&
	    strstr(err->hint, "nothing was spent") != NULL;

	if (cli->json && !cli->result_printed)
		print_error_json(cli, err);
	(void)hl_out_errno();
	(void)fprintf(
	    stderr, "hsmlic: %s%s%s: %s\n", on, err->what, off, err->why);
	if (said)
		(void)fprintf(stderr, "hsmlic: hint: %s\n", err->hint);
	else
		(void)fprintf(stderr, "hsmlic: hint: %s%s%s%s\n", err->hint,
		    hint ? " (" : "", spent_words(err->units_spent),
		    hint ? ")" : "");
}

HL_PRINTF(1, 0)
static void
print_message(const char *fmt, va_list ap)
{
	char text[2 * HL_ERR_WHY];

	(void)hl_out_errno(); /* in the order in which it was said */
	(void)hl_text_vformat(text, sizeof(text), fmt, ap);
	hl_text_clean(text);
	(void)fprintf(stderr, "hsmlic: %s\n", text);
}

void
hl_print_note(const hl_cli *cli, const char *text)
{
	/* Not silenced by -q: it is about units. */
	(void)fprintf(stderr, "hsmlic: %snote:%s %s\n",
	    cli->color_err ? "\033[33m" : "", cli->color_err ? "\033[0m" : "",
	    text);
}

void
hl_message(const hl_cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (!cli->quiet)
		print_message(fmt, ap);
	va_end(ap);
}

void
hl_detail(const hl_cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	if (cli->verbose > 0 && !cli->quiet)
		print_message(fmt, ap);
	va_end(ap);
}

hl_rc
hl_print_json(hl_cli *cli, json_t *root, hl_err *err)
{
	char schema[64];
	json_t *whole;

	if (root == NULL)
		return hl_nomem(err);
	schema_name(cli, schema, sizeof(schema));
	whole = json_pack("{s:s}", "schema", schema);
	if (whole == NULL || json_object_update(whole, root) != 0) {
		json_decref(whole);
		json_decref(root);
		return hl_nomem(err);
	}
	print_object(whole);
	cli->result_printed = true;
	json_decref(whole);
	json_decref(root);
	return HL_OK;
}

void
hl_print_event(json_t *object)
{
	if (object != NULL)
		print_object(object);
	json_decref(object);
}

json_t *
hl_json_text(const char *s)
{
	return s == NULL || s[0] == '\0' ? json_null() : json_string(s);
}

json_t *
hl_json_time(int64_t ms)
{
	char text[HL_TIME_TEXT];

	if (ms == 0)
		return json_null();
	hl_time_text(ms, text);
	return json_string(text);
}

json_t *
hl_json_hex(const void *p, size_t n)
{
	char *text;
	json_t *j;

	if (n == 0)
		return json_null();
	if ((text = malloc(2 * n + 1)) == NULL)
		return NULL;
	hl_hex_lower(text, p, n);
	j = json_string(text);
	free(text);
	return j;
}

json_t *
hl_json_uid(const hl_uid *u)
{
	char text[HL_UID_TEXT];

	if (u->n == 0)
		return json_null();
	hl_uid_text(u, text);
	return json_string(text);
}

json_t *
hl_json_uuid(const hl_uuid *u)
{
	static const hl_uuid none = { { 0 } };
	char text[HL_UUID_TEXT];

	if (hl_uuid_equal(u, &none))
		return json_null();
	hl_uuid_text(u, text);
	return json_string(text);
}

void
hl_card_words(const char *label, const char *serial, char *out, size_t size)
{
	if (serial[0] == '\0')
		(void)hl_text_format(out, size, "\"%s\"", label);
	else if (label[0] != '\0')
		(void)hl_text_format(out, size, "\"%s\" (%s)", label, serial);
	else
		(void)hl_text_copy(out, size, serial);
}

const char *
hl_plural(uint64_t n, const char *one, const char *many)
{
	return n == 1 ? one : many;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/p11_uri.h"

#include <string.h>
#include <strings.h>

#include "util/hex.h"
#include "util/rd.h"
#include "util/text.h"

#define SCHEME "pkcs11:"

static const char what_parse[] = "understand the pkcs11: URI";

/* One "name=value" as it stands in the URI. */
typedef struct attribute {
	const char *name;
	size_t name_n;
	const char *value;
	size_t value_n;
	bool query;
} attribute;

typedef struct parser {
	hl_p11_uri uri;
	unsigned seen; /* a bit for each row of the table */
	hl_err *err;
} parser;

bool
hl_p11_uri_is(const char *text)
{
	return strncasecmp(text, SCHEME, sizeof(SCHEME) - 1) == 0;
}

/* Never shows a value: a PIN may be among them. */
static hl_rc
bad(const parser *p, const attribute *a, const char *why, const char *hint)
{
	return hl_fail(p->err, HL_EINPUT, what_parse, hint,
	    "the attribute \"%.*s\" %s", (int)(a->name_n < 40 ? a->name_n : 40),
	    a->name, why);
}

/* RFC 7512, 2.3: what may stand there as it is (pk11-pchar, pk11-qchar). */
static bool
plain(char c, bool query)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9'))
		return true;
	return c != '\0' &&
	    (strchr("-._~:[]@!$'()*+,=", c) != NULL ||
		strchr(query ? "/?|" : "&", c) != NULL);
}

/* Decodes into out[max], which gets a NUL behind. */
static hl_rc
decode(const parser *p, const attribute *a, char *out, size_t max, size_t *n)
{
	size_t k = 0;
	int hi, lo;

	for (size_t i = 0; i < a->value_n; i++) {
		char c = a->value[i];

		if (c == '%') {
			hi = a->value_n - i > 2 ? hl_hex_digit(a->value[i + 1])
						: -1;
			lo = hi >= 0 ? hl_hex_digit(a->value[i + 2]) : -1;
			if (lo < 0)
				return bad(p, a,
				    "has a % without two hex digits behind it",
				    "a percent sign itself is written %25");
			c = (char)(hi << 4 | lo);
			i += 2;
		} else if (!plain(c, a->query)) {
			return bad(p, a,
			    "has a character that must be written as %XX",
			    "a blank is written %20, a semicolon %3B, a slash "
			    "%2F");
		}
		if (k >= max)
			return bad(p, a, "is too long", "");
		out[k++] = c;
	}
	out[k] = '\0';
	*n = k;
	return HL_OK;
}

static hl_rc
decode_text(
    const parser *p, const attribute *a, char *out, size_t max, size_t *n)
{
	const hl_rc rc = decode(p, a, out, max, n);

	if (rc == HL_OK && !hl_text_valid(out, *n))
		return bad(
		    p, a, "is no text in UTF-8, or has control characters", "");
	return rc;
}

static hl_rc
put_value(parser *p, const attribute *a, hl_p11_value *v, bool binary)
{
	size_t n = 0;
	const hl_rc rc = binary ? decode(p, a, v->s, HL_P11_VALUE_MAX, &n)
				: decode_text(p, a, v->s, HL_P11_VALUE_MAX, &n);

	v->given = true;
	v->n = (uint8_t)n;
	return rc;
}

static hl_rc
put_type(parser *p, const attribute *a)
{
	static const struct {
		const char *name;
		hl_p11_class type;
	} rows[] = { { "private", HL_P11_PRIVATE }, { "public", HL_P11_PUBLIC },
		{ "cert", HL_P11_CERT }, { "secret-key", HL_P11_SECRET_KEY },
		{ "data", HL_P11_DATA } };
	char name[16];
	size_t n;
	hl_rc rc;

	if ((rc = decode_text(p, a, name, sizeof(name) - 1, &n)) != HL_OK)
		return rc;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		if (strcmp(name, rows[i].name) == 0) {
			p->uri.type = rows[i].type;
			return HL_OK;
		}
	}
	return bad(p, a, "names no type",
	    "it is one of private, public, cert, secret-key, data");
}

static hl_rc
put_slot_id(parser *p, const attribute *a)
{
	char text[24];
	uint64_t v;
	size_t n;
	hl_rc rc;

	if ((rc = decode_text(p, a, text, sizeof(text) - 1, &n)) != HL_OK)
		return rc;
	if (!hl_text_u64(text, ULONG_MAX, &v))
		return bad(p, a, "is no number of a slot", "give it in digits");
	p->uri.has_slot_id = true;
	p->uri.slot_id = (unsigned long)v;
	return HL_OK;
}

/* "MAJOR" or "MAJOR.MINOR"; the minor one is 0 where it is not said. */
static hl_rc
put_version(parser *p, const attribute *a)
{
	uint64_t major = 0, minor = 0;
	char text[16], *dot;
	size_t n;
	hl_rc rc;

	if ((rc = decode_text(p, a, text, sizeof(text) - 1, &n)) != HL_OK)
		return rc;
	if ((dot = strchr(text, '.')) != NULL)
		*dot++ = '\0';
	if (!hl_text_u64(text, UINT8_MAX, &major) ||
	    (dot != NULL && !hl_text_u64(dot, UINT8_MAX, &minor)))
		return bad(p, a, "is no version", "give it as 2.20");
	p->uri.has_library_version = true;
	p->uri.library_major = (uint8_t)major;
	p->uri.library_minor = (uint8_t)minor;
	return HL_OK;
}

static hl_rc
put_module_path(parser *p, const attribute *a)
{
	size_t n = 0;
	hl_rc rc = decode_text(p, a, p->uri.module_path, PATH_MAX - 1, &n);

	if (rc == HL_OK && p->uri.module_path[0] != '/')
		rc = bad(p, a, "is no absolute path", "begin it with a slash");
	return rc;
}

static hl_rc
put_module_name(parser *p, const attribute *a)
{
	char *name = p->uri.module_name;
	size_t n = 0;
	hl_rc rc = decode_text(p, a, name, HL_P11_VALUE_MAX, &n);

	if (rc == HL_OK && (n == 0 || strchr(name, '/') != NULL))
		rc = bad(p, a, "is no name of a module",
		    "for a path there is module-path");
	return rc;
}

static hl_rc
put_pin_source(parser *p, const attribute *a)
{
	char text[PATH_MAX + 8];
	const char *path = text + 5;
	size_t n = 0;
	hl_rc rc;

	if ((rc = decode_text(p, a, text, sizeof(text) - 1, &n)) != HL_OK)
		return rc;
	if (strncasecmp(text, "file:", 5) != 0)
		path = "";
	else if (hl_text_starts(path, "///"))
		path += 2; /* RFC 8089: an authority may stand there, empty */
	if (path[0] != '/' || path[1] == '/' ||
	    !hl_text_copy(p->uri.pin_file, PATH_MAX, path))
		return hl_fail(p->err, HL_EUSAGE, what_parse,
		    "write pin-source=file:/PATH, or use --pin",
		    "its pin-source is no file with an absolute path");
	return HL_OK;
}

static hl_rc
refuse_pin(parser *p, const attribute *a)
{
	(void)a;
	return hl_fail(p->err, HL_EUSAGE, what_parse,
	    "take pin-value out, and change the PIN if others could have seen "
	    "it; --pin or pin-source=file:/PATH say where the PIN is",
	    "a PIN in it (pin-value) is refused: all users of the machine can "
	    "read a command line, and shells keep it");
}

#define VALUE(field)                                                           \
	static hl_rc put_##field(parser *p, const attribute *a)                \
	{                                                                      \
		return put_value(p, a, &p->uri.field, false);                  \
	}
VALUE(token)
VALUE(manufacturer)
VALUE(serial)
VALUE(model)
VALUE(object)
VALUE(slot_description)
VALUE(slot_manufacturer)
VALUE(library_manufacturer)
VALUE(library_description)
#undef VALUE

static hl_rc
put_id(parser *p, const attribute *a)
{
	return put_value(p, a, &p->uri.id, true);
}

static const struct row {
	const char *name;
	bool query;
	hl_rc (*put)(parser *p, const attribute *a);
} table[] = {
	{ "token", false, put_token },
	{ "manufacturer", false, put_manufacturer },
	{ "serial", false, put_serial },
	{ "model", false, put_model },
	{ "object", false, put_object },
	{ "id", false, put_id },
	{ "type", false, put_type },
	{ "slot-id", false, put_slot_id },
	{ "slot-description", false, put_slot_description },
	{ "slot-manufacturer", false, put_slot_manufacturer },
	{ "library-manufacturer", false, put_library_manufacturer },
	{ "library-description", false, put_library_description },
	{ "library-version", false, put_version },
	{ "module-path", true, put_module_path },
	{ "module-name", true, put_module_name },
	{ "pin-source", true, put_pin_source },
	{ "pin-value", true, refuse_pin },
};

static bool
named(const attribute *a, const char *name)
{
	return strlen(name) == a->name_n &&
	    memcmp(name, a->name, a->name_n) == 0;
}

/* RFC 7512, 2.3: letters, digits, '-', '_' (pk11-v-attr-nm-char). */
static bool
is_name(const attribute *a)
{
	for (size_t i = 0; i < a->name_n; i++) {
		if (!plain(a->name[i], false) ||
		    strchr(".~:[]@!$'()*+,=&", a->name[i]) != NULL)
			return false;
	}
	return a->name_n > 0;
}

static hl_rc
unknown(parser *p, const attribute *a)
{
	char *const out = p->uri.unknown;
	char value[HL_P11_URI_MAX + 1];
	const size_t n = a->name_n < sizeof(p->uri.unknown)
	    ? a->name_n
	    : sizeof(p->uri.unknown) - 1;
	size_t value_n;
	hl_rc rc;

	rc = decode(p, a, value, sizeof(value) - 1, &value_n);
	explicit_bzero(value, sizeof(value));
	if (rc == HL_OK && !a->query && out[0] == '\0') {
		memcpy(out, a->name, n);
		out[n] = '\0';
	}
	return rc;
}

static hl_rc
take(parser *p, const attribute *a)
{
	if (!is_name(a))
		return hl_fail(p->err, HL_EINPUT, what_parse,
		    "it is written pkcs11:NAME=VALUE;NAME=VALUE?NAME=VALUE, "
		    "in quotes for the shell",
		    "there is a part that does not begin with NAME=");
	for (unsigned i = 0; i < HL_COUNT(table); i++) {
		if (!named(a, table[i].name))
			continue;
		if (table[i].query != a->query)
			return bad(p, a,
			    a->query ? "belongs in front of the ?"
				     : "belongs behind a ?",
			    "");
		if ((p->seen & 1U << i) != 0)
			return bad(p, a, "is there twice", "");
		p->seen |= 1U << i;
		return table[i].put(p, a);
	}
	return unknown(p, a);
}

/* "name=value" pairs between separators; none at all is fine. */
static hl_rc
take_all(parser *p, const char *s, size_t n, bool query)
{
	const char sep = query ? '&' : ';';
	hl_rc rc = HL_OK;

	while (rc == HL_OK && n > 0) {
		const char *end = memchr(s, sep, n);
		const size_t len = end != NULL ? (size_t)(end - s) : n;
		const char *eq = memchr(s, '=', len);
		attribute a = { s, 0, s, 0, query };

		if (eq != NULL) {
			a.name_n = (size_t)(eq - s);
			a.value = eq + 1;
			a.value_n = len - a.name_n - 1;
		}
		/* a separator at the end has nothing behind it */
		if (end != NULL && len + 1 == n)
			a.name_n = 0;
		rc = take(p, &a);
		s += end != NULL ? len + 1 : len;
		n -= end != NULL ? len + 1 : len;
	}
	return rc;
}

hl_rc
hl_p11_uri_parse(const char *text, hl_p11_uri *out, hl_err *err)
{
	parser p = { .err = err };
	const char *query;
	size_t n;
	hl_rc rc;

	if (!hl_p11_uri_is(text))
		return hl_fail(err, HL_EINPUT, what_parse, "",
		    "it does not begin with " SCHEME);
	text += sizeof(SCHEME) - 1;
	if ((n = strnlen(text, HL_P11_URI_MAX + 1)) > HL_P11_URI_MAX)
		return hl_fail(err, HL_EINPUT, what_parse, "",
		    "it is longer than %d bytes", HL_P11_URI_MAX);
	query = memchr(text, '?', n);
	rc = take_all(
	    &p, text, query != NULL ? (size_t)(query - text) : n, false);
	if (rc == HL_OK && query != NULL)
		rc = take_all(
		    &p, query + 1, n - (size_t)(query - text) - 1, true);
	if (rc == HL_OK)
		*out = p.uri;
	return rc;
}

void
hl_p11_uri_put(hl_buf *b, const char *name, const void *p, size_t n)
{
	const uint8_t *bytes = p;

	hl_buf_printf(b, "%s=", name);
	for (size_t i = 0; i < n; i++) {
		/* '&' and '=' may stand there, but shells and eyes stumble */
		if (plain((char)bytes[i], false) &&
		    strchr("&='()!$*[]", (char)bytes[i]) == NULL)
			hl_buf_u8(b, bytes[i]);
		else
			hl_buf_printf(b, "%%%02X", bytes[i]);
	}
}

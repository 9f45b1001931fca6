/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS #11 URIs (RFC 7512): which token, which key on it, by which module. */
#ifndef HL_CRYPTO_P11_URI_H
#define HL_CRYPTO_P11_URI_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"

#define HL_P11_URI_MAX 4096 /* bytes of a URI */
#define HL_P11_VALUE_MAX 255

/* An attribute, percent decoding done. One that is given may be empty, which
 * is not the same as not given (RFC 7512, 2.5). */
typedef struct hl_p11_value {
	bool given;
	uint8_t n;
	char s[HL_P11_VALUE_MAX +
	    1]; /* ends with NUL; only `id` may have others */
} hl_p11_value;

typedef enum hl_p11_class {
	HL_P11_ANY, /* type not given */
	HL_P11_PRIVATE,
	HL_P11_PUBLIC,
	HL_P11_CERT,
	HL_P11_SECRET_KEY,
	HL_P11_DATA
} hl_p11_class;

typedef struct hl_p11_uri {
	hl_p11_value token, manufacturer, serial, model;
	hl_p11_value object, id;
	hl_p11_class type;
	hl_p11_value slot_description, slot_manufacturer;
	bool has_slot_id;
	unsigned long slot_id;
	hl_p11_value library_manufacturer, library_description;
	bool has_library_version;
	uint8_t library_major, library_minor;
	/* The first attribute of the path that is not known here, or "". Who
	 * ignored it could find another key than the one meant. */
	char unknown[64];
	char module_path[PATH_MAX]; /* "": not given */
	char module_name[HL_P11_VALUE_MAX + 1];
	char pin_file[PATH_MAX]; /* of pin-source=file:PATH; absolute, or "" */
} hl_p11_uri;

/* Does the text begin with "pkcs11:"? */
bool hl_p11_uri_is(const char *text);

/*
 * HL_EINPUT: not such a URI, or an attribute is twice in it, has a value that
 * cannot be, or (but for id) is not UTF-8 without control characters.
 * HL_EUSAGE: pin-value, which is refused because command lines are no secret,
 * and a pin-source that is no file. Unknown attributes of the query are passed
 * over. The values of the URI are never in the error. *out is untouched on
 * failure.
 */
HL_CHECK hl_rc hl_p11_uri_parse(const char *text, hl_p11_uri *out, hl_err *err);

/* Appends "name=value" with what needs it percent-encoded, for a URI's path. */
void hl_p11_uri_put(hl_buf *b, const char *name, const void *p, size_t n);

#endif

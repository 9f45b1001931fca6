/* SPDX-License-Identifier: Apache-2.0 */
/* A UID in any spelling: what is accepted is derived again in another way. */
#include <stdlib.h>
#include <string.h>

#include "chip/uid.h"
#include "util/hex.h"
#include "util/text.h"

#include "fuzz/must.h"

/* All digits of the input in their order, without 0x. */
static size_t
digits_of(const char *s, char *digits, size_t max)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
			s++;
		else if (hl_hex_digit(*s) >= 0) {
			MUST(n < max);
			digits[n++] = *s;
		} else
			MUST(strchr(" \t,:_", *s) != NULL);
	}
	return n;
}

static int
value_of(const char *digits)
{
	return 16 * hl_hex_digit(digits[0]) + hl_hex_digit(digits[1]);
}

static void
check_bytes(const char *s, const hl_uid *u)
{
	char digits[2 * HL_UID_MAX];
	size_t n = digits_of(s, digits, sizeof(digits));
	const int words = n != strlen(s);
	size_t other = 0; /* bytes that are neither 00 nor the first byte */

	MUST(n == 2 * u->n && u->n >= HL_UID_MIN && u->n <= HL_UID_MAX);
	MUST(!words || n % 8 == 0);
	for (size_t i = 0; i < u->n; i++) {
		/* in a word the last byte comes first */
		size_t at = words ? i / 4 * 4 + 3 - i % 4 : i;

		MUST(u->b[i] == value_of(digits + 2 * at));
		other += u->b[i] != u->b[0];
	}
	MUST(other > 0 || (u->b[0] != 0x00 && u->b[0] != 0xff));
}

static void
check_text(const hl_uid *u)
{
	char text[HL_UID_TEXT], again[HL_UID_TEXT];
	hl_uid back;

	hl_uid_text(u, text);
	MUST(strlen(text) == 2 * u->n);
	MUST(strspn(text, "0123456789ABCDEF") == 2 * u->n);
	MUST(hl_uid_parse(text, &back, NULL) == HL_OK);
	MUST(hl_uid_equal(u, &back));
	hl_uid_text(&back, again);
	MUST(strcmp(text, again) == 0);
}

/* True when the text is nothing but 16 to 32 digits, an even number, and not
 * all of them 0 or F: such a text must be accepted. */
static int
surely_good(const char *s)
{
	size_t n = strspn(s, "0123456789abcdefABCDEF");

	return s[n] == '\0' && n >= 16 && n <= 32 && n % 2 == 0 &&
	    strspn(s, "0") != n && strspn(s, "fF") != n;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);
	hl_err err = { 0 }, no_err = { 0 };
	hl_uid u, was;
	hl_rc rc;

	MUST(s != NULL);
	if (size > 0)
		memcpy(s, data, size);
	s[size] = '\0';
	memset(&was, 0x5a, sizeof(was));
	u = was;
	rc = hl_uid_parse(s, &u, &err);
	if (rc == HL_OK) {
		MUST(memcmp(&err, &no_err, sizeof(err)) == 0);
		check_bytes(s, &u);
		check_text(&u);
	} else {
		MUST(rc == HL_EINPUT && err.rc == HL_EINPUT);
		MUST(memcmp(&u, &was, sizeof(u)) == 0);
		MUST(!surely_good(s));
		MUST(err.why[0] != '\0' && err.hint[0] != '\0');
		MUST(hl_text_valid(err.why, strlen(err.why)));
	}
	free(s);
	return 0;
}

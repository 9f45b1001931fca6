/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/card_figures.h"

#include <string.h>

#include "tool/match.h"
#include "util/text.h"

/* Takes a value over, unless it contradicts the one that was there before. */
static void
set(char *dst, size_t size, const char *value, size_t n, bool *two)
{
	if (n == 0)
		return;
	if (n >= size ||
	    (dst[0] != '\0' &&
		(strlen(dst) != n || memcmp(dst, value, n) != 0)))
		*two = true;
	else if (dst[0] == '\0') {
		memcpy(dst, value, n);
		dst[n] = '\0';
	}
}

static bool
has_digit(const char *s)
{
	return strpbrk(s, "0123456789") != NULL;
}

/*
 * "25", "25 licenses", "25." False for what could be meant otherwise: "0x19",
 * "025", "1,000", "25/300", "25 of 300", "25 (0x19)".
 */
static bool
plain_number(const char *s, uint32_t *v)
{
	char digits[11];
	const size_t n = strspn(s, "0123456789");
	uint64_t wide;

	if (n == 0 || n >= sizeof(digits) || (n > 1 && s[0] == '0'))
		return false;
	memcpy(digits, s, n);
	digits[n] = '\0';
	if (!hl_text_u64(digits, UINT32_MAX, &wide))
		return false;
	s += n;
	if (*s == '.' || *s == '!')
		s++;
	if ((*s != '\0' && *s != ' ') || has_digit(s))
		return false;
	*v = (uint32_t)wide;
	return true;
}

static void
set_counter(hl_card_figures *f, const char *number)
{
	uint32_t v;

	if (!plain_number(number, &v) || (f->has_counter && v != f->counter)) {
		f->two_counters = true;
		return;
	}
	f->counter = v;
	f->has_counter = true;
}

/* Does the key ask for a number of that thing, and has not told it itself? */
static bool
asks_for(const char *key, const char *thing)
{
	const char *last = NULL;

	for (const char *s = key; (s = strstr(s, thing)) != NULL; s++)
		last = s;
	return last != NULL && !has_digit(last);
}

/*
 * Numbers beside a counter that are not what is left on the card. A certificate
 * has a security counter (TF-A, stm32mp1_ssp.c). "Reading the counter of slot :
 * 1" tells a slot, and so does "-hsmgetcounter slot=1".
 */
static bool
is_other_counter(const char *key)
{
	static const char *const others[] = { "security", "max", "initial",
		"size", "length", "address", "index", "version", "time",
		"elapsed" };

	for (size_t i = 0; i < HL_COUNT(others); i++) {
		if (strstr(key, others[i]) != NULL)
			return true;
	}
	return asks_for(key, "slot") || asks_for(key, "reader");
}

static void
look_for_counter(hl_card_figures *f, const char *key, const char *value)
{
	if (strstr(key, "counter") != NULL && hl_tool_is_digit(*value) &&
	    !is_other_counter(key))
		set_counter(f, value);
}

/* Of the card, not of the device, a bootloader or an image. */
static bool
is_of_card(const char *key, const char *figure)
{
	return strstr(key, figure) != NULL &&
	    (strcmp(key, figure) == 0 || strstr(key, "hsm") != NULL ||
		strstr(key, "card") != NULL || strstr(key, "license") != NULL);
}

/* "OPERATIONAL_STATE" in a line, also "OPERATIONAL STATE" as in AN5054 3.1.2,
 * but not as a part of another word. */
static bool
names_state(const char *line, const char *state)
{
	const char *at = line;

	for (; (at = strchr(at, state[0])) != NULL; at++) {
		size_t i = 0;

		while (state[i] != '\0' &&
		    (at[i] == state[i] || (state[i] == '_' && at[i] == ' ')))
			i++;
		if (state[i] == '\0' && !hl_tool_is_alnum(at[i]) &&
		    at[i] != '_' &&
		    (at == line ||
			(!hl_tool_is_alnum(at[-1]) && at[-1] != '_')))
			return true;
	}
	return false;
}

/* CubeProgrammer_API.h: getHsmState */
static void
look_for_state(hl_card_figures *f, const char *line)
{
	static const char *const states[] = { "ST_STATE", "OEM_STATE",
		"OPERATIONAL_STATE", "UNKNOWN_STATE" };

	/* a complaint may name the state that would be right */
	if (hl_tool_has(line, "error") != NULL ||
	    hl_tool_has(line, "warning") != NULL)
		return;
	for (size_t i = 0; i < HL_COUNT(states); i++) {
		if (names_state(line, states[i]))
			set(f->state, sizeof(f->state), states[i],
			    strlen(states[i]), &f->two_states);
	}
}

/* The word that the value begins with: letters, digits, and "." within. */
static size_t
first_word(const char *s)
{
	size_t n = 0;

	while (hl_tool_is_alnum(s[n]) || s[n] == '.')
		n++;
	if (s[n] != '\0' && s[n] != ' ')
		return 0;
	while (n > 0 && s[n - 1] == '.')
		n--;
	return n;
}

/* Kinds of licenses: CubeProgrammer_API.h, getHsmType; AN5054 8 and 15. */
static void
look_for_type(hl_card_figures *f, const char *key, const char *value)
{
	static const char *const kinds[] = { "SFI", "SSP", "SMU", "SSFI" };
	const size_t n = first_word(value);

	if (!is_of_card(key, "type"))
		return;
	for (size_t i = 0; i < HL_COUNT(kinds); i++) {
		if (hl_text_starts(value, kinds[i]))
			set(f->type, sizeof(f->type), value, n, &f->two_types);
	}
}

bool
hl_card_figures_line(hl_card_figures *f, const char *line)
{
	char key[HL_TOOL_KEY_MAX];
	const char *value;
	bool pair = hl_tool_pair(line, key, &value);

	if (pair && strstr(key, "hsmfwidentifier") != NULL) {
		set(f->firmware_id, sizeof(f->firmware_id), value,
		    strlen(value), &f->two_firmwares);
		return true;
	}
	look_for_state(f, line);
	if (!pair)
		return false;
	look_for_counter(f, key, value);
	look_for_type(f, key, value);
	if (is_of_card(key, "version"))
		set(f->version, sizeof(f->version), value, first_word(value),
		    &f->two_versions);
	return false;
}

void
hl_card_figures_sentence(hl_card_figures *f, const char *line)
{
	char pair[HL_TOOL_LINE_MAX], key[HL_TOOL_KEY_MAX], *at;
	const char *counter = hl_tool_has(line, "counter"), *value;

	if (counter == NULL || !hl_text_copy(pair, sizeof(pair), line))
		return;
	/* from here on as if there was a ':', if there is not one before */
	at = pair + (counter - line);
	if (strchr(at, '=') != NULL)
		*strchr(at, '=') = ':';
	else if ((at = strstr(at, " is ")) != NULL)
		memcpy(at, " :  ", strlen(" is "));
	if (hl_tool_pair(pair, key, &value))
		look_for_counter(f, key, value);
}

static void
copy_unless(bool two, char *dst, size_t size, const char *src)
{
	hl_text_copy(dst, size, two ? "" : src);
}

void
hl_card_figures_end(const hl_card_figures *f, hl_tool_report *out)
{
	copy_unless(f->two_firmwares, out->firmware_id,
	    sizeof(out->firmware_id), f->firmware_id);
	copy_unless(f->two_states, out->state, sizeof(out->state), f->state);
	copy_unless(f->two_types, out->type, sizeof(out->type), f->type);
	copy_unless(f->two_versions, out->hsm_version, sizeof(out->hsm_version),
	    f->version);
	out->has_counter = f->has_counter && !f->two_counters;
	out->counter = out->has_counter ? f->counter : 0;
}

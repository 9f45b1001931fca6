/* SPDX-License-Identifier: Apache-2.0 */
/* What --fault says. */
#include <string.h>

#include "sim/serve.h"
#include "util/text.h"

#define SLOW_MS 3000
#define SLOW_MAX_MS 3600000

static const struct {
	const char *name;
	enum fault_kind kind;
} kinds[] = {
	{ "drop-before", FAULT_DROP_BEFORE },
	{ "drop-after", FAULT_DROP_AFTER },
	{ "mute", FAULT_MUTE },
	{ "garbage", FAULT_GARBAGE },
	{ "short", FAULT_SHORT },
	{ "slow", FAULT_SLOW },
	{ "wrong-id", FAULT_WRONG_ID },
	{ "stuck", FAULT_STUCK },
	{ "jump", FAULT_JUMP },
};

static enum fault_kind
kind_of(const char *s, size_t n)
{
	for (size_t i = 0; i < HL_COUNT(kinds); i++) {
		if (strlen(kinds[i].name) == n &&
		    memcmp(kinds[i].name, s, n) == 0)
			return kinds[i].kind;
	}
	return FAULT_NONE;
}

/* The number after the ':' that *s points at; *s is moved behind it. */
static bool
number(const char **s, uint64_t max, uint64_t *out)
{
	const char *p = *s + 1;
	const size_t n = strcspn(p, ":");
	char digits[16];

	if (n >= sizeof(digits))
		return false;
	memcpy(digits, p, n);
	digits[n] = '\0';
	*s = p + n;
	return hl_text_u64(digits, max, out);
}

hl_rc
fault_parse(struct fault *out, const char *spec, hl_err *err)
{
	const size_t n = strcspn(spec, ":");
	const char *s = spec + n;
	uint64_t nth = 1, ms = SLOW_MS;
	bool ok;

	out->kind = kind_of(spec, n);
	ok = out->kind != FAULT_NONE;
	if (ok && *s == ':')
		ok = number(&s, UINT32_MAX, &nth) && nth != 0;
	if (ok && *s == ':' && out->kind == FAULT_SLOW)
		ok = number(&s, SLOW_MAX_MS, &ms);
	if (!ok || *s != '\0')
		return hl_fail(err, HL_EUSAGE, "understand --fault",
		    "see: " SIM_NAME " card serve --help",
		    "there is no fault \"%s\"", spec);
	out->nth = (unsigned)nth;
	out->ms = (uint32_t)ms;
	return HL_OK;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tool/output.h"

#include <string.h>

#include "tool/card_figures.h"
#include "tool/match.h"
#include "util/hex.h"
#include "util/text.h"

/* How the words below are written: lower case without blanks (match.h). */

/* At the beginning of a line: AN5054 figures 59 and 65. */
static const char *const successes[] = {
	"sfiprocessfinished",
	"timeelapsedduringsfiinstalloperation",
};

/* AN5054 figure 59: the chip starts its new firmware meanwhile. */
static const char *const harmless[] = {
	"failedtoreconnectafterreset",
};

/* Should one come without "Error:". community.st.com td-p/65122 and 855142
 * (the first three), 635458 and 795945, 741981 (the next four), qa-community
 * 140703, td-p/123195. */
static const char *const failures[] = {
	"securitystatefail",
	"invalidstateaftersfiinstall",
	"rssinternalsystemerrororlicenseisinvalid",
	"executionofrsscmdfailed",
	"cannotlaunchrsse",
	"failedtogetrssestatus",
	"sficommandisnotsupportedforthecurrentdeviceconfiguration",
	"fileinstalloperationfailure",
	"noactiveconfigurationforthisdevice",
	"anerroroccurredwhileuploadingdata",
};

typedef struct parse {
	hl_tool_report *out;
	hl_card_figures card;
	char harmless[sizeof(((hl_tool_report *)0)->error)];
} parse;

static bool
has_any(const char *line, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (hl_tool_has(line, words[i]) != NULL)
			return true;
	}
	return false;
}

static bool
begins_with_any(const char *line, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (hl_tool_begins(line, words[i]) != NULL)
			return true;
	}
	return false;
}

/* What follows "Error:" in the line; it may stand behind other words that came
 * without a line's end. */
static const char *
error_text(const char *line)
{
	const char *at = line;

	for (; (at = hl_tool_has(at, "error:")) != NULL; at++) {
		if (at == line || !hl_tool_is_alnum(at[-1]))
			return hl_tool_begins(at, "error:");
	}
	return NULL;
}

/* The whole rest of the line is a harmless error, but for punctuation. */
static bool
is_harmless(const char *error)
{
	for (size_t i = 0; i < HL_COUNT(harmless); i++) {
		const char *rest = hl_tool_begins(error, harmless[i]);

		if (rest != NULL && rest[strspn(rest, " !.")] == '\0')
			return true;
	}
	return false;
}

static void
look_for_failure(parse *p, const char *line)
{
	const char *error = error_text(line);
	hl_tool_report *out = p->out;

	line = hl_tool_skip_blanks(line);
	if (error != NULL && is_harmless(error)) {
		if (p->harmless[0] == '\0')
			hl_text_format(
			    p->harmless, sizeof(p->harmless), "%s", line);
	} else if (error != NULL ||
	    has_any(line, failures, HL_COUNT(failures))) {
		if (!out->failure)
			hl_text_format(
			    out->error, sizeof(out->error), "%s", line);
		out->failure = true;
	}
}

static void
look_for_steps(hl_tool_report *out, const char *line)
{
	if (hl_tool_has(line, "succeedtogeneratelicense") != NULL)
		out->license_generated = true;
	if (hl_tool_has(line, "succeedtogetlicense") != NULL)
		out->license_got = true;
	if (hl_tool_has(line, "getcertificatedonesuccessfully") != NULL)
		out->certificate_done = true;
	if (begins_with_any(line, successes, HL_COUNT(successes)))
		out->success = true;
}

/* "STM32CubeProgrammer v2.21.0", "STM32CubeProgrammer API v2.20.0 | ..." */
static void
look_for_version(hl_tool_report *out, const char *line)
{
	const char *s = hl_tool_begins(line, "stm32cubeprogrammer"), *api;
	size_t n;

	if (s == NULL || out->version[0] != '\0')
		return;
	if ((api = hl_tool_begins(s, "api")) != NULL)
		s = api;
	s = hl_tool_begins(s, "v");
	if (s == NULL || !hl_tool_is_digit(*s))
		return;
	for (n = 0; hl_tool_is_alnum(s[n]) || s[n] == '.' || s[n] == '-'; n++)
		;
	if (n < sizeof(out->version)) {
		memcpy(out->version, s, n);
		out->version[n] = '\0';
	}
}

/* "0x450", a word of its own. */
static bool
hex_number(const char *s, uint32_t *v)
{
	size_t n = 0;

	if (s[0] != '0' || (s[1] != 'x' && s[1] != 'X'))
		return false;
	*v = 0;
	for (s += 2; hl_hex_digit(s[n]) >= 0; n++) {
		if (n == 8)
			return false;
		*v = *v << 4 | (uint32_t)hl_hex_digit(s[n]);
	}
	return n > 0 && (s[n] == '\0' || s[n] == ' ');
}

/* UART calls it chip ID (AN5054 figure 30). */
static void
look_for_device(hl_tool_report *out, const char *line)
{
	char key[HL_TOOL_KEY_MAX];
	const char *value;
	uint32_t id;

	if (!hl_tool_pair(line, key, &value))
		return;
	if (!out->has_device_id &&
	    (strcmp(key, "deviceid") == 0 || strcmp(key, "chipid") == 0) &&
	    hex_number(value, &id)) {
		out->device_id = id;
		out->has_device_id = true;
	}
	if (strcmp(key, "devicename") == 0 && out->device_name[0] == '\0')
		hl_text_format(
		    out->device_name, sizeof(out->device_name), "%s", value);
	if (strcmp(key, "st-linksn") == 0 && out->probe_sn[0] == '\0')
		hl_text_format(
		    out->probe_sn, sizeof(out->probe_sn), "%s", value);
}

static bool
parse_line(void *arg, const char *line)
{
	parse *p = arg;

	if (hl_card_figures_line(&p->card, line))
		return true;
	look_for_version(p->out, line);
	look_for_device(p->out, line);
	look_for_steps(p->out, line);
	look_for_failure(p, line);
	return true;
}

void
hl_tool_parse(const void *text, size_t n, hl_tool_report *out)
{
	parse p = { .out = out };

	memset(out, 0, sizeof(*out));
	hl_tool_lines(text, n, parse_line, &p);
	hl_card_figures_end(&p.card, out);
	if (out->error[0] == '\0')
		hl_text_copy(out->error, sizeof(out->error), p.harmless);
}

static bool
counter_line(void *arg, const char *line)
{
	if (!hl_card_figures_line(arg, line))
		hl_card_figures_sentence(arg, line);
	return true;
}

bool
hl_tool_counter(const void *text, size_t n, uint32_t *counter)
{
	hl_card_figures f = { .has_counter = false };
	hl_tool_report r;

	hl_tool_lines(text, n, counter_line, &f);
	hl_card_figures_end(&f, &r);
	if (r.has_counter)
		*counter = r.counter;
	return r.has_counter;
}

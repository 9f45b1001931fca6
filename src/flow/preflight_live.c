/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option bytes of the chip that is connected. Before an installation no
 * area may be write-protected or under PCROP, and TZEN is to be 0 on an STM32L5
 * (AN5054 4.3.6). The names of the rows, what their values mean, and all of RDP
 * are general knowledge: they are those of the reference manuals. What is not
 * understood is no finding.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "flow/preflight_int.h"
#include "util/text.h"

#define SOURCE_GENERAL "general knowledge of the reference manuals"
#define SOURCE_BEFORE "AN5054 4.3.6; names of rows by the reference manuals"

/* An area from a start row to an end row; there is none when the start is
 * above the end. */
static const struct area {
	const char *prefix;
	bool pcrop;
	bool one; /* is start equal to end an area, too? */
} areas[] = {
	{ "WRP", false, true },
	{ "PCROP", true, false },     /* not known for sure */
	{ "PROT_AREA_", true, true }, /* H7: then it is the whole bank */
};

static const struct ends {
	const char *start, *end;
} ends[] = {
	{ "STRT", "END" },
	{ "START", "END" },
};

static bool
has_prefix(const char *name, const char *prefix)
{
	return strncasecmp(name, prefix, strlen(prefix)) == 0;
}

static const hl_ob_row *
row_named(const hl_option_bytes *ob, const char *name)
{
	for (size_t i = 0; i < ob->n; i++)
		if (strcasecmp(ob->row[i].name, name) == 0)
			return &ob->row[i];
	return NULL;
}

/* WRP1A_PSTRT: WRP1A_PEND. NULL when it starts nothing. */
static const hl_ob_row *
end_of(const hl_option_bytes *ob, const hl_ob_row *r)
{
	char name[2 * HL_OB_NAME];
	const hl_ob_row *end;
	const char *at;

	for (size_t i = 0; i < HL_COUNT(ends); i++) {
		if ((at = strcasestr(r->name, ends[i].start)) == NULL)
			continue;
		(void)snprintf(name, sizeof(name), "%.*s%s%s",
		    (int)(at - r->name), r->name, ends[i].end,
		    at + strlen(ends[i].start));
		if ((end = row_named(ob, name)) != NULL)
			return end;
	}
	return NULL;
}

static bool
area_is_on(const hl_option_bytes *ob, const hl_ob_row *r, bool pcrop)
{
	const hl_ob_row *end;

	for (size_t i = 0; i < HL_COUNT(areas); i++) {
		if (areas[i].pcrop != pcrop ||
		    !has_prefix(r->name, areas[i].prefix) ||
		    (end = end_of(ob, r)) == NULL)
			continue;
		return r->value < end->value ||
		    (areas[i].one && r->value == end->value);
	}
	return false;
}

/* A bit for each sector or group, 0 where it is protected. How many there are
 * is not known: ones from bit 0 up, and no 0 among them, protect nothing. */
static bool
sectors_are_on(const hl_ob_row *r)
{
	if (!has_prefix(r->name, "nWRP") && !has_prefix(r->name, "WRPSG"))
		return false;
	return r->value == 0 || (r->value & (r->value + 1)) != 0;
}

/* The names of all rows that protect something: how many, the first in *out.
 */
static unsigned
list_protected(const hl_option_bytes *ob, bool pcrop, char *out, size_t size)
{
	unsigned n = 0;
	size_t at = 0;

	out[0] = '\0';
	for (size_t i = 0; i < ob->n; i++) {
		const hl_ob_row *r = &ob->row[i];

		if (!area_is_on(ob, r, pcrop) && (pcrop || !sectors_are_on(r)))
			continue;
		n++;
		if (at + HL_OB_NAME + 16 < size)
			at += (size_t)snprintf(out + at, size - at,
			    "%s%s 0x%" PRIX32, at > 0 ? ", " : "", r->name,
			    r->value);
	}
	return n;
}

static void
check_write_protection(hl_checks *c)
{
	char rows[HL_FINDING_TEXT / 2];
	hl_finding f;

	if (list_protected(&c->ob, false, rows, sizeof(rows)) == 0)
		return;
	hl_finding_start(&f, "wrp-active", SOURCE_BEFORE);
	hl_finding_what(&f, "the chip has write-protected areas: %s", rows);
	hl_finding_why(&f,
	    "an installation writes the whole flash memory: no area may be "
	    "write-protected before");
	hl_finding_mend(&f,
	    "take the protection away with -ob: the start of an area above "
	    "its end, all bits of nWRP and WRPSG rows to 1");
	hl_finding_put(c, &f);
}

static void
check_pcrop(hl_checks *c)
{
	char rows[HL_FINDING_TEXT / 2];
	hl_finding f;

	if (list_protected(&c->ob, true, rows, sizeof(rows)) == 0)
		return;
	hl_finding_start(&f, "pcrop-active", SOURCE_BEFORE);
	hl_finding_what(&f, "the chip has areas under PCROP: %s", rows);
	hl_finding_why(&f,
	    "such areas cannot be erased and written: none may be there "
	    "before an installation");
	hl_finding_mend(&f,
	    "regress RDP from level 1 to level 0 with the setting that takes "
	    "PCROP along: this erases the chip");
	hl_finding_put(c, &f);
}

/* Where an SFI of some series leaves the chip, and where it is installed anew:
 * no source says that this would fail. */
static void
note_level_0_5(hl_checks *c)
{
	hl_finding f;

	hl_finding_start(&f, "rdp-live-0.5", SOURCE_GENERAL);
	f.note = true;
	hl_finding_what(&f, "the chip is at RDP level 0.5 (0x55)");
	hl_finding_why(&f,
	    "it is where an SFI with such option bytes leaves a chip; whether "
	    "one can be installed over it is not known");
	hl_finding_mend(
	    &f, "should it fail, regress to RDP level 0: this erases the chip");
	hl_finding_put(c, &f);
}

static void
check_rdp(hl_checks *c)
{
	hl_finding f;
	uint32_t v;

	if (c->device != NULL && c->device->product_state)
		return;
	if (hl_option_bytes_find(&c->ob, HL_OB_RDP, 0, &v) == c->ob.n ||
	    v == HL_RDP_LEVEL_0)
		return;
	if (v == HL_RDP_LEVEL_0_5) {
		note_level_0_5(c);
		return;
	}
	hl_finding_start(&f, "rdp-live", SOURCE_GENERAL);
	hl_finding_what(
	    &f, "the chip is at RDP %s (0x%02" PRIX32 ")", hl_rdp_words(v), v);
	hl_finding_why(&f,
	    "at this level the flash memory is closed to a debug port; what "
	    "an installation does then is in no document that is known here");
	hl_finding_mend(&f, "%s",
	    v == HL_RDP_LEVEL_2
		? "take another chip: level 2 is final on most series; or try "
		  "it all the same, with --force rdp-live"
		: "set RDP to 0xAA (level 0), which erases the chip; or try it "
		  "all the same, with --force rdp-live");
	hl_finding_put(c, &f);
}

static void
check_tzen(hl_checks *c)
{
	hl_finding f;
	uint32_t v;

	if (c->device == NULL || !c->device->tz_off_first ||
	    hl_option_bytes_find(&c->ob, HL_OB_TZEN, 0, &v) == c->ob.n ||
	    v == 0)
		return;
	hl_finding_start(&f, "tzen-live-l5", "AN5054 4.3.6");
	hl_finding_what(&f, "TrustZone is on on the chip: TZEN is %" PRIu32, v);
	hl_finding_why(&f,
	    "on %s TZEN has to be 0 on the chip before the installation",
	    c->device->series);
	hl_finding_mend(&f,
	    "set TZEN to 0, which goes along with RDP from level 1 to level 0 "
	    "only: this erases the chip");
	hl_finding_put(c, &f);
}

void
hl_check_live(hl_checks *c)
{
	check_rdp(c);
	check_write_protection(c);
	check_pcrop(c);
	check_tzen(c);
}

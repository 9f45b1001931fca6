/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The option bytes that an image sets. That an SFI needs TrustZone and RDP
 * level 0.5 is said of STM32U5 alone: on H7, RDP level 0 is AN5054's own
 * example; H5 and H7R/S have product states; of other series nothing is known.
 */
#include <inttypes.h>
#include <strings.h>

#include "flow/preflight_int.h"
#include "util/text.h"

/* Where it stands and what it says: in a row of its own, or in a register. */
static void
row_words(
    const hl_ob_row *r, hl_ob_field field, uint32_t v, char *out, size_t size)
{
	const bool rdp = field == HL_OB_RDP;
	char in[HL_OB_NAME + 32] = "";

	if (v != r->value)
		(void)hl_text_format(
		    in, sizeof(in), " in %s 0x%08" PRIX32, r->name, r->value);
	if (rdp)
		(void)hl_text_format(out, size,
		    "option bytes, line %u: RDP%s is 0x%02" PRIX32 " (%s)",
		    r->line, in, v, hl_rdp_words(v));
	else
		(void)hl_text_format(out, size,
		    "option bytes, line %u: TZEN%s is 0 (TrustZone off)",
		    r->line, in);
}

/* The first row that has RDP level 0, or TrustZone off; ob.n: none has. */
static size_t
find_bad(const hl_checks *c, hl_ob_field field, uint32_t *v)
{
	const uint32_t bad = field == HL_OB_RDP ? HL_RDP_LEVEL_0 : 0;
	size_t at = hl_option_bytes_find(&c->ob, field, 0, v);

	while (at < c->ob.n && *v != bad)
		at = hl_option_bytes_find(&c->ob, field, at + 1, v);
	return at;
}

/* ---- STM32U5 ------------------------------------------------------------ */

static void
check_u5_rdp(hl_checks *c)
{
	char words[HL_FINDING_TEXT];
	hl_finding f;
	uint32_t v;
	size_t at = find_bad(c, HL_OB_RDP, &v);

	if (at == c->ob.n)
		return;
	row_words(&c->ob.row[at], HL_OB_RDP, v, words, sizeof(words));
	hl_finding_start(&f, "rdp-level-0", HL_SOURCE_U5);
	hl_finding_what(&f, "%s", words);
	hl_finding_why(&f,
	    "on %s an SFI needs RDP level 0.5 at least, which protects the "
	    "secure flash sectors; with level 0 it ended in \"Execution of RSS "
	    "CMD failed, returned value = 0x1\"",
	    c->device->series);
	hl_finding_mend(&f,
	    "set RDP to 0x55 (level 0.5) in the CSV, and make the image anew "
	    "with it");
	hl_finding_put(c, &f);
}

static void
check_u5_tzen(hl_checks *c)
{
	char words[HL_FINDING_TEXT];
	hl_finding f;
	uint32_t v;
	size_t at = find_bad(c, HL_OB_TZEN, &v);

	if (at == c->ob.n)
		return;
	row_words(&c->ob.row[at], HL_OB_TZEN, v, words, sizeof(words));
	hl_finding_start(&f, "tzen-0", HL_SOURCE_U5);
	hl_finding_what(&f, "%s", words);
	hl_finding_why(&f,
	    "on %s an SFI installs secure firmware and needs TrustZone on; "
	    "without it, it ended in \"Execution of RSS CMD failed, returned "
	    "value = 0x1\"",
	    c->device->series);
	hl_finding_mend(&f,
	    "set TZEN to 1 in the CSV, and make the image anew with it; build "
	    "the application as a secure one, or leave it as it is and add a "
	    "small secure one in the last sector, with SECBOOTADD0 and the "
	    "secure watermarks set to it");
	hl_finding_put(c, &f);
}

/* ---- other series ------------------------------------------------------- */

/* Both, or the one of them that is there. */
static bool
bad_words(const hl_checks *c, char *out, size_t size)
{
	char rdp[HL_FINDING_TEXT / 2] = "", tzen[HL_FINDING_TEXT / 2] = "";
	uint32_t v;
	size_t at;

	if ((at = find_bad(c, HL_OB_RDP, &v)) < c->ob.n)
		row_words(&c->ob.row[at], HL_OB_RDP, v, rdp, sizeof(rdp));
	if ((at = find_bad(c, HL_OB_TZEN, &v)) < c->ob.n)
		row_words(&c->ob.row[at], HL_OB_TZEN, v, tzen, sizeof(tzen));
	(void)hl_text_format(out, size, "%s%s%s", rdp,
	    rdp[0] != '\0' && tzen[0] != '\0' ? "; " : "", tzen);
	return out[0] != '\0';
}

/* Rows of H7 say which series it is, and that level 0 is fine there. */
static void
check_unknown(hl_checks *c)
{
	char words[HL_FINDING_TEXT];
	hl_finding f;

	if (hl_option_bytes_h7(&c->ob) || !bad_words(c, words, sizeof(words)))
		return;
	hl_finding_start(&f, "device-unknown", HL_SOURCE_U5);
	hl_finding_what(
	    &f, "%s; and it is not known for which series of chips", words);
	hl_finding_why(&f,
	    "on STM32U5 an SFI with such option bytes fails, on STM32H7 level "
	    "0 is fine");
	hl_finding_mend(&f,
	    "say what the chip is, such as --device STM32U535, --product with "
	    "its product ID, or --target");
	hl_finding_put(c, &f);
}

static void
note_not_judged(hl_checks *c)
{
	char words[HL_FINDING_TEXT];
	hl_finding f;

	if (!bad_words(c, words, sizeof(words)))
		return;
	hl_finding_start(&f, "csv-not-judged", "");
	f.note = true;
	hl_finding_what(&f, "%s", words);
	hl_finding_why(&f,
	    "on STM32U5 an SFI with such option bytes fails; what it needs on "
	    "%s is in none of the sources that this program goes by",
	    c->device->series);
	hl_finding_mend(&f, "look it up in AN5054 and the reference manual");
	hl_finding_put(c, &f);
}

/* ---- what is not in the CSV --------------------------------------------- */

static void
note_not_told(hl_checks *c)
{
	uint32_t v;
	const bool rdp =
	    hl_option_bytes_find(&c->ob, HL_OB_RDP, 0, &v) < c->ob.n;
	const bool tzen =
	    hl_option_bytes_find(&c->ob, HL_OB_TZEN, 0, &v) < c->ob.n;
	hl_finding f;

	if (rdp && tzen)
		return;
	hl_finding_start(&f, "csv-not-told", HL_SOURCE_U5);
	f.note = true;
	hl_finding_what(&f,
	    "the option bytes have no row for %s under a name "
	    "that is known here",
	    rdp	       ? "TZEN"
		: tzen ? "RDP"
		       : "RDP and TZEN");
	hl_finding_why(&f,
	    "on %s an SFI needs TrustZone on and RDP level 0.5 at least: this "
	    "was not checked",
	    c->device->series);
	hl_finding_mend(
	    &f, "check it by hand; known are RDP, TZEN and FLASH_OPTR");
	hl_finding_put(c, &f);
}

static void
note_not_given(hl_checks *c)
{
	hl_finding f;

	if (c->kind != HL_IMAGE_SFI ||
	    (c->device != NULL && !c->device->sfi_needs_tz))
		return;
	hl_finding_start(&f, "csv-not-given", HL_SOURCE_U5);
	f.note = true;
	hl_finding_what(
	    &f, "the option bytes in %s are encrypted", c->in->image);
	hl_finding_why(&f,
	    "RDP and TZEN decide whether an SFI works on STM32U5: they were "
	    "not checked");
	hl_finding_mend(
	    &f, "give the CSV that the image was made with: --csv FILE");
	hl_finding_put(c, &f);
}

/* ---- the rows ----------------------------------------------------------- */

static void
check_duplicates(hl_checks *c)
{
	hl_finding f;

	for (size_t i = 0; i < c->ob.n; i++) {
		const hl_ob_row *r = &c->ob.row[i];

		/* AN5054 has a row of that name without a register. */
		if (r->same == 0 || strncasecmp(r->name, "RESERVED", 8) == 0)
			continue;
		hl_finding_start(&f, "csv-duplicate", "AN5054 2.5.1");
		hl_finding_what(&f,
		    "%s stands in lines %u and %u of the option bytes", r->name,
		    c->ob.row[r->same - 1].line, r->line);
		hl_finding_why(&f,
		    "which rows there are, and in which order, is fixed for "
		    "each product: one too many shifts those behind it");
		hl_finding_mend(&f,
		    "change values only, in the example for the product from "
		    "the folder SFI_OB_CSV_FILES of STM32CubeProgrammer");
		hl_finding_put(c, &f);
	}
}

void
hl_check_csv(hl_checks *c)
{
	const hl_device *d = c->device;

	if (c->in->csv == NULL) {
		note_not_given(c);
		return;
	}
	check_duplicates(c);
	if (d == NULL)
		check_unknown(c);
	else if (d->sfi_needs_tz) {
		check_u5_rdp(c);
		check_u5_tzen(c);
		note_not_told(c);
	} else if (d->has_tz && !d->product_state)
		note_not_judged(c);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/preflight.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "chip/cert.h"
#include "flow/preflight_int.h"
#include "util/text.h"

#define ID_DIGITS 3

static bool
known(const char *s)
{
	return s != NULL && s[0] != '\0';
}

/* ---- findings ----------------------------------------------------------- */

bool
hl_finding_known(const char *id)
{
	static const char *const ids[] = { "device-mismatch",
		"product-mismatch", "type-mismatch", "firmware-mismatch",
		"counter-low", "rsse-missing", "csv-duplicate", "rdp-level-0",
		"tzen-0", "device-unknown", "rdp-live", "wrp-active",
		"pcrop-active", "tzen-live-l5" };

	for (size_t i = 0; i < HL_COUNT(ids); i++)
		if (strcmp(ids[i], id) == 0)
			return true;
	return false;
}

void
hl_finding_start(hl_finding *f, const char *id, const char *source)
{
	memset(f, 0, sizeof(*f));
	f->id = id;
	f->source = source;
}

HL_PRINTF(2, 0)
static void
set_text(char out[HL_FINDING_TEXT], const char *fmt, va_list ap)
{
	(void)hl_text_vformat(out, HL_FINDING_TEXT, fmt, ap);
	hl_text_clean(out);
}

void
hl_finding_what(hl_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_text(f->what, fmt, ap);
	va_end(ap);
}

void
hl_finding_why(hl_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_text(f->why, fmt, ap);
	va_end(ap);
}

void
hl_finding_mend(hl_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set_text(f->mend, fmt, ap);
	va_end(ap);
}

void
hl_finding_put(hl_checks *c, hl_finding *f)
{
	if (!f->note)
		c->n++;
	c->found(c->arg, f);
}

/* ---- image -------------------------------------------------------------- */

/* docs/FORMAT.image: the stand-in programmer's own. */
static bool
is_sim_image(const char *path)
{
	static const char magic[8] = "HLIMG1\0";
	char head[sizeof(magic)] = { 0 };
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, head, sizeof(head));
	(void)close(fd);
	return n == (ssize_t)sizeof(head) &&
	    memcmp(head, magic, sizeof(magic)) == 0;
}

hl_image_kind
hl_image_kind_of(const char *path)
{
	static const struct {
		const char *ending;
		hl_image_kind kind;
	} rows[] = {
		{ ".sfi", HL_IMAGE_SFI },
		{ ".sfix", HL_IMAGE_SFI },
		{ ".ssp", HL_IMAGE_SSP },
		{ ".smu", HL_IMAGE_SMU },
		{ ".csv", HL_IMAGE_CSV },
	};
	const char *dot = strrchr(path, '.');

	if (is_sim_image(path))
		return HL_IMAGE_SIM;
	for (size_t i = 0; dot != NULL && i < HL_COUNT(rows); i++)
		if (strcasecmp(dot, rows[i].ending) == 0)
			return rows[i].kind;
	return HL_IMAGE_UNKNOWN;
}

static const char *
kind_name(hl_image_kind kind)
{
	if (kind == HL_IMAGE_SFI)
		return "SFI";
	return kind == HL_IMAGE_SSP ? "SSP" : "SMU";
}

/* The kind of image that a license type is for. SFIA is SFI without mass erase
 * (AN5054 8), SFIG and SMUG are global licenses (AN5054 9.3.3, 10.3.3). */
static hl_image_kind
kind_of_type(const char *type)
{
	static const struct {
		const char *type;
		hl_image_kind kind;
	} rows[] = {
		{ "SFI", HL_IMAGE_SFI },
		{ "SFIA", HL_IMAGE_SFI },
		{ "SFIG", HL_IMAGE_SFI },
		{ "SSP", HL_IMAGE_SSP },
		{ "SMU", HL_IMAGE_SMU },
		{ "SMUG", HL_IMAGE_SMU },
	};

	for (size_t i = 0; i < HL_COUNT(rows); i++)
		if (strcasecmp(type, rows[i].type) == 0)
			return rows[i].kind;
	return HL_IMAGE_UNKNOWN;
}

/* ---- which device ------------------------------------------------------- */

/* The chip's own certificate first; what the card is for comes last. */
static const hl_device *
find_device(const hl_preflight *in)
{
	const hl_device *d = hl_device_by_product(in->chip_product);

	if (d == NULL)
		d = hl_device_by_id(in->device_id);
	if (d == NULL)
		d = hl_device_by_name(in->device);
	return d != NULL ? d : hl_device_by_product(in->card_product);
}

/* "STM32WBA" and "STM32WBA5" do not contradict each other. */
static bool
same_series(const hl_device *a, const hl_device *b)
{
	return hl_text_starts(a->series, b->series) ||
	    hl_text_starts(b->series, a->series);
}

static void
device_mismatch(hl_checks *c, const char *is, const char *said)
{
	hl_finding f;

	hl_finding_start(&f, "device-mismatch",
	    "AN5054 figure 36; TF-A, stm32mp1_ssp.c: a product ID begins with "
	    "the device ID");
	hl_finding_what(
	    &f, "the chip's certificate is of %s, but it is %s", is, said);
	hl_finding_why(&f,
	    "a license is for one chip, and what an installation needs "
	    "differs by series");
	hl_finding_mend(&f,
	    "check that certificate and chip belong together, and how the "
	    "device is named");
	hl_finding_put(c, &f);
}

/* The certificate against what the tool and the user say. */
static void
check_device(hl_checks *c)
{
	const hl_preflight *in = c->in;
	const hl_device *is = hl_device_by_product(in->chip_product);
	const hl_device *named = hl_device_by_name(in->device);
	char id[ID_DIGITS + 1], has[64], said[160];
	const bool id_known = known(in->chip_product) && in->device_id != 0;

	if (id_known) {
		(void)snprintf(id, sizeof(id), "%.3s", in->chip_product);
		(void)snprintf(has, sizeof(has), "device 0x%s", id);
		(void)snprintf(said, sizeof(said), "connected as 0x%03" PRIX32,
		    in->device_id);
		if (strtoul(id, NULL, 16) != in->device_id) {
			device_mismatch(c, has, said);
			return;
		}
	}
	if (is == NULL || named == NULL || same_series(is, named))
		return;
	(void)snprintf(has, sizeof(has), "an %s (product ID %.8s)", is->series,
	    in->chip_product);
	(void)hl_text_format(said, sizeof(said), "said to be %s", in->device);
	device_mismatch(c, has, said);
}

/* A name that no facts are known of must not pass for one that was used. */
static void
note_device(hl_checks *c)
{
	hl_finding f;

	if (c->device != NULL || !known(c->in->device))
		return;
	hl_finding_start(&f, "device-not-known", "");
	f.note = true;
	hl_finding_what(&f, "nothing is known of \"%s\"", c->in->device);
	hl_finding_why(&f,
	    "what an installation needs differs by series: what depends on it "
	    "was not checked");
	hl_finding_mend(&f,
	    "name a part or a series, such as STM32U535 or STM32H7B; STM32H7 "
	    "alone is several");
	hl_finding_put(c, &f);
}

/* Another file that was named by mistake must not pass for a good image. */
static void
note_image(hl_checks *c)
{
	hl_finding f;

	if (!known(c->in->image) || c->kind != HL_IMAGE_UNKNOWN)
		return;
	hl_finding_start(&f, "image-not-known", "");
	f.note = true;
	hl_finding_what(&f,
	    "nothing was checked of %s: its name does not tell what kind of "
	    "image it is",
	    c->in->image);
	hl_finding_why(&f,
	    "license type, RSSe file and what an SFI needs depend on it, and "
	    "rows of option bytes it has none that are understood");
	hl_finding_mend(&f,
	    "let it end in .sfi, .sfix, .ssp or .smu; option bytes end in "
	    ".csv");
	hl_finding_put(c, &f);
}

/* ---- card and license --------------------------------------------------- */

static void
check_product(hl_checks *c)
{
	const hl_preflight *in = c->in;
	hl_finding f;

	if (!known(in->chip_product) || !known(in->card_product) ||
	    strcasecmp(in->chip_product, in->card_product) == 0)
		return;
	hl_finding_start(&f, "product-mismatch",
	    "AN5054 4.3.4; community.st.com td-p/123195");
	hl_finding_what(&f,
	    "the chip's product ID is %s, and the card is personalised for %s",
	    in->chip_product, in->card_product);
	if (strncasecmp(in->chip_product, in->card_product, ID_DIGITS) == 0)
		hl_finding_why(&f,
		    "the device is the same, but not the digits behind it: "
		    "they differ between parts of one series, and each has "
		    "its own personalization package");
	else
		hl_finding_why(&f,
		    "the card's licenses are for another series of chips: the "
		    "first three digits are the device ID");
	hl_finding_mend(&f,
	    "take a card that was personalised with the package of %s",
	    in->chip_product);
	hl_finding_put(c, &f);
}

static void
check_type(hl_checks *c)
{
	const char *type = c->in->license_type;
	hl_image_kind kind;
	hl_finding f;

	if (!known(type) ||
	    (c->kind != HL_IMAGE_SFI && c->kind != HL_IMAGE_SSP &&
		c->kind != HL_IMAGE_SMU))
		return;
	kind = kind_of_type(type);
	if (kind == HL_IMAGE_UNKNOWN || kind == c->kind)
		return;
	hl_finding_start(&f, "type-mismatch", "AN5054 4.3.4, 8.3.2");
	hl_finding_what(&f,
	    "%s is an image of the kind %s, and the license is "
	    "of the type %s",
	    c->in->image, kind_name(c->kind), type);
	hl_finding_why(&f,
	    "what a card's licenses are for is decided by the "
	    "personalization package: a license of one type installs no image "
	    "of another");
	hl_finding_mend(&f,
	    "take a card of the type %s, or the image that this "
	    "one is for",
	    kind_name(c->kind));
	hl_finding_put(c, &f);
}

static void
check_firmware(hl_checks *c)
{
	const hl_preflight *in = c->in;
	hl_finding f;

	if (!known(in->license_firmware) || !known(in->wanted_firmware) ||
	    strcmp(in->license_firmware, in->wanted_firmware) == 0)
		return;
	hl_finding_start(&f, "firmware-mismatch", "AN5054 3.1.2");
	hl_finding_what(&f,
	    "the license is for firmware \"%s\", and \"%s\" is to be "
	    "installed",
	    in->license_firmware, in->wanted_firmware);
	hl_finding_why(&f,
	    "a card holds one firmware key, and each firmware and each "
	    "version of it has to have its own: the license would not open "
	    "the image");
	hl_finding_mend(&f, "take the card of \"%s\"", in->wanted_firmware);
	hl_finding_put(c, &f);
}

static void
check_counter(hl_checks *c)
{
	const hl_preflight *in = c->in;
	hl_finding f;

	if (!in->has_counter || in->counter >= in->need)
		return;
	hl_finding_start(&f, "counter-low", "AN5054 3.1.2");
	hl_finding_what(&f,
	    "the card has %" PRIu32 " %s left, and %" PRIu64 " %s needed",
	    in->counter, in->counter == 1 ? "license" : "licenses", in->need,
	    in->need == 1 ? "is" : "are");
	hl_finding_why(&f,
	    "each chip takes one off the counter, and at zero the card gives "
	    "no more: it cannot be filled up");
	hl_finding_mend(&f,
	    "have another card of this firmware ready, or plan for fewer "
	    "chips");
	hl_finding_put(c, &f);
}

static void
check_rsse(hl_checks *c)
{
	const hl_preflight *in = c->in;
	hl_finding f;

	if (c->device == NULL || !c->device->needs_rsse || in->rsse_given ||
	    (c->kind != HL_IMAGE_SFI && !in->rsse_none))
		return;
	hl_finding_start(&f, "rsse-missing", "AN5054 3.4, 9.3.4, 13.3.4");
	hl_finding_what(
	    &f, "no RSSe file is given for an %s", c->device->series);
	hl_finding_why(&f,
	    "on this series -sfi loads an extension of the chip's own secure "
	    "firmware first, and -rsse says which");
	hl_finding_mend(&f,
	    "give -rsse with the file for this series from the RSSe folder of "
	    "STM32CubeProgrammer, such as "
	    "RSSe/L5/enc_signed_RSSe_sfi_bl.bin for STM32L5");
	hl_finding_put(c, &f);
}

/* Another text that was saved by mistake must not pass for a chip without
 * anything to complain of. */
static void
note_displ(hl_checks *c)
{
	hl_finding f;

	if (c->ob.n > 0)
		return;
	hl_finding_start(&f, "displ-not-told", "");
	f.note = true;
	hl_finding_what(&f,
	    "no option byte was found in what is to be the output of -ob "
	    "displ");
	hl_finding_why(
	    &f, "RDP level and protected areas of the chip were not checked");
	hl_finding_mend(&f,
	    "save the whole output of STM32_Programmer_CLI -c port=SWD "
	    "mode=HOTPLUG -ob displ, and give it by --ob-displ FILE");
	hl_finding_put(c, &f);
}

/* ---- all of it ---------------------------------------------------------- */

hl_rc
hl_preflight_run(const hl_preflight *in,
    void (*found)(void *arg, const hl_finding *f), void *arg, unsigned *n,
    hl_err *err)
{
	hl_checks *c = calloc(1, sizeof(*c));
	hl_rc rc = HL_OK;

	if (c == NULL)
		return hl_nomem(err);
	c->in = in;
	c->device = find_device(in);
	c->kind =
	    known(in->image) ? hl_image_kind_of(in->image) : HL_IMAGE_UNKNOWN;
	c->found = found;
	c->arg = arg;
	/* Before anything is said: half a result would pass for a whole one. */
	if (in->csv != NULL)
		rc = hl_option_bytes_parse(&c->ob, in->csv, in->csv_n, err);
	if (rc != HL_OK)
		goto out;
	note_image(c);
	note_device(c);
	check_device(c);
	check_product(c);
	check_type(c);
	check_firmware(c);
	check_counter(c);
	check_rsse(c);
	hl_check_csv(c);
	if (in->displ != NULL) {
		hl_option_bytes_displ(&c->ob, in->displ, in->displ_n);
		note_displ(c);
		hl_check_live(c);
	}
	*n = c->n;
out:
	free(c);
	return rc;
}

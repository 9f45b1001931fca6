/* SPDX-License-Identifier: Apache-2.0 */
/* What would make an installation fail, before a unit is spent for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/check.h"
#include "cli/parts.h"
#include "flow/option_bytes.h"
#include "flow/preflight.h"
#include "flow/target.h"
#include "util/file.h"

#define LABEL_WIDTH 8

/* Everything that hl_preflight borrows. */
typedef struct given {
	hl_preflight in;
	hl_buf csv, displ;
	char product[HL_PRODUCT_ID_TEXT];
	char device[64]; /* as the connected chip is called */
	hl_present *cards;
} given;

static void
given_free(given *g)
{
	hl_buf_free(&g->csv);
	hl_buf_free(&g->displ);
	free(g->cards);
}

/* ---- files -------------------------------------------------------------- */

static hl_rc
read_text(const char *path, hl_buf *out, hl_err *err)
{
	const hl_rc rc = hl_file_read(path, HL_OB_CSV_MAX, out, err);

	if (rc == HL_OK)
		(void)hl_buf_str(out); /* an empty file is text, too */
	return rc;
}

/* An image is not read; but one that is not there would be no image. */
static hl_rc
check_readable(const char *what, const char *path, hl_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0 || access(path, R_OK) != 0)
		return hl_fail(err, errno == ENOENT ? HL_ENOTFOUND : HL_EINPUT,
		    what, "check the name", "%s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return hl_fail(err, HL_EINPUT, what, "check the name",
		    "%s is not a regular file", path);
	return HL_OK;
}

/* Option bytes under another name: "ob.txt", "optionbytes". */
static bool
is_other_csv(const char *path)
{
	hl_buf text = HL_BUF_INIT;
	const bool is = hl_image_kind_of(path) == HL_IMAGE_UNKNOWN &&
	    hl_file_read(path, HL_OB_CSV_MAX, &text, NULL) == HL_OK &&
	    hl_option_bytes_likely(text.p, text.n);

	hl_buf_free(&text);
	return is;
}

static hl_rc
read_csv(hl_cli *cli, const char *operand, given *g, hl_err *err)
{
	const char *csv = hl_opt(cli, "csv");
	const bool is_csv =
	    hl_image_kind_of(operand) == HL_IMAGE_CSV || is_other_csv(operand);
	hl_rc rc;

	if (is_csv && csv != NULL) {
		rc = hl_fail(err, HL_EUSAGE, "find the option bytes",
		    "give an image with --csv FILE, or the CSV alone",
		    "there are two files of them: %s and %s", operand, csv);
		hl_opt_blame(cli, "csv", err);
		return rc;
	}
	if (!is_csv) {
		g->in.image = operand;
		rc = check_readable("read the image", operand, err);
		if (rc != HL_OK || csv == NULL)
			return rc;
	} else
		csv = operand;
	if ((rc = read_text(csv, &g->csv, err)) != HL_OK)
		return rc;
	g->in.csv = g->csv.n > 0 ? (const void *)g->csv.p : "";
	g->in.csv_n = g->csv.n;
	return HL_OK;
}

static hl_rc
read_displ(hl_cli *cli, given *g, hl_err *err)
{
	const char *path = hl_opt(cli, "ob-displ");
	hl_rc rc;

	if (path == NULL)
		return HL_OK;
	if ((rc = read_text(path, &g->displ, err)) != HL_OK)
		return rc;
	g->in.displ = hl_buf_str(&g->displ);
	g->in.displ_n = g->displ.n;
	return HL_OK;
}

static hl_rc
read_rsse(hl_cli *cli, given *g, hl_err *err)
{
	const char *rsse = hl_opt(cli, "rsse");

	g->in.rsse_none = hl_opt_set(cli, "no-rsse");
	g->in.rsse_given = rsse != NULL;
	if (rsse == NULL)
		return HL_OK;
	if (g->in.rsse_none)
		return hl_fail(err, HL_EUSAGE, "find the RSSe file",
		    "give --rsse FILE or --no-rsse", "both are given");
	return check_readable("find the RSSe file", rsse, err);
}

/* ---- chip --------------------------------------------------------------- */

static hl_rc
read_product(hl_cli *cli, const char *product, given *g, hl_err *err)
{
	hl_rc rc;

	if (hl_product_id_valid(product, strlen(product))) {
		(void)hl_text_copy(g->product, sizeof(g->product), product);
		g->in.chip_product = g->product;
		return HL_OK;
	}
	rc = hl_fail(err, HL_EUSAGE, "read --product",
	    "give the first 8 characters of the chip's certificate, such as "
	    "45002001",
	    "\"%s\" is no product ID: that has 8 upper-case hex digits",
	    product);
	hl_opt_blame(cli, "product", err);
	return rc;
}

/* What the chip at the target says of itself. */
static hl_rc
take_chip(hl_cli *cli, const char *target, const hl_target_chip *chip, given *g,
    hl_err *err)
{
	hl_target_connect c;
	hl_rc rc;

	if (chip->cert.n > 0) {
		(void)hl_text_copy(
		    g->product, sizeof(g->product), chip->cert.product_id);
		g->in.chip_product = g->product;
	}
	g->in.device_id = chip->has_device_id ? chip->device_id : 0;
	(void)hl_text_copy(g->device, sizeof(g->device), chip->device_name);
	if (g->in.device == NULL)
		g->in.device = g->device;
	if (!hl_target_is_stm32prog(target) || g->in.displ != NULL)
		return HL_OK;
	if ((rc = hl_target_connect_parse(&c, target, err)) != HL_OK)
		return rc;
	hl_check_displ(cli, hl_opt(cli, "stm32prog"), &c.words, &g->displ);
	g->in.displ = hl_buf_str(&g->displ);
	g->in.displ_n = g->displ.n;
	return HL_OK;
}

static hl_rc
read_target(hl_cli *cli, const char *target, given *g, hl_err *err)
{
	hl_target_chip *chip = calloc(1, sizeof(*chip));
	const char *product = g->in.chip_product;
	hl_target_options opt;
	hl_rc rc;

	if (chip == NULL)
		return hl_nomem(err);
	hl_target_settings(cli, &opt);
	rc = hl_target_read(target, &opt, chip, err);
	if (rc == HL_OK && product != NULL && chip->cert.n > 0 &&
	    strcmp(product, chip->cert.product_id) != 0) {
		rc = hl_fail(err, HL_ECONFLICT, "find the chip",
		    "give --target alone",
		    "its product ID is %s, and --product says %s",
		    chip->cert.product_id, product);
		hl_opt_blame(cli, "product", err);
	} else if (rc == HL_OK) {
		rc = take_chip(cli, target, chip, g, err);
	}
	free(chip);
	return rc;
}

static hl_rc
read_chip(hl_cli *cli, given *g, hl_err *err)
{
	const char *target = hl_opt(cli, "target");
	const char *product = hl_opt(cli, "product");
	hl_rc rc;

	g->in.device = hl_opt(cli, "device");
	if (product != NULL &&
	    (rc = read_product(cli, product, g, err)) != HL_OK)
		return rc;
	return target == NULL ? HL_OK : read_target(cli, target, g, err);
}

/* ---- card --------------------------------------------------------------- */

/* Reads the one card that is meant; nothing is recorded. */
static hl_rc
find_card(hl_cli *cli, const char *selector, given *g, hl_err *err)
{
	size_t n = 0;
	hl_rc rc;

	if ((rc = hl_cli_look_store(cli, err)) != HL_OK ||
	    (rc = hl_cli_open_broker(cli, err)) != HL_OK ||
	    (rc = hl_broker_present(cli->broker, selector, NULL, cli->until,
		 &g->cards, &n, err)) != HL_OK)
		return rc;
	if (n == 0)
		return hl_fail(err, HL_ENODEV, "find the card",
		    "insert it, or see what is there: hsmlic card list",
		    "no card that is present answers to \"%s\"", selector);
	if (n > 1)
		return hl_fail(err, HL_EUSAGE, "find the card",
		    "name one by its serial number: hsmlic card list",
		    "%zu cards answer to \"%s\"", n, selector);
	if (g->cards[0].rc != HL_OK && err != NULL)
		*err = g->cards[0].err;
	return g->cards[0].rc;
}

static hl_rc
read_card(hl_cli *cli, given *g, hl_err *err)
{
	const char *selector = hl_opt(cli, "card");
	const hl_present *p;
	hl_rc rc;

	g->in.license_type = hl_opt(cli, "type");
	g->in.wanted_firmware = hl_opt(cli, "firmware");
	if ((rc = hl_opt_number(
		 cli, "need", UINT32_MAX, 0, &g->in.need, err)) != HL_OK)
		return rc;
	if (selector == NULL && hl_opt_on_line(cli, "need"))
		return hl_fail(err, HL_EUSAGE, "compare the counter",
		    "say which card: --card CARD",
		    "--need is given, and no card");
	if (selector == NULL)
		return HL_OK;
	if ((rc = find_card(cli, selector, g, err)) != HL_OK)
		return rc;
	p = &g->cards[0];
	g->in.card_product = p->info.product_id;
	g->in.license_firmware =
	    p->known ? p->row.firmware_name : p->info.firmware_id;
	if (p->info.type[0] != '\0')
		g->in.license_type = p->info.type;
	g->in.has_counter = p->info.has_counter;
	g->in.counter = p->info.counter;
	if (!g->in.has_counter && g->in.need > 0)
		hl_message(cli,
		    "the card does not tell its counter: --need is not "
		    "checked");
	return HL_OK;
}

/* ---- findings ----------------------------------------------------------- */

typedef struct shown {
	const hl_cli *cli;
	json_t *findings, *notes; /* NULL: in words */
	bool failed;
} shown;

static void
show_line(const char *label, const char *text)
{
	if (text[0] != '\0')
		(void)printf("    %-*s%s\n", LABEL_WIDTH, label, text);
}

static void
show(void *arg, const hl_finding *f)
{
	shown *s = arg;
	const bool color = s->cli->color_out;

	if (s->findings != NULL) {
		if (json_array_append_new(f->note ? s->notes : s->findings,
			hl_json_finding(f)) != 0)
			s->failed = true;
		return;
	}
	(void)printf("%s%s%s%s: %s\n",
	    !color	  ? ""
		: f->note ? "\033[33m"
			  : "\033[31m",
	    f->note ? "note " : "", f->id, color ? "\033[0m" : "", f->what);
	show_line("why:", f->why);
	show_line("mend:", f->mend);
	show_line("source:", f->source);
}

/* What nothing was checked of must not be given the all-clear. */
static bool
is_known(const hl_preflight *in)
{
	return in->image == NULL ||
	    hl_image_kind_of(in->image) != HL_IMAGE_UNKNOWN;
}

static hl_rc
show_json(hl_cli *cli, const hl_preflight *in, unsigned *n, hl_err *err)
{
	shown s = { cli, json_array(), json_array(), false };
	hl_rc rc = HL_OK;

	if (s.findings == NULL || s.notes == NULL)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = hl_preflight_run(in, show, &s, n, err);
	if (rc == HL_OK && s.failed)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		return hl_print_json(cli,
		    json_pack("{s:o, s:o, s:b}", "findings", s.findings,
			"notes", s.notes, "ok", *n == 0 && is_known(in)),
		    err);
	json_decref(s.findings);
	json_decref(s.notes);
	return rc;
}

static hl_rc
show_words(hl_cli *cli, const hl_preflight *in, unsigned *n, hl_err *err)
{
	shown s = { .cli = cli };
	hl_rc rc = hl_preflight_run(in, show, &s, n, err);

	if (rc != HL_OK)
		return rc;
	if (*n == 0 && !is_known(in))
		(void)printf("nothing was checked of %s\n", in->image);
	else if (*n == 0)
		(void)puts("nothing was found that would make the installation "
			   "fail");
	else
		(void)printf(
		    "%u %s\n", *n, hl_plural(*n, "finding", "findings"));
	return HL_OK;
}

static hl_rc
run_checks(hl_cli *cli, const char *operand, const given *g, hl_err *err)
{
	const char *csv = hl_opt(cli, "csv");
	unsigned n = 0;
	hl_rc rc;

	rc = cli->json ? show_json(cli, &g->in, &n, err)
		       : show_words(cli, &g->in, &n, err);
	if (rc == HL_EINPUT)
		hl_err_what(err, "read the option bytes in %s",
		    csv != NULL ? csv : operand);
	if (rc == HL_OK)
		cli->exit_code = n > 0 ? 1 : 0;
	return rc;
}

hl_rc
hl_cmd_preflight(hl_cli *cli, char **operands, hl_err *err)
{
	given g = { .csv = HL_BUF_INIT, .displ = HL_BUF_INIT };
	hl_rc rc;

	if ((rc = read_csv(cli, operands[0], &g, err)) == HL_OK &&
	    (rc = read_displ(cli, &g, err)) == HL_OK &&
	    (rc = read_rsse(cli, &g, err)) == HL_OK &&
	    (rc = read_chip(cli, &g, err)) == HL_OK &&
	    (rc = read_card(cli, &g, err)) == HL_OK)
		rc = run_checks(cli, operands[0], &g, err);
	given_free(&g);
	return rc;
}

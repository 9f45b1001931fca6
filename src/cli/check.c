/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check.h"

#include <string.h>
#include <strings.h>

#include "cli/parts.h"
#include "tool/tool.h"
#include "util/file.h"

#define CSV_MAX ((size_t)1024 * 1024)

/* ---- what is known ---------------------------------------------------------
 */

static bool
has_word(char *const *words, const char *name)
{
	for (; words != NULL && *words != NULL; words++) {
		const char *w = *words + strspn(*words, "-");

		if (w != *words && strcasecmp(w, name) == 0)
			return true;
	}
	return false;
}

/* What the connected chip says of its option bytes; without it less is found.
 */
static void
read_option_bytes(hl_check *c, const hl_job *job)
{
	const hl_connect *words = &c->cli->connect.words;
	const char *args[HL_COUNT(words->words) + 4] = { "-c" };
	hl_ended end;
	hl_tool tool;
	size_t n = 1;

	if (!hl_target_is_stm32prog(job->target) ||
	    hl_tool_find(&tool, job->program, NULL) != HL_OK)
		return;
	for (size_t i = 0; i < words->n; i++)
		args[n++] = words->words[i];
	args[n++] = "-ob";
	args[n++] = "displ";
	args[n] = NULL;
	if (hl_tool_run(&tool, args, &c->displ, &end, c->cli->until, NULL) !=
	    HL_OK)
		hl_buf_reset(&c->displ);
	c->in.displ = hl_buf_str(&c->displ);
	c->in.displ_n = c->displ.n;
}

static hl_rc
read_csv(hl_check *c, hl_err *err)
{
	const char *path = hl_opt(c->cli, "csv");
	hl_rc rc;

	if (path == NULL)
		return HL_OK;
	rc = hl_file_read(path, CSV_MAX, &c->csv, err);
	c->in.csv = c->csv.p;
	c->in.csv_n = c->csv.n;
	return rc;
}

/* Each name in the list that --force has. */
static hl_rc
check_force(const hl_cli *cli, hl_err *err)
{
	const char *list = hl_opt(cli, "force");
	hl_text names;
	char *save = NULL;

	if (list == NULL)
		return HL_OK;
	if (!hl_text_copy(names, sizeof(names), list))
		return hl_fail(err, HL_EUSAGE, "read the options",
		    "name findings alone", "--force is too long");
	for (const char *w = strtok_r(names, ",", &save); w != NULL;
	     w = strtok_r(NULL, ",", &save))
		if (!hl_finding_known(w))
			return hl_fail(err, HL_EUSAGE, "read the options",
			    "give the name that hsmlic preflight shows, such "
			    "as --force rdp-level-0,tzen-0",
			    "there is no finding \"%s\" to override", w);
	return HL_OK;
}

hl_rc
hl_check_begin(hl_check *c, hl_cli *cli, const hl_job *job,
    const hl_target_chip *chip, hl_err *err)
{
	const char *device = hl_opt(cli, "device");
	hl_rc rc;

	c->cli = cli;
	c->in.image = job->image;
	c->in.device = device != NULL ? device : chip->device_name;
	c->in.device_id = chip->has_device_id ? chip->device_id : 0;
	c->in.chip_product = chip->cert.product_id;
	c->in.wanted_firmware = hl_opt(cli, "firmware");
	c->in.rsse_given = has_word(job->extra, "rsse");
	c->in.need = 1;
	if ((rc = check_force(cli, err)) != HL_OK ||
	    (rc = read_csv(c, err)) != HL_OK)
		return rc;
	read_option_bytes(c, job);
	return HL_OK;
}

void
hl_check_end(hl_check *c)
{
	hl_buf_free(&c->csv);
	hl_buf_free(&c->displ);
}

void
hl_check_card(hl_check *c, const hl_card_info *card, const char *firmware)
{
	(void)hl_text_copy(
	    c->card_product, sizeof(c->card_product), card->product_id);
	(void)hl_text_copy(c->type, sizeof(c->type), card->type);
	(void)hl_text_copy(c->firmware, sizeof(c->firmware), firmware);
	c->in.card_product = c->card_product;
	c->in.license_type = c->type;
	c->in.license_firmware = c->firmware;
	c->in.has_counter = card->has_counter;
	c->in.counter = card->counter;
}

void
hl_check_license(hl_check *c, const hl_firmware *firmware)
{
	(void)hl_text_copy(c->type, sizeof(c->type), firmware->type);
	(void)hl_text_copy(c->firmware, sizeof(c->firmware), firmware->name);
	c->in.license_type = c->type;
	c->in.license_firmware = c->firmware;
	/* It is there: no card has to pay for it. */
	c->in.has_counter = false;
}

/* ---- what is found ----------------------------------------------------------
 */

static bool
is_forced(const hl_cli *cli, const char *id)
{
	const char *list = hl_opt(cli, "force");
	const size_t n = strlen(id);

	for (const char *w = list; w != NULL;) {
		const char *comma = strchrnul(w, ',');

		if ((size_t)(comma - w) == n && strncmp(w, id, n) == 0)
			return true;
		w = *comma == ',' ? comma + 1 : NULL;
	}
	return false;
}

static void
print_finding(const hl_cli *cli, const hl_finding *f, const char *kind)
{
	(void)fprintf(stderr, "hsmlic: %s%s %s:%s %s\n  why     %s\n",
	    cli->color_err ? "\033[33m" : "", kind, f->id,
	    cli->color_err ? "\033[0m" : "", f->what, f->why);
	(void)fprintf(stderr, "  mend    %s\n", f->mend);
	if (f->source != NULL && f->source[0] != '\0')
		(void)fprintf(stderr, "  source  %s\n", f->source);
}

static void
take(void *arg, const hl_finding *f)
{
	hl_check *c = arg;
	const size_t used = strlen(c->ids);

	if (f->note) {
		if (!c->told)
			print_finding(c->cli, f, "note");
		return;
	}
	if (is_forced(c->cli, f->id)) {
		if (!c->ran_once)
			print_finding(c->cli, f, "overridden finding");
		return;
	}
	print_finding(c->cli, f, "finding");
	(void)hl_text_format(c->ids + used, sizeof(c->ids) - used, "%s%s",
	    used == 0 ? "" : ", ", f->id);
}

hl_rc
hl_check_run(hl_check *c, hl_err *err)
{
	const char *csv = hl_opt(c->cli, "csv");
	unsigned n;
	hl_rc rc;

	c->ids[0] = '\0';
	rc = hl_preflight_run(&c->in, take, c, &n, err);
	if (rc != HL_OK && csv != NULL)
		hl_err_what(err, "read the option bytes in %s", csv);
	c->told = c->ran_once = true;
	if (rc != HL_OK || c->ids[0] == '\0')
		return rc;
	return hl_fail(err, HL_EFOUND, "install the image",
	    "mend it as said above, or override by name: --force NAME; nothing "
	    "was spent",
	    "preflight found what would make it fail: %s", c->ids);
}

/* ---- dry runs -------------------------------------------------------------
 */

hl_rc
hl_print_would_run(
    hl_cli *cli, const hl_get_result *r, const char *line, hl_err *err)
{
	const bool have = r->source != HL_SOURCE_NONE;

	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:i,s:i,s:o}", "units_spent", 0, "would_spend",
			have ? 0 : 1, "command", hl_json_any(line)),
		    err);
	hl_message(cli, "dry run: would spend %s, then run",
	    have ? "nothing" : "1 unit");
	(void)printf("%s\n", line);
	return HL_OK;
}

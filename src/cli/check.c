/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/check.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cli/parts.h"
#include "flow/argv.h"
#include "tool/tool.h"
#include "util/file.h"

#define CSV_MAX ((size_t)1024 * 1024)
#define MODULES "look at the -mcsv file"
#define MODULES_MAX ((size_t)1024 * 1024)

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

/* ---- the connected chip ------------------------------------------------- */

void
hl_check_displ(
    const hl_cli *cli, const char *program, const hl_connect *c, hl_buf *out)
{
	const char *args[HL_COUNT(c->words) + 4] = { "-c" };
	/* It is worth half of the time: the rest is for what has to be done. */
	const hl_deadline until =
	    hl_deadline_in((uint32_t)hl_deadline_left(cli->until) / 2);
	hl_ended end;
	hl_tool tool;
	size_t n = 1;

	if (hl_tool_find(&tool, program, NULL) != HL_OK)
		return;
	for (size_t i = 0; i < c->n; i++)
		args[n++] = c->words[i];
	args[n++] = "-ob";
	args[n++] = "displ";
	args[n] = NULL;
	if (hl_tool_run(&tool, args, out, &end, until, NULL) != HL_OK)
		hl_buf_reset(out);
}

/* An SSP image has no option bytes, and its chip need not know the command. */
static void
read_option_bytes(hl_check *c, const hl_job *job)
{
	if (!hl_target_is_stm32prog(job->target) ||
	    hl_job_kind(job->image) == HL_ARGV_SSP)
		return;
	hl_check_displ(c->cli, job->program, &c->cli->connect.words, &c->displ);
	c->in.displ = hl_buf_str(&c->displ);
	c->in.displ_n = c->displ.n;
}

/* ---- modules ------------------------------------------------------------ */

static hl_rc
read_modules(const char *path, hl_buf *text, hl_err *err)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return hl_fail(err, HL_EINPUT, MODULES, "check the name",
		    "%s: %s", path, strerror(errno));
	/* What is read from a pipe is not there for the programmer any more. */
	if (!S_ISREG(st.st_mode))
		return hl_fail(err, HL_EINPUT, MODULES,
		    "name a file in which it stands",
		    "%s is not a regular file", path);
	return hl_file_read(path, MODULES_MAX, text, err);
}

hl_rc
hl_check_modules(const hl_cli *cli, const char *path, bool allowed, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	char note[HL_TEXT_MAX];
	bool asks;
	hl_rc rc;

	if (path == NULL)
		return HL_OK;
	rc = read_modules(path, &text, err);
	asks = rc == HL_OK && hl_argv_mcsv_asks(text.p, text.n);
	hl_buf_free(&text);
	if (!asks)
		return rc;
	if (!allowed)
		return hl_fail(err, HL_EDENIED, MODULES,
		    "name a license file (.bin) in its second column, made by "
		    "hsmlic get -o FILE; or let the card be asked all the "
		    "same: hsmlic run --yes -- ...",
		    "a row of %s names no license file: the programmer would "
		    "ask a card for it each time, and nobody would account for "
		    "the units",
		    path);
	(void)hl_text_format(note, sizeof(note),
	    "a row of %s names no license file: the programmer may ask a card "
	    "for it, and that is not accounted for here",
	    path);
	hl_text_clean(note);
	hl_print_note(cli, note);
	return HL_OK;
}

/* ---- what is known ------------------------------------------------------ */

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
hl_check_card(hl_check *c, const hl_card_info *card, const char *firmware,
    const char *type)
{
	(void)hl_text_copy(
	    c->card_product, sizeof(c->card_product), card->product_id);
	(void)hl_text_copy(c->type, sizeof(c->type),
	    card->type[0] != '\0' ? card->type : type);
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

/* ---- what is found ------------------------------------------------------ */

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

json_t *
hl_json_finding(const hl_finding *f)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o}", "id", f->id, "what",
	    hl_json_text(f->what), "why", hl_json_text(f->why), "mend",
	    hl_json_text(f->mend), "source", hl_json_text(f->source));
}

static void
keep(hl_cli *cli, const hl_finding *f)
{
	if (cli->findings == NULL)
		cli->findings = json_array();
	(void)json_array_append_new(cli->findings, hl_json_finding(f));
}

static void
take(void *arg, const hl_finding *f)
{
	hl_check *c = arg;
	const size_t used = strlen(c->ids);

	if (f->note) {
		if (!c->told && !c->cli->quiet)
			print_finding(c->cli, f, "note");
		return;
	}
	if (is_forced(c->cli, f->id)) {
		if (!c->ran_once)
			print_finding(c->cli, f, "overridden finding");
		return;
	}
	print_finding(c->cli, f, "finding");
	keep(c->cli, f);
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
	    "mend it as said above, or override by name: --force NAME",
	    "preflight found what would make it fail: %s", c->ids);
}

/* ---- dry runs ----------------------------------------------------------- */

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

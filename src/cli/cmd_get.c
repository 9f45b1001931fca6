/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/parts.h"
#include "util/file.h"
#include "util/hex.h"

struct output {
	hl_cli *cli;
	const char *path; /* NULL: none; "-": standard output */
};

static bool
to_stdout(const struct output *o)
{
	return o->path != NULL && strcmp(o->path, "-") == 0;
}

/* Where nothing can be written, whatever it is. */
static hl_rc
check_place(const struct output *o, hl_err *err)
{
	const char *slash;
	struct stat st;
	char dir[4096];
	hl_rc rc;

	if (o->path == NULL || to_stdout(o))
		return HL_OK;
	slash = strrchr(o->path, '/');
	if ((slash == NULL ? o->path : slash + 1)[0] == '\0' ||
	    (lstat(o->path, &st) == 0 && !S_ISREG(st.st_mode)))
		return hl_fail(err, HL_EINPUT, "write the license",
		    "name the regular file itself, or a new one",
		    "\"%s\" is no regular file", o->path);
	rc = hl_path(dir, sizeof(dir), err, "%.*s",
	    slash == NULL ? 1 : (int)(slash - o->path + 1),
	    slash == NULL ? "." : o->path);
	if (rc != HL_OK)
		return rc;
	if (access(dir, W_OK) != 0)
		return hl_fail(err, HL_EUSAGE, "write the license",
		    "name a file in a folder that you may write",
		    "%s is no folder where files can be made", dir);
	return HL_OK;
}

/* A license that cannot be written must not be paid for. */
static hl_rc
may_spend(void *arg, const hl_spend_plan *plan, hl_err *err)
{
	struct output *o = arg;
	hl_rc rc = check_place(o, err);

	if (rc != HL_OK)
		return rc;
	if (o->path != NULL && !to_stdout(o) && access(o->path, F_OK) == 0 &&
	    !hl_opt_set(o->cli, "force"))
		return hl_fail(err, HL_EEXIST, "write the license",
		    "name another file, or add --force",
		    "%s exists, and cannot hold the license of this chip yet",
		    o->path);
	return hl_ask_spend(o->cli, plan, err);
}

static hl_rc
write_stdout(const hl_get_result *r, hl_err *err)
{
	if (fwrite(r->bytes, 1, r->n, stdout) == r->n && fflush(stdout) == 0)
		return HL_OK;
	return hl_fail(err, HL_EIO, "write the license", "",
	    "standard output failed: %s", strerror(errno));
}

static hl_rc
deliver(void *arg, const hl_get_result *r, hl_err *err)
{
	const struct output *o = arg;
	hl_rc rc;

	if (o->path == NULL || (rc = check_place(o, err)) != HL_OK)
		return o->path == NULL ? HL_OK : rc;
	rc = to_stdout(o) ? write_stdout(r, err)
			  : hl_file_put(o->path, r->bytes, r->n, 0600,
				hl_opt_set(o->cli, "force"), err);
	if (rc != HL_OK && rc != HL_EEXIST)
		hl_err_hint(err,
		    "the store keeps the license: the same command costs "
		    "nothing once it can be written");
	return rc;
}

static const char *
source_name(hl_source s)
{
	switch (s) {
	case HL_SOURCE_STORE:
		return "store";
	case HL_SOURCE_CARD:
		return "card";
	case HL_SOURCE_REPLAY:
		return "replay";
	case HL_SOURCE_NONE:
		break;
	}
	return "none";
}

static json_t *
card_json(const hl_get_result *r)
{
	if (!r->has_card)
		return json_null();
	return json_pack("{s:o, s:o, s:o}", "label",
	    hl_json_text(r->card.label), "serial", hl_json_text(r->card.serial),
	    "reader", hl_json_text(r->card.reader));
}

static json_t *
counter_json(const hl_get_result *r, bool after)
{
	if (r->source == HL_SOURCE_NONE && r->has_card)
		return json_integer(r->card.last_counter);
	if (!r->has_issue)
		return json_null();
	return json_integer(
	    after ? r->issue.counter_after : r->issue.counter_before);
}

static json_t *
result_json(const struct output *o, const hl_get_result *r)
{
	const bool have = r->source != HL_SOURCE_NONE;
	const bool written =
	    o->path != NULL && !to_stdout(o) && have && !o->cli->dry_run;
	json_t *j;

	j = json_pack("{s:s, s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, "
		      "s:o, s:o, s:o, s:o, s:o}",
	    "source", source_name(r->source), "units_spent", r->units_spent,
	    "uid", hl_json_uid(&r->chip.uid), "uid_words",
	    hl_json_uid_words(&r->chip.uid), "certificate_sha256",
	    hl_json_hex(
		r->chip.cert_sha256, r->chip.has_cert ? HL_SHA256_LEN : 0),
	    "product_id", hl_json_text(r->chip.product_id), "firmware",
	    hl_json_text(r->firmware.name), "license_type",
	    hl_json_text(r->firmware.type), "license_sha256",
	    hl_json_hex(r->license.sha256, have ? HL_SHA256_LEN : 0),
	    "license_size", have ? json_integer((json_int_t)r->n) : json_null(),
	    "card", card_json(r), "counter_before", counter_json(r, false),
	    "counter_after", counter_json(r, true), "issue_id",
	    r->has_issue ? hl_json_uuid(&r->issue.id) : json_null(), "path",
	    written ? hl_json_any(o->path) : json_null());
	if (j != NULL && o->cli->dry_run) {
		(void)json_object_set_new(
		    j, "would_spend", json_integer(have ? 0 : 1));
		(void)json_object_set_new(j, "suspect_licenses",
		    json_integer((json_int_t)r->kept.suspect));
		(void)json_object_set_new(
		    j, "other_firmware", hl_json_text(r->kept.other));
	}
	return j;
}

static void
print_would_spend(FILE *f, const hl_get_result *r, const char *card)
{
	const bool named =
	    r->card.serial[0] != '\0' || r->card.label[0] != '\0';
	char kept[HL_KEPT_WORDS];

	if (named)
		(void)fprintf(f,
		    "would spend one of the %u licenses of card %s\n",
		    r->card.last_counter, card);
	else
		(void)fprintf(f,
		    "would spend one of the %u licenses of the card in "
		    "\"%s\"\n",
		    r->card.last_counter, r->card.reader);
	hl_kept_words(&r->kept, &r->chip, kept);
	if (kept[0] != '\0')
		(void)fprintf(f, "note      %s\n", kept);
}

static void
print_where_from(FILE *f, const hl_get_result *r)
{
	char card[HL_CARD_WORDS];

	hl_card_words("",
	    r->card.serial[0] != '\0' ? r->card.serial : r->card.label, card,
	    sizeof(card));
	switch (r->source) {
	case HL_SOURCE_STORE:
		(void)fputs("from the store; nothing was spent\n", f);
		break;
	case HL_SOURCE_CARD:
		(void)fprintf(f, "from card %s; one unit was spent, %u left\n",
		    card, r->issue.counter_after);
		break;
	case HL_SOURCE_REPLAY:
		(void)fprintf(f,
		    "issued by card %s for a request that was cut short; %s\n",
		    card,
		    r->units_spent == 0 ? "nothing was spent now"
					: "one unit was spent");
		break;
	case HL_SOURCE_NONE:
		print_would_spend(f, r, card);
		break;
	}
}

static void
print_text(const struct output *o, const hl_get_result *r)
{
	FILE *f = to_stdout(o) ? stderr : stdout;
	char uid[HL_UID_TEXT] = "unknown";

	if (to_stdout(o) && o->cli->quiet)
		return;
	if (r->chip.uid.n > 0)
		hl_uid_text(&r->chip.uid, uid);
	(void)fprintf(f, "chip      %s\nfirmware  %s (%s)\nlicense   ", uid,
	    r->firmware.name, r->firmware.type);
	print_where_from(f, r);
	if (o->path != NULL && !to_stdout(o) && !o->cli->dry_run &&
	    r->source != HL_SOURCE_NONE)
		(void)fprintf(f, "written   %s\n", o->path);
}

static hl_rc
check_options(const struct output *o, const hl_chip_args *chip, hl_err *err)
{
	const bool known = hl_opt(o->cli, "chip") != NULL;

	if (known && (chip->has_cert || chip->has_uid))
		return hl_fail(err, HL_EUSAGE, "get a license",
		    "give --chip alone",
		    "--chip names a chip, and so does another option");
	if (!known && !chip->has_cert && !chip->has_uid)
		return hl_fail(err, HL_EUSAGE, "get a license",
		    "give --cert FILE, --uid HEX, --chip CHIP or --target "
		    "TARGET",
		    "which chip it is for was not said");
	if (to_stdout(o) && o->cli->json)
		return hl_fail(err, HL_EUSAGE, "get a license",
		    "use -o FILE with --json",
		    "standard output cannot take both JSON and the license");
	return HL_OK;
}

static hl_rc
get(struct output *o, const hl_chip_args *chip, hl_get_result *r, hl_err *err)
{
	hl_cli *cli = o->cli;
	const char *name = hl_opt(cli, "chip");
	hl_chip known;
	const hl_get_request req = {
		.cert = chip->has_cert ? &chip->cert : NULL,
		.uid = chip->has_uid ? &chip->uid : NULL,
		.chip = name != NULL ? &known.id : NULL,
		.firmware = hl_opt(cli, "firmware"),
		.card = hl_opt(cli, "card"),
		.cached = hl_opt_set(cli, "cached"),
		.dry_run = cli->dry_run,
		.actor = &cli->actor,
		.until = cli->until,
		.may_spend = may_spend,
		.deliver = deliver,
		.arg = o,
	};
	hl_rc rc = HL_OK;

	if (name != NULL)
		rc = hl_chip_operand(cli, name, &known, err);
	if (rc == HL_OK)
		rc = hl_broker_get(cli->broker, &req, r, err);
	if (rc != HL_OK)
		return rc;
	cli->units_spent = r->units_spent;
	if (cli->json)
		rc = hl_print_json(cli, result_json(o, r), err);
	else
		print_text(o, r);
	if (rc != HL_OK && err != NULL)
		err->units_spent = r->units_spent;
	return rc;
}

hl_rc
hl_cmd_get(hl_cli *cli, char **operands, hl_err *err)
{
	struct output o = { cli, hl_opt(cli, "output") };
	hl_chip_args *chip = calloc(1, sizeof(*chip));
	hl_get_result *r = calloc(1, sizeof(*r));
	hl_rc rc = HL_OK;

	(void)operands;
	if (chip == NULL || r == NULL)
		rc = hl_nomem(err);
	if (rc == HL_OK)
		rc = hl_chip_options(cli, chip, err);
	if (rc == HL_OK)
		rc = check_options(&o, chip, err);
	if (rc == HL_OK && o.path != NULL && !to_stdout(&o))
		rc = hl_output_check(cli, o.path, err);
	if (rc == HL_OK)
		rc = get(&o, chip, r, err);
	free(chip);
	free(r);
	return rc;
}

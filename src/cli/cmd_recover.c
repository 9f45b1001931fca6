/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <unistd.h>

#include "cli/parts.h"
#include "util/file.h"

#define RESCUE_TEXT_MAX ((size_t)16 * 1024 * 1024)

/* In a dry run nobody acts. */
static const hl_actor *
actor_of(const hl_cli *cli)
{
	return cli->dry_run ? NULL : &cli->actor;
}

/* What a person who writes off does not know. */
#define GONE                                                                   \
	"its unit may be gone; then it shows as spent outside when the card "  \
	"is read again"

struct list {
	hl_cli *cli;
	json_t *array;
	unsigned n;
};

static json_t *
row_json(const hl_recovered *r)
{
	const hl_issue *a = &r->after;
	const bool open = a->state == HL_ISSUE_OPEN;

	return json_pack(
	    "{s:o, s:o, s:o, s:o, s:s, s:b, s:b, s:i, s:o, s:o, s:o}",
	    "issue_id", hl_json_uuid(&a->id), "uid", hl_json_uid(&r->chip.uid),
	    "uid_words", hl_json_uid_words(&r->chip.uid), "card",
	    hl_json_text(r->card.serial), "verdict",
	    hl_issue_state_name(a->state), "recovered", a->recovered,
	    "in_progress", r->in_progress, "units", open ? 0 : (int)a->units,
	    "counter_before", json_integer(a->counter_before), "counter_after",
	    open ? json_null() : json_integer(a->counter_after), "detail",
	    hl_json_text(open ? r->why : a->detail));
}

static const char *
verdict_words(const hl_recovered *r)
{
	if (r->in_progress)
		return "in progress, left alone";
	switch (r->after.state) {
	case HL_ISSUE_OPEN:
		return "stays open";
	case HL_ISSUE_ISSUED:
		return "issued: the license is back in the store";
	case HL_ISSUE_BAD:
		return "issued_bad: a unit is gone, its bytes are kept as "
		       "suspect";
	case HL_ISSUE_NOT_SPENT:
		return "not_spent: the counter did not move";
	case HL_ISSUE_LOST:
		return "lost: a unit is gone, and its license";
	case HL_ISSUE_LOST_OR_OUTSIDE:
		return "lost_or_outside: a unit is gone, lost or spent "
		       "elsewhere";
	case HL_ISSUE_WRITTEN_OFF:
		return "written_off: " GONE;
	}
	return "";
}

static void
on_row(void *arg, const hl_recovered *r)
{
	struct list *l = arg;
	const char *why =
	    r->after.state == HL_ISSUE_OPEN ? r->why : r->after.detail;
	char id[HL_UUID_TEXT], uid[HL_UID_TEXT] = "?";
	char card[HL_CARD_WORDS];

	l->n++;
	if (l->cli->json) {
		(void)json_array_append_new(l->array, row_json(r));
		return;
	}
	hl_uuid_text(&r->after.id, id);
	if (r->chip.uid.n > 0)
		hl_uid_text(&r->chip.uid, uid);
	hl_card_words(r->card.label, r->card.serial, card, sizeof(card));
	(void)printf(
	    "%s  chip %s  card %s\n  %s\n", id, uid, card, verdict_words(r));
	if (why[0] != '\0')
		(void)printf("  %s\n", why);
}

static hl_rc
recover_open(hl_cli *cli, hl_err *err)
{
	struct list l = { cli, cli->json ? json_array() : NULL, 0 };
	const hl_recover_request req = { hl_opt(cli, "card"), actor_of(cli),
		cli->until, on_row, &l };
	hl_rc rc = hl_broker_recover(cli->broker, &req, err);
	hl_rc printed;

	if (cli->json) {
		json_t *root = json_pack(
		    "{s:o, s:b}", "issues", l.array, "dry_run", cli->dry_run);

		if (rc != HL_OK && root != NULL && err != NULL)
			(void)json_object_set_new(
			    root, "error", hl_json_error(err));
		printed = hl_print_json(cli, root, rc == HL_OK ? err : NULL);
		return rc != HL_OK ? rc : printed;
	}
	if (rc == HL_OK && l.n == 0)
		(void)puts("nothing to recover");
	return rc;
}

static hl_rc
read_stdin(hl_buf *out, hl_err *err)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(STDIN_FILENO, chunk, sizeof(chunk))) > 0) {
		hl_buf_put(out, chunk, (size_t)n);
		if (out->failed || out->n > RESCUE_TEXT_MAX)
			return hl_fail(err, HL_EINPUT, "read standard input",
			    "give the lines that begin with HSMLIC-RESCUE "
			    "alone",
			    "there is too much");
	}
	if (n < 0)
		return hl_fail(err, HL_EIO, "read standard input",
		    "name the file: --import-rescue FILE", "it cannot be read");
	return HL_OK;
}

static hl_rc
import_rescue(hl_cli *cli, const char *path, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	unsigned n = 0;
	hl_rc rc;

	rc = strcmp(path, "-") == 0
	    ? read_stdin(&text, err)
	    : hl_file_read(path, RESCUE_TEXT_MAX, &text, err);
	if (rc == HL_OK)
		rc = hl_broker_import_rescue(cli->broker, hl_buf_str(&text),
		    text.n, actor_of(cli), &n, err);
	hl_buf_free(&text);
	if (rc != HL_OK)
		return rc;
	if (cli->json)
		return hl_print_json(cli,
		    json_pack("{s:i, s:b}", "rescued",
			cli->dry_run ? 0 : (int)n, "dry_run", cli->dry_run),
		    err);
	(void)printf("%u license%s %s\n", n, n == 1 ? "" : "s",
	    cli->dry_run ? "would be taken back" : "taken back into the store");
	return HL_OK;
}

/* Only what is open can be given up. */
static hl_rc
read_open(hl_cli *cli, const hl_uuid *id, hl_recovered *r, hl_err *err)
{
	static const char hint[] = "see hsmlic status for those that are open";
	hl_issue *i = &r->before;
	hl_rc rc = hl_store_issue_by_id(cli->store, id, i, err);

	if (rc == HL_ENOTFOUND)
		return hl_fail(err, HL_ENOTFOUND, "write off a request", hint,
		    "this store has no request with this ID");
	if (rc == HL_OK && i->state != HL_ISSUE_OPEN)
		return hl_fail(err, HL_ECONFLICT, "write off a request", hint,
		    "it is not open but %s", hl_issue_state_name(i->state));
	if (rc != HL_OK ||
	    (rc = hl_store_chip_by_id(cli->store, &i->chip, &r->chip, err)) !=
		HL_OK)
		return rc;
	r->after = *i;
	return hl_store_card_by_id(cli->store, &i->card, &r->card, err);
}

/* Asks, unless that was answered, and does it. */
static hl_rc
give_up(hl_cli *cli, hl_recovered *r, const char *reason, hl_err *err)
{
	char chip[HL_CHIP_NAME], card[HL_CARD_WORDS];
	char question[HL_CHIP_NAME + HL_CARD_WORDS + 200];
	hl_rc rc;

	hl_chip_name(&r->chip.uid, r->chip.has_cert, r->chip.cert_sha256, chip);
	hl_card_words(r->card.label, r->card.serial, card, sizeof(card));
	(void)snprintf(question, sizeof(question),
	    "write off the request for chip %s on card %s, for ever (" GONE ")",
	    chip, card);
	if (!cli->dry_run && (rc = hl_ask(cli, question, err)) != HL_OK)
		return rc;
	rc = hl_broker_write_off(
	    cli->broker, &r->before.id, reason, actor_of(cli), err);
	if (rc == HL_OK && cli->dry_run)
		hl_message(cli, "dry run: would %s", question);
	return rc == HL_OK
	    ? hl_store_issue_by_id(cli->store, &r->before.id, &r->after, err)
	    : rc;
}

static hl_rc
write_off(hl_cli *cli, const char *text, hl_err *err)
{
	const char *reason = hl_opt(cli, "reason");
	struct list l = { cli, NULL, 0 };
	hl_recovered r = { .in_progress = false };
	json_t *row;
	hl_uuid id;
	hl_rc rc;

	if (!hl_uuid_parse(text, &id))
		return hl_fail(err, HL_EUSAGE, "write off a request",
		    "see hsmlic status for the IDs", "\"%s\" is no request ID",
		    text);
	if (reason == NULL)
		return hl_fail(err, HL_EUSAGE, "write off a request",
		    "add --reason TEXT", "why was not said");
	if ((rc = read_open(cli, &id, &r, err)) != HL_OK ||
	    (rc = give_up(cli, &r, reason, err)) != HL_OK)
		return rc;
	if (!cli->json) {
		if (!cli->dry_run)
			on_row(&l, &r);
		return HL_OK;
	}
	row = row_json(&r);
	if (row != NULL)
		(void)json_object_set_new(
		    row, "dry_run", json_boolean(cli->dry_run));
	return hl_print_json(cli, row, err);
}

static hl_rc
refuse_two(hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, "recover", "run it twice",
	    "--import-rescue and --write-off are different things");
}

hl_rc
hl_cmd_recover(hl_cli *cli, char **operands, hl_err *err)
{
	const char *rescue = hl_opt(cli, "import-rescue");
	const char *off = hl_opt(cli, "write-off");

	(void)operands;
	if (rescue != NULL && off != NULL)
		return refuse_two(err);
	if (rescue != NULL)
		return import_rescue(cli, rescue, err);
	if (off != NULL)
		return write_off(cli, off, err);
	return recover_open(cli, err);
}

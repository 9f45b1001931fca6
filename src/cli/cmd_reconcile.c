/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/reconcile.h"
#include "util/text.h"

/* ---- the store
 * ---------------------------------------------------------------- */

static hl_rc
open_store(hl_reconcile *rec, hl_err *err)
{
	const hl_store_options opt = { .read_only = true };
	hl_cli *cli = rec->cli;
	hl_rc rc;

	rec->read_only =
	    hl_opt(cli, "sign-off") == NULL && hl_cli_may_only_read(cli);
	/* whoever may read only can reconcile, and records nothing */
	rc = rec->read_only ? hl_store_open(&cli->store, cli->url, &opt, err)
			    : hl_cli_open_store(cli, false, err);
	if (rc != HL_OK)
		return rc;
	if (rec->read_only)
		hl_cli_tell_read_only(cli);
	return hl_cli_open_broker(cli, err);
}

/* ---- signing off
 * ---------------------------------------------------------------- */

/* What is on record and not explained; of a counter that is too high, all. */
static bool
to_sign(const hl_reconciled *r, hl_sign_off *so)
{
	bool any = false;

	for (int c = 0; c < HL_VARIANCE_N; c++) {
		so->units[c] =
		    hl_balance_open(&r->balance, (hl_variance_class)c);
		if (c != HL_VARIANCE_REPLACED)
			so->units[c] -= r->balance.by[c].unrecorded;
		any |= so->units[c] != 0;
	}
	so->card = r->card.id;
	so->counter = r->counter;
	return any;
}

static void
add_question(hl_buf *q, const hl_reconciled *r, const hl_sign_off *so)
{
	char card[HL_CARD_WORDS], words[HL_ERR_WHY];

	hl_card_words(r->card.label, r->card.serial, card, sizeof(card));
	hl_buf_printf(q, "%scard %s: ", q->n > 0 ? "; " : "", card);
	for (int c = 0, n = 0; c < HL_VARIANCE_N; c++) {
		if (so->units[c] == 0)
			continue;
		hl_reconcile_words(
		    so->units[c], (hl_variance_class)c, words, sizeof(words));
		hl_buf_printf(q, "%s%s", n++ > 0 ? ", " : "", words);
	}
	if (so->n_imported > 0)
		hl_buf_printf(q, "; of them %zu as bought for imported %s",
		    so->n_imported,
		    hl_plural(so->n_imported, "license", "licenses"));
}

static hl_rc
ask(hl_cli *cli, const hl_buf *what, hl_err *err)
{
	hl_buf text = HL_BUF_INIT;
	char *question;
	hl_rc rc;

	hl_buf_printf(&text, "sign off for ever: %.*s", (int)what->n,
	    (const char *)what->p);
	if (text.failed || what->failed) {
		hl_buf_free(&text);
		return hl_nomem(err);
	}
	(void)hl_buf_str(&text);
	question = (char *)text.p;
	hl_text_clean(question);
	if (cli->dry_run) {
		hl_message(cli, "dry run: would %s", question);
		rc = HL_OK;
	} else {
		rc = hl_ask(cli, question, err);
	}
	hl_buf_free(&text);
	return rc;
}

/* How it stands now. The counter is what was read, unless the records have gone
 * on since. */
static hl_rc
look_again(hl_cli *cli, hl_reconciled *r, hl_err *err)
{
	bool shown = false;

	for (int c = 0; c < HL_VARIANCE_N; c++)
		shown |= r->balance.by[c].unrecorded != 0;
	return hl_store_balance(cli->store, &r->card.id,
	    shown ? &r->counter : NULL, &r->balance, err);
}

static hl_rc
sign_card(hl_reconcile *rec, hl_reconciled *r, hl_sign_off *so, hl_err *err)
{
	hl_rc rc = hl_store_sign_off(rec->cli->store, so, err);

	for (int c = 0; c < HL_VARIANCE_N && rc == HL_OK; c++)
		rec->booked += (uint64_t)llabs(so->units[c]);
	return rc == HL_OK ? look_again(rec->cli, r, err) : rc;
}

static hl_rc
nothing_to_sign(const hl_reconcile *rec, const hl_sign_off *so, hl_err *err)
{
	if (so->n_imported > 0)
		return hl_fail(err, HL_ECONFLICT, "sign off units", "",
		    "there is no unit that an imported license could have "
		    "bought");
	hl_message(rec->cli, "there is nothing to sign off");
	return HL_OK;
}

static hl_rc
sign_off(hl_reconcile *rec, hl_sign_off *so, hl_err *err)
{
	hl_buf what = HL_BUF_INIT;
	bool any = false;
	hl_rc rc;

	for (size_t i = 0; i < rec->n; i++) {
		if (!to_sign(&rec->cards[i], so))
			continue;
		add_question(&what, &rec->cards[i], so);
		any = true;
	}
	rc = any ? ask(rec->cli, &what, err) : nothing_to_sign(rec, so, err);
	hl_buf_free(&what);
	for (size_t i = 0; i < rec->n && rc == HL_OK && !rec->cli->dry_run;
	     i++) {
		if (to_sign(&rec->cards[i], so))
			rc = sign_card(rec, &rec->cards[i], so, err);
	}
	return rc;
}

static hl_rc
take_imported(hl_cli *cli, hl_sign_off *so, hl_uuid **ids, hl_err *err)
{
	const char *word;
	hl_license l;
	size_t n = 0;
	hl_rc rc;

	while (hl_opt_nth(cli, "imported", n) != NULL)
		n++;
	if ((*ids = calloc(n + 1, sizeof(**ids))) == NULL)
		return hl_nomem(err);
	for (size_t i = 0; i < n; i++) {
		word = hl_opt_nth(cli, "imported", i);
		if ((rc = hl_license_operand(cli, word, &l, err)) != HL_OK)
			return rc;
		(*ids)[i] = l.id;
	}
	so->imported = *ids;
	so->n_imported = n;
	return HL_OK;
}

static hl_rc
sign_if_asked(hl_reconcile *rec, hl_err *err)
{
	hl_cli *cli = rec->cli;
	hl_sign_off so = { .reason = hl_opt(cli, "sign-off"),
		.actor = &cli->actor };
	hl_uuid *ids = NULL;
	hl_rc rc;

	if (so.reason == NULL)
		return HL_OK;
	rc = take_imported(cli, &so, &ids, err);
	if (rc == HL_OK)
		rc = sign_off(rec, &so, err);
	free(ids);
	return rc;
}

/* ---- the command
 * ------------------------------------------------------------------ */

static hl_rc
check_options(const hl_cli *cli, const char *card, hl_err *err)
{
	const char *what = "read the options";
	const char *reason = hl_opt(cli, "sign-off");
	const bool all = hl_opt_set(cli, "all");
	const bool imported = hl_opt_nth(cli, "imported", 0) != NULL;

	if (reason == NULL && (all || imported))
		return hl_fail(err, HL_EUSAGE, what, "add --sign-off REASON",
		    "--%s is about signing off", all ? "all" : "imported");
	if (reason == NULL)
		return HL_OK;
	if (card != NULL && all)
		return hl_fail(err, HL_EUSAGE, what, "leave one of them out",
		    "a card is named, and --all, too");
	if (card == NULL && !all)
		return hl_fail(err, HL_EUSAGE, what,
		    "name the card, or add --all",
		    "whose units are to be signed off was not said");
	if (card == NULL && imported)
		return hl_fail(err, HL_EUSAGE, what, "name the card",
		    "which card's units --imported is about was not said");
	return hl_text_check("reason", reason, false, err);
}

static hl_rc
reconcile(hl_reconcile *rec, const char *card, hl_err *err)
{
	hl_cli *cli = rec->cli;
	hl_reconcile_request req = { .card = card, .until = cli->until };
	hl_rc rc;

	if ((rc = open_store(rec, err)) != HL_OK)
		return rc;
	req.actor = rec->read_only || cli->dry_run ? NULL : &cli->actor;
	rc = hl_broker_reconcile(cli->broker, &req, &rec->cards, &rec->n, err);
	if (rc != HL_OK || (rc = sign_if_asked(rec, err)) != HL_OK)
		return rc;
	for (size_t i = 0; i < rec->n; i++) {
		if (hl_reconcile_finds(&rec->cards[i]))
			cli->exit_code = 1;
	}
	return cli->json ? hl_reconcile_json(rec, err)
			 : hl_reconcile_screen(rec, err);
}

/* A card that the environment names is not meant by --all. */
static const char *
card_meant(hl_cli *cli, char **operands)
{
	if (operands[0] == NULL && hl_opt_set(cli, "all") &&
	    !hl_opt_on_line(cli, "card"))
		return NULL;
	return hl_card_selector(cli, operands);
}

hl_rc
hl_cmd_reconcile(hl_cli *cli, char **operands, hl_err *err)
{
	const char *card = card_meant(cli, operands);
	hl_reconcile rec = { .cli = cli };
	hl_rc rc;

	if ((rc = check_options(cli, card, err)) != HL_OK)
		return rc;
	rc = reconcile(&rec, card, err);
	free(rec.cards);
	return rc;
}

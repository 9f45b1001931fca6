/* SPDX-License-Identifier: Apache-2.0 */
/* card add, label, retire. */
#include <string.h>

#include "cli/parts.h"

/* A label must not be taken for another way to name a card. */
static hl_rc
check_label(const char *label, bool empty_ok, hl_err *err)
{
	char serial[HL_SERIAL_TEXT];
	hl_rc rc;

	if ((rc = hl_text_check("label", label, empty_ok, err)) != HL_OK)
		return rc;
	if (!hl_serial_canonical(label, serial) &&
	    strncmp(label, "sim:", 4) != 0 &&
	    strncmp(label, "reader:", 7) != 0 &&
	    strncmp(label, "slot:", 5) != 0)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "label the card",
	    "choose a label that is no serial number and does not begin with "
	    "sim:, reader: or slot:",
	    "\"%s\" would be taken for another card", label);
}

/*
 * The card as the command leaves it, with a flag that tells what it did.
 * `would`: what a dry run would have recorded of a card that is not known.
 */
static hl_rc
print_changed(hl_cli *cli, const hl_card_view *v, const hl_card_row *would,
    const char *flag, bool done, hl_err *err)
{
	json_t *card = hl_json_card(v);

	if (card != NULL && would != NULL &&
	    (json_object_set_new(card, "label", hl_json_text(would->label)) !=
		    0 ||
		json_object_set_new(card, "firmware",
		    hl_json_text(would->firmware_name)) != 0)) {
		json_decref(card);
		card = NULL;
	}
	if (card != NULL &&
	    (json_object_set_new(card, flag, json_boolean(done)) != 0 ||
		json_object_set_new(
		    card, "dry_run", json_boolean(cli->dry_run)) != 0)) {
		json_decref(card);
		card = NULL;
	}
	return hl_print_json(cli, card, err);
}

/* ---- add ---------------------------------------------------------------- */

static hl_rc
check_driver(const hl_cli *cli, hl_err *err)
{
	const char *driver = hl_opt(cli, "driver");

	if (driver == NULL || strcmp(driver, "stm32hsm") == 0)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "add the card",
	    "only --driver stm32hsm can be chosen; other cards say what they "
	    "are",
	    "there is no driver \"%s\" to choose", driver);
}

static hl_rc
read_choice(hl_cli *cli, const char *selector, hl_card_choice *out, hl_err *err)
{
	const char *known = hl_opt(cli, "firmware");
	const char *fresh = hl_opt(cli, "new-firmware");
	hl_rc rc = HL_OK;

	/* The command line outranks what the configuration says. */
	if (known != NULL && fresh != NULL &&
	    hl_opt_on_line(cli, "firmware") !=
		hl_opt_on_line(cli, "new-firmware")) {
		if (hl_opt_on_line(cli, "firmware"))
			fresh = NULL;
		else
			known = NULL;
	}
	if (known != NULL && fresh != NULL)
		return hl_fail(err, HL_EUSAGE, "add the card",
		    "--firmware: the same key as other cards; --new-firmware: "
		    "a key of its own",
		    "--firmware and --new-firmware contradict each other");
	*out = (hl_card_choice){ .firmware = known,
		.new_firmware = fresh,
		.label = hl_opt(cli, "label"),
		.typed = selector,
		.dry_run = cli->dry_run };
	if ((rc = check_driver(cli, err)) != HL_OK)
		return rc;
	if (fresh != NULL)
		rc = hl_text_check("firmware name", fresh, false, err);
	if (rc == HL_OK && out->label != NULL)
		rc = check_label(out->label, false, err);
	return rc;
}

/* "FW-A" or "FW-A-2": a get that met the card first called it so. */
static bool
has_automatic_label(const hl_card_view *v)
{
	const char *identifier = v->firmware.identifier;
	const size_t n = strlen(identifier);
	const char *rest = v->row->label + n;

	if (v->row->serial[0] != '\0' || n == 0 ||
	    strncmp(v->row->label, identifier, n) != 0)
		return false;
	if (rest[0] == '\0')
		return true;
	return rest[0] == '-' && rest[1] != '\0' &&
	    rest[1 + strspn(rest + 1, "0123456789")] == '\0';
}

static hl_rc
rename_automatic(hl_cli *cli, const hl_card_view *v, const char *label,
    const char *name, hl_err *err)
{
	hl_card_row row = *v->row;
	hl_card_view named = *v;
	hl_rc rc = HL_OK;

	if (!cli->dry_run)
		rc = hl_store_card_label(
		    cli->store, &row.id, label, &cli->actor, err);
	if (rc != HL_OK)
		return rc;
	(void)hl_text_copy(row.label, sizeof(row.label), label);
	named.row = &row;
	hl_message(cli,
	    cli->dry_run
		? "dry run: card %s is known already; would label it \"%s\""
		: "card %s was known already, and is now \"%s\"",
	    name, label);
	return cli->json ? print_changed(cli, &named, NULL, "added", false, err)
			 : HL_OK;
}

/* Adding it once more is fine when nothing else is said of it. */
static hl_rc
known_already(hl_cli *cli, const hl_card_view *v, const hl_card_choice *choice,
    hl_err *err)
{
	const char *wanted =
	    choice->firmware != NULL ? choice->firmware : choice->new_firmware;
	char name[HL_CARD_NAME];

	hl_card_name(v, name, sizeof(name));
	if (wanted != NULL && strcmp(wanted, v->row->firmware_name) != 0)
		return hl_fail(err, HL_EEXIST, "add the card",
		    "a card keeps the firmware that it was added with",
		    "card %s is known already, with firmware \"%s\"", name,
		    v->row->firmware_name);
	if (choice->label != NULL &&
	    strcmp(choice->label, v->row->label) != 0 && has_automatic_label(v))
		return rename_automatic(cli, v, choice->label, name, err);
	if (choice->label != NULL && strcmp(choice->label, v->row->label) != 0)
		return hl_fail(err, HL_EEXIST, "add the card",
		    v->row->serial[0] != '\0'
			? "to name it: hsmlic card label CARD LABEL"
			: "to name it: hsmlic card label CARD LABEL; when it "
			  "is another one that looks the same, say with "
			  "--firmware or --new-firmware which key it holds",
		    "card %s is known already", name);
	hl_message(cli, "card %s is known already", name);
	if (cli->json)
		return print_changed(cli, v, NULL, "added", false, err);
	return HL_OK;
}

static void
print_added(const hl_cli *cli, const hl_card_view *v)
{
	const hl_card_row *row = v->row;
	char name[HL_CARD_NAME];

	hl_card_name(v, name, sizeof(name));
	if (cli->dry_run)
		hl_message(cli,
		    "dry run: would add card %s: firmware \"%s\", %u left",
		    name, row->firmware_name, row->last_counter);
	else if (!cli->json)
		(void)printf("card %s added: firmware \"%s\", %u left\n", name,
		    row->firmware_name, row->last_counter);
}

static hl_rc
add(hl_cli *cli, const hl_card_view *v, const hl_card_choice *choice,
    hl_err *err)
{
	hl_card_view added = { .present = v->present };
	hl_card_row row;
	hl_rc rc;

	rc = hl_broker_card_add(
	    cli->broker, &v->present->info, choice, &cli->actor, &row, err);
	if (rc != HL_OK)
		return rc;
	if (!cli->dry_run &&
	    (rc = hl_card_view_known(cli, &row, &added, err)) != HL_OK)
		return rc;
	added.present = v->present;
	added.row = &row;
	print_added(cli, &added);
	added.row = cli->dry_run ? NULL : &row;
	if (cli->json)
		return print_changed(cli, &added, cli->dry_run ? &row : NULL,
		    "added", !cli->dry_run, err);
	return HL_OK;
}

/* A card without a serial number that looks like a known one, by its counter,
 * too: a label of its own and a firmware say that it is not. */
static bool
is_another(const hl_card_view *v, const hl_card_choice *choice)
{
	return v->row != NULL && v->row->serial[0] == '\0' &&
	    choice->label != NULL &&
	    strcmp(choice->label, v->row->label) != 0 &&
	    (choice->firmware != NULL || choice->new_firmware != NULL);
}

static hl_rc
record_slot(hl_cli *cli, const hl_card_view *v, hl_err *err)
{
	const char *reader = v->present->info.reader;
	unsigned slot;
	hl_rc rc = hl_slot_option(cli, &slot, err);

	if (rc != HL_OK || slot == 0 || cli->dry_run)
		return rc;
	rc = hl_store_slot_put(
	    cli->store, cli->actor.station, reader, slot, &cli->actor, err);
	if (rc == HL_OK)
		hl_message(cli,
		    "slot=%u of STM32_Programmer_CLI is \"%s\" here", slot,
		    reader);
	return rc;
}

hl_rc
hl_cmd_card_add(hl_cli *cli, char **operands, hl_err *err)
{
	const char *selector = hl_card_selector(cli, operands);
	const hl_card_view *v = NULL;
	hl_card_choice choice;
	hl_cards c;
	hl_rc rc;

	if ((rc = read_choice(cli, selector, &choice, err)) != HL_OK)
		return rc;
	rc = hl_cards_gather(cli, selector, &c, err);
	if (rc == HL_OK)
		rc = hl_card_choose(&c, selector, true, &v, err);
	if (rc != HL_OK)
		goto out;
	/* It was read at that slot, whatever becomes of the rest. */
	if ((rc = record_slot(cli, v, err)) != HL_OK)
		goto out;
	choice.another = is_another(v, &choice);
	if (v->row != NULL && !choice.another)
		rc = known_already(cli, v, &choice, err);
	else
		rc = add(cli, v, &choice, err);
out:
	hl_cards_free(&c);
	return rc;
}

/* ---- label, retire ------------------------------------------------------ */

/* The card as it stands now: known, and present when that was seen. */
static hl_rc
print_known(hl_cli *cli, const hl_card_row *row, const hl_cards *present,
    const char *flag, hl_err *err)
{
	hl_card_view v;
	hl_rc rc = hl_card_view_known(cli, row, &v, err);

	if (rc != HL_OK)
		return rc;
	if (present->n > 0)
		v.present = present->views[0].present;
	return print_changed(cli, &v, NULL, flag, !cli->dry_run, err);
}

static hl_rc
label_card(hl_cli *cli, hl_card_row *row, const char *name, const char *label,
    hl_err *err)
{
	hl_rc rc;

	if (row->serial[0] == '\0' && label[0] == '\0')
		return hl_fail(err, HL_EUSAGE, "label the card",
		    "give it another label instead",
		    "this card tells no serial number: its label is what it "
		    "is known by");
	if (cli->dry_run) {
		hl_message(
		    cli, "dry run: would label card %s \"%s\"", name, label);
		return HL_OK;
	}
	rc = hl_store_card_label(cli->store, &row->id, label, &cli->actor, err);
	return rc == HL_OK ? hl_store_card_by_id(cli->store, &row->id, row, err)
			   : rc;
}

hl_rc
hl_cmd_card_label(hl_cli *cli, char **operands, hl_err *err)
{
	const char *label = operands[1];
	char name[HL_CARD_WORDS];
	hl_cards present;
	hl_card_row row;
	hl_rc rc;

	if ((rc = check_label(label, true, err)) != HL_OK)
		return rc;
	rc = hl_card_operand(cli, operands[0], &present, &row, err);
	if (rc == HL_OK) {
		hl_card_words(row.serial[0] == '\0' ? row.label : "",
		    row.serial, name, sizeof(name));
		rc = label_card(cli, &row, name, label, err);
	}
	if (rc == HL_OK && cli->json)
		rc = print_known(cli, &row, &present, "labelled", err);
	else if (rc == HL_OK && !cli->dry_run && label[0] != '\0')
		(void)printf("card %s is now \"%s\"\n", name, label);
	else if (rc == HL_OK && !cli->dry_run)
		(void)printf("card %s has no label now\n", name);
	hl_cards_free(&present);
	return rc;
}

static hl_rc
retire(hl_cli *cli, hl_card_row *row, const char *name, hl_err *err)
{
	char question[HL_CARD_NAME + 200];
	hl_rc rc;

	if (row->retired_at != 0)
		return hl_fail(err, HL_ECONFLICT, "retire the card",
		    "nothing is left to do; see: hsmlic card list",
		    "card %s is retired already", name);
	if (cli->dry_run) {
		hl_message(cli, "dry run: would retire card %s", name);
		return HL_OK;
	}
	(void)snprintf(question, sizeof(question),
	    "retire card %s for ever (%u left, never to be spent; its "
	    "licenses stay)",
	    name, row->last_counter);
	if ((rc = hl_ask(cli, question, err)) != HL_OK)
		return rc;
	rc = hl_store_card_retire(cli->store, &row->id, &cli->actor, err);
	return rc == HL_OK ? hl_store_card_by_id(cli->store, &row->id, row, err)
			   : rc;
}

hl_rc
hl_cmd_card_retire(hl_cli *cli, char **operands, hl_err *err)
{
	char name[HL_CARD_NAME] = "";
	hl_cards present;
	hl_card_row row;
	hl_card_view v = { .row = &row };
	hl_rc rc;

	rc = hl_card_operand(cli, operands[0], &present, &row, err);
	if (rc == HL_OK) {
		hl_card_name(&v, name, sizeof(name));
		rc = retire(cli, &row, name, err);
	}
	if (rc == HL_OK && cli->json)
		rc = print_known(cli, &row, &present, "retired", err);
	else if (rc == HL_OK && !cli->dry_run)
		(void)printf("card %s is retired\n", name);
	hl_cards_free(&present);
	return rc;
}

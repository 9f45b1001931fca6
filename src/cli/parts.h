/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands about cards, chips and licenses share. */
#ifndef HL_CLI_PARTS_H
#define HL_CLI_PARTS_H

#include "cli/cli.h"

/* ---- showing --------------------------------------------------------- */

#define HL_CHIP_CERT "cert:" /* before a hash, which is not to pass for a UID  \
			      */
#define HL_CHIP_NAME (HL_UID_TEXT + 5)

/*
 * How a chip is called where there is room for one word: its UID, or the first
 * 24 digits of its certificate's SHA-256. hl_chip_operand() takes both.
 */
void hl_chip_name(const hl_uid *uid, bool has_cert,
    const uint8_t cert_sha256[HL_SHA256_LEN], char out[HL_CHIP_NAME]);
/* The same for names of files, which should have no ':'. */
void hl_chip_file_name(const hl_uid *uid, bool has_cert,
    const uint8_t cert_sha256[HL_SHA256_LEN], char out[HL_CHIP_NAME]);
/*
 * What is kept for this chip and could be used instead of a new license, and
 * how; "" when nothing is.
 */
#define HL_KEPT_WORDS (HL_TEXT_MAX + 400)
void hl_kept_words(
    const hl_kept_else *kept, const hl_chip *chip, char out[HL_KEPT_WORDS]);
/* So much of a license's ID is shown in tables, and is enough to name it. */
#define HL_ID_SHORT 8
/* "factory", "blank", "operational", "terminated" or "unknown" for ST_STATE,
 * OEM_STATE, ... */
const char *hl_state_word(const char *state);

/* One fact a line: what it is, then what is known. Control characters of
 * text that came from elsewhere become '?'. */
void hl_fact(const char *name, const char *fmt, ...) HL_PRINTF(2, 3);
void hl_fact_time(const char *name, int64_t ms);
void hl_fact_hex(const char *name, const uint8_t *p, size_t n);

/* Text that may be anything, such as a path: what is no UTF-8 becomes '?'. */
json_t *hl_json_any(const char *s);
/* Objects, NULL when there is no memory. */
/* A UID as debuggers print it; null when it is unknown or not of words. */
json_t *hl_json_uid_words(const hl_uid *uid);
json_t *hl_json_chip(const hl_chip *c);
json_t *hl_json_license(const hl_license *l);
/* With the names of its firmware and card, where the store knows them. */
json_t *hl_json_issue(const hl_cli *cli, const hl_issue *i);
json_t *hl_json_install(const hl_cli *cli, const hl_install *i);

/* The first of many that failed, in the two lines of an error, when there is
 * something to do about it. False: say it of another one. */
bool hl_part_error(const hl_cli *cli, const char *path, const hl_err *err);
/* Of what was done in part: the program ends with the worst exit code. */
void hl_worse(hl_cli *cli, hl_rc rc);
/* Would the next item of many fail for the same reason? */
bool hl_is_general(hl_rc rc);

/* ---- finding --------------------------------------------------------- */

/* What reading a target needs, from options and settings. */
void hl_target_settings(hl_cli *cli, hl_target_options *out);
/* Is this chip known, by its certificate or by its UID? HL_ECONFLICT: with
 * another UID or another certificate. */
HL_CHECK hl_rc hl_chip_known(
    hl_cli *cli, const hl_chip_args *a, hl_chip *out, bool *found, hl_err *err);
/* What cli.h says of hl_chip_options(), but HL_EUSAGE when none is given. */
HL_CHECK hl_rc hl_chip_needed(hl_cli *cli, hl_chip_args *out, hl_err *err);

/* ---- cards ----------------------------------------------------------- */

/* A card that is present, known, or both. */
typedef struct hl_card_view {
	const hl_present *present; /* NULL: not there now */
	const hl_card_row *row;	   /* NULL: not known */
	hl_firmware firmware;	   /* of a known card */
} hl_card_view;

typedef struct hl_cards {
	hl_present *present;
	size_t n_present;
	hl_present **sims; /* known software cards: in no reader, but read */
	size_t n_sims;
	hl_card_row *known;
	size_t n_known, cap_known;
	hl_card_view *views;
	size_t n;
	hl_err pcsc; /* rc not HL_OK: why the readers could not be asked */
} hl_cards;

/*
 * The cards that `selector` names (NULL: all), present ones first, then those
 * that are known and not there. Readings are recorded, except in a dry run;
 * warnings are printed. That PC/SC cannot be reached is an error only when the
 * selector names a reader. Free with hl_cards_free(), also after an error.
 */
HL_CHECK hl_rc hl_cards_gather(
    hl_cli *cli, const char *selector, hl_cards *out, hl_err *err);
void hl_cards_free(hl_cards *c);
/* A known card as it stands in the store; borrows `row`. */
HL_CHECK hl_rc hl_card_view_known(
    hl_cli *cli, const hl_card_row *row, hl_card_view *out, hl_err *err);
/* Is it "sim:FILE", "reader:TEXT" or "slot:N"? */
bool hl_names_place(const char *selector);
/*
 * A known card by label or serial number, or by the place where it is: then it
 * is read, and the only view in `present`. hl_cards_free() that, also after an
 * error.
 */
HL_CHECK hl_rc hl_card_operand(hl_cli *cli, const char *s, hl_cards *present,
    hl_card_row *out, hl_err *err);
/* --slot of the running command; 0: not given. HL_EUSAGE. */
HL_CHECK hl_rc hl_slot_option(const hl_cli *cli, unsigned *slot, hl_err *err);
/* The operand, or --card, or NULL. */
const char *hl_card_selector(hl_cli *cli, char **operands);
/* Fails: nothing answers to the selector. */
hl_rc hl_card_none(const hl_cards *c, const char *selector, hl_err *err);
/*
 * The one that is meant. With `fresh` it has to be present, and one that is
 * not known is meant rather than one that is. HL_EUSAGE names two that fit.
 */
HL_CHECK hl_rc hl_card_choose(const hl_cards *c, const char *selector,
    bool fresh, const hl_card_view **out, hl_err *err);
#define HL_CARD_NAME (HL_TEXT_MAX + HL_READER_NAME_MAX)
/* "label" (SERIAL), SERIAL, or the card in "READER". */
void hl_card_name(const hl_card_view *v, char *out, size_t size);
/* The reader with a card that cannot be read, or told from others, if this
 * known one that was not found may be it; else NULL. */
const char *hl_card_hidden(const hl_cards *c, const hl_card_view *v);
json_t *hl_json_card(const hl_card_view *v);

/* ---- writing ------------------------------------------------------------- */

/*
 * HL_EINPUT: `path` is the store, a file that belongs to it, or the software
 * card of --card. Units are kept there, so not even --force may replace it.
 */
HL_CHECK hl_rc hl_output_check(hl_cli *cli, const char *path, hl_err *err);

#endif

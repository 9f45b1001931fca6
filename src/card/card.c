/* SPDX-License-Identifier: Apache-2.0 */
#include "card/card.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "card/driver.h"
#include "card/pcsc.h"
#include "card/reader.h"
#include "card/softcard.h"
#include "crypto/hash.h"
#include "util/file.h"
#include "util/hex.h"
#include "util/lock.h"
#include "util/name_lock.h"
#include "util/text.h"

#define SIM "sim:"
#define LOCK_PATH_MAX 4096
#define LOCK_NAME_BYTES 8 /* of the hash of the reader's name */

struct hl_card {
	hl_card_link link;
	hl_lock *lock; /* NULL: none was asked for, or a software card */
	hl_name_lock machine;	      /* of a card that is HL_BY_TOOL */
	const hl_card_driver *driver; /* NULL: no driver knows it */
	unsigned can;
	/* pcscd's count of insertions and removals when it was opened; for a
	 * card that is not held while its vendor's program asks it */
	bool has_events;
	uint32_t events;
};

/* Those that send no APDU come first. */
static const hl_card_driver *const drivers[] = { &hl_driver_stm32hsm,
	&hl_driver_olc };

hl_rc
hl_card_machine_lock(
    hl_name_lock *lock, const char *reader, hl_deadline until, hl_err *err)
{
	const char *socket = getenv("PCSCLITE_CSOCK_NAME");
	char hex[2 * LOCK_NAME_BYTES + 1], name[80];
	uint8_t hash[HL_SHA256_LEN];
	hl_buf all = HL_BUF_INIT;
	hl_rc rc;

	lock->fd = -1;
	hl_buf_printf(&all, "%s:%s", socket == NULL ? "" : socket, reader);
	rc = all.failed ? hl_nomem(err) : hl_sha256(all.p, all.n, hash, err);
	hl_buf_free(&all);
	if (rc != HL_OK)
		return rc;
	hl_hex_lower(hex, hash, LOCK_NAME_BYTES);
	(void)snprintf(name, sizeof(name), "hsmlic/reader-%s", hex);
	rc = hl_name_lock_take(lock, name, until, err);
	if (rc == HL_EBUSY)
		hl_err_hint(err,
		    "wait for the other hsmlic, or give this one more time "
		    "with --timeout; nothing was spent");
	return rc;
}

static hl_rc
let_go(hl_card *card, hl_deadline until, hl_err *err)
{
	hl_channel *ch = card->link.ch;

	if (ch->ops->park != NULL)
		ch->ops->park(ch);
	if (card->machine.fd >= 0)
		return HL_OK;
	return hl_card_machine_lock(&card->machine, ch->reader, until, err);
}

static hl_rc
find_driver(hl_card *card, hl_deadline until, hl_err *err)
{
	unsigned can = 0;
	bool mine = false;
	hl_rc rc;

	card->driver = NULL;
	card->can = 0;
	card->link.extended = false;
	for (size_t i = 0; i < HL_COUNT(drivers); i++) {
		rc = drivers[i]->probe(&card->link, &mine, &can, until, err);
		if (rc != HL_OK)
			return rc;
		if (!mine)
			continue;
		card->driver = drivers[i];
		card->can = can;
		break;
	}
	return (card->can & HL_BY_TOOL) != 0 ? let_go(card, until, err) : HL_OK;
}

static void
name_reader(const hl_card *card, const char *verb, hl_err *err)
{
	hl_err_what(err, "%s in \"%s\"", verb, card->link.ch->reader);
}

/* False: it cannot be told, or the reader is empty. */
static bool
read_events(const hl_card *card, uint32_t *events, hl_deadline until)
{
	hl_reader *list;
	bool found = false;
	size_t n;

	if (hl_reader_list(&list, &n, until, NULL) != HL_OK)
		return false;
	for (size_t i = 0; i < n && !found; i++) {
		found = list[i].present &&
		    strcmp(list[i].name, card->link.ch->reader) == 0;
		*events = list[i].events;
	}
	free(list);
	return found;
}

hl_rc
hl_card_open_channel(hl_card **out, hl_channel *ch, const hl_card_tool *tool,
    hl_deadline until, hl_err *err)
{
	hl_card *card = calloc(1, sizeof(*card));
	hl_rc rc;

	*out = NULL;
	if (card == NULL) {
		ch->ops->close(ch);
		return hl_nomem(err);
	}
	card->link.ch = ch;
	card->machine.fd = -1;
	if (tool != NULL)
		card->link.tool = *tool;
	rc = find_driver(card, until, err);
	/* Nothing was spent: a card that was just reset or put back in gets a
	 * second try. */
	if (rc == HL_EBUSY || rc == HL_ENODEV) {
		rc = ch->ops->reconnect(ch, until, err);
		if (rc == HL_OK)
			rc = find_driver(card, until, err);
	}
	if (rc != HL_OK) {
		name_reader(card, "open the card", err);
		hl_card_close(&card);
		return rc;
	}
	if ((card->can & HL_BY_TOOL) != 0)
		card->has_events = read_events(card, &card->events, until);
	*out = card;
	return HL_OK;
}

bool
hl_card_stayed(const hl_card *card, hl_deadline until)
{
	uint32_t events;

	return (card->can & HL_BY_TOOL) == 0 || !card->has_events ||
	    (read_events(card, &events, until) && events == card->events);
}

/* pcscd hands a card over slowly and in no order: processes of this program
 * queue before they ask it. */
static hl_rc
lock_reader(
    hl_lock **out, const char *reader, const hl_card_options *opt, hl_err *err)
{
	uint8_t hash[HL_SHA256_LEN];
	char hex[2 * LOCK_NAME_BYTES + 1], path[LOCK_PATH_MAX];
	hl_rc rc;

	if ((rc = hl_sha256(reader, strlen(reader), hash, err)) != HL_OK)
		return rc;
	hl_hex_lower(hex, hash, LOCK_NAME_BYTES);
	if ((rc = hl_path(path, sizeof(path), err, "%s/reader-%s.lock",
		 opt->lock_dir, hex)) != HL_OK ||
	    (rc = hl_dir_make(opt->lock_dir, err)) != HL_OK)
		return rc;
	rc = hl_lock_take(out, path, opt->until, err);
	if (rc != HL_EBUSY)
		return rc;
	hl_err_what(err, "open the card in \"%s\"", reader);
	hl_err_hint(err,
	    "wait for the other hsmlic, or give this one more time with "
	    "--timeout; nothing was spent");
	return rc;
}

hl_rc
hl_card_open(
    hl_card **out, const char *reader, const hl_card_options *opt, hl_err *err)
{
	const bool sim = strncmp(reader, SIM, sizeof(SIM) - 1) == 0;
	hl_lock *lock = NULL;
	hl_channel *ch = NULL;
	hl_rc rc = HL_OK;

	*out = NULL;
	if (sim)
		rc = hl_softcard_channel(
		    &ch, reader + sizeof(SIM) - 1, opt->until, err);
	else if (opt->lock_dir != NULL)
		rc = lock_reader(&lock, reader, opt, err);
	if (rc == HL_OK && !sim)
		rc = hl_pcsc_channel(&ch, reader, opt->until, err);
	if (rc == HL_OK)
		rc = hl_card_open_channel(out, ch, &opt->tool, opt->until, err);
	if (*out != NULL)
		(*out)->lock = lock;
	else
		hl_lock_free(&lock, false);
	return rc;
}

hl_rc
hl_card_read(hl_card *card, hl_card_info *out, hl_deadline until, hl_err *err)
{
	hl_card_info info = { .state = HL_CARD_UNKNOWN };
	const hl_channel *ch = card->link.ch;
	hl_rc rc = HL_OK;

	(void)hl_text_copy(info.reader, sizeof(info.reader), ch->reader);
	memcpy(info.atr, ch->atr, ch->atr_n);
	info.atr_n = ch->atr_n;
	if (card->driver != NULL) {
		(void)hl_text_copy(
		    info.driver, sizeof(info.driver), card->driver->name);
		info.can = card->can;
		rc = card->driver->read(&card->link, &info, until, err);
	}
	if (rc != HL_OK) {
		name_reader(card, "read the card", err);
		info.can &= ~HL_CAN_INFO;
	}
	if (rc == HL_OK || (card->can & HL_BY_TOOL) != 0)
		*out = info;
	return rc;
}

hl_rc
hl_card_issue(hl_card *card, const uint8_t *certificate, size_t n,
    const hl_uuid *request_id, hl_card_answer *out, hl_exec *exec,
    hl_deadline until, hl_err *err)
{
	hl_rc rc;

	*out = (hl_card_answer){ .n = 0 };
	*exec = HL_EXEC_NO;
	if (card->driver == NULL)
		rc = hl_fail(err, HL_ENOLICENSE, "",
		    "use a card that gives licenses: `hsmlic card list`",
		    "no driver knows this card");
	else if (!hl_card_stayed(card, until))
		rc = hl_fail(err, HL_ENODEV, "",
		    "leave the card in its reader, and try again",
		    "the card was taken out, or changed for another one, since "
		    "it was read");
	else
		rc = card->driver->issue(&card->link, certificate, n,
		    request_id, out, exec, until, err);
	if (rc == HL_OK)
		return rc;
	name_reader(card, "get a license from the card", err);
	if (err != NULL && *exec != HL_EXEC_NO)
		err->units_spent = HL_UNITS_UNKNOWN;
	return rc;
}

hl_rc
hl_card_reconnect(hl_card *card, hl_deadline until, hl_err *err)
{
	hl_channel *ch = card->link.ch;
	hl_rc rc = ch->ops->reconnect(ch, until, err);

	if (rc == HL_OK)
		rc = find_driver(card, until, err);
	if (rc != HL_OK)
		name_reader(card, "connect to the card again", err);
	return rc;
}

void
hl_card_close(hl_card **card)
{
	if (*card == NULL)
		return;
	(*card)->link.ch->ops->close((*card)->link.ch);
	hl_lock_free(&(*card)->lock, false);
	hl_name_lock_free(&(*card)->machine);
	free(*card);
	*card = NULL;
}

bool
hl_card_same(const hl_card_info *a, const hl_card_info *b)
{
	if (a->serial[0] != '\0' || b->serial[0] != '\0')
		return strcmp(a->serial, b->serial) == 0;
	return strcmp(a->driver, b->driver) == 0 && a->atr_n == b->atr_n &&
	    memcmp(a->atr, b->atr, a->atr_n) == 0 &&
	    strcmp(a->firmware_id, b->firmware_id) == 0 &&
	    strcmp(a->type, b->type) == 0 &&
	    strcmp(a->version, b->version) == 0;
}

const char *
hl_card_state_name(hl_card_state s)
{
	static const char *const names[] = {
		[HL_CARD_UNKNOWN] = "unknown",
		[HL_CARD_ST] = "ST_STATE",
		[HL_CARD_BLANK] = "OEM_STATE",
		[HL_CARD_OPERATIONAL] = "OPERATIONAL_STATE",
		[HL_CARD_TERMINATED] = "TERMINATED_STATE",
	};

	return (size_t)s < HL_COUNT(names) ? names[s] : "unknown";
}

bool
hl_serial_canonical(const char *s, char out[HL_SERIAL_TEXT])
{
	uint8_t b[(HL_SERIAL_TEXT - 1) / 2];
	size_t n;

	if (!hl_hex_decode(s, strlen(s), b, sizeof(b), &n) || n < 8)
		return false;
	hl_hex_upper(out, b, n);
	return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * card slot: which slot=N of STM32_Programmer_CLI is which reader? That program
 * counts in a way of its own, so a card is taken out of its reader: the slot
 * that falls silent is that reader.
 */
#include <stdlib.h>
#include <string.h>

#include "card/card.h"
#include "card/reader.h"
#include "cli/parts.h"
#include "tool/tool.h"

#define WHAT "find out the slots"
#define SLOTS_MAX 16
#define SLOTS_BEYOND 1 /* asked beyond the number of readers */
#define SLOT_MAX 255

hl_rc
hl_slot_option(const hl_cli *cli, unsigned *slot, hl_err *err)
{
	uint64_t n;
	hl_rc rc;

	*slot = 0;
	rc = hl_opt_number(cli, "slot", SLOT_MAX, 0, &n, err);
	if (rc != HL_OK || hl_opt(cli, "slot") == NULL)
		return rc;
	*slot = (unsigned)n;
	if (n > 0)
		return HL_OK;
	return hl_fail(err, HL_EUSAGE, "read the options",
	    "STM32_Programmer_CLI counts slots from 1", "--slot is 0");
}

struct slots {
	hl_cli *cli;
	hl_tool tool;
	hl_reader *readers;
	size_t n;
	hl_name_lock *lock;	/* of each reader, while slots are asked */
	unsigned top;		/* highest slot that is asked */
	bool on[SLOTS_MAX + 1]; /* a card answers at this slot */
	json_t *found;
};

/* ---- asking ------------------------------------------------------------- */

static void
unlock(struct slots *s)
{
	for (size_t i = 0; i < s->n; i++)
		hl_name_lock_free(&s->lock[i]);
}

/* Which slot is in which reader is what is to be found out: any of them may be
 * one where another process has its license made. */
static hl_rc
lock(struct slots *s, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < s->n; i++)
		s->lock[i].fd = -1;
	for (size_t i = 0; i < s->n && rc == HL_OK; i++)
		rc = hl_card_machine_lock(
		    &s->lock[i], s->readers[i].name, s->cli->until, err);
	if (rc == HL_OK)
		return rc;
	unlock(s);
	hl_err_what(err, WHAT);
	return rc;
}

static bool
answers(struct slots *s, unsigned slot)
{
	hl_buf raw = HL_BUF_INIT;
	hl_tool_report r;
	hl_rc rc = hl_tool_card(&s->tool, slot, &r, &raw, s->cli->until, NULL);

	hl_buf_free(&raw);
	return rc == HL_OK;
}

/* At how many slots is a card? */
static hl_rc
ask_all(struct slots *s, unsigned *count, hl_err *err)
{
	hl_rc rc = lock(s, err);

	*count = 0;
	if (rc != HL_OK)
		return rc;
	for (unsigned i = 1; i <= s->top; i++) {
		s->on[i] = answers(s, i);
		*count += s->on[i];
	}
	unlock(s);
	return HL_OK;
}

/* At how many of them is there none any more? *slot: the last of those. */
static hl_rc
ask_again(struct slots *s, unsigned *silent, unsigned *slot, hl_err *err)
{
	hl_rc rc = lock(s, err);

	*silent = *slot = 0;
	if (rc != HL_OK)
		return rc;
	for (unsigned i = 1; i <= s->top; i++)
		if (s->on[i] && !answers(s, i)) {
			*slot = i;
			++*silent;
		}
	unlock(s);
	return HL_OK;
}

/* ---- what is found ------------------------------------------------------ */

static hl_rc
record(struct slots *s, const char *reader, unsigned slot, hl_err *err)
{
	hl_cli *cli = s->cli;
	hl_rc rc = HL_OK;

	if (!cli->dry_run)
		rc = hl_store_slot_put(cli->store, cli->actor.station, reader,
		    slot, &cli->actor, err);
	if (rc != HL_OK)
		return rc;
	if (!cli->json)
		(void)printf("slot=%u is \"%s\"%s\n", slot, reader,
		    cli->dry_run ? " (dry run: not recorded)" : "");
	else if (json_array_append_new(s->found,
		     json_pack("{s:o,s:i}", "reader", hl_json_any(reader),
			 "slot", (int)slot)) != 0)
		return hl_nomem(err);
	return HL_OK;
}

/* The reader whose card is gone, or NULL. */
static const hl_reader *
emptied(const hl_reader *was, size_t n, const hl_reader *now, size_t now_n)
{
	for (size_t i = 0; i < n; i++) {
		bool there = false;

		for (size_t k = 0; k < now_n; k++)
			there |= now[k].present &&
			    strcmp(now[k].name, was[i].name) == 0;
		if (was[i].present && !there)
			return &was[i];
	}
	return NULL;
}

/* Waits until a card leaves its reader. */
static hl_rc
wait_for_removal(struct slots *s, const hl_reader **gone, hl_err *err)
{
	hl_reader *now = NULL;
	size_t n = 0;
	hl_rc rc;

	*gone = NULL;
	while (*gone == NULL) {
		rc = hl_reader_wait(
		    s->readers, s->n, &now, &n, s->cli->until, err);
		if (rc != HL_OK)
			return rc;
		*gone = emptied(s->readers, s->n, now, n);
		free(now);
	}
	return HL_OK;
}

static hl_rc
nothing_fell_silent(const char *reader, hl_err *err)
{
	return hl_fail(err, HL_ENODEV, WHAT,
	    "is it an STM32HSM? what does STM32_Programmer_CLI -hsmgetinfo "
	    "slot=1 print?",
	    "the card left \"%s\", but no slot or more than one fell silent",
	    reader);
}

/* Two cards, and a slot for each: the other one is in the other reader. */
static hl_rc
record_other(struct slots *s, const hl_reader *gone, unsigned slot, hl_err *err)
{
	hl_rc rc = HL_OK;

	for (size_t i = 0; i < s->n; i++)
		for (unsigned k = 1; rc == HL_OK && k <= s->top; k++)
			if (s->readers[i].present && &s->readers[i] != gone &&
			    s->on[k] && k != slot)
				rc = record(s, s->readers[i].name, k, err);
	return rc;
}

static hl_rc
find_by_removal(struct slots *s, size_t cards, unsigned on, hl_err *err)
{
	const hl_reader *gone;
	unsigned slot, silent;
	hl_rc rc;

	hl_message(s->cli,
	    "take one card out of its reader now: the slot that falls silent "
	    "is that reader");
	if ((rc = wait_for_removal(s, &gone, err)) != HL_OK ||
	    (rc = ask_again(s, &silent, &slot, err)) != HL_OK)
		return rc;
	if (silent != 1)
		return nothing_fell_silent(gone->name, err);
	rc = record(s, gone->name, slot, err);
	return rc == HL_OK && cards == 2 && on == 2
	    ? record_other(s, gone, slot, err)
	    : rc;
}

static size_t
count_present(const struct slots *s, const hl_reader **one)
{
	size_t count = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->readers[i].present) {
			*one = &s->readers[i];
			count++;
		}
	return count;
}

static hl_rc
find(struct slots *s, hl_err *err)
{
	const hl_reader *one = NULL;
	const size_t cards = count_present(s, &one);
	unsigned slot = 1, on;
	hl_rc rc;

	if (cards == 0)
		return hl_fail(err, HL_ENODEV, WHAT, "insert the cards",
		    "there is no card in any reader");
	s->top = (unsigned)s->n + SLOTS_BEYOND;
	if (s->top > SLOTS_MAX)
		s->top = SLOTS_MAX;
	if ((rc = ask_all(s, &on, err)) != HL_OK)
		return rc;
	if (on == 0)
		return hl_fail(err, HL_ENODEV, WHAT,
		    "what does STM32_Programmer_CLI -hsmgetinfo slot=1 print?",
		    "STM32_Programmer_CLI finds a card at none of the slots 1 "
		    "to %u",
		    s->top);
	if (cards > 1 || on > 1)
		return find_by_removal(s, cards, on, err);
	while (!s->on[slot])
		slot++;
	return record(s, one->name, slot, err);
}

hl_rc
hl_cmd_card_slot(hl_cli *cli, char **operands, hl_err *err)
{
	struct slots s = { .cli = cli, .found = json_array() };
	hl_rc rc;

	(void)operands;
	rc = hl_tool_find(&s.tool, hl_opt(cli, "stm32prog"), err);
	if (rc == HL_OK)
		rc = hl_reader_list(&s.readers, &s.n, cli->until, err);
	if (rc == HL_OK) {
		s.lock = calloc(s.n + 1, sizeof(*s.lock));
		rc = s.lock == NULL ? hl_nomem(err) : find(&s, err);
	}
	if (rc == HL_OK && cli->json)
		rc = hl_print_json(cli,
		    json_pack(
			"{s:O,s:b}", "slots", s.found, "dry_run", cli->dry_run),
		    err);
	json_decref(s.found);
	free(s.lock);
	free(s.readers);
	return rc;
}

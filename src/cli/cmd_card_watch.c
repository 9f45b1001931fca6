/* SPDX-License-Identifier: Apache-2.0 */
/* card watch: readers and cards as they come and go. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/reader.h"
#include "cli/parts.h"
#include "util/hex.h"

#define SLICE_MS 3600000U /* one wait; then the next one begins */
#define LIST_MS 10000U
#define PAUSE_MS 1000U /* while there is no PC/SC service */

struct watch {
	hl_cli *cli;
	hl_reader *known;
	size_t n;
	bool away, told; /* the service: not there, and said so */
	bool forever;
	bool over; /* standard output takes no more */
};

/* ---- signals ------------------------------------------------------------ */

static void
on_signal(int sig)
{
	(void)sig;
	_exit(0); /* only while waiting: every line is out by then */
}

static void
stop_signals(int how)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGTERM);
	(void)sigprocmask(how, &set, NULL);
}

static void
catch_signals(void)
{
	struct sigaction sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = on_signal;
	stop_signals(SIG_BLOCK);
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}

/* ---- saying what changed ------------------------------------------------ */

static void
say(const struct watch *w, const char *event, const hl_reader *r)
{
	char at[HL_TIME_TEXT], atr[2 * HL_ATR_MAX + 1];

	hl_time_text(hl_now_ms(), at);
	hl_hex_lower(atr, r->atr, r->atr_n);
	if (w->cli->json)
		hl_print_event(json_pack("{s:s,s:s,s:o,s:o}", "event", event,
		    "at", at, "reader", hl_json_any(r->name), "atr",
		    hl_json_hex(r->atr, r->atr_n)));
	else
		(void)printf("%s  %-14s  %s%s%s\n", at, event, r->name,
		    r->atr_n > 0 ? "  " : "", atr);
}

static const hl_reader *
find(const hl_reader *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static void
say_gone(const struct watch *w, const hl_reader *old)
{
	hl_reader bare = *old;

	if (old->present)
		say(w, "removed", old);
	bare.atr_n = 0;
	say(w, "reader-removed", &bare);
}

static void
say_new(const struct watch *w, const hl_reader *now)
{
	hl_reader bare = *now;

	bare.atr_n = 0;
	say(w, "reader-added", &bare);
	if (now->present)
		say(w, "inserted", now);
}

static void
say_card(const struct watch *w, const hl_reader *old, const hl_reader *now)
{
	/* Counted by the service: the card was out in between. */
	const bool swapped =
	    old->present && now->present && old->events != now->events;

	if (old->present && (!now->present || swapped))
		say(w, "removed", old);
	if (now->present && (!old->present || swapped))
		say(w, "inserted", now);
}

/* Takes the new list over. */
static void
compare(struct watch *w, hl_reader *list, size_t n)
{
	const hl_reader *other;

	for (size_t i = 0; i < w->n; i++)
		if (find(list, n, w->known[i].name) == NULL)
			say_gone(w, &w->known[i]);
	for (size_t i = 0; i < n; i++) {
		other = find(w->known, w->n, list[i].name);
		if (other == NULL)
			say_new(w, &list[i]);
		else
			say_card(w, other, &list[i]);
	}
	free(w->known);
	w->known = list;
	w->n = n;
	w->over = hl_out_errno() != 0;
}

/* ---- waiting ------------------------------------------------------------ */

static hl_deadline
next_deadline(const struct watch *w, uint32_t ms)
{
	const hl_deadline d = hl_deadline_in(ms);

	return w->forever || d < w->cli->until ? d : w->cli->until;
}

static bool
time_is_up(const struct watch *w)
{
	return !w->forever && hl_deadline_left(w->cli->until) == 0;
}

/* Without the service no reader can be reached, so all of them are gone. */
static void
service_gone(struct watch *w, const hl_err *why)
{
	compare(w, NULL, 0);
	if (!w->told)
		hl_message(
		    w->cli, "%s: %s; waiting for it", why->what, why->why);
	w->told = w->away = true;
}

static hl_rc
step(struct watch *w, hl_err *err)
{
	hl_reader *list = NULL;
	hl_err e = { 0 };
	size_t n = 0;
	hl_rc rc;

	stop_signals(SIG_UNBLOCK);
	if (w->away)
		rc = hl_reader_list(&list, &n, next_deadline(w, LIST_MS), &e);
	else
		rc = hl_reader_wait(
		    w->known, w->n, &list, &n, next_deadline(w, SLICE_MS), &e);
	if (w->away && rc != HL_OK && !time_is_up(w))
		hl_sleep_ms(
		    (uint32_t)hl_deadline_left(next_deadline(w, PAUSE_MS)));
	stop_signals(SIG_BLOCK);
	if (rc == HL_ETIMEOUT && !w->away)
		return HL_OK; /* nothing changed */
	if (rc == HL_EACCESS || rc == HL_ENOMEM) {
		if (err != NULL)
			*err = e;
		return rc;
	}
	if (rc != HL_OK) {
		service_gone(w, &e);
		return HL_OK;
	}
	if (w->told && w->away)
		hl_message(w->cli, "the PC/SC service is there again");
	w->told = w->away = false;
	compare(w, list, n);
	return HL_OK;
}

hl_rc
hl_cmd_card_watch(hl_cli *cli, char **operands, hl_err *err)
{
	struct watch w = { .cli = cli, .away = true };
	hl_rc rc = HL_OK;

	(void)operands;
	w.forever = !hl_opt_on_line(cli, "timeout");
	catch_signals();
	do
		rc = step(&w, err);
	while (rc == HL_OK && !w.over && !time_is_up(&w));
	free(w.known);
	return rc;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The status for people: as wide as the terminal, one fact a line in a pipe. */
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/status.h"

#define WIDTH_MIN 40U
#define WIDTH_MAX 120U
#define GAUGE_MAX 30U

typedef struct screen {
	const hl_cli *cli;
	size_t width; /* SIZE_MAX: lines are not broken */
} screen;

/* COLUMNS counts for pipes, too: programs such as watch set it. */
static size_t
screen_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize w;
	uint64_t n = 0;

	if (columns == NULL || !hl_text_u64(columns, 10000, &n) || n == 0) {
		if (!isatty(STDOUT_FILENO))
			return SIZE_MAX;
		n = ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 ? w.ws_col : 0;
		if (n == 0)
			n = 80;
	}
	if (n < WIDTH_MIN)
		return WIDTH_MIN;
	return n > WIDTH_MAX ? WIDTH_MAX : (size_t)n;
}

/* A word of at most a screen's width stays in one piece. */
static void
put_wrapped(const screen *sc, size_t indent, size_t hang, const char *text)
{
	size_t at = indent;
	bool first = true;

	(void)printf("%*s", (int)indent, "");
	while (*text != '\0') {
		const size_t n = strcspn(text, " ");
		char word[HL_ERR_WHY];
		size_t width;

		/* Nothing in it may move the cursor. */
		(void)hl_text_format(word, sizeof(word), "%.*s", (int)n, text);
		hl_text_clean(word);
		width = hl_text_width(word);
		if (!first && at + 1 + width > sc->width) {
			(void)printf("\n%*s", (int)hang, "");
			at = hang;
		} else if (!first) {
			(void)putchar(' ');
			at++;
		}
		(void)fputs(word, stdout);
		at += width;
		first = false;
		text += n + (text[n] == ' ');
	}
	(void)putchar('\n');
}

static void
put_line(const screen *sc, size_t indent, const char *fmt, ...) HL_PRINTF(3, 4);

static void
put_line(const screen *sc, size_t indent, const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	put_wrapped(sc, indent, indent + 2, text);
	free(text);
}

static void
put_title(const screen *sc, const char *title)
{
	(void)printf("\n%s%s%s\n", sc->cli->color_out ? "\033[1m" : "", title,
	    sc->cli->color_out ? "\033[0m" : "");
}

/* ---- cards -------------------------------------------------------------- */

/* "[####....]  75 of 100 left" */
static void
put_gauge(const screen *sc, uint32_t left, uint32_t of, const char *note)
{
	const size_t wide = sc->width / 3;
	hl_buf b = HL_BUF_INIT;

	if (!sc->cli->plain && of > 0) {
		hl_gauge(left, of, wide < GAUGE_MAX ? wide : GAUGE_MAX, &b);
		hl_buf_printf(&b, "  ");
	}
	hl_buf_printf(&b, "%u", left);
	if (of > 0)
		hl_buf_printf(&b, " of %u", of);
	put_line(sc, 4, "%s left%s", hl_buf_str(&b), note);
	hl_buf_free(&b);
}

static void
put_present(const screen *sc, const hl_card_view *v)
{
	const hl_card_info *i = &v->present->info;

	if (v->present->rc != HL_OK)
		put_line(sc, 4, "cannot be read: %s", v->present->err.why);
	else if (i->driver[0] == '\0')
		put_line(sc, 4, "no driver knows this card");
	else if (i->has_counter)
		put_gauge(sc, i->counter, i->capacity, "");
	else
		put_line(
		    sc, 4, "its counter cannot be read (driver %s)", i->driver);
	put_line(sc, 4, "in \"%s\"", i->reader);
}

static void
put_absent(const screen *sc, const hl_cards *cards, const hl_card_view *v)
{
	const char *reader = hl_card_hidden(cards, v);
	const hl_card_row *r = v->row;

	put_gauge(sc, r->last_counter, r->capacity,
	    r->retired_at != 0	 ? ", retired"
		: reader != NULL ? ", when it was seen last"
				 : ", not present");
	if (r->retired_at == 0 && reader != NULL)
		put_line(sc, 4,
		    "perhaps the card in \"%s\", which cannot be read", reader);
}

static void
put_card(const screen *sc, const hl_cards *cards, const hl_card_view *v)
{
	const hl_card_info *i = v->present == NULL ? NULL : &v->present->info;
	const char *type =
	    i != NULL && v->present->rc == HL_OK ? i->type : v->firmware.type;
	const char *state = "";
	char name[HL_TEXT_MAX + HL_SERIAL_TEXT + 8];

	hl_card_name(v, name, sizeof(name));
	if (i != NULL && v->present->rc == HL_OK && i->driver[0] != '\0' &&
	    i->state != HL_CARD_OPERATIONAL)
		state = hl_state_word(hl_card_state_name(i->state));
	put_line(sc, 2, "%s  %s%s%s%s%s%s%s", name,
	    v->row != NULL  ? v->row->firmware_name
		: i != NULL ? i->firmware_id
			    : "",
	    type[0] == '\0' ? "" : " (", type, type[0] == '\0' ? "" : ")",
	    v->row == NULL ? "  not known to the store" : "",
	    state[0] == '\0' ? "" : "  ", state);
	if (v->present != NULL)
		put_present(sc, v);
	else
		put_absent(sc, cards, v);
}

static void
put_cards(const screen *sc, const hl_status *s)
{
	size_t shown = 0;

	put_title(sc, "cards");
	for (size_t i = 0; i < s->cards.n; i++) {
		const hl_card_view *v = &s->cards.views[i];

		if (v->present == NULL && v->row->retired_at != 0)
			continue;
		put_card(sc, &s->cards, v);
		shown++;
	}
	if (shown == 0)
		put_line(sc, 2, "none present, none known");
	if (s->cards.pcsc.rc != HL_OK)
		put_line(
		    sc, 2, "readers cannot be asked: %s", s->cards.pcsc.why);
}

/* ---- figures ------------------------------------------------------------ */

static void
put_figure(const screen *sc, const char *name, uint64_t today, uint64_t week,
    const char *what)
{
	char row[64];

	(void)snprintf(row, sizeof(row), "  %-9s%9llu%9llu", name,
	    (unsigned long long)today, (unsigned long long)week);
	if (sc->width < 72)
		(void)puts(row);
	else
		(void)printf("%s   %s\n", row, what);
}

static void
put_figures(const screen *sc, const hl_status *s)
{
	const hl_figures *d = &s->today, *w = &s->week;

	(void)printf("\n%-11s%9s%9s\n", "", "today", "7 days");
	put_figure(sc, "spent", hl_status_spent(d), hl_status_spent(w),
	    "units, by requests of this store");
	put_figure(sc, "lost", d->lost, w->lost, "of them without a license");
	put_figure(sc, "bad", d->bad, w->bad, "of them for unusable bytes");
	put_figure(sc, "outside", d->outside, w->outside,
	    "units that left cards elsewhere");
	put_figure(sc, "reused", d->reused, w->reused,
	    "licenses handed out for nothing");
	put_figure(sc, "imported", d->imported, w->imported,
	    "licenses from elsewhere");
	put_figure(sc, "installed", d->installs_done, w->installs_done,
	    "images, by a programmer");
	put_figure(sc, "failed", d->installs_failed + d->installs_unknown,
	    w->installs_failed + w->installs_unknown,
	    "installs that failed, or nobody saw succeed");
}

static void
put_supplies(const screen *sc, const hl_status *s)
{
	if (s->n_supplies == 0)
		return;
	put_title(sc, "supply");
	for (size_t i = 0; i < s->n_supplies; i++) {
		const hl_supply *p = &s->supplies[i];
		const uint64_t days = hl_supply_days(p);

		if (p->week_units == 0)
			put_line(sc, 2,
			    "%s: %llu left, no use in the last 7 days",
			    p->firmware.name, (unsigned long long)p->left);
		else
			put_line(sc, 2,
			    "%s: %llu left, %llu used in the last 7 days: "
			    "about %llu %s",
			    p->firmware.name, (unsigned long long)p->left,
			    (unsigned long long)p->week_units,
			    (unsigned long long)days,
			    hl_plural(days, "day", "days"));
	}
}

static void
put_open(const screen *sc, const hl_status *s)
{
	if (s->n_open == 0)
		return;
	put_title(sc, "open requests");
	for (size_t i = 0; i < s->n_open; i++) {
		const hl_open_request *o = &s->open[i];
		char at[HL_TIME_TEXT], chip[HL_CHIP_NAME];
		char id[HL_UUID_TEXT], card[HL_CARD_WORDS];

		hl_time_text(o->issue.opened_at, at);
		hl_chip_name(
		    &o->chip.uid, o->chip.has_cert, o->chip.cert_sha256, chip);
		hl_uuid_text(&o->issue.id, id);
		hl_card_words(
		    o->card.label, o->card.serial, card, sizeof(card));
		put_line(sc, 2, "%s since %s: chip %s, card %s, %s", id, at,
		    chip, card,
		    o->in_progress ? "in progress"
				   : "in doubt; run hsmlic recover");
	}
}

static void
put_warnings(const screen *sc, const hl_status *s)
{
	if (s->n_warnings == 0)
		return;
	put_title(sc, "warnings");
	for (size_t i = 0; i < s->n_warnings; i++)
		put_line(sc, 2, "%s", s->warnings[i]);
}

static void
put_ledger(const screen *sc, const hl_ledger_state *l)
{
	char at[HL_TIME_TEXT];

	if (!l->has_checkpoint && l->due)
		put_line(sc, 0,
		    "       no checkpoint was ever made: %llu events are "
		    "vouched for by nobody else; see hsmlic audit checkpoint",
		    (unsigned long long)l->events);
	if (!l->has_checkpoint)
		return;
	hl_time_text(l->at, at);
	put_line(sc, 0, "       last checkpoint %s, %llu %s since", at,
	    (unsigned long long)l->since,
	    hl_plural(l->since, "event", "events"));
}

void
hl_status_screen(hl_cli *cli, const hl_status *s)
{
	const screen sc = { cli, screen_width() };
	const uint64_t chips = s->week.chips, licenses = s->week.licenses;

	char suspect[40] = "";

	if (s->week.suspect > 0)
		(void)snprintf(suspect, sizeof(suspect), ", %llu suspect",
		    (unsigned long long)s->week.suspect);
	put_line(&sc, 0, "store  %s", s->info.url);
	put_line(&sc, 0, "       %llu %s, %llu %s%s", (unsigned long long)chips,
	    hl_plural(chips, "chip", "chips"), (unsigned long long)licenses,
	    hl_plural(licenses, "license", "licenses"), suspect);
	put_ledger(&sc, &s->ledger);
	put_cards(&sc, s);
	put_figures(&sc, s);
	put_supplies(&sc, s);
	put_open(&sc, s);
	put_warnings(&sc, s);
}

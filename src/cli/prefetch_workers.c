/* SPDX-License-Identifier: Apache-2.0 */
/* Several cards at once: a process for each group of them, which has a store of
 * its own and tells through a pipe what became of each chip. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/parts.h"
#include "cli/prefetch.h"

#define WHAT "prefetch licenses"
#define LOOK_EVERY_MS 200 /* whether somebody wants an end */

struct worker {
	size_t group;
	pid_t pid;
	int fd;	   /* its news; -1: it has ended */
	bool busy; /* a card is asked for the item at `at` */
	size_t at;
};

/* ---- in the child ------------------------------------------------------- */

/* The parent reads until it has all; false: it is gone. */
static bool
send_news(void *arg, const hl_prefetch_news *news)
{
	const uint8_t *at = (const uint8_t *)news;
	size_t left = sizeof(*news);
	const int fd = *(const int *)arg;

	while (left > 0) {
		const ssize_t n = write(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		at += n;
		left -= (size_t)n;
	}
	return true;
}

/* None of its cards can be asked. */
static void
stop_group(hl_prefetch *p, size_t group, const hl_err *why,
    bool (*tell)(void *arg, const hl_prefetch_news *news), void *arg)
{
	hl_prefetch_news news = {
		.what = HL_PREFETCH_STOPS, .rc = why->rc, .err = *why
	};

	for (size_t i = 0; i < p->n_cards; i++) {
		news.card = i;
		if (p->cards[i].group == group)
			(void)tell(arg, &news);
	}
}

/* It ends with its parent, but not in the middle of a request. */
static void
work(hl_prefetch *p, size_t group, pid_t parent, int fd)
{
	hl_cli *cli = p->cli;
	hl_err e = { 0 };
	hl_rc rc;

	hl_prefetch_catch_signals(false);
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		return;
	rc = hl_cli_open_store(cli, false, &e);
	if (rc == HL_OK)
		rc = hl_cli_open_broker(cli, &e);
	if (rc == HL_OK)
		hl_prefetch_serve(p, group, send_news, &fd);
	else
		stop_group(p, group, &e, send_news, &fd);
	hl_broker_free(&cli->broker);
	hl_store_close(&cli->store);
}

/* ---- in the parent ------------------------------------------------------ */

static hl_rc
cannot_start(hl_err *err)
{
	return hl_fail(err, HL_EIO, WHAT,
	    "end other programs, or name one card: --card CARD",
	    "no process can be started: %s", strerror(errno));
}

/* `started` are there already: their pipes are no business of the child. */
static hl_rc
start(hl_prefetch *p, struct worker *w, const struct worker *started, size_t n,
    hl_err *err)
{
	const pid_t self = getpid();
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) != 0)
		return cannot_start(err);
	(void)fflush(stdout);
	(void)fflush(stderr);
	w->pid = fork();
	if (w->pid < 0) {
		(void)close(fds[0]);
		(void)close(fds[1]);
		return cannot_start(err);
	}
	if (w->pid == 0) {
		for (size_t i = 0; i < n; i++)
			(void)close(started[i].fd);
		(void)close(fds[0]);
		work(p, w->group, self, fds[1]);
		_exit(0);
	}
	(void)close(fds[1]);
	w->fd = fds[0];
	return HL_OK;
}

static void
stop_all(const struct worker *w, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (w[i].fd >= 0)
			(void)kill(w[i].pid, SIGTERM);
}

/* One whole piece of news; false: there will be no more. */
static bool
read_news(int fd, hl_prefetch_news *news)
{
	uint8_t *at = (uint8_t *)news;
	size_t left = sizeof(*news);

	while (left > 0) {
		const ssize_t n = read(fd, at, left);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		left -= (size_t)n;
	}
	return true;
}

/* Until look_at_last() has asked the store. */
static void
doubt_last(hl_prefetch *p, const struct worker *w)
{
	hl_prefetch_item *it = &p->items[w->at];
	hl_err why = { 0 };

	(void)hl_fail(&why, HL_EDOUBT, WHAT,
	    "with the card in its reader, run hsmlic recover",
	    "the process for %s ended too early", p->cards[it->card].words);
	why.units_spent = it->units = HL_UNITS_UNKNOWN;
	hl_prefetch_fail(it, HL_PREFETCH_FAILED, &why);
}

static bool
take_news(void *arg, const hl_prefetch_news *news)
{
	hl_prefetch_hear(arg, news);
	return true;
}

/* Its items that are left are nobody's any more. */
static void
bury(hl_prefetch *p, struct worker *w)
{
	hl_err why = { 0 };
	int status = 0;

	(void)close(w->fd);
	w->fd = -1;
	while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return;
	(void)hl_fail(&why, HL_EBUSY, WHAT, "",
	    "its process ended too early (%s %d)",
	    WIFSIGNALED(status) ? "signal" : "exit",
	    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	if (w->busy)
		doubt_last(p, w);
	stop_group(p, w->group, &why, take_news, p);
}

static void
hear(hl_prefetch *p, struct worker *w)
{
	hl_prefetch_news news;

	if (!read_news(w->fd, &news)) {
		bury(p, w);
		return;
	}
	w->busy = news.what == HL_PREFETCH_BEGINS;
	w->at = news.item;
	hl_prefetch_hear(p, &news);
}

static void
hear_all(hl_prefetch *p, struct worker *w, size_t n)
{
	struct pollfd *fds = calloc(n + 1, sizeof(*fds));
	bool told = false;
	size_t left = n;

	while (left > 0) {
		if (hl_prefetch_stop_signal() != 0 && !told) {
			stop_all(w, n);
			told = true;
		}
		for (size_t i = 0; fds != NULL && i < n; i++)
			fds[i] = (struct pollfd){ w[i].fd, POLLIN, 0 };
		/* Without memory each is heard in its turn. */
		if (fds != NULL && poll(fds, n, LOOK_EVERY_MS) <= 0)
			continue;
		left = 0;
		for (size_t i = 0; i < n; i++) {
			if (w[i].fd >= 0 &&
			    (fds == NULL || fds[i].revents != 0))
				hear(p, &w[i]);
			left += w[i].fd >= 0;
		}
	}
	free(fds);
}

/* ---- a worker that died ------------------------------------------------- */

static hl_rc
died(const hl_prefetch_card *c, hl_err *err)
{
	return hl_fail(err, HL_EBUSY, WHAT,
	    "try again; nothing was spent for this chip",
	    "the process for %s ended too early", c->words);
}

/* It asked a card and did not say what became of it: the store knows. */
static hl_rc
look_at_last(hl_prefetch *p, const struct worker *w, hl_err *err)
{
	hl_prefetch_item *it = &p->items[w->at];
	hl_prefetch_card *c = &p->cards[it->card];
	hl_err why = { 0 };
	bool doubt;
	hl_rc rc;

	it->state = HL_PREFETCH_TO_DO;
	it->units = 0;
	if ((rc = hl_prefetch_look(p, it, &doubt, err)) != HL_OK)
		return rc;
	if (doubt) {
		it->state = HL_PREFETCH_FAILED;
		it->units = HL_UNITS_UNKNOWN;
		return HL_OK;
	}
	if (it->state == HL_PREFETCH_TO_DO) {
		(void)died(c, &why);
		hl_prefetch_fail(it, HL_PREFETCH_FAILED, &why);
		return HL_OK;
	}
	if (it->state != HL_PREFETCH_KEPT || !p->r->has_issue ||
	    p->r->issue.opened_at < p->started)
		return HL_OK;
	it->state = HL_PREFETCH_GOT;
	it->source = HL_SOURCE_CARD;
	it->units = (int)p->r->issue.units;
	c->units += p->r->issue.units;
	c->counter = p->r->issue.counter_after;
	return HL_OK;
}

/* The parent needs its store again. */
static hl_rc
finish(hl_prefetch *p, const struct worker *w, size_t n, hl_err *err)
{
	hl_rc rc;

	if ((rc = hl_cli_open_store(p->cli, false, err)) != HL_OK ||
	    (rc = hl_cli_open_broker(p->cli, err)) != HL_OK)
		return rc;
	for (size_t i = 0; i < n && rc == HL_OK; i++)
		if (w[i].busy)
			rc = look_at_last(p, &w[i], err);
	return rc;
}

static hl_rc
run(hl_prefetch *p, struct worker *w, hl_err *err)
{
	size_t n = 0;

	hl_broker_free(&p->cli->broker);
	hl_store_close(&p->cli->store);
	for (size_t group = 0; group < p->groups; group++) {
		hl_err e = { 0 };

		w[n] = (struct worker){ .group = group, .fd = -1 };
		if (start(p, &w[n], w, n, &e) == HL_OK)
			n++;
		else
			stop_group(p, group, &e, take_news, p);
	}
	hear_all(p, w, n);
	return finish(p, w, n, err);
}

hl_rc
hl_prefetch_workers(hl_prefetch *p, hl_err *err)
{
	struct worker *w = calloc(p->groups, sizeof(*w));
	hl_rc rc;

	if (w == NULL)
		return hl_nomem(err);
	rc = run(p, w, err);
	free(w);
	return rc;
}

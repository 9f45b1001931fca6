/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "cli/cli.h"

#define BAR_EVERY_MS 100
#define LINE_EVERY_MS 3000

static bool
on_terminal(const hl_cli *cli)
{
	return isatty(STDERR_FILENO) && !cli->plain;
}

void
hl_progress_start(hl_progress *p, hl_cli *cli, const char *what, uint64_t total)
{
	p->cli = cli;
	p->what = what;
	p->done = 0;
	p->total = total;
	p->started = p->shown = hl_mono_ms();
}

static void
show(hl_progress *p, int64_t now)
{
	const double seconds = (double)(now - p->started) / 1000.0;
	const double rate = seconds > 0 ? (double)p->done / seconds : 0;
	const double left = rate > 0 && p->total > p->done
	    ? (double)(p->total - p->done) / rate
	    : 0;
	hl_buf bar = HL_BUF_INIT;

	if (p->cli->json) {
		hl_print_event(json_pack("{s:s, s:s, s:I, s:I}", "event",
		    "progress", "what", p->what, "done", (json_int_t)p->done,
		    "total", (json_int_t)p->total));
		return;
	}
	if (p->cli->quiet)
		return;
	hl_gauge((uint32_t)p->done, (uint32_t)p->total, 24, &bar);
	(void)fprintf(stderr, "%s%s %s %llu of %llu, %.1f/s, %.0f s left%s",
	    on_terminal(p->cli) ? "\r\033[K" : "hsmlic: ", p->what,
	    on_terminal(p->cli) ? hl_buf_str(&bar) : "",
	    (unsigned long long)p->done, (unsigned long long)p->total, rate,
	    left, on_terminal(p->cli) ? "" : "\n");
	hl_buf_free(&bar);
}

void
hl_progress_step(hl_progress *p, uint64_t done)
{
	const int64_t now = hl_mono_ms();
	const int64_t every =
	    on_terminal(p->cli) && !p->cli->json ? BAR_EVERY_MS : LINE_EVERY_MS;

	p->done = done;
	if (now - p->shown < every)
		return;
	p->shown = now;
	show(p, now);
}

void
hl_progress_end(hl_progress *p)
{
	if (!p->cli->json && !p->cli->quiet && on_terminal(p->cli) &&
	    p->shown != p->started)
		(void)fputs("\r\033[K", stderr);
}

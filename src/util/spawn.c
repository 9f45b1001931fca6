/* SPDX-License-Identifier: Apache-2.0 */
#include "util/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "util/spawn_int.h"

#define CHUNK 16384

/* What the program has come to; each but the last ends by itself in time. */
typedef enum phase {
	P_RUNS,	  /* until the deadline */
	P_TERMED, /* asked to end */
	P_KILLED, /* made to end: it is waited for without a limit */
	P_ENDED	  /* it has ended; others may still write */
} phase;

typedef struct watch {
	hl_child *c;
	int fd; /* -1: nothing more will come */
	hl_sink *sink;
	void *arg;
	phase phase;
	hl_deadline until; /* of this phase */
	bool late;
} watch;

/* One read: false when there is nothing (more) now; fd is -1 at the end. */
static bool
read_some(watch *w)
{
	uint8_t chunk[CHUNK];
	ssize_t n;

	do
		n = read(w->fd, chunk, sizeof(chunk));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		w->fd = -1;
		return false;
	}
	w->sink(w->arg, chunk, (size_t)n);
	return true;
}

static void
enter(watch *w, phase p, uint32_t ms)
{
	w->phase = p;
	w->until = hl_deadline_in(ms);
}

/* The time of this phase is over. False: so is the watch. */
static bool
step(watch *w)
{
	switch (w->phase) {
	case P_RUNS:
		w->late = true;
		(void)kill(-w->c->pid, SIGTERM);
		enter(w, P_TERMED, HL_TERM_GRACE_MS);
		return true;
	case P_TERMED:
		(void)kill(-w->c->pid, SIGKILL);
		enter(w, P_KILLED, 0);
		return true;
	case P_KILLED:
		return true;
	case P_ENDED:
	default:
		return false;
	}
}

static void
watch_it(watch *w)
{
	struct pollfd p[2];
	int ms, r;

	do {
		p[0] = (struct pollfd){ w->fd, POLLIN, 0 };
		p[1] = (struct pollfd){ w->phase == P_ENDED ? -1 : w->c->fd,
			POLLIN, 0 };
		ms = w->phase == P_KILLED ? -1 : hl_deadline_left(w->until);
		r = poll(p, 2, ms);
		if (r < 0)
			p[0].revents = p[1].revents = 0;
		if (p[1].revents != 0)
			enter(w, P_ENDED, HL_READ_GRACE_MS);
		if (p[0].revents != 0)
			(void)read_some(w);
		if (w->phase == P_ENDED && w->fd < 0)
			break;
		/* one that never stops writing must not put the end off */
	} while (w->phase == P_KILLED || hl_deadline_left(w->until) > 0 ||
	    step(w));
}

/* What is in the pipe now, but nothing of one who goes on filling it. */
static void
drain(watch *w)
{
	for (size_t n = 0; n < HL_DRAIN_MAX / CHUNK && w->fd >= 0; n++) {
		if (!read_some(w))
			return;
	}
}

void
hl_child_collect(hl_child *c, int fd, hl_sink *sink, void *arg,
    hl_deadline until, hl_ended *end)
{
	watch w = { c, fd, sink, arg, P_RUNS, until, false };

	watch_it(&w);
	/* not reaped yet, so the number is still that of its group */
	(void)kill(-c->pid, SIGKILL);
	drain(&w);
	hl_child_reap(c, end);
	end->late = w.late;
}

int
hl_ended_code(const hl_ended *end)
{
	return end->exited ? end->status : 128 + end->signal;
}

typedef struct bounded {
	hl_buf *out;
	size_t left;
} bounded;

static void
put_bounded(void *arg, const void *p, size_t n)
{
	bounded *b = arg;

	if (n > b->left)
		n = b->left;
	b->left -= n;
	hl_buf_put(b->out, p, n);
}

static hl_rc
start_read(hl_child *c, const char *const *argv, int *from, hl_err *err)
{
	hl_start how = { argv, -1, -1, -1, true, false };
	int fd[2] = { -1, -1 };
	hl_rc rc;

	how.in = hl_null_open(O_RDONLY);
	if (how.in < 0 || !hl_pipe(fd)) {
		rc = hl_spawn_fail(err, argv[0], errno);
	} else {
		how.out = how.err = fd[1];
		rc = hl_child_start(c, &how, err);
	}
	hl_fd_close(&how.in);
	hl_fd_close(&fd[1]);
	if (rc != HL_OK)
		hl_fd_close(&fd[0]);
	*from = fd[0];
	return rc;
}

hl_rc
hl_spawn_read(const char *const *argv, size_t max, hl_buf *out, hl_ended *end,
    hl_deadline until, hl_err *err)
{
	bounded b = { out, max };
	hl_child c = { -1, -1 };
	hl_chld was;
	hl_rc rc;
	int fd;

	if (hl_deadline_left(until) == 0)
		return hl_spawn_too_late(err, argv[0]);
	hl_chld_hold(&was);
	rc = start_read(&c, argv, &fd, err);
	if (rc == HL_OK) {
		hl_child_collect(&c, fd, put_bounded, &b, until, end);
		hl_fd_close(&fd);
	}
	hl_chld_release(&was);
	return rc;
}

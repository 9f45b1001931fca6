/* SPDX-License-Identifier: Apache-2.0 */
/* A secret typed on the terminal. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "cli/secret.h"
#include "util/text.h"

/*
 * Signals that end or stop a program are held back while the echo is off, and
 * come through a descriptor instead, so that none can slip in between. TTIN and
 * TTOU are not among them: a program in the background is stopped before it has
 * changed the terminal.
 */
static const int held[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGALRM,
	SIGTSTP };

typedef struct tty {
	int fd, signals;
	struct termios before;
	sigset_t mask;
} tty;

static hl_rc
no_terminal(hl_err *err)
{
	return hl_fail(err, HL_EUSAGE, "ask for a secret",
	    "say where it is: --pin env:NAME, file:PATH or fd:N",
	    "there is no terminal to ask on");
}

static hl_rc
failed(hl_err *err)
{
	return hl_fail(err, HL_EIO, "ask for a secret",
	    "say where it is: --pin env:NAME, file:PATH or fd:N",
	    "the terminal: %s", strerror(errno));
}

static bool
write_all(int fd, const char *s)
{
	size_t n = strlen(s);
	ssize_t w;

	while (n > 0) {
		w = write(fd, s, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0)
			return false;
		s += w;
		n -= (size_t)w;
	}
	return true;
}

static bool
echo_off(tty *t)
{
	struct termios quiet;

	if (tcgetattr(t->fd, &t->before) != 0)
		return false;
	quiet = t->before;
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	quiet.c_lflag |= ICANON | ISIG;
	/* what was typed before the question is no answer to it */
	return tcsetattr(t->fd, TCSAFLUSH, &quiet) == 0;
}

/* Without those that are ignored: held back, they would come all the same. */
static void
choose_signals(sigset_t *set)
{
	struct sigaction now;

	(void)sigemptyset(set);
	for (size_t i = 0; i < HL_COUNT(held); i++) {
		if (sigaction(held[i], NULL, &now) == 0 &&
		    now.sa_handler != SIG_IGN)
			(void)sigaddset(set, held[i]);
	}
}

/* Holds the signals, then turns the echo off. */
static bool
begin(tty *t)
{
	sigset_t set;

	choose_signals(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, &t->mask);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (t->signals >= 0 && echo_off(t))
		return true;
	if (t->signals >= 0)
		(void)close(t->signals);
	(void)pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
	return false;
}

/* Also when the terminal is gone: then there is nothing to put back. */
static void
end(tty *t)
{
	(void)tcsetattr(t->fd, TCSAFLUSH, &t->before);
	(void)write_all(t->fd, "\n");
	(void)close(t->signals);
	(void)pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
}

/* Waits for a line: 0, or the signal that came first, or -1 (errno). */
static int
wait_line(const tty *t)
{
	struct signalfd_siginfo info;
	struct pollfd p[2] = { { .fd = t->signals, .events = POLLIN },
		{ .fd = t->fd, .events = POLLIN } };
	int n;

	do
		n = poll(p, 2, -1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -1;
	if (p[0].revents != 0 &&
	    read(t->signals, &info, sizeof(info)) == (ssize_t)sizeof(info))
		return (int)info.ssi_signo;
	return 0;
}

/* The kernel gives a whole line; one too long is read to its end. */
static hl_rc
read_line(const tty *t, char *buf, size_t size, hl_err *err)
{
	char line[4096]; /* of the terminal, N_TTY_BUF_SIZE */
	const ssize_t r = read(t->fd, line, sizeof(line));
	hl_rc rc = HL_OK;
	size_t n = 0;

	if (r < 0)
		return failed(err);
	while (n < (size_t)r && line[n] != '\n')
		n++;
	if (n == 0)
		rc = hl_fail(err, HL_EINPUT, "ask for a secret", "",
		    "nothing was typed");
	else if (n >= size || memchr(line, '\0', n) != NULL)
		rc = hl_fail(err, HL_EINPUT, "ask for a secret", "",
		    "what was typed has a zero byte, or more than %zu bytes",
		    size - 1);
	else {
		memcpy(buf, line, n);
		buf[n] = '\0';
	}
	explicit_bzero(line, sizeof(line));
	return rc;
}

/* One question. *sig: the signal that ended it (HL_EDENIED, *err as it was), or
 * 0. */
static hl_rc
ask_once(
    tty *t, const char *question, char *buf, size_t size, int *sig, hl_err *err)
{
	hl_rc rc;

	*sig = 0;
	if (!begin(t))
		return failed(err);
	if (!write_all(t->fd, question) || (*sig = wait_line(t)) < 0)
		rc = failed(err);
	else if (*sig > 0)
		rc = HL_EDENIED;
	else
		rc = read_line(t, buf, size, err);
	end(t);
	return rc;
}

static hl_rc
ask_on(tty *t, const char *question, char *buf, size_t size, hl_err *err)
{
	hl_rc rc;
	int sig;

	do {
		rc = ask_once(t, question, buf, size, &sig, err);
		if (sig > 0)
			(void)raise(sig); /* comes back from a stop */
	} while (sig == SIGTSTP);
	if (sig > 0)
		return hl_fail(err, HL_EDENIED, "ask for a secret", "",
		    "signal %d came", sig);
	return rc;
}

static int
open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

bool
hl_secret_may_prompt(void)
{
	const int fd = open_terminal();

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0;
}

hl_rc
hl_secret_prompt(
    const char *what, bool last_try, char *buf, size_t size, hl_err *err)
{
	char question[HL_TEXT_MAX + 64];
	tty t = { .signals = -1 };
	hl_rc rc;

	(void)hl_text_format(question, sizeof(question), "%s%s: ", what,
	    last_try ? " (the LAST TRY before it is locked)" : "");
	hl_text_clean(question);
	t.fd = open_terminal();
	if (t.fd < 0)
		return no_terminal(err);
	rc = ask_on(&t, question, buf, size, err);
	(void)close(t.fd);
	return rc;
}

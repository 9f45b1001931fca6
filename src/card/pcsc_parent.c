/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card/pcsc.h"

#define CHILD_FD 3

const char *
hl_pcsc_call_name(uint32_t call)
{
	static const char *const names[] = { "", "SCardEstablishContext",
		"SCardConnect", "SCardBeginTransaction", "SCardStatus",
		"SCardTransmit", "SCardListReaders", "SCardGetStatusChange",
		"SCardDisconnect" };

	return call < HL_COUNT(names) ? names[call] : "";
}

/*
 * The parent decides what becomes of the child, so what a terminal or a
 * service manager sends to the whole group must not end an exchange midway.
 */
static void
child_signals(void)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM,
		SIGPIPE };
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	for (size_t i = 0; i < HL_COUNT(ignored); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Everything but stdio and CHILD_FD: locks and stores stay the parent's. */
static void
child_close_all(void)
{
	long max;

	if (close_range(CHILD_FD + 1, ~0U, 0) == 0)
		return;
	max = sysconf(_SC_OPEN_MAX);
	for (long fd = CHILD_FD + 1; fd < max; fd++)
		(void)close((int)fd);
}

static _Noreturn void
child_main(int fd, int parent_fd, pid_t parent)
{
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); /* it died before the line above */
	child_signals();
	(void)close(parent_fd);
	if (fd != CHILD_FD && dup2(fd, CHILD_FD) < 0)
		_exit(1);
	child_close_all();
	hl_pcsc_child(CHILD_FD);
}

hl_rc
hl_pcsc_start(hl_pcsc_proc *p, hl_err *err)
{
	pid_t parent = getpid();
	int fd[2];

	*p = (hl_pcsc_proc){ 0, -1, 0 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) != 0)
		return hl_fail(err, HL_EIO, "start a process for PC/SC", "",
		    "no socket: %s", strerror(errno));
	p->pid = fork();
	if (p->pid == 0)
		child_main(fd[1], fd[0], parent);
	(void)close(fd[1]);
	if (p->pid < 0) {
		int why = errno;

		(void)close(fd[0]);
		p->pid = 0;
		return hl_fail(err, HL_EIO, "start a process for PC/SC",
		    "end other programs, or raise the limit of processes",
		    "no process: %s", strerror(why));
	}
	p->fd = fd[0];
	return HL_OK;
}

void
hl_pcsc_stop(hl_pcsc_proc *p)
{
	if (p->pid == 0)
		return;
	(void)kill(p->pid, SIGKILL);
	while (waitpid(p->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	(void)close(p->fd);
	p->pid = 0;
	p->fd = -1;
}

static bool
put(hl_pcsc_proc *p, const hl_pcsc_msg *m, const void *body)
{
	struct iovec iov[2] = { { (void *)(uintptr_t)m, sizeof(*m) },
		{ (void *)(uintptr_t)body, m->n } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t r;

	do
		r = sendmsg(p->fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	return r == (ssize_t)(sizeof(*m) + m->n);
}

/* One message of the child, or LATE, or LOST. */
static hl_pcsc_end
get(hl_pcsc_proc *p, hl_pcsc_msg *m, uint8_t *body, hl_deadline until)
{
	struct iovec iov[2] = { { m, sizeof(*m) }, { body, HL_PCSC_BODY_MAX } };
	struct msghdr h = { .msg_iov = iov, .msg_iovlen = 2 };
	struct pollfd fd = { .fd = p->fd, .events = POLLIN };
	ssize_t r;

	do
		r = poll(&fd, 1, hl_deadline_left(until));
	while (r < 0 && errno == EINTR);
	if (r == 0)
		return HL_PCSC_LATE;
	do
		r = recvmsg(p->fd, &h, MSG_DONTWAIT);
	while (r < 0 && errno == EINTR);
	if (r < (ssize_t)sizeof(*m) || (h.msg_flags & MSG_TRUNC) != 0 ||
	    (size_t)r != sizeof(*m) + m->n)
		return HL_PCSC_LOST;
	return HL_PCSC_ANSWERED;
}

/* The answer of request `m`, past the notes of where the child is. */
static hl_pcsc_end
get_answer(hl_pcsc_proc *p, hl_pcsc_msg *m, uint8_t *body, hl_deadline until)
{
	uint32_t op = m->op, call = HL_CALL_NONE;
	hl_pcsc_end end;

	do {
		end = get(p, m, body, until);
		if (end == HL_PCSC_ANSWERED && m->seq != p->seq)
			end = HL_PCSC_LOST;
		if (end == HL_PCSC_ANSWERED && m->op == HL_PCSC_AT)
			call = m->call;
	} while (end == HL_PCSC_ANSWERED && m->op == HL_PCSC_AT);
	if (end == HL_PCSC_ANSWERED && m->op != op)
		end = HL_PCSC_LOST;
	if (end != HL_PCSC_ANSWERED)
		m->call = call;
	return end;
}

hl_pcsc_end
hl_pcsc_ask(hl_pcsc_proc *p, hl_pcsc_msg *m, const void *req, hl_buf *body,
    hl_deadline until)
{
	uint8_t *in = malloc(HL_PCSC_BODY_MAX);
	hl_pcsc_end end = HL_PCSC_NOT_SENT;

	m->seq = ++p->seq;
	hl_buf_reset(body);
	if (in != NULL && p->pid != 0 && put(p, m, req))
		end = get_answer(p, m, in, until);
	if (end == HL_PCSC_ANSWERED)
		hl_buf_put(body, in, m->n);
	else
		hl_pcsc_stop(p);
	if (in != NULL)
		explicit_bzero(in, HL_PCSC_BODY_MAX);
	free(in);
	return end;
}

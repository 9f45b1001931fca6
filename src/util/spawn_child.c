/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/spawn_int.h"

void
hl_fd_close(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int
hl_fd_high(int fd)
{
	int high, e;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	e = errno;
	(void)close(fd);
	errno = e;
	return high;
}

/* Both above 2, or none is left open. */
static bool
high_pair(int fd[2])
{
	int e;

	fd[0] = hl_fd_high(fd[0]);
	e = errno;
	fd[1] = hl_fd_high(fd[1]);
	if (fd[0] >= 0 && fd[1] >= 0)
		return true;
	if (fd[1] < 0)
		e = errno;
	hl_fd_close(&fd[0]);
	hl_fd_close(&fd[1]);
	errno = e;
	return false;
}

bool
hl_pipe(int fd[2])
{
	if (pipe2(fd, O_CLOEXEC) != 0) {
		fd[0] = fd[1] = -1;
		return false;
	}
	/* the other end is an open file of its own, and goes on blocking */
	return high_pair(fd) && fcntl(fd[0], F_SETFL, O_NONBLOCK) == 0;
}

int
hl_null_open(int flags)
{
	return hl_fd_high(open("/dev/null", flags | O_CLOEXEC));
}

hl_rc
hl_spawn_too_late(hl_err *err, const char *program)
{
	hl_fail(err, HL_ETIMEOUT, "", "allow more time with --timeout",
	    "the time was over before it was started");
	hl_err_what(err, "run \"%s\"", program);
	return HL_ETIMEOUT;
}

hl_rc
hl_spawn_fail(hl_err *err, const char *program, int e)
{
	const char *hint = "is it a program for this machine?";
	hl_rc rc = HL_ENODEV;

	if (e == ENOMEM) {
		rc = hl_nomem(err);
		hl_err_what(err, "run \"%s\"", program);
		return rc;
	}
	if (e == ENOENT || e == ENOTDIR)
		hint = "check the path; for a script, its interpreter, too";
	if (e == EACCES || e == EPERM)
		hint = "check owner and mode of the file and its directories";
	if (e == EMFILE || e == ENFILE || e == EAGAIN || e == EIO ||
	    e == E2BIG || e == ENOSYS) {
		rc = HL_EIO;
		hint = "end other programs, or raise the limits of the system";
	}
	hl_fail(err, rc, "", hint, "%s", strerror(e));
	hl_err_what(err, "run \"%s\"", program);
	return rc;
}

void
hl_chld_hold(hl_chld *was)
{
	struct sigaction plain = { .sa_handler = SIG_DFL };
	sigset_t chld;

	(void)sigemptyset(&chld);
	(void)sigaddset(&chld, SIGCHLD);
	(void)pthread_sigmask(SIG_BLOCK, &chld, &was->mask);
	/* ignored, or SA_NOCLDWAIT: the kernel would throw the status away */
	(void)sigaction(SIGCHLD, &plain, &was->action);
}

void
hl_chld_release(const hl_chld *was)
{
	(void)sigaction(SIGCHLD, &was->action, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &was->mask, NULL);
}

/*
 * Between fork and exec: only calls that a signal handler might make.
 */

/* What this process ignores for its own sake is none of the program's. */
static bool
stays_ignored(int s)
{
	struct sigaction a;

	return s != SIGPIPE && s != SIGXFSZ && s != SIGCHLD &&
	    sigaction(s, NULL, &a) == 0 && a.sa_handler == SIG_IGN;
}

static void
child_signals(bool keep_ignored)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++) {
		if (!keep_ignored || !stays_ignored(s))
			(void)signal(s, SIG_DFL);
	}
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool
child_stdio(const hl_start *how)
{
	return (how->in < 0 || dup2(how->in, STDIN_FILENO) >= 0) &&
	    (how->out < 0 || dup2(how->out, STDOUT_FILENO) >= 0) &&
	    (how->err < 0 || dup2(how->err, STDERR_FILENO) >= 0);
}

/* Ours must not reach the program; the link to us closes with them. */
static void
child_close_on_exec(void)
{
	const int first = STDERR_FILENO + 1;
	long max;

	if (close_range((unsigned)first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	max = sysconf(_SC_OPEN_MAX);
	for (long fd = first; fd < max; fd++)
		(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

static _Noreturn void
child_main(const hl_start *how, char *const *env, int link, pid_t parent)
{
	char go;
	int e;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* it may have died before the line above, or give up */
	if (getppid() != parent || read(link, &go, 1) != 1)
		_exit(127);
	child_signals(how->keep_ignored);
	if (child_stdio(how) && (!how->session || setsid() >= 0)) {
		child_close_on_exec();
		/* execve() writes to none of them */
		(void)execve(how->argv[0], (char **)(uintptr_t)how->argv, env);
	}
	e = errno;
	(void)!write(link, &e, sizeof(e));
	_exit(127);
}

/* Until the program is loaded: 0, or the errno that it failed with. */
static int
wait_exec(int link)
{
	int e = 0;
	ssize_t n;

	if (send(link, "g", 1, MSG_NOSIGNAL) != 1)
		return errno;
	do
		n = recv(link, &e, sizeof(e), 0);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(e) ? e : 0;
}

pid_t
hl_fork_held(void)
{
	sigset_t all, was;
	pid_t pid;
	int e;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &was);
	if ((pid = fork()) == 0)
		return 0;
	e = errno;
	(void)pthread_sigmask(SIG_SETMASK, &was, NULL);
	errno = e;
	return pid;
}

static pid_t
fork_child(const hl_start *how, char *const *env, const int link[2])
{
	const pid_t parent = getpid();
	const pid_t pid = hl_fork_held();

	if (pid == 0) {
		(void)close(link[0]);
		child_main(how, env, link[1], parent);
	}
	return pid;
}

/* Our environment with HL_SPAWN_RUNS=program, which goes to *text. Made before
 * the fork: nothing may be allocated behind it. NULL: no memory. */
static char **
child_env(const char *program, char **text)
{
	static const char key[] = HL_SPAWN_RUNS "=";
	const size_t size = sizeof(key) + strlen(program);
	char **env;
	size_t n = 0, k = 0;

	while (environ != NULL && environ[n] != NULL)
		n++;
	env = calloc(n + 2, sizeof(*env));
	*text = malloc(size);
	if (env == NULL || *text == NULL) {
		free(env);
		free(*text);
		return NULL;
	}
	(void)snprintf(*text, size, "%s%s", key, program);
	for (size_t i = 0; i < n; i++)
		if (strncmp(environ[i], key, sizeof(key) - 1) != 0)
			env[k++] = environ[i];
	env[k] = *text;
	return env;
}

static hl_rc
start(hl_child *c, const hl_start *how, char *const *env, hl_err *err)
{
	int link[2], e = 0;
	hl_ended end;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, link) != 0)
		return hl_spawn_fail(err, how->argv[0], errno);
	if (!high_pair(link))
		return hl_spawn_fail(err, how->argv[0], errno);
	c->pid = fork_child(how, env, link);
	if (c->pid < 0 || (c->fd = hl_fd_high(pidfd_open(c->pid, 0))) < 0)
		e = errno;
	hl_fd_close(&link[1]);
	if (e == 0)
		e = wait_exec(link[0]);
	hl_fd_close(&link[0]); /* a child that has not heard "go" gives up */
	if (e == 0)
		return HL_OK;
	if (c->pid > 0)
		hl_child_reap(c, &end);
	return hl_spawn_fail(err, how->argv[0], e);
}

hl_rc
hl_child_start(hl_child *c, const hl_start *how, hl_err *err)
{
	char *text = NULL, **env;
	hl_rc rc;

	*c = (hl_child){ -1, -1 };
	if (!how->session)
		return start(c, how, environ, err);
	if ((env = child_env(how->argv[0], &text)) == NULL)
		return hl_spawn_fail(err, how->argv[0], ENOMEM);
	rc = start(c, how, env, err);
	free(env);
	free(text);
	return rc;
}

void
hl_child_reap(hl_child *c, hl_ended *end)
{
	int status = 0;
	pid_t r;

	do
		r = waitpid(c->pid, &status, 0);
	while (r < 0 && errno == EINTR);
	*end = (hl_ended){ false, 0, 0, false };
	if (r == c->pid && WIFEXITED(status)) {
		end->exited = true;
		end->status = WEXITSTATUS(status);
	} else if (r == c->pid && WIFSIGNALED(status)) {
		end->signal = WTERMSIG(status);
	}
	hl_fd_close(&c->fd);
	c->pid = -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private-pcscd [--die-with-parent] SOCK COMMAND [ARGS...]
 *
 * Runs a pcscd (or any daemon that takes its socket the way systemd hands it
 * over) on the UNIX socket SOCK. The socket exists and queues clients before
 * the daemon starts, so nobody has to wait or retry. The daemon sees a
 * /run/pcscd of its own where the system allows it: it writes its pid file
 * there, and removes it, without touching that of the system's pcscd.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	ACTIVATION_FD = 3, /* sd_listen_fds(3): the first socket passed */
	BACKLOG = 128,
};

static const char run_dir[] = "/run";
static const char pcscd_dir[] = "/run/pcscd";

static int
complain(const char *what, const char *on)
{
	fprintf(
	    stderr, "private-pcscd: %s %s: %s\n", what, on, strerror(errno));
	return -1;
}

static int /* a listening socket, or -1 */
listen_on(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if (len == 0 || len >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return complain("listen on", path);
	}
	memcpy(addr.sun_path, path, len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return complain("make a socket for", path);
	if (bind(fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0 ||
	    listen(fd, BACKLOG) != 0) {
		(void)complain("listen on", path);
		(void)close(fd);
		return -1;
	}
	return fd;
}

static bool
write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	return close(fd) == 0 && ok;
}

static bool /* maps the caller to root of a new user namespace */
enter_user_namespace(void)
{
	char uid_map[64], gid_map[64];

	(void)snprintf(uid_map, sizeof(uid_map), "0 %u 1", (unsigned)getuid());
	(void)snprintf(gid_map, sizeof(gid_map), "0 %u 1", (unsigned)getgid());
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
	    write_file("/proc/self/setgroups", "deny") &&
	    write_file("/proc/self/uid_map", uid_map) &&
	    write_file("/proc/self/gid_map", gid_map);
}

/*
 * Best effort: without a namespace the daemon still runs, only its pid file is
 * shared, and where it may not write that it says so itself.
 */
static void
hide_run_dir(void)
{
	struct stat st;

	if (unshare(CLONE_NEWNS) != 0 && !enter_user_namespace())
		return;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
		return;
	if (stat(pcscd_dir, &st) == 0) {
		(void)mount("none", pcscd_dir, "tmpfs", 0, "mode=0755");
		return;
	}
	/* Making the folder in the real /run would leave a trace there. */
	if (mount("none", run_dir, "tmpfs", 0, "mode=0755") == 0)
		(void)mkdir(pcscd_dir, 0755);
}

static bool /* after the namespaces: a change of identity clears it */
die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
		(void)complain("follow", "the parent process");
		return false;
	}
	return getppid() == parent; /* it may be gone already */
}

static bool
hand_over(int fd)
{
	char pid[16];

	if (fd != ACTIVATION_FD && dup2(fd, ACTIVATION_FD) < 0)
		return false;
	if (fcntl(ACTIVATION_FD, F_SETFD, 0) != 0 ||
	    close_range(ACTIVATION_FD + 1, ~0U, 0) != 0)
		return false;
	(void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
	return setenv("LISTEN_PID", pid, 1) == 0 &&
	    setenv("LISTEN_FDS", "1", 1) == 0 &&
	    unsetenv("LISTEN_FDNAMES") == 0;
}

int
main(int argc, char **argv)
{
	const pid_t parent = getppid();
	bool follow = false;
	int arg = 1, fd;

	if (arg < argc && strcmp(argv[arg], "--die-with-parent") == 0) {
		follow = true;
		arg++;
	}
	if (argc - arg < 2) {
		fputs("usage: private-pcscd [--die-with-parent] "
		      "SOCK COMMAND [ARGS...]\n",
		    stderr);
		return 2;
	}
	if ((fd = listen_on(argv[arg])) < 0)
		return 1;
	hide_run_dir();
	if (follow && !die_with(parent))
		return 1;
	if (!hand_over(fd)) {
		(void)complain("hand over", argv[arg]);
		return 1;
	}
	execvp(argv[arg + 1], argv + arg + 1);
	(void)complain("start", argv[arg + 1]);
	return 127;
}

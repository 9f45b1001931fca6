/* SPDX-License-Identifier: Apache-2.0 */
/*
 * -sfi, -ssp, -installipmodule. Whether the license opens the image on this
 * chip is found out by hsmlic-sim install, in the folder ../../bin from here.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "standin.h"

#define FOUNDING_LINE "Error: Execution of RSS CMD failed, returned value = 0x1"

extern char **environ;

/* One install as the command line asks for it. */
struct install {
	const char *kind; /* "SFI", ... */
	const char *image;
	const char *license; /* file */
	char held[64];	     /* its name when it came from the card */
	int held_fd;	     /* -1: it did not */
	bool hsm;
	unsigned slot;
};

static void
simulator_path(char out[PATH_MAX])
{
	static const char tail[] = "/../../bin/hsmlic-sim";
	const ssize_t n =
	    readlink("/proc/self/exe", out, PATH_MAX - sizeof(tail));

	if (n <= 0)
		world_broken("/proc/self/exe", strerror(errno));
	out[n] = '\0';
	memcpy(strrchr(out, '/'), tail, sizeof(tail));
}

/* Its output is of another program, and not the tool's. */
static pid_t
simulator_start(const char *path, char *const *argv)
{
	posix_spawn_file_actions_t fa;
	pid_t pid;
	int e;

	if ((e = posix_spawn_file_actions_init(&fa)) != 0)
		world_broken("hsmlic-sim", strerror(e));
	for (int fd = 0; fd < 3 && e == 0; fd++)
		e = posix_spawn_file_actions_addopen(
		    &fa, fd, "/dev/null", O_RDWR, 0);
	if (e == 0)
		e = posix_spawn(&pid, path, &fa, NULL, argv, environ);
	(void)posix_spawn_file_actions_destroy(&fa);
	if (e != 0)
		world_broken(path, strerror(e));
	return pid;
}

/* True when the chip took it. */
static bool
simulate(const struct tool *t, const struct install *in)
{
	char path[PATH_MAX], chip[PATH_MAX], image[PATH_MAX], lic[PATH_MAX];
	char install[] = "install", option[] = "--chip", end[] = "--";
	char *const argv[] = { path, install, option, chip, end, image, lic,
		NULL };
	int status;
	pid_t pid;

	simulator_path(path);
	(void)snprintf(chip, sizeof(chip), "%s", t->target.dir);
	(void)snprintf(image, sizeof(image), "%s", in->image);
	(void)snprintf(lic, sizeof(lic), "%s", in->license);
	pid = simulator_start(path, argv);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			world_broken("hsmlic-sim", strerror(errno));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* As -sfi was seen to begin; the numbers are of no file. */
static void
say_file(struct tool *t, const struct install *in)
{
	const char *kind = in->kind;

	say(t, "  Protocol Information         : static");
	say(t, " ");
	say(t, "  %s File Information         : ", kind);
	say(t, " ");
	say(t, "     %s file path             : %s", kind, in->image);
	if (in->hsm)
		say(t, "     %s HSM slot ID           : %u", kind, in->slot);
	else
		say(t, "     %s license file path     : %s", kind, in->license);
	say(t, "     %s header information    : ", kind);
	say(t, "         %s protocol version        : 2", kind);
	say(t, "         %s total number of areas   : 1", kind);
	say(t, "         %s image version           : 0", kind);
	say(t, " ");
}

/* The license stays in memory: the genuine tool is not known to keep it. */
static bool
license_from_card(struct tool *t, struct install *in)
{
	hl_card_answer a;

	say(t, "Requesting Chip Certificate from device ...");
	say(t, "Reading chip Certificate finished");
	say(t, "Get Certificate done successfully");
	if (!hsm_issue(t, in->slot, &t->target.cert, &a))
		return false;
	in->held_fd = memfd_create("license", 0);
	if (in->held_fd < 0 ||
	    write(in->held_fd, a.license, a.n) != (ssize_t)a.n)
		world_broken("memfd", strerror(errno));
	(void)snprintf(
	    in->held, sizeof(in->held), "/proc/self/fd/%d", in->held_fd);
	in->license = in->held;
	return true;
}

static int
say_failure(struct tool *t, const struct install *in)
{
	return say_error(t,
	    "%s %s file Install Operation Failure! Please, try again.",
	    in->image, in->kind);
}

/* "Error: " is part of a line that a test gives. */
static int
say_given(struct tool *t, const char *line)
{
	static const char prefix[] = "Error: ";

	if (line[0] == '\0')
		line = FOUNDING_LINE;
	if (strncmp(line, prefix, sizeof(prefix) - 1) == 0)
		return say_error(t, "%s", line + sizeof(prefix) - 1);
	say(t, "%s", line);
	return 1;
}

static int
say_bad_license(struct tool *t)
{
	(void)say_error(t, "SECURITY State Fail");
	(void)say_error(t, "Invalid state after SFI install !");
	return say_error(
	    t, "RSS internal system error or License is invalid !");
}

/* The end of a good run on H7RS as AN5054 shows it, its error line included. */
static void
say_success_h7rs(struct tool *t, const char *kind)
{
	say(t, "License Install");
	say(t, "Installing Areas...");
	say(t, "Succeed to write Areas");
	say(t, "Attempt to reconnect to check on SFI success...");
	say_field(t, "Voltage", "3.30V");
	say(t, "...retrying...");
	(void)say_error(t, "failed to reconnect after reset !");
	say(t, "Time elapsed during %s install operation: 00:00:07.059", kind);
}

/* For kinds other than SFI no success was ever seen: SYNTHETIC after SFI. */
static void
say_success(struct tool *t, const struct install *in)
{
	if (world_has(t, "h7rs")) {
		say_success_h7rs(t, in->kind);
		return;
	}
	say(t, "RSS process started...");
	say(t, "%s", "");
	say(t, "RSS command execution OK");
	say(t,
	    "Warning: Could not verify security state after last chunk "
	    "programming");
	say(t, "%s Process Finished!", in->kind);
	say(t, "%s file %s", in->kind, in->image);
	say(t, "%s", "");
	say(t, "Time elapsed during %s install operation: 00:00:00.123",
	    in->kind);
}

static int
program(struct tool *t, const struct install *in)
{
	const char *line = world_switch(t, "license-then-fail");
	const char *rsse = words_of(t, "-rsse");

	say(t, "Starting Firmware Install operation...");
	if (rsse != NULL)
		say(t, "Opening and parsing file: %s", rsse);
	say(t, "Reconnecting...");
	say(t, "Reconnected !");
	say(t, "Time elapsed during option Bytes configuration: 00:00:02.139");
	if (line != NULL)
		(void)say_given(t, line);
	else if (world_has(t, "bad-license") || !simulate(t, in))
		(void)say_bad_license(t);
	else {
		say_success(t, in);
		return 0;
	}
	return say_failure(t, in);
}

/* hsm=0 is what holds when nothing is said (HELP). */
static bool
read_words(struct install *in, const struct words *w, size_t license_at)
{
	const char *hsm = words_value(w, "hsm");
	const char *protocol = words_value(w, "protocol");

	in->hsm = hsm != NULL && strcmp(hsm, "1") == 0;
	in->image = words_plain(w, 0);
	in->license = in->hsm ? NULL : words_plain(w, license_at);
	in->slot = words_slot(w);
	return in->image != NULL &&
	    (in->hsm ? in->slot != 0 : in->license != NULL) &&
	    (hsm == NULL || in->hsm || strcmp(hsm, "0") == 0) &&
	    (protocol == NULL || strcmp(protocol, "static") == 0);
}

static int
install(
    struct tool *t, const struct words *w, const char *kind, size_t license_at)
{
	struct install in = { .kind = kind, .held_fd = -1 };
	int rc;

	if (!target_needed(t))
		return 1;
	if (!read_words(&in, w, license_at))
		return say_error(t, "(synthetic) wrong parameters");
	if (access(in.image, R_OK) != 0)
		return say_error(t, "(synthetic) cannot read %s", in.image);
	say_file(t, &in);
	if (in.hsm && !license_from_card(t, &in))
		return say_failure(t, &in);
	if (!in.hsm && access(in.license, R_OK) != 0)
		return say_error(t, "(synthetic) cannot read %s", in.license);
	world_slow(t, "slow");
	rc = program(t, &in);
	if (in.held_fd >= 0)
		(void)close(in.held_fd);
	return rc;
}

int
install_sfi(struct tool *t, const struct words *w)
{
	return install(t, w, "SFI", 1);
}

/* -ssp FILE TFA [hsm=...] LICENSE|slot=N */
int
install_ssp(struct tool *t, const struct words *w)
{
	return install(t, w, "SSP", 2);
}

int
install_module(struct tool *t, const struct words *w)
{
	return install(t, w, "SMU", 1);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills a command at every system call, at its entry and at its exit, one run
 * for each; after every kill a fresh process recovers, and the invariants are
 * judged.
 *
 *   kill-sweep BIN WORK product|naive [EVERY]
 *
 * BIN: folder of hsmlic, hsmlic-sim, invariants, naive-get. WORK: an empty
 * folder. EVERY: only each n-th point. Exit 0: no breach (product), or breaches
 * found at some points and not at all of them (naive, the negative control: the
 * same recovery does not make good what came in the wrong order). Exit 2: the
 * harness itself failed. The last line says the figures.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/err.h"

#define ARGS 24

static char bin[1024];
static bool naive;
static unsigned long breaches, kills, acknowledged;

static void
path_of(char *out, size_t size, const char *name)
{
	(void)snprintf(out, size, "%s/%s", bin, name);
}

/* Standard output and error to a file; the store's folder is the current one.
 */
static void
become(char *const *argv, const char *out)
{
	char program[1100];
	const int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (argv[0][0] == '/')
		(void)snprintf(program, sizeof(program), "%s", argv[0]);
	else
		path_of(program, sizeof(program), argv[0]);
	(void)dup2(fd, STDOUT_FILENO);
	(void)dup2(fd, STDERR_FILENO);
	(void)execv(program, argv);
	_exit(127);
}

static int
run(char *const *argv, const char *out)
{
	int status;
	const pid_t pid = fork();

	if (pid == 0)
		become(argv, out);
	(void)waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/*
 * Runs and kills at the n-th stop (0: never). Returns the stops seen, negative
 * when it ended by itself; *status is its wait status.
 */
static long
run_and_kill(char *const *argv, const char *out, long n, int *status)
{
	const pid_t pid = fork();
	long stops = 0;
	int signal_ = 0;
	bool started = false;

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		become(argv, out);
	}
	(void)waitpid(pid, status, 0);
	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	for (;;) {
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal_);
		signal_ = 0;
		(void)waitpid(pid, status, 0);
		if (!WIFSTOPPED(*status))
			return -stops;
		if (WSTOPSIG(*status) == SIGTRAP)
			started = true;
		else if (WSTOPSIG(*status) != (SIGTRAP | 0x80))
			signal_ = WSTOPSIG(*status);
		else if (started && ++stops == n)
			break;
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, status, 0);
	return stops;
}

static void
shell(const char *command)
{
	char *const argv[] = { (char[]){ "/bin/sh" }, (char[]){ "-c" },
		strdup(command), NULL };

	if (run(argv, "shell.out") != 0) {
		(void)fprintf(stderr, "kill-sweep: failed: %s\n", command);
		exit(2);
	}
	free(argv[2]);
}

/* One command line, blanks between words; "%s" stands for nothing else. */
static void
words(char *line, char **argv)
{
	char *save = NULL;
	size_t n = 0;

	for (char *w = strtok_r(line, " ", &save); w != NULL && n < ARGS - 1;
	     w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	argv[n] = NULL;
}

static int
command(const char *text, const char *out)
{
	char line[1024];
	char *argv[ARGS];

	(void)snprintf(line, sizeof(line), "%s", text);
	words(line, argv);
	return run(argv, out);
}

static void
must(const char *text)
{
	if (command(text, "must.out") != 0) {
		(void)fprintf(stderr, "kill-sweep: failed: %s\n", text);
		shell("cat must.out >&2");
		exit(2);
	}
}

#define GET                                                                    \
	"hsmlic --store w/s.db get --target sim:chip --card sim:w/card --yes " \
	"-o w/lic --json"
#define NAIVE "naive-get w/s.db w/card chip/certificate.bin %s"

static char victim_line[1024];

static void
read_uid(char *out, size_t size)
{
	FILE *f = fopen("chip/uid.hex", "r");

	if (f == NULL || fgets(out, (int)size, f) == NULL)
		exit(2);
	out[strcspn(out, "\n")] = '\0';
	(void)fclose(f);
}

/* A store that knows the card and holds a license of another chip. */
static void
set_up(void)
{
	char uid[64];

	shell("rm -rf chip other start w && mkdir start");
	must("hsmlic-sim card new start/card --firmware sweep --capacity 50");
	must("hsmlic-sim chip new chip --seed 1");
	must("hsmlic-sim chip new other --seed 2");
	must("hsmlic --store start/s.db get --target sim:other --card "
	     "sim:start/card --yes");
	read_uid(uid, sizeof(uid));
	if (naive)
		(void)snprintf(victim_line, sizeof(victim_line), NAIVE, uid);
	else
		(void)snprintf(victim_line, sizeof(victim_line), "%s", GET);
}

static void
judge(long point, const char *what)
{
	const int code = command("invariants w/s.db w/card", "judge.out");

	if (code == 0)
		return;
	if (code != 1) {
		shell("cat judge.out >&2");
		(void)fprintf(stderr, "kill-sweep: no judgement\n");
		exit(2);
	}
	breaches++;
	if (breaches > 5 || naive)
		return;
	(void)printf("point %ld, after %s:\n", point, what);
	(void)fflush(stdout);
	shell("cat judge.out >&2");
}

static void
complain(long point, const char *what)
{
	breaches++;
	if (breaches <= 5)
		(void)printf("point %ld: %s\n", point, what);
}

static unsigned
units_spent(void)
{
	unsigned left = 0;
	FILE *p;

	if (command("hsmlic-sim card show w/card --json", "show.out") != 0)
		return 99;
	p = fopen("show.out", "r");
	if (p != NULL) {
		char text[4096] = "";
		const char *at;

		if (fread(text, 1, sizeof(text) - 1, p) > 0 &&
		    (at = strstr(text, "\"counter\":")) != NULL)
			left = (unsigned)strtoul(
			    at + strlen("\"counter\":"), NULL, 10);
		(void)fclose(p);
	}
	return 49 - left; /* one went to the other chip at the start */
}

/*
 * After the kill: recover, get again, and look at everything. The next get
 * would book what the naive order lost as spent elsewhere.
 */
static void
aftermath(long point)
{
	const bool had = access("w/lic", F_OK) == 0;

	if (had) {
		acknowledged++;
		shell("cp w/lic w/lic.first");
	}
	if (command("hsmlic --store w/s.db recover --card sim:w/card",
		"recover.out") != 0)
		complain(point, "recover failed");
	judge(point, "recover");
	if (naive)
		return;
	if (command(GET, "get.out") != 0)
		complain(point, "the next get failed");
	judge(point, "the next get");
	/* The software card replays: no crash may cost a unit. */
	if (units_spent() != 1)
		complain(point, "not exactly one unit was spent");
	if (had && command("/usr/bin/cmp w/lic w/lic.first", "cmp.out") != 0)
		complain(point, "a license that was handed out has changed");
}

static long
total_points(void)
{
	char line[1024];
	char *argv[ARGS];
	int status;
	long n;

	shell("rm -rf w && cp -a start w");
	(void)snprintf(line, sizeof(line), "%s", victim_line);
	words(line, argv);
	n = -run_and_kill(argv, "victim.out", 0, &status);
	if (n <= 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		shell("cat victim.out >&2");
		(void)fprintf(stderr, "kill-sweep: the command fails alone\n");
		exit(2);
	}
	return n;
}

/* No two runs have quite the same calls: it goes on until one is not killed. */
static void
sweep(long total, long every)
{
	char line[1024];
	char *argv[ARGS];
	bool killed;
	int status;
	long n = 1;

	do {
		shell("rm -rf w && cp -a start w");
		(void)snprintf(line, sizeof(line), "%s", victim_line);
		words(line, argv);
		killed = run_and_kill(argv, "victim.out", n, &status) > 0;
		kills += killed;
		aftermath(n);
		n += every;
	} while (killed || n <= total);
}

int
main(int argc, char **argv)
{
	long total, every = 1;

	if (argc < 4 || realpath(argv[1], bin) == NULL || chdir(argv[2]) != 0) {
		(void)fprintf(stderr,
		    "usage: kill-sweep BIN WORK product|naive [EVERY]\n");
		return 2;
	}
	naive = strcmp(argv[3], "naive") == 0;
	if (argc > 4)
		every = strtol(argv[4], NULL, 10);
	if (every < 1)
		return 2;
	set_up();
	total = total_points();
	sweep(total, every);
	(void)printf("%s: %ld points, %lu killed, %lu after the license was "
		     "written, %lu breaches\n",
	    argv[3], total, kills, acknowledged, breaches);
	if (naive)
		return breaches > 0 && breaches < kills ? 0 : 1;
	return breaches == 0 ? 0 : 1;
}

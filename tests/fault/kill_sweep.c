/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kills a command at every system call, at its entry and at its exit, one run
 * for each; after every kill a fresh process recovers, and the invariants are
 * judged.
 *
 *   kill-sweep BIN WORK product|naive|tool|tool-all [EVERY]
 *
 * BIN: folder of hsmlic, hsmlic-sim, invariants, naive-get. WORK: an empty
 * folder. EVERY: only each n-th point. Exit 0: no breach (product, tool), or
 * breaches found at some points and not at all of them (naive, the negative
 * control: the same recovery does not make good what came in the wrong order).
 * Exit 2: the harness itself failed. The last line says the figures.
 *
 * tool: a card that its vendor's program asks, which is the stand-in with the
 * world WORK/world; there is a reader with such a card (stm32hsm-card). What
 * the command has started goes on when it is killed: not one unit may be lost.
 * It is killed after each fork as well, and again and again at different
 * moments where the card is asked.
 *
 * tool-all: all that it has started is killed with it, after each fork alone.
 * That may cost the unit, but no account: units have to be lost, and no breach
 * be found.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/err.h"

#define ARGS 24
/* tool: stops behind a fork; kills at each of them, where it matters; the
 * moment between the stop and the kill */
#define BEHIND_MAX 8
#define AGAIN 8
#define MOMENT_US 2000
#define MOMENTS_US 35000

static char bin[1024];
/* Where to kill: at the n-th stop, or so many stops behind a fork. 0: never. */
struct point {
	long stop, fork, behind;
};

static bool naive, tool, all;
static bool asking; /* when it was killed last, a keeper was at work */
static unsigned long breaches, kills, acknowledged, lost;

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
 * How deep the tree of its children is: below its own is what a keeper runs.
 * `end`: all of them are killed, stopped first, so that they start no more.
 */
static int
climb_tree(pid_t pid, bool end)
{
	char path[64];
	int depth = 0;
	long child;
	FILE *f;

	(void)snprintf(path, sizeof(path), "/proc/%ld/task/%ld/children",
	    (long)pid, (long)pid);
	if (end)
		(void)kill(pid, SIGSTOP);
	if ((f = fopen(path, "r")) != NULL) {
		while (fscanf(f, "%ld", &child) == 1) {
			const int below = 1 + climb_tree((pid_t)child, end);

			depth = below > depth ? below : depth;
		}
		(void)fclose(f);
	}
	if (end)
		(void)kill(pid, SIGKILL);
	return depth;
}

static bool
enters_fork(pid_t pid)
{
	struct __ptrace_syscall_info i;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(i), &i) <= 0 ||
	    i.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	return i.entry.nr == SYS_clone || i.entry.nr == SYS_clone3;
}

/* One more stop. True: it is the one. */
static bool
reached(pid_t pid, const struct point *at, struct point *here)
{
	here->stop++;
	here->behind++;
	if (enters_fork(pid)) {
		here->fork++;
		here->behind = 0;
	}
	return at->fork == 0
	    ? here->stop == at->stop
	    : here->fork == at->fork && here->behind == at->behind;
}

/* What it has started is at work for a moment before it is killed. */
static void
wait_a_moment(pid_t pid)
{
	(void)usleep((useconds_t)(MOMENT_US + random() % MOMENTS_US));
	asking = climb_tree(pid, all) > 1;
}

/*
 * Runs and kills at a point. True: it did; else it ended by itself, and *here
 * is what it had seen. *status is its wait status.
 */
static bool
run_and_kill(char *const *argv, const char *out, const struct point *at,
    struct point *here, int *status)
{
	const pid_t pid = fork();
	int signal_ = 0;
	bool started = false;

	if (pid == 0) {
		(void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		(void)raise(SIGSTOP);
		become(argv, out);
	}
	*here = (struct point){ 0 };
	asking = false;
	(void)waitpid(pid, status, 0);
	(void)ptrace(PTRACE_SETOPTIONS, pid, NULL,
	    PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
	for (;;) {
		(void)ptrace(PTRACE_SYSCALL, pid, NULL, (long)signal_);
		signal_ = 0;
		(void)waitpid(pid, status, 0);
		if (!WIFSTOPPED(*status))
			return false;
		if (WSTOPSIG(*status) == SIGTRAP)
			started = true;
		else if (WSTOPSIG(*status) != (SIGTRAP | 0x80))
			signal_ = WSTOPSIG(*status);
		else if (started && reached(pid, at, here))
			break;
	}
	if (at->fork > 0)
		wait_a_moment(pid);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, status, 0);
	return true;
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
#define GET_BY_TOOL                                                            \
	"hsmlic --store w/s.db get --target stm32prog:port=SWD --yes -o "      \
	"w/lic --json --timeout 30"
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

/* The card of the vendor's program is w/card, for a moment start/card. */
static void
set_up_tool(void)
{
	shell("rm -rf chip other start w && mkdir -p start world && "
	      "ln -s start w && ln -sfn ../w/card world/card-1");
	must("hsmlic-sim card new start/card --firmware sweep --capacity 50");
	must("hsmlic-sim chip new chip --seed 1");
	must("hsmlic-sim chip new other --seed 2");
	shell("ln -sfn ../other world/chip");
	must("hsmlic --store start/s.db get --target stm32prog:port=SWD --yes");
	shell("ln -sfn ../chip world/chip");
	(void)snprintf(victim_line, sizeof(victim_line), "%s", GET_BY_TOOL);
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

/* Until nobody is at work any more. */
static void
recover(long point)
{
	const char *line = tool ? "hsmlic --store w/s.db recover"
				: "hsmlic --store w/s.db recover --card "
				  "sim:w/card";

	for (int i = 0; i < 600; i++) {
		if (command(line, "recover.out") != 0)
			complain(point, "recover failed");
		if (command(
			"/bin/grep -q left.alone recover.out", "grep.out") != 0)
			return;
		(void)usleep(50000);
	}
	complain(point, "it never ends");
}

/* A software card that is ours replays, and a keeper outlives us: then no crash
 * may cost a unit. */
static void
judge_units(long point)
{
	const unsigned n = units_spent();

	lost += n == 2;
	if (n != 1 && !(all && n == 2))
		complain(point, "not exactly one unit was spent");
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
	recover(point);
	judge(point, "recover");
	if (naive)
		return;
	if (command(tool ? GET_BY_TOOL : GET, "get.out") != 0)
		complain(point, "the next get failed");
	judge(point, "the next get");
	judge_units(point);
	if (had && command("/usr/bin/cmp w/lic w/lic.first", "cmp.out") != 0)
		complain(point, "a license that was handed out has changed");
}

static bool
victim(const struct point *at, struct point *here, int *status)
{
	char line[1024];
	char *argv[ARGS];

	shell("rm -rf w && cp -a start w");
	(void)snprintf(line, sizeof(line), "%s", victim_line);
	words(line, argv);
	return run_and_kill(argv, "victim.out", at, here, status);
}

static struct point
total_points(void)
{
	const struct point never = { 0 };
	struct point seen;
	int status;

	if (victim(&never, &seen, &status) || seen.stop == 0 ||
	    !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		shell("cat victim.out >&2");
		(void)fprintf(stderr, "kill-sweep: the command fails alone\n");
		exit(2);
	}
	return seen;
}

/* No two runs have quite the same calls: it goes on until one is not killed. */
static void
sweep(long total, long every)
{
	struct point at = { 1, 0, 0 }, here;
	bool killed;
	int status;

	do {
		killed = victim(&at, &here, &status);
		kills += killed;
		aftermath(at.stop);
		at.stop += every;
	} while (killed || at.stop <= total);
}

/* One kill, or several while the card is asked. True: it was. */
static bool
sweep_point(const struct point *at)
{
	struct point here;
	bool ever = false;
	int status;

	for (int i = 0; i < AGAIN && (i == 0 || ever); i++) {
		kills += victim(at, &here, &status);
		ever = ever || asking;
		aftermath(at->fork * 1000 + at->behind);
	}
	return ever;
}

static void
sweep_forks(long forks)
{
	for (long f = 1; f <= forks; f++) {
		struct point at = { 0, f, 2 };

		while (at.behind <= BEHIND_MAX &&
		    (sweep_point(&at) || at.behind < 4))
			at.behind++;
	}
}

int
main(int argc, char **argv)
{
	struct point total;
	long every = 1;

	if (argc < 4 || realpath(argv[1], bin) == NULL || chdir(argv[2]) != 0) {
		(void)fprintf(stderr,
		    "usage: kill-sweep BIN WORK "
		    "product|naive|tool|tool-all [EVERY]\n");
		return 2;
	}
	naive = strcmp(argv[3], "naive") == 0;
	all = strcmp(argv[3], "tool-all") == 0;
	tool = all || strcmp(argv[3], "tool") == 0;
	if (argc > 4)
		every = strtol(argv[4], NULL, 10);
	if (every < 1)
		return 2;
	if (tool)
		set_up_tool();
	else
		set_up();
	total = total_points();
	if (!all)
		sweep(total.stop, every);
	if (tool)
		sweep_forks(total.fork);
	(void)printf("%s: %ld points, %lu killed, %lu after the license was "
		     "written, %lu units lost, %lu breaches\n",
	    argv[3], total.stop, kills, acknowledged, lost, breaches);
	if (all)
		return breaches == 0 && lost > 0 ? 0 : 1;
	if (naive)
		return breaches > 0 && breaches < kills ? 0 : 1;
	return breaches == 0 ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that a test prepared. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "standin.h"
#include "util/clock.h"
#include "util/file.h"
#include "util/text.h"

#define SWITCHES_SIZE 65536
#define POLL_MS 100

void
world_broken(const char *what, const char *why)
{
	fprintf(stderr, "stand-in for tests: %s: %s\n", what, why);
	exit(STANDIN_BROKEN);
}

/* -COMMAND:SWITCH is for runs with that command only. */
static char *
applies(const struct tool *t, char *s)
{
	char *colon = s[0] == '-' ? strchr(s, ':') : NULL;

	if (colon == NULL)
		return s;
	*colon = '\0';
	for (int i = 1; i < t->argc; i++)
		if (strcmp(t->argv[i], s) == 0)
			return colon + 1;
	return NULL;
}

static void
switches_split(struct tool *t, char *text, const char *between)
{
	char *rest = NULL, *s;

	for (s = strtok_r(text, between, &rest); s != NULL;
	     s = strtok_r(NULL, between, &rest)) {
		if (s[0] == '#' || (s = applies(t, s)) == NULL)
			continue;
		if (t->n_switches == STANDIN_SWITCHES_MAX)
			world_broken("switches", "too many");
		t->switches[t->n_switches++] = s;
	}
}

/* Those of the environment come first and win. */
static void
switches_read(struct tool *t)
{
	const char *env = getenv("STM32CLI_SWITCHES");
	char path[PATH_MAX];
	hl_err err = { 0 };
	size_t at;
	hl_rc rc;

	hl_buf_printf(&t->text, "%s", env != NULL ? env : "");
	hl_buf_u8(&t->text, '\0');
	at = t->text.n;
	rc = hl_path(path, sizeof(path), &err, "%s/switches", t->dir);
	if (rc == HL_OK)
		rc = hl_file_read(path, SWITCHES_SIZE, &t->text, &err);
	if (rc != HL_OK && rc != HL_ENOTFOUND)
		world_broken("switches", err.why);
	(void)hl_buf_str(&t->text);
	if (t->text.failed)
		world_broken("switches", "out of memory");
	switches_split(t, (char *)t->text.p, ",\n");
	switches_split(t, (char *)t->text.p + at, "\r\n");
}

/* In one write, since several may run at once. */
static void
append_line(const struct tool *t, const char *name, const char *line)
{
	char path[PATH_MAX];
	hl_err err = { 0 };
	ssize_t n = -1;
	int fd;

	if (hl_path(path, sizeof(path), &err, "%s/%s", t->dir, name) != HL_OK)
		world_broken(name, err.why);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd >= 0)
		n = write(fd, line, strlen(line));
	if (n != (ssize_t)strlen(line))
		world_broken(path, strerror(errno));
	(void)close(fd);
}

static void
journal(const struct tool *t)
{
	hl_buf b = HL_BUF_INIT;
	char word[PATH_MAX];

	for (int i = 1; i < t->argc; i++) {
		(void)hl_text_word(word, sizeof(word), t->argv[i]);
		hl_buf_printf(&b, "%s%s", i > 1 ? " " : "", word);
	}
	hl_buf_u8(&b, '\n');
	append_line(t, "journal", hl_buf_str(&b));
	hl_buf_free(&b);
}

void
world_open(struct tool *t)
{
	const char *dir = getenv("STM32CLI_STANDIN");

	if (dir == NULL || dir[0] == '\0')
		world_broken("STM32CLI_STANDIN", "is not set");
	if (!hl_text_copy(t->dir, sizeof(t->dir), dir))
		world_broken("STM32CLI_STANDIN", "is too long");
	journal(t);
	switches_read(t);
	if (world_has(t, "stubborn")) {
		(void)signal(SIGTERM, SIG_IGN);
		(void)signal(SIGINT, SIG_IGN);
	}
}

void
world_close(struct tool *t)
{
	hl_buf_free(&t->text);
}

const char *
world_switch(const struct tool *t, const char *name)
{
	const size_t n = strlen(name);

	for (size_t i = 0; i < t->n_switches; i++) {
		const char *s = t->switches[i];

		if (strncmp(s, name, n) == 0 && (s[n] == '\0' || s[n] == '='))
			return s[n] == '=' ? s + n + 1 : s + n;
	}
	return NULL;
}

bool
world_has(const struct tool *t, const char *name)
{
	return world_switch(t, name) != NULL;
}

void
world_slow(const struct tool *t, const char *name)
{
	const char *v = world_switch(t, name);
	uint64_t ms;

	if (v == NULL)
		return;
	if (!hl_text_u64(v, UINT32_MAX, &ms))
		world_broken(name, "give milliseconds");
	hl_sleep_ms((uint32_t)ms);
}

void
world_hang(const struct tool *t)
{
	while (access(t->dir, F_OK) == 0)
		hl_sleep_ms(POLL_MS);
	exit(STANDIN_BROKEN);
}

void
world_spawn_child(const struct tool *t)
{
	const char *how = world_switch(t, "spawn-child");
	char line[32];
	pid_t pid;

	if (how == NULL)
		return;
	if ((pid = fork()) < 0)
		world_broken("spawn-child", strerror(errno));
	if (pid == 0) {
		if (strcmp(how, "session") == 0)
			(void)setsid();
		world_hang(t);
	}
	(void)snprintf(line, sizeof(line), "%ld\n", (long)pid);
	append_line(t, "children", line);
}

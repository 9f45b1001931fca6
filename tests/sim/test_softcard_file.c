/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The software card's memory: what is a card and what is not, who may have it,
 * and that a card which is killed or cannot write has counted and stored the
 * license, or neither.
 */
#include "sim/softcard_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "util/file.h"
#include "util/hex.h"

/* hl_file_write() as the card sees it. */
static enum { WRITE_WORKS, WRITE_FAILS, WRITE_FAILS_LATE, WRITE_LOSES } writing;

hl_rc __real_hl_file_write(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err);
hl_rc __wrap_hl_file_write(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err);

hl_rc
__wrap_hl_file_write(
    const char *path, const void *p, size_t n, mode_t mode, hl_err *err)
{
	hl_rc rc = HL_OK;

	if (writing == WRITE_WORKS || writing == WRITE_FAILS_LATE)
		rc = __real_hl_file_write(path, p, n, mode, err);
	if (writing == WRITE_LOSES)
		(void)unlink(path);
	if (writing != WRITE_WORKS)
		rc = hl_fail(err, HL_EIO, "write", "", "so the test says");
	return rc;
}

static void
a_new_card_is_blank_and_nobody_elses(void **state)
{
	static const uint8_t serial[17] = { 1 };
	struct fixture *f = *state;
	hl_card_info info;
	hl_err err = { 0 };
	char path[64];
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(hl_softcard_create(f->path, NULL, 0, &err), HL_EEXIST);
	assert_int_equal(hl_softcard_peek(f->path, &info, NULL), HL_OK);
	assert_string_equal(info.serial, SERIAL);
	assert_int_equal(info.state, HL_CARD_BLANK);
	assert_false(info.has_counter);
	(void)snprintf(path, sizeof(path), "%s/other", f->dir);
	assert_int_equal(hl_softcard_create(path, serial, 7, &err), HL_EINPUT);
	assert_int_equal(hl_softcard_create(path, serial, 17, &err), HL_EINPUT);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(hl_softcard_create(path, serial, 16, &err), HL_OK);
	assert_int_equal(hl_softcard_peek(path, &info, NULL), HL_OK);
	assert_int_equal(strlen(info.serial), 32);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(hl_softcard_create(path, NULL, 0, &err), HL_OK);
	assert_int_equal(hl_softcard_peek(path, &info, NULL), HL_OK);
	assert_int_equal(strlen(info.serial), 16);
	assert_int_equal(unlink(path), 0);
}

static void
a_card_is_in_one_hand_at_a_time(void **state)
{
	struct fixture *f = *state;
	hl_softcard *second = NULL;
	hl_card_info info;
	hl_err err = { 0 };
	char link[64], path[64];

	card_ready(f, "", 5);
	assert_int_equal(hl_softcard_open(&second, f->path, 0, &err), HL_EBUSY);
	assert_null(second);
	/* By another name it is the same card. */
	(void)snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(symlink("card", link), 0);
	assert_int_equal(hl_softcard_open(&second, link, 0, &err), HL_EBUSY);
	assert_int_equal(hl_softcard_peek(f->path, &info, &err), HL_OK);
	assert_int_equal(info.counter, 5);
	card_off(f);
	assert_int_equal(hl_softcard_open(&second, link, 0, &err), HL_OK);
	hl_softcard_close(&second);
	hl_softcard_close(&second); /* NULL is fine */
	assert_int_equal(unlink(link), 0);
	(void)snprintf(path, sizeof(path), "%s/nothing", f->dir);
	assert_int_equal(hl_softcard_open(&second, path, 0, &err), HL_ENODEV);
	assert_null(second);
	assert_int_equal(hl_softcard_peek(path, &info, &err), HL_ENODEV);
}

static void
a_card_with_two_names_is_refused(void **state)
{
	struct fixture *f = *state;
	hl_softcard *card = NULL;
	hl_card_info info;
	hl_err err = { 0 };
	char name[64];

	card_ready(f, "", 5);
	card_off(f);
	(void)snprintf(name, sizeof(name), "%s/hard", f->dir);
	assert_int_equal(link(f->path, name), 0);
	assert_int_equal(hl_softcard_open(&card, name, 0, &err), HL_EINPUT);
	assert_int_equal(hl_softcard_open(&card, f->path, 0, &err), HL_EINPUT);
	assert_null(card);
	assert_int_equal(unlink(name), 0);
	assert_int_equal(hl_softcard_open(&card, f->path, 0, &err), HL_OK);
	hl_softcard_close(&card);
	assert_int_equal(hl_softcard_peek(f->path, &info, &err), HL_OK);
	assert_int_equal(info.counter, 5);
}

static void
the_key_is_told_while_there_is_one(void **state)
{
	struct fixture *f = *state;
	char text[2 * HL_GCM_KEY + 1];
	hl_firmware_key key;
	hl_buf raw = HL_BUF_INIT;

	assert_int_equal(hl_softcard_key(f->path, &key, NULL), HL_EINPUT);
	card_ready(f, "", 5);
	assert_int_equal(hl_softcard_key(f->path, &key, NULL), HL_OK);
	hl_hex_upper(text, key.key, sizeof(key.key));
	assert_string_equal(text, KEY);
	assert_int_equal(hl_softcard_terminate(f->card, NULL), HL_OK);
	assert_int_equal(hl_softcard_key(f->path, &key, NULL), HL_EINPUT);
	/* Not even somebody who reads the file finds it. */
	assert_int_equal(hl_file_read(f->path, 4096, &raw, NULL), HL_OK);
	assert_null(memmem(raw.p, raw.n, key.key, sizeof(key.key)));
	hl_buf_free(&raw);
}

/* The card's file holds these bytes: what does opening say? */
static hl_rc
open_bytes(struct fixture *f, const uint8_t *p, size_t n)
{
	hl_softcard *card;
	hl_err err = { 0 };
	hl_rc rc;

	assert_int_equal(
	    __real_hl_file_write(f->path, p, n, 0600, NULL), HL_OK);
	rc = hl_softcard_open(&card, f->path, 0, &err);
	if (rc == HL_OK)
		hl_softcard_close(&card);
	else
		assert_int_not_equal(err.why[0], '\0');
	assert_null(card);
	return rc;
}

static void
used_card(struct fixture *f, hl_buf *file)
{
	card_ready(f, "45002001", 5);
	assert_memory_equal(ask(f, issue(f->cert, ID1)), "E281", 4);
	card_off(f);
	assert_int_equal(hl_file_read(f->path, 4096, file, NULL), HL_OK);
}

static void
a_file_with_one_bit_changed_is_refused(void **state)
{
	struct fixture *f = *state;
	hl_buf file = HL_BUF_INIT;
	hl_rc rc;

	used_card(f, &file);
	for (size_t i = 0; i < file.n; i++) {
		file.p[i] ^= 0x10;
		rc = open_bytes(f, file.p, file.n);
		assert_true(rc == HL_EINPUT || rc == HL_EINTEGRITY);
		file.p[i] ^= 0x10;
	}
	assert_int_equal(open_bytes(f, file.p, file.n), HL_OK);
	hl_buf_free(&file);
}

static void
a_file_cut_short_or_too_long_is_refused(void **state)
{
	struct fixture *f = *state;
	hl_buf file = HL_BUF_INIT;
	hl_rc rc;

	used_card(f, &file);
	for (size_t n = 0; n < file.n; n++) {
		rc = open_bytes(f, file.p, n);
		assert_true(rc == HL_EINPUT || rc == HL_EINTEGRITY);
	}
	hl_buf_u8(&file, 0);
	assert_int_equal(open_bytes(f, file.p, file.n), HL_EINTEGRITY);
	hl_buf_free(&file);
}

/* With a good hash, but a card that no card can be. */
static void
a_well_hashed_file_that_makes_no_sense_is_refused(void **state)
{
#define HEAD "484C43415244310A"
#define V1 HEAD "0001"
#define CARD V1 "C2080123456789ABCDEF"
#define PROFILE "C4026677C503534649C800CC10" KEY "CD0C" NONCE "C70400000005"
#define LAST "CA10" ID1 "CE20" ID1 ID1 "CB8188"
	static const struct {
		const char *why, *body;
		hl_rc rc;
	} rows[] = {
		{ "blank", CARD "C30101", HL_OK },
		{ "operational", CARD "C30102" PROFILE "C60400000005", HL_OK },
		{ "terminated, blank before", CARD "C30103", HL_OK },
		{ "terminated", CARD "C30103" PROFILE "C60400000005", HL_OK },
		{ "version 2", HEAD "0002C2080123456789ABCDEFC30101",
		    HL_EINPUT },
		{ "serial of 7 bytes", V1 "C20723456789ABCDEFC30101",
		    HL_EINPUT },
		{ "state 0", CARD "C30100", HL_EINPUT },
		{ "state 4", CARD "C30104", HL_EINPUT },
		{ "blank with a profile", CARD "C30101" PROFILE "C60400000005",
		    HL_EINPUT },
		{ "operational without a profile", CARD "C30102", HL_EINPUT },
		{ "counter above the capacity",
		    CARD "C30102" PROFILE "C60400000006", HL_EINPUT },
		{ "counter missing", CARD "C30102" PROFILE, HL_EINPUT },
		{ "state before the serial", V1 "C30101C2080123456789ABCDEF",
		    HL_EINPUT },
		{ "length not in shortest form", CARD "C3810101", HL_EINPUT },
		{ "something behind the end",
		    CARD "C30102" PROFILE "C60400000005C60400000005",
		    HL_EINPUT },
		{ "last request without its license",
		    CARD "C30102" PROFILE "C60400000005CA10" ID1, HL_EINPUT },
		{ "product ID of one digit",
		    CARD "C30102C4026677C503534649C80134CC10" KEY "CD0C" NONCE
			 "C70400000005C60400000005",
		    HL_EINPUT },
	};
	struct fixture *f = *state;
	uint8_t b[512];
	size_t n;

	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		assert_true(hl_hex_decode(rows[i].body, strlen(rows[i].body), b,
		    sizeof(b) - HL_SHA256_LEN, &n));
		assert_int_equal(hl_sha256(b, n, b + n, NULL), HL_OK);
		if (open_bytes(f, b, n + HL_SHA256_LEN) != rows[i].rc)
			fail_msg("%s", rows[i].why);
	}
}

static void
a_card_that_cannot_write_counts_nothing(void **state)
{
	struct fixture *f = *state;

	card_on(f);
	writing = WRITE_FAILS;
	expect(f,
	    with_data("80DA0000",
		"E32FC4026677C503534649C70400000005CC10" KEY "CD0C" NONCE, ""),
	    "6F00");
	writing = WRITE_WORKS;
	expect(f, INFO, "E00DC2080123456789ABCDEFC301019000");
	card_off(f);
	card_ready(f, "", 5);
	writing = WRITE_FAILS;
	expect(f, issue(f->cert, ID1), "6F00");
	expect(f, "00C0000000", "6985"); /* no license slips out */
	writing = WRITE_WORKS;
	assert_int_equal(counter_of(f), 5);
	assert_memory_equal(ask(f, issue(f->cert, ID1)), "E281", 4);
	assert_int_equal(counter_of(f), 4);
}

/* The file was replaced, and only then something failed. */
static void
a_card_that_wrote_and_failed_knows_what_it_wrote(void **state)
{
	struct fixture *f = *state;

	card_ready(f, "", 5);
	writing = WRITE_FAILS_LATE;
	expect(f, issue(f->cert, ID1), "6F00");
	writing = WRITE_WORKS;
	assert_non_null(strstr(ask(f, INFO), "C60400000004"));
	assert_int_equal(counter_of(f), 4);
	assert_memory_equal(ask(f, issue(f->cert, ID1)), "E281", 4);
	assert_int_equal(counter_of(f), 4); /* it was a replay */
	assert_memory_equal(ask(f, issue(f->cert, ID2)), "E281", 4);
	assert_int_equal(counter_of(f), 3);
}

static void
a_card_that_lost_its_memory_is_dead(void **state)
{
	struct fixture *f = *state;

	card_ready(f, "", 5);
	writing = WRITE_LOSES;
	expect(f, issue(f->cert, ID1), "6F00");
	writing = WRITE_WORKS;
	expect(f, issue(f->cert, ID1), "6F00");
	expect(f, SELECT, "6F00");
	assert_int_equal(access(f->path, F_OK), -1); /* and stays lost */
}

/* In the child: one license; a byte goes out when the answer would. */
static void
issue_and_tell(struct fixture *f, int out)
{
	char answer[400];

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(1);
	(void)raise(SIGSTOP);
	card_on(f);
	(void)snprintf(
	    answer, sizeof(answer), "%s", ask(f, issue(f->cert, ID2)));
	if (write(out, answer, strlen(answer)) < 0)
		_exit(1);
	_exit(0);
}

/* Lets the child make `stops` entries and exits of system calls, then kills it
 * on the spot. True when it had ended before. */
static bool
run_until(pid_t pid, long stops)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSTOPPED(status));
	for (long i = 0; i < stops; i++) {
		assert_int_equal(ptrace(PTRACE_SYSCALL, pid, NULL, NULL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (WIFEXITED(status)) {
			assert_int_equal(WEXITSTATUS(status), 0);
			return true;
		}
		assert_true(WIFSTOPPED(status));
	}
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return false;
}

/* What the card is after its death: before the license, or after it. */
static void
check_dead_card(struct fixture *f, const char *told, bool *counted)
{
	const uint32_t left = counter_of(f);
	char after[400];

	*counted = left == 3;
	assert_true(left == 4 || left == 3);
	if (told[0] != '\0')
		assert_true(*counted); /* counted before the first byte */
	card_on(f);
	(void)snprintf(after, sizeof(after), "%s",
	    ask(f, issue(f->cert, *counted ? ID2 : ID1)));
	card_off(f);
	assert_memory_equal(after, "E281", 4);
	assert_int_equal(counter_of(f), left); /* the last one is still there */
	if (told[0] != '\0')
		assert_string_equal(after, told);
}

static size_t
drain(int fd, char *out, size_t size)
{
	const ssize_t n = read(fd, out, size - 1);

	assert_true(n >= 0);
	out[n] = '\0';
	return (size_t)n;
}

/* What a killed writer may leave: its lock file, its file aside. */
static void
sweep(const struct fixture *f)
{
	char command[128];

	(void)snprintf(command, sizeof(command),
	    "find %s -type f ! -name card -delete", f->dir);
	assert_int_equal(system(command), 0);
}

static void
a_card_killed_at_any_moment_has_done_both_or_neither(void **state)
{
	struct fixture *f = *state;
	hl_buf before = HL_BUF_INIT;
	bool ended = false, counted;
	long with = 0, without = 0;
	char told[400];
	int fds[2];
	pid_t pid;

	used_card(f, &before);
	for (long n = 0; !ended; n++) {
		assert_int_equal(__real_hl_file_write(
				     f->path, before.p, before.n, 0600, NULL),
		    HL_OK);
		assert_int_equal(pipe(fds), 0);
		if ((pid = fork()) == 0)
			issue_and_tell(f, fds[1]);
		assert_true(pid > 0);
		(void)close(fds[1]);
		ended = run_until(pid, n);
		(void)drain(fds[0], told, sizeof(told));
		(void)close(fds[0]);
		check_dead_card(f, told, &counted);
		*(counted ? &with : &without) += 1;
		sweep(f);
	}
	assert_true(with > 1 && without > 1); /* both sides were seen */
	hl_buf_free(&before);
}

/* In a child: three licenses with three requests, the card taken each time. */
static void
take_three(struct fixture *f, int number)
{
	char id[33];

	for (int i = 0; i < 3; i++) {
		hl_err err = { 0 };

		if (hl_softcard_open(&f->card, f->path, hl_deadline_in(30000),
			&err) != HL_OK)
			_exit(1);
		(void)snprintf(id, sizeof(id), "%016d%016d", number, i);
		(void)ask(f, SELECT);
		if (strncmp(ask(f, issue(f->cert, id)), "E281", 4) != 0)
			_exit(2);
		card_off(f);
	}
	_exit(0);
}

static void
many_at_once_spend_one_each(void **state)
{
	struct fixture *f = *state;
	int status;

	card_ready(f, "", 100);
	card_off(f);
	for (int i = 0; i < 8; i++) {
		const pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			take_three(f, i);
	}
	for (int i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
	assert_int_equal(counter_of(f), 100 - 8 * 3);
}

static void
a_channel_is_a_card_in_the_same_process(void **state)
{
	static const uint8_t select[] = { 0x00, 0xA4, 0x04, 0x00, 0x08, 0xF0,
		0x48, 0x53, 0x4D, 0x4C, 0x49, 0x43, 0x01, 0x00 };
	static const uint8_t info[] = { 0x80, 0xCA, 0x00, 0x00, 0x00 };
	struct fixture *f = *state;
	const hl_deadline until = hl_deadline_in(30000);
	hl_channel *ch, *second;
	hl_buf a = HL_BUF_INIT;
	hl_exec exec = HL_EXEC_UNKNOWN;
	hl_err err = { 0 };
	char name[64];

	assert_int_equal(hl_softcard_channel(&ch, f->path, 0, &err), HL_OK);
	(void)snprintf(name, sizeof(name), "sim:%s", f->path);
	assert_string_equal(ch->reader, name);
	assert_int_equal(ch->protocol, 1);
	assert_int_equal(
	    hl_softcard_channel(&second, f->path, 0, &err), HL_EBUSY);
	assert_null(second);
	assert_int_equal(ch->ops->transmit(ch, select, sizeof(select), &a,
			     &exec, until, &err),
	    HL_OK);
	assert_int_equal(exec, HL_EXEC_YES);
	assert_int_equal(a.n, 21 + 2);
	assert_int_equal(
	    ch->ops->transmit(ch, info, sizeof(info), &a, &exec, 0, &err),
	    HL_ETIMEOUT);
	assert_int_equal(exec, HL_EXEC_NO);
	assert_int_equal(ch->ops->reconnect(ch, until, &err), HL_OK);
	assert_int_equal(
	    ch->ops->transmit(ch, info, sizeof(info), &a, &exec, until, &err),
	    HL_OK);
	assert_int_equal(a.n, 2);
	assert_memory_equal(a.p, "\x69\x85", 2); /* to be selected anew */
	hl_buf_free(&a);
	ch->ops->close(ch);
}

static void
a_long_path_is_known_by_its_end(void **state)
{
	struct fixture *f = *state;
	char path[600];
	hl_channel *ch;
	size_t n;

	n = (size_t)snprintf(path, sizeof(path), "%s", f->dir);
	while (n < 500)
		n += (size_t)snprintf(path + n, sizeof(path) - n, "/.");
	(void)snprintf(path + n, sizeof(path) - n, "/card");
	assert_int_equal(hl_softcard_channel(&ch, path, 0, NULL), HL_OK);
	n = strlen(ch->reader);
	assert_int_equal(n, HL_READER_NAME_MAX - 1);
	assert_memory_equal(ch->reader, "sim:", 4);
	assert_string_equal(ch->reader + n - 5, "/card");
	ch->ops->close(ch);
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_card_is_blank_and_nobody_elses),
		TEST(a_card_is_in_one_hand_at_a_time),
		TEST(a_card_with_two_names_is_refused),
		TEST(the_key_is_told_while_there_is_one),
		TEST(a_file_with_one_bit_changed_is_refused),
		TEST(a_file_cut_short_or_too_long_is_refused),
		TEST(a_well_hashed_file_that_makes_no_sense_is_refused),
		TEST(a_card_that_cannot_write_counts_nothing),
		TEST(a_card_that_wrote_and_failed_knows_what_it_wrote),
		TEST(a_card_that_lost_its_memory_is_dead),
		TEST(a_card_killed_at_any_moment_has_done_both_or_neither),
		TEST(many_at_once_spend_one_each),
		TEST(a_channel_is_a_card_in_the_same_process),
		TEST(a_long_path_is_known_by_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

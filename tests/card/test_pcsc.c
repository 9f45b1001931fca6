/* SPDX-License-Identifier: Apache-2.0 */
/* The parent and its PC/SC child: what is known when something breaks. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card/card.h"
#include "card/fake_pcsc.h"
#include "card/pcsc.h"
#include "card/pcsc_codes.h"
#include "util/lock.h"

#define SHORT_MS 150 /* for calls that never return */

static const uint8_t apdu[] = { 0x80, 0x2A, 0x00, 0x00 };

static hl_deadline
later(void)
{
	return hl_deadline_in(50000);
}

static hl_channel *
open_channel(void)
{
	hl_channel *ch = NULL;

	assert_int_equal(
	    hl_pcsc_channel(&ch, "Alpha 00", later(), NULL), HL_OK);
	assert_non_null(ch);
	return ch;
}

static hl_rc
transmit(hl_channel *ch, hl_deadline until, hl_exec *exec, hl_err *err)
{
	hl_buf answer = HL_BUF_INIT;
	hl_rc rc;

	*exec = HL_EXEC_YES;
	rc = ch->ops->transmit(
	    ch, apdu, sizeof(apdu), &answer, exec, until, err);
	if (rc == HL_OK) {
		assert_int_equal(answer.n, 3);
		assert_memory_equal(answer.p, "\xAB\x90\x00", 3);
		assert_int_equal(*exec, HL_EXEC_YES);
	}
	hl_buf_free(&answer);
	return rc;
}

static void
one_exchange_from_open_to_close(void **state)
{
	hl_channel *ch;
	hl_exec exec;

	(void)state;
	fake_reset();
	ch = open_channel();
	assert_int_equal(ch->atr_n, 3);
	assert_memory_equal(ch->atr, "\x3B\x80\x01", 3);
	assert_int_equal(ch->protocol, 1);
	assert_string_equal(fake_saw->reader, "Alpha 00");
	assert_int_equal(fake_saw->share, SCARD_SHARE_SHARED);
	assert_int_equal(
	    fake_saw->protocols, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1);
	assert_int_equal(fake_saw->calls[FAKE_BEGIN], 1);
	assert_int_not_equal(fake_saw->pid, getpid());
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_OK);
	assert_int_equal(fake_saw->apdu_n, sizeof(apdu));
	assert_memory_equal(fake_saw->apdu, apdu, sizeof(apdu));
	assert_ptr_equal(fake_saw->pci, SCARD_PCI_T1);
	ch->ops->close(ch);
	assert_int_equal(fake_saw->calls[FAKE_END], 1);
	assert_int_equal(fake_saw->end, SCARD_LEAVE_CARD);
	assert_int_equal(fake_saw->disconnect, SCARD_LEAVE_CARD);
	assert_int_equal(fake_saw->calls[FAKE_RELEASE], 1);
	fake_no_child();
}

/* Commands and answers may be secret: the child keeps neither. */
static void
child_keeps_nothing(void **state)
{
	static const LONG codes[] = { SCARD_S_SUCCESS, SCARD_F_COMM_ERROR };
	static const uint8_t secret[] = { 0x80, 0xDA, 0, 0, 4, 1, 2, 3, 4 };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(codes); i++) {
		hl_buf answer = HL_BUF_INIT;
		hl_channel *ch;
		hl_exec exec;
		hl_rc rc;

		fake_reset();
		fake_code(FAKE_TRANSMIT, codes[i]);
		ch = open_channel();
		rc = ch->ops->transmit(
		    ch, secret, sizeof(secret), &answer, &exec, later(), NULL);
		assert_int_equal(rc == HL_OK, codes[i] == SCARD_S_SUCCESS);
		hl_buf_free(&answer);
		ch->ops->close(ch);
		assert_int_equal(fake_saw->calls[FAKE_END], 1);
		if (!fake_saw->wiped)
			fail_msg("after code %08lX", (unsigned long)codes[i]);
	}
}

static void
t0_cards_are_told_so(void **state)
{
	hl_channel *ch;
	hl_exec exec;

	(void)state;
	fake_reset();
	fake.protocol = SCARD_PROTOCOL_T0;
	ch = open_channel();
	assert_int_equal(ch->protocol, 0);
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_OK);
	assert_ptr_equal(fake_saw->pci, SCARD_PCI_T0);
	ch->ops->close(ch);
}

/* Locks, stores and pipes of the parent are not held open by the child. */
static void
child_inherits_nothing(void **state)
{
	int fd[2];
	hl_channel *ch;
	hl_exec exec;
	struct sigaction sa;
	sigset_t mask;

	(void)state;
	fake_reset();
	assert_int_equal(pipe(fd), 0);
	(void)signal(SIGUSR1, SIG_IGN);
	(void)sigemptyset(&mask);
	(void)sigaddset(&mask, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &mask, NULL);
	ch = open_channel();
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_OK);
	for (int i = 4; i < FAKE_FDS; i++)
		assert_false(fake_saw->fds[i]);
	assert_true(fake_saw->int_ignored);
	assert_true(fake_saw->usr1_default);
	assert_false(fake_saw->usr2_blocked);
	ch->ops->close(ch);
	/* ... and the parent's own signals are as they were. */
	(void)sigaction(SIGUSR1, NULL, &sa);
	assert_true(sa.sa_handler == SIG_IGN);
	(void)sigaction(SIGPIPE, NULL, &sa);
	assert_true(sa.sa_handler == SIG_DFL);
	(void)sigaction(SIGCHLD, NULL, &sa);
	assert_true(sa.sa_handler == SIG_DFL);
	(void)signal(SIGUSR1, SIG_DFL);
	(void)sigprocmask(SIG_UNBLOCK, &mask, NULL);
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void
deadline_ends_a_mute_card(void **state)
{
	hl_channel *ch;
	hl_exec exec;
	hl_err err = { 0 };
	pid_t child;

	(void)state;
	fake_reset();
	fake_code(FAKE_TRANSMIT, FAKE_HANG);
	ch = open_channel();
	assert_int_equal(
	    transmit(ch, hl_deadline_in(SHORT_MS), &exec, &err), HL_ETIMEOUT);
	assert_int_equal(exec, HL_EXEC_UNKNOWN);
	assert_non_null(strstr(err.what, "\"Alpha 00\""));
	child = fake_saw->pid;
	assert_int_equal(kill(child, 0), -1);
	assert_int_equal(errno, ESRCH);
	fake_no_child();
	/* Nothing goes out over what is left of the connection. */
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_ECARD);
	assert_int_equal(exec, HL_EXEC_NO);
	assert_int_equal(fake_saw->calls[FAKE_TRANSMIT], 1);
	/* A new one works. */
	fake_code(FAKE_TRANSMIT, SCARD_S_SUCCESS);
	assert_int_equal(ch->ops->reconnect(ch, later(), NULL), HL_OK);
	assert_int_not_equal(fake_saw->pid, child);
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_OK);
	ch->ops->close(ch);
	fake_no_child();
}

static void
no_time_left_sends_nothing(void **state)
{
	hl_channel *ch;
	hl_exec exec;

	(void)state;
	fake_reset();
	ch = open_channel();
	assert_int_equal(
	    transmit(ch, hl_deadline_in(0), &exec, NULL), HL_ETIMEOUT);
	assert_int_equal(exec, HL_EXEC_NO);
	assert_int_equal(fake_saw->calls[FAKE_TRANSMIT], 0);
	ch->ops->close(ch);
}

static void
crash_during_transmit_is_unknown(void **state)
{
	hl_channel *ch;
	hl_exec exec;

	(void)state;
	fake_reset();
	fake_code(FAKE_TRANSMIT, FAKE_CRASH);
	ch = open_channel();
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_ECARD);
	assert_int_equal(exec, HL_EXEC_UNKNOWN);
	fake_no_child();
	ch->ops->close(ch);
	fake_no_child();
}

/* A child that died while idle never got the command, and a write to it must
 * not kill this process. */
static void
dead_child_gets_nothing(void **state)
{
	siginfo_t info;
	hl_channel *ch;
	hl_exec exec;

	(void)state;
	fake_reset();
	ch = open_channel();
	assert_int_equal(kill(fake_saw->pid, SIGKILL), 0);
	assert_int_equal(
	    waitid(P_PID, (id_t)fake_saw->pid, &info, WEXITED | WNOWAIT), 0);
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_EIO);
	assert_int_equal(exec, HL_EXEC_NO);
	fake_no_child();
	ch->ops->close(ch);
}

static void
too_long_a_command_is_not_sent(void **state)
{
	static uint8_t big[HL_PCSC_BODY_MAX + 1];
	hl_buf answer = HL_BUF_INIT;
	hl_channel *ch;
	hl_exec exec = HL_EXEC_YES;

	(void)state;
	fake_reset();
	ch = open_channel();
	assert_int_equal(ch->ops->transmit(ch, big, sizeof(big), &answer, &exec,
			     later(), NULL),
	    HL_EINPUT);
	assert_int_equal(exec, HL_EXEC_NO);
	ch->ops->close(ch);
	ch = open_channel();
	assert_int_equal(ch->ops->transmit(ch, big, sizeof(big) - 1, &answer,
			     &exec, later(), NULL),
	    HL_OK);
	assert_int_equal(fake_saw->apdu_n, sizeof(big) - 1);
	ch->ops->close(ch);
	hl_buf_free(&answer);
}

/* The table decides; the length that a failed call leaves is not looked at.
 * After any failure the card is reset, so that nothing half-done stays. */
static void
every_code_of_transmit(void **state)
{
	static const struct {
		LONG code;
		hl_exec exec;
	} rows[] = {
		{ SCARD_F_COMM_ERROR, HL_EXEC_UNKNOWN },
		{ SCARD_E_NOT_TRANSACTED, HL_EXEC_UNKNOWN },
		{ SCARD_E_INSUFFICIENT_BUFFER, HL_EXEC_UNKNOWN },
		{ SCARD_W_RESET_CARD, HL_EXEC_NO },
		{ SCARD_W_REMOVED_CARD, HL_EXEC_NO },
		{ SCARD_E_NO_SMARTCARD, HL_EXEC_UNKNOWN },
		{ SCARD_E_SHARING_VIOLATION, HL_EXEC_NO },
		{ SCARD_E_NO_SERVICE, HL_EXEC_NO },
		{ 0x80100099L, HL_EXEC_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < HL_COUNT(rows); i++) {
		const hl_pcsc_code *c =
		    hl_pcsc_code_find((uint32_t)rows[i].code);
		hl_channel *ch;
		hl_exec exec;
		hl_err err = { 0 };

		fake_reset();
		fake_code(FAKE_TRANSMIT, rows[i].code);
		fake.answer_n = 80000;
		ch = open_channel();
		CHECK(transmit(ch, later(), &exec, &err) == c->rc, c->name);
		CHECK(exec == rows[i].exec, c->name);
		CHECK(strstr(err.why, c->name) != NULL, c->name);
		CHECK(strstr(err.why, "SCardTransmit") != NULL, c->name);
		ch->ops->close(ch);
		CHECK(fake_saw->end == SCARD_RESET_CARD, c->name);
		CHECK(fake_saw->disconnect == SCARD_RESET_CARD, c->name);
		fake_no_child();
	}
}

static void
success_without_status_word_is_unknown(void **state)
{
	static const DWORD sizes[] = { 0, 1, 70000 };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(sizes); i++) {
		hl_channel *ch;
		hl_exec exec;

		fake_reset();
		fake.answer_n = sizes[i];
		ch = open_channel();
		assert_int_equal(transmit(ch, later(), &exec, NULL), HL_ECARD);
		assert_int_equal(exec, HL_EXEC_UNKNOWN);
		ch->ops->close(ch);
		assert_int_equal(fake_saw->end, SCARD_RESET_CARD);
	}
}

#define OK SCARD_S_SUCCESS
#define SHARING SCARD_E_SHARING_VIOLATION
#define DENIED SCARD_W_SECURITY_VIOLATION

static const struct {
	const char *why;
	fake_call call;
	unsigned n;
	LONG codes[FAKE_PLAN];
	hl_rc rc;
	unsigned calls;	  /* of that call; 0: not counted */
	const char *says; /* in `why` or `hint` */
} opens[] = {
	{ "no service", FAKE_ESTABLISH, 1, { SCARD_E_NO_SERVICE }, HL_ENODEV, 1,
	    "pcscd" },
	{ "service just ending", FAKE_ESTABLISH, 2, { DENIED, OK }, HL_OK, 2,
	    "" },
	{ "denied", FAKE_ESTABLISH, 1, { DENIED }, HL_EACCESS, 2,
	    "polkit refuses org.debian.pcsc-lite.access_pcsc" },
	{ "card denied", FAKE_CONNECT, 1, { DENIED }, HL_EACCESS, 1,
	    "polkit refuses org.debian.pcsc-lite.access_card" },
	{ "service never answers", FAKE_ESTABLISH, 1, { FAKE_HANG },
	    HL_ETIMEOUT, 1, "SCardEstablishContext" },
	{ "library crashes", FAKE_ESTABLISH, 1, { FAKE_CRASH }, HL_EIO, 1,
	    "SCardEstablishContext" },
	{ "no such reader", FAKE_CONNECT, 1, { SCARD_E_UNKNOWN_READER },
	    HL_ENODEV, 1, "no reader of this name" },
	{ "no card", FAKE_CONNECT, 1, { SCARD_E_NO_SMARTCARD }, HL_ENODEV, 1,
	    "no card" },
	{ "card without power", FAKE_CONNECT, 1, { SCARD_W_UNPOWERED_CARD },
	    HL_ECARD, 1, "answer to reset" },
	{ "no protocol", FAKE_CONNECT, 1, { SCARD_E_PROTO_MISMATCH }, HL_ECARD,
	    1, "T=0 nor T=1" },
	{ "held by others for a while", FAKE_CONNECT, 3,
	    { SHARING, SHARING, OK }, HL_OK, 3, "" },
	{ "held by others", FAKE_CONNECT, 1, { SHARING }, HL_EBUSY, 0,
	    "another program" },
	{ "removed says connect", FAKE_CONNECT, 1, { SCARD_W_REMOVED_CARD },
	    HL_ENODEV, 1, "taken out" },
	{ "connect blocks", FAKE_CONNECT, 1, { FAKE_HANG }, HL_ETIMEOUT, 1,
	    "SCardConnect" },
	{ "reset before the transaction", FAKE_BEGIN, 2,
	    { SCARD_W_RESET_CARD, OK }, HL_OK, 2, "" },
	{ "removed before the transaction, back again", FAKE_BEGIN, 2,
	    { SCARD_W_REMOVED_CARD, OK }, HL_OK, 2, "" },
	{ "another's transaction", FAKE_BEGIN, 1, { FAKE_HANG }, HL_EBUSY, 1,
	    "another program" },
	{ "reset after begin", FAKE_STATUS, 2, { SCARD_W_RESET_CARD, OK },
	    HL_OK, 2, "" },
	{ "reset again and again", FAKE_STATUS, 1, { SCARD_W_RESET_CARD },
	    HL_EBUSY, 0, "reset" },
};

static void
open_tells_what_is_wrong(void **state)
{
	(void)state;
	for (size_t i = 0; i < HL_COUNT(opens); i++) {
		const char *why = opens[i].why;
		bool ends =
		    opens[i].codes[0] != FAKE_HANG && opens[i].calls != 0;
		hl_channel *ch = NULL;
		hl_err err = { 0 };

		fake_reset();
		fake_codes(opens[i].call, opens[i].n, opens[i].codes);
		CHECK(hl_pcsc_channel(&ch, "Alpha 00",
			  ends ? later() : hl_deadline_in(SHORT_MS),
			  &err) == opens[i].rc,
		    why);
		CHECK((ch != NULL) == (opens[i].rc == HL_OK), why);
		CHECK(err.rc == opens[i].rc, why);
		CHECK(strstr(err.why, opens[i].says) != NULL ||
			strstr(err.hint, opens[i].says) != NULL,
		    why);
		CHECK(opens[i].calls == 0 ||
			fake_saw->calls[opens[i].call] == opens[i].calls,
		    why);
		if (ch != NULL)
			ch->ops->close(ch);
		else
			CHECK(strstr(err.what, "\"Alpha 00\"") != NULL, why);
		fake_no_child();
	}
}

/* Removed at begin, and gone at the connect that follows. */
static void
removed_card_ends_the_retries(void **state)
{
	static const LONG codes[] = { OK, SCARD_E_NO_SMARTCARD };
	hl_channel *ch;

	(void)state;
	fake_reset();
	fake_code(FAKE_BEGIN, SCARD_W_REMOVED_CARD);
	fake_codes(FAKE_CONNECT, 2, codes);
	assert_int_equal(
	    hl_pcsc_channel(&ch, "Alpha 00", later(), NULL), HL_ENODEV);
	assert_null(ch);
	assert_int_equal(fake_saw->calls[FAKE_CONNECT], 2);
	assert_int_equal(fake_saw->calls[FAKE_DISCONNECT], 1);
	fake_no_child();
}

/* A service that ends says at the connect what it says of a refusal. */
static void
service_ending_at_the_connect_refuses_nothing(void **state)
{
	static const LONG ends[] = { DENIED, SCARD_E_NO_SERVICE };
	hl_channel *ch;
	hl_err err = { 0 };

	(void)state;
	for (size_t i = 0; i < HL_COUNT(ends); i++) {
		fake_reset();
		fake_code(FAKE_CONNECT, DENIED);
		fake_code(FAKE_LIST, ends[i]);
		assert_int_equal(
		    hl_pcsc_channel(&ch, "Alpha 00", later(), &err), HL_ENODEV);
		assert_non_null(strstr(err.why, "SCARD_E_NO_SERVICE"));
		assert_int_equal(fake_saw->calls[FAKE_CONNECT], 1);
		fake_no_child();
	}
}

static void
failed_reconnect_leaves_nothing(void **state)
{
	hl_channel *ch;
	hl_exec exec;

	(void)state;
	fake_reset();
	ch = open_channel();
	fake_code(FAKE_CONNECT, SCARD_E_NO_SMARTCARD);
	assert_int_equal(ch->ops->reconnect(ch, later(), NULL), HL_ENODEV);
	fake_no_child();
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_ECARD);
	assert_int_equal(exec, HL_EXEC_NO);
	fake_code(FAKE_CONNECT, OK);
	assert_int_equal(ch->ops->reconnect(ch, later(), NULL), HL_OK);
	ch->ops->close(ch);
	fake_no_child();
}

static void
close_does_not_wait_for_ever(void **state)
{
	hl_channel *ch;

	(void)state;
	fake_reset();
	fake_code(FAKE_END, FAKE_HANG);
	ch = open_channel();
	ch->ops->close(ch);
	fake_no_child();
}

/* The child of a killed process goes with it, also out of a blocked call. */
static void
child_dies_with_its_parent(void **state)
{
	hl_channel *ch;
	hl_exec exec;
	pid_t user;
	int st;

	(void)state;
	fake_reset();
	fake_code(FAKE_TRANSMIT, FAKE_HANG);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	user = fork();
	if (user == 0) {
		if (hl_pcsc_channel(&ch, "Alpha 00", later(), NULL) == HL_OK)
			(void)transmit(ch, later(), &exec, NULL);
		_exit(1);
	}
	while (((volatile fake_seen *)fake_saw)->calls[FAKE_TRANSMIT] == 0)
		hl_sleep_ms(1);
	assert_int_equal(kill(user, SIGKILL), 0);
	assert_int_equal(waitpid(user, &st, 0), user);
	assert_int_equal(waitpid(fake_saw->pid, &st, 0), fake_saw->pid);
	assert_true(WIFSIGNALED(st) && WTERMSIG(st) == SIGKILL);
	fake_no_child();
}

/* Ctrl-C reaches the whole group; only the parent decides what it means. */
static void
child_outlives_the_terminals_signals(void **state)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	hl_channel *ch;
	hl_exec exec;

	(void)state;
	fake_reset();
	ch = open_channel();
	for (size_t i = 0; i < HL_COUNT(signals); i++)
		assert_int_equal(kill(fake_saw->pid, signals[i]), 0);
	assert_int_equal(transmit(ch, later(), &exec, NULL), HL_OK);
	ch->ops->close(ch);
}

/* One process of this program at a time asks for a reader. */
static void
processes_queue_on_a_lock_file(void **state)
{
	char dir[] = "/tmp/hsmlic-card-XXXXXX", path[128];
	hl_card_options opt = { .until = hl_deadline_in(SHORT_MS),
		.lock_dir = dir };
	hl_card *card = NULL;
	hl_lock *lock = NULL;
	hl_err err = { 0 };

	(void)state;
	fake_reset();
	assert_non_null(mkdtemp(dir));
	/* printf 'Alpha 00' | sha256sum | head -c 16 */
	snprintf(
	    path, sizeof(path), "%s/reader-%s.lock", dir, "c16d637690d094c5");
	assert_int_equal(hl_lock_take(&lock, path, later(), NULL), HL_OK);
	assert_int_equal(hl_card_open(&card, "Alpha 00", &opt, &err), HL_EBUSY);
	assert_null(card);
	assert_int_equal(fake_saw->calls[FAKE_ESTABLISH], 0);
	assert_int_equal(err.units_spent, 0);
	hl_lock_free(&lock, false);
	opt.until = later();
	assert_int_equal(hl_card_open(&card, "Alpha 00", &opt, NULL), HL_OK);
	assert_true(hl_lock_held(path));
	hl_card_close(&card);
	assert_false(hl_lock_held(path));
	/* A card that cannot be opened leaves the reader free. */
	fake_code(FAKE_CONNECT, SCARD_E_NO_SMARTCARD);
	assert_int_equal(
	    hl_card_open(&card, "Alpha 00", &opt, NULL), HL_ENODEV);
	assert_false(hl_lock_held(path));
	fake_no_child();
	(void)unlink(path);
	(void)rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_exchange_from_open_to_close),
		cmocka_unit_test(child_keeps_nothing),
		cmocka_unit_test(t0_cards_are_told_so),
		cmocka_unit_test(child_inherits_nothing),
		cmocka_unit_test(deadline_ends_a_mute_card),
		cmocka_unit_test(no_time_left_sends_nothing),
		cmocka_unit_test(crash_during_transmit_is_unknown),
		cmocka_unit_test(dead_child_gets_nothing),
		cmocka_unit_test(too_long_a_command_is_not_sent),
		cmocka_unit_test(every_code_of_transmit),
		cmocka_unit_test(success_without_status_word_is_unknown),
		cmocka_unit_test(open_tells_what_is_wrong),
		cmocka_unit_test(removed_card_ends_the_retries),
		cmocka_unit_test(service_ending_at_the_connect_refuses_nothing),
		cmocka_unit_test(failed_reconnect_leaves_nothing),
		cmocka_unit_test(close_does_not_wait_for_ever),
		cmocka_unit_test(child_dies_with_its_parent),
		cmocka_unit_test(child_outlives_the_terminals_signals),
		cmocka_unit_test(processes_queue_on_a_lock_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

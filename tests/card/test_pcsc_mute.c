/* SPDX-License-Identifier: Apache-2.0 */
/* The real PC/SC library against a service that never says a word. */
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "card/card.h"
#include "card/reader.h"
#include "util/rows.h"

#define SHORT_MS 200

static char dir[] = "/tmp/hsmlic-mute-XXXXXX";
static struct sockaddr_un addr = { .sun_family = AF_UNIX };

static void
no_child_is_left(void)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
open_and_list(hl_rc want, hl_err *list_err)
{
	hl_card_options opt = { .until = hl_deadline_in(SHORT_MS) };
	hl_reader *r;
	hl_card *card;
	hl_err err = { 0 };
	size_t n;

	assert_int_equal(
	    hl_reader_list(&r, &n, hl_deadline_in(SHORT_MS), list_err), want);
	assert_null(r);
	assert_int_equal(n, 0);
	no_child_is_left();
	assert_int_equal(hl_card_open(&card, "Any", &opt, &err), want);
	assert_null(card);
	assert_int_equal(err.units_spent, 0);
	no_child_is_left();
}

static void
no_service_is_no_device(void **state)
{
	hl_err err = { 0 };

	(void)state;
	open_and_list(HL_ENODEV, &err);
	assert_non_null(strstr(err.hint, "pcscd"));
}

static void
mute_service_ends_at_the_deadline(void **state)
{
	int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	hl_err err = { 0 };

	(void)state;
	assert_int_equal(
	    bind(s, (struct sockaddr *)(void *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(s, 8), 0);
	open_and_list(HL_ETIMEOUT, &err);
	assert_non_null(strstr(err.why, "SCardEstablishContext"));
	(void)close(s);
	(void)unlink(addr.sun_path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_service_is_no_device),
		cmocka_unit_test(mute_service_ends_at_the_deadline),
	};
	int failed;

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/s", dir);
	if (setenv("PCSCLITE_CSOCK_NAME", addr.sun_path, 1) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	(void)rmdir(dir);
	return failed;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* What to do where polkit keeps a user from the cards. */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/pcsc_codes.h"
#include "cli/doctor.h"

/* Where `cmake --install` puts it, and the group that it lets. */
#define RULE HSMLIC_DOC_DIR "/examples/60-hsmlic.rules"
#define RULES_DIR "/etc/polkit-1/rules.d"
#define GROUP "hsmlic"

/* pcscd asks polkit about the effective user of its client. */
static void
user_name(char *out, size_t size)
{
	const struct passwd *pw = getpwuid(geteuid());

	if (pw == NULL || !hl_text_word(out, size, pw->pw_name))
		(void)snprintf(out, size, "USER");
}

static const char *
why_not(void)
{
	const char *ssh = getenv("SSH_CONNECTION");

	if (ssh != NULL && ssh[0] != '\0')
		return "This session came over SSH, and unless a rule says "
		       "more, polkit lets only who sits at this machine";
	return "Unless a rule says more, polkit lets only who sits at this "
	       "machine, no service and nobody over SSH";
}

void
hl_doctor_refused(hl_doctor *d, const char *name, const hl_err *err)
{
	const char *action = hl_pcsc_refused(err);
	char user[HL_TEXT_MAX], remedy[2 * HL_ERR_HINT];

	if (action == NULL) {
		hl_doctor_error(d, name, err);
		return;
	}
	user_name(user, sizeof(user));
	(void)hl_text_format(remedy, sizeof(remedy),
	    "as root: install -m 0644 %s " RULES_DIR "/ && groupadd -f " GROUP
	    " && usermod -aG " GROUP
	    " %s; that file allows %s to this group%s. "
	    "%s. journalctl -u pcscd shows who was refused what",
	    RULE, user, action,
	    strcmp(action, HL_POLKIT_CARD) == 0
		? ", where its list of readers is empty or names this one"
		: "",
	    why_not());
	hl_doctor_fail(d, name, remedy, "%s: %s; the user is %s (%lu)",
	    err->what, err->why, user, (unsigned long)geteuid());
}

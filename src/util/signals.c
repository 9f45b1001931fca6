/* SPDX-License-Identifier: Apache-2.0 */
#include "util/signals.h"

#include <stddef.h>

void
hl_signals_hold(sigset_t *was)
{
	sigset_t held;

	(void)sigemptyset(&held);
	(void)sigaddset(&held, SIGINT);
	(void)sigaddset(&held, SIGTERM);
	(void)sigaddset(&held, SIGHUP);
	(void)sigaddset(&held, SIGQUIT);
	(void)pthread_sigmask(SIG_BLOCK, &held, was);
}

void
hl_signals_release(const sigset_t *was)
{
	(void)pthread_sigmask(SIG_SETMASK, was, NULL);
}

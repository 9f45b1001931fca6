/* SPDX-License-Identifier: Apache-2.0 */
#include "card/fake_pcsc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTEXT 11
#define HANDLE 12

fake_plan fake;
fake_seen *fake_saw;

/* The buffers of the last Transmit, in the process under test. */
static struct {
	const uint8_t *in, *out;
	size_t in_n, out_n;
} last;

LONG __wrap_SCardEstablishContext(
    DWORD scope, LPCVOID a, LPCVOID b, LPSCARDCONTEXT out);
LONG __wrap_SCardReleaseContext(SCARDCONTEXT ctx);
LONG __wrap_SCardConnect(SCARDCONTEXT ctx, LPCSTR reader, DWORD share,
    DWORD protocols, LPSCARDHANDLE out, LPDWORD protocol);
LONG __wrap_SCardDisconnect(SCARDHANDLE card, DWORD how);
LONG __wrap_SCardBeginTransaction(SCARDHANDLE card);
LONG __wrap_SCardEndTransaction(SCARDHANDLE card, DWORD how);
LONG __wrap_SCardStatus(SCARDHANDLE card, LPSTR name, LPDWORD name_n,
    LPDWORD state, LPDWORD protocol, LPBYTE atr, LPDWORD atr_n);
LONG __wrap_SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *pci,
    LPCBYTE apdu, DWORD n, SCARD_IO_REQUEST *got, LPBYTE out, LPDWORD out_n);
LONG
__wrap_SCardListReaders(SCARDCONTEXT ctx, LPCSTR groups, LPSTR out, LPDWORD n);
LONG __wrap_SCardGetStatusChange(
    SCARDCONTEXT ctx, DWORD ms, SCARD_READERSTATE *s, DWORD n);

void
fake_reset(void)
{
	if (fake_saw == NULL)
		fake_saw = mmap(NULL, sizeof(*fake_saw), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(fake_saw != MAP_FAILED);
	*fake_saw = (fake_seen){ .pid = 0 };
	fake = (fake_plan){ .protocol = SCARD_PROTOCOL_T1,
		.answer = { 0xAB, 0x90, 0x00 },
		.answer_n = 3,
		.readers = 1,
		.cards = 1 };
}

void
fake_codes(fake_call call, unsigned n, const LONG *codes)
{
	assert_true(n <= FAKE_PLAN);
	memcpy(fake.code[call], codes, n * sizeof(*codes));
	fake.codes[call] = n;
}

void
fake_code(fake_call call, LONG code)
{
	fake_codes(call, 1, &code);
}

void
fake_no_child(void)
{
	errno = 0;
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static LONG
play(fake_call call)
{
	unsigned at = fake_saw->calls[call]++, n = fake.codes[call];
	LONG code =
	    n == 0 ? SCARD_S_SUCCESS : fake.code[call][at < n ? at : n - 1];

	fake_saw->pid = getpid();
	while (code == FAKE_HANG)
		(void)pause();
	if (code == FAKE_CRASH)
		(void)kill(getpid(), SIGSEGV);
	return code;
}

LONG
__wrap_SCardEstablishContext(
    DWORD scope, LPCVOID a, LPCVOID b, LPSCARDCONTEXT out)
{
	(void)scope;
	(void)a;
	(void)b;
	*out = CONTEXT;
	return play(FAKE_ESTABLISH);
}

LONG
__wrap_SCardReleaseContext(SCARDCONTEXT ctx)
{
	return ctx == CONTEXT ? play(FAKE_RELEASE) : SCARD_E_INVALID_HANDLE;
}

LONG
__wrap_SCardConnect(SCARDCONTEXT ctx, LPCSTR reader, DWORD share,
    DWORD protocols, LPSCARDHANDLE out, LPDWORD protocol)
{
	if (ctx != CONTEXT)
		return SCARD_E_INVALID_HANDLE;
	snprintf(fake_saw->reader, sizeof(fake_saw->reader), "%s", reader);
	fake_saw->share = share;
	fake_saw->protocols = protocols;
	*out = HANDLE;
	*protocol = fake.protocol;
	return play(FAKE_CONNECT);
}

LONG
__wrap_SCardDisconnect(SCARDHANDLE card, DWORD how)
{
	fake_saw->disconnect = how;
	return card == HANDLE ? play(FAKE_DISCONNECT) : SCARD_E_INVALID_HANDLE;
}

LONG
__wrap_SCardBeginTransaction(SCARDHANDLE card)
{
	return card == HANDLE ? play(FAKE_BEGIN) : SCARD_E_INVALID_HANDLE;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

LONG
__wrap_SCardEndTransaction(SCARDHANDLE card, DWORD how)
{
	fake_saw->wiped =
	    all_zero(last.in, last.in_n) && all_zero(last.out, last.out_n);
	fake_saw->end = how;
	return card == HANDLE ? play(FAKE_END) : SCARD_E_INVALID_HANDLE;
}

LONG
__wrap_SCardStatus(SCARDHANDLE card, LPSTR name, LPDWORD name_n, LPDWORD state,
    LPDWORD protocol, LPBYTE atr, LPDWORD atr_n)
{
	(void)card;
	(void)name;
	(void)name_n;
	(void)state;
	*protocol = fake.protocol;
	memcpy(atr, "\x3B\x80\x01", 3);
	*atr_n = 3;
	return play(FAKE_STATUS);
}

/* What the process under test looks like from inside. */
static void
look_around(void)
{
	struct sigaction sa;
	sigset_t mask;

	for (int fd = 0; fd < FAKE_FDS; fd++)
		fake_saw->fds[fd] = fcntl(fd, F_GETFD) >= 0;
	(void)sigaction(SIGINT, NULL, &sa);
	fake_saw->int_ignored = sa.sa_handler == SIG_IGN;
	(void)sigaction(SIGUSR1, NULL, &sa);
	fake_saw->usr1_default = sa.sa_handler == SIG_DFL;
	(void)sigprocmask(SIG_SETMASK, NULL, &mask);
	fake_saw->usr2_blocked = sigismember(&mask, SIGUSR2) == 1;
}

LONG
__wrap_SCardTransmit(SCARDHANDLE card, const SCARD_IO_REQUEST *pci,
    LPCBYTE apdu, DWORD n, SCARD_IO_REQUEST *got, LPBYTE out, LPDWORD out_n)
{
	LONG code;

	if (card != HANDLE || got == NULL || *out_n < 65538)
		return SCARD_E_INVALID_PARAMETER;
	look_around();
	fake_saw->pci = pci;
	fake_saw->apdu_n = n;
	memcpy(fake_saw->apdu, apdu,
	    n < sizeof(fake_saw->apdu) ? n : sizeof(fake_saw->apdu));
	code = play(FAKE_TRANSMIT);
	*out_n = fake.answer_n;
	last.in = apdu;
	last.in_n = n;
	last.out = out;
	last.out_n = 0;
	if (fake.answer_n <= sizeof(fake.answer)) {
		memcpy(out, fake.answer, fake.answer_n);
		last.out_n = fake.answer_n;
	}
	return code;
}

LONG
__wrap_SCardListReaders(SCARDCONTEXT ctx, LPCSTR groups, LPSTR out, LPDWORD n)
{
	static const char names[] = "Alpha 00\0Beta 01\0Gamma 02\0";
	static const size_t ends[FAKE_READERS + 1] = { 0, 9, 17, 26 };
	LONG code = play(FAKE_LIST);

	(void)groups;
	if (ctx != CONTEXT || code != SCARD_S_SUCCESS)
		return code;
	if (fake.readers == 0)
		return SCARD_E_NO_READERS_AVAILABLE;
	if (*n < sizeof(names))
		return SCARD_E_INSUFFICIENT_BUFFER;
	memcpy(out, names, ends[fake.readers]);
	out[ends[fake.readers]] = '\0';
	*n = ends[fake.readers] + 1;
	return code;
}

LONG
__wrap_SCardGetStatusChange(
    SCARDCONTEXT ctx, DWORD ms, SCARD_READERSTATE *s, DWORD n)
{
	unsigned at = fake_saw->calls[FAKE_CHANGE] + 1;
	unsigned cards = fake.cards;
	LONG code = play(FAKE_CHANGE);

	if (ctx != CONTEXT || code != SCARD_S_SUCCESS)
		return code;
	if (fake.appear_at != 0 && at >= fake.appear_at)
		cards++;
	for (DWORD i = 0; i < n; i++) {
		bool card = i < cards;

		s[i].dwEventState = SCARD_STATE_CHANGED |
		    (card ? SCARD_STATE_PRESENT | SCARD_STATE_INUSE | 1UL << 16
			  : SCARD_STATE_EMPTY);
		s[i].cbAtr = card ? 2 : 0;
		memcpy(s[i].rgbAtr, "\x3B\x00", 2);
	}
	if (ms == 0)
		return SCARD_S_SUCCESS;
	(void)usleep(1000);
	return SCARD_E_TIMEOUT;
}

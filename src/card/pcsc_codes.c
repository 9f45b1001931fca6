/* SPDX-License-Identifier: Apache-2.0 */
#include "card/pcsc_codes.h"

#include <string.h>

#include <winscard.h>

#define HINT_AGAIN "try again"
#define HINT_BUSY                                                              \
	"close the other program that uses the card, or give it more time "    \
	"with --timeout"
#define HINT_CARD                                                              \
	"take the card out, clean its contacts, put it in the right way "      \
	"round; try another reader"
#define HINT_INSERT "put the card into the reader"
#define HINT_PCSCD "start the service (systemctl start pcscd.socket)"
#define HINT_POLKIT                                                            \
	"let this user reach smart cards: outside of a local session that "    \
	"takes a polkit rule, and hsmlic doctor says how to install one"
#define HINT_READER "connect the reader; `hsmlic card list` shows the names"
#define HINT_REPORT                                                            \
	"this is not expected of an exchange of plain commands: run with -vv " \
	"and look at the log of pcscd"
#define HINT_RESTART "look at the log of pcscd, restart it"

#define ROW(code, exec, rc, why, hint)                                         \
	{                                                                      \
		(uint32_t)(code), #code, exec, rc, why, hint                   \
	}

/*
 * "Not executed" stands only where it was measured: pcscd refuses before it
 * talks to the reader. INSUFFICIENT_BUFFER means executed and the answer lost,
 * which is no better than unknown. NO_SMARTCARD is a refusal when the reader
 * was empty before, but also what is left of an exchange in which the card was
 * pulled out (the driver's IFD_ICC_NOT_PRESENT).
 */
static const hl_pcsc_code codes[] = {
	ROW(SCARD_S_SUCCESS, HL_EXEC_YES, HL_OK, "it was done", ""),
	ROW(SCARD_F_INTERNAL_ERROR, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service failed inside", HINT_RESTART),
	ROW(SCARD_E_CANCELLED, HL_EXEC_UNKNOWN, HL_ETIMEOUT,
	    "the call was cancelled", HINT_AGAIN),
	ROW(SCARD_E_INVALID_HANDLE, HL_EXEC_NO, HL_ECARD,
	    "the PC/SC service no longer knows this connection", HINT_AGAIN),
	ROW(SCARD_E_INVALID_PARAMETER, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service refused a parameter", HINT_REPORT),
	ROW(SCARD_E_INVALID_TARGET, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service lacks its start-up information", HINT_RESTART),
	ROW(SCARD_E_NO_MEMORY, HL_EXEC_UNKNOWN, HL_ENOMEM,
	    "the PC/SC service is out of memory",
	    "free memory, then try again"),
	ROW(SCARD_F_WAITED_TOO_LONG, HL_EXEC_UNKNOWN, HL_ETIMEOUT,
	    "a timer of the PC/SC service ran out", HINT_AGAIN),
	ROW(SCARD_E_INSUFFICIENT_BUFFER, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the answer of the card is longer than PC/SC can hand over",
	    HINT_CARD),
	ROW(SCARD_E_UNKNOWN_READER, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "no reader of this name is connected", HINT_READER),
	ROW(SCARD_E_TIMEOUT, HL_EXEC_UNKNOWN, HL_ETIMEOUT,
	    "the time given ran out", HINT_AGAIN),
	ROW(SCARD_E_SHARING_VIOLATION, HL_EXEC_NO, HL_EBUSY,
	    "another program holds the card", HINT_BUSY),
	ROW(SCARD_E_NO_SMARTCARD, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "no card is in the reader", HINT_INSERT),
	ROW(SCARD_E_UNKNOWN_CARD, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service does not know this card", HINT_REPORT),
	ROW(SCARD_E_CANT_DISPOSE, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service could not leave the card as asked", HINT_AGAIN),
	ROW(SCARD_E_PROTO_MISMATCH, HL_EXEC_NO, HL_ECARD,
	    "the card speaks neither T=0 nor T=1", HINT_CARD),
	ROW(SCARD_E_NOT_READY, HL_EXEC_UNKNOWN, HL_EBUSY,
	    "the reader or the card is not ready", HINT_AGAIN),
	ROW(SCARD_E_INVALID_VALUE, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service refused a value", HINT_REPORT),
	ROW(SCARD_E_SYSTEM_CANCELLED, HL_EXEC_UNKNOWN, HL_ETIMEOUT,
	    "the system cancelled the call", HINT_AGAIN),
	ROW(SCARD_F_COMM_ERROR, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "the connection to the PC/SC service broke", HINT_PCSCD),
	ROW(SCARD_F_UNKNOWN_ERROR, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service failed for a reason it does not know",
	    HINT_RESTART),
	ROW(SCARD_E_INVALID_ATR, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the answer to reset of the card is not valid", HINT_CARD),
	ROW(SCARD_E_NOT_TRANSACTED, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the exchange between reader and card failed", HINT_CARD),
	ROW(SCARD_E_READER_UNAVAILABLE, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "the reader is not there any more", HINT_READER),
	ROW(SCARD_P_SHUTDOWN, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "the PC/SC service is shutting down", HINT_PCSCD),
	ROW(SCARD_E_PCI_TOO_SMALL, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service needs a larger protocol header", HINT_REPORT),
	ROW(SCARD_E_READER_UNSUPPORTED, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "the driver of the reader does not do what PC/SC needs",
	    "use another reader, or a newer driver"),
	ROW(SCARD_E_DUPLICATE_READER, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "two readers have the same name", "disconnect one of them"),
	ROW(SCARD_E_CARD_UNSUPPORTED, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the PC/SC service does not support this card", HINT_CARD),
	ROW(SCARD_E_NO_SERVICE, HL_EXEC_NO, HL_ENODEV,
	    "the PC/SC service is not running", HINT_PCSCD),
	ROW(SCARD_E_SERVICE_STOPPED, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "the PC/SC service has stopped", HINT_PCSCD),
	ROW(SCARD_E_UNSUPPORTED_FEATURE, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the reader, its driver or the card does not support this",
	    "use another reader, or a newer driver"),
	ROW(SCARD_E_ICC_INSTALLATION, HL_EXEC_UNKNOWN, HL_ECARD,
	    "no provider is installed for the card", HINT_REPORT),
	ROW(SCARD_E_ICC_CREATEORDER, HL_EXEC_UNKNOWN, HL_ECARD,
	    "objects on the card cannot be made in this order", HINT_REPORT),
	{ 0x80100022U, "0x80100022", HL_EXEC_UNKNOWN, HL_ECARD,
	    "the reader, its driver or the card does not support this",
	    "use another reader, or a newer driver" },
	ROW(SCARD_E_DIR_NOT_FOUND, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the directory is not on the card", HINT_REPORT),
	ROW(SCARD_E_FILE_NOT_FOUND, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the file is not on the card", HINT_REPORT),
	ROW(SCARD_E_NO_DIR, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the path names no directory of the card", HINT_REPORT),
	ROW(SCARD_E_NO_FILE, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the path names no file of the card", HINT_REPORT),
	ROW(SCARD_E_NO_ACCESS, HL_EXEC_UNKNOWN, HL_EACCESS, "access is denied",
	    HINT_POLKIT),
	ROW(SCARD_E_WRITE_TOO_MANY, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the card has no room for the data", HINT_REPORT),
	ROW(SCARD_E_BAD_SEEK, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the position in a file of the card could not be set", HINT_REPORT),
	ROW(SCARD_E_INVALID_CHV, HL_EXEC_UNKNOWN, HL_EACCESS,
	    "the card refused the PIN", HINT_REPORT),
	ROW(SCARD_E_UNKNOWN_RES_MNG, HL_EXEC_UNKNOWN, HL_ECARD,
	    "a layer under the PC/SC service returned an unknown code",
	    HINT_RESTART),
	ROW(SCARD_E_NO_SUCH_CERTIFICATE, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the certificate is not on the card", HINT_REPORT),
	ROW(SCARD_E_CERTIFICATE_UNAVAILABLE, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the certificate could not be read from the card", HINT_REPORT),
	ROW(SCARD_E_NO_READERS_AVAILABLE, HL_EXEC_UNKNOWN, HL_ENODEV,
	    "no reader is connected", HINT_READER),
	ROW(SCARD_E_COMM_DATA_LOST, HL_EXEC_UNKNOWN, HL_ECARD,
	    "data between reader and card was lost", HINT_CARD),
	ROW(SCARD_E_NO_KEY_CONTAINER, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the key is not on the card", HINT_REPORT),
	ROW(SCARD_E_SERVER_TOO_BUSY, HL_EXEC_UNKNOWN, HL_EBUSY,
	    "the PC/SC service is too busy", HINT_AGAIN),
	ROW(SCARD_W_UNSUPPORTED_CARD, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the reader cannot talk to this card", HINT_CARD),
	ROW(SCARD_W_UNRESPONSIVE_CARD, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the card does not answer to reset", HINT_CARD),
	ROW(SCARD_W_UNPOWERED_CARD, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the card has no power, or does not answer to reset", HINT_CARD),
	ROW(SCARD_W_RESET_CARD, HL_EXEC_NO, HL_EBUSY,
	    "another program has reset the card", HINT_BUSY),
	ROW(SCARD_W_REMOVED_CARD, HL_EXEC_NO, HL_ENODEV,
	    "the card was taken out of the reader", HINT_INSERT),
	ROW(SCARD_W_SECURITY_VIOLATION, HL_EXEC_UNKNOWN, HL_EACCESS,
	    "access to the PC/SC service is denied", HINT_POLKIT),
	ROW(SCARD_W_WRONG_CHV, HL_EXEC_UNKNOWN, HL_EACCESS,
	    "the card refused the PIN", HINT_REPORT),
	ROW(SCARD_W_CHV_BLOCKED, HL_EXEC_UNKNOWN, HL_EACCESS,
	    "the PIN of the card is blocked", HINT_REPORT),
	ROW(SCARD_W_EOF, HL_EXEC_UNKNOWN, HL_ECARD,
	    "the end of a file of the card was reached", HINT_REPORT),
	ROW(SCARD_W_CANCELLED_BY_USER, HL_EXEC_UNKNOWN, HL_ETIMEOUT,
	    "a person cancelled the call", HINT_AGAIN),
	ROW(SCARD_W_CARD_NOT_AUTHENTICATED, HL_EXEC_UNKNOWN, HL_EACCESS,
	    "the card wants a PIN first", HINT_REPORT),
};

static const hl_pcsc_code unlisted = { 0, "unknown PC/SC code", HL_EXEC_UNKNOWN,
	HL_ECARD, "the PC/SC service failed", HINT_RESTART };

const hl_pcsc_code *
hl_pcsc_code_find(uint32_t code)
{
	for (size_t i = 0; i < HL_COUNT(codes); i++)
		if (codes[i].code == code)
			return &codes[i];
	return &unlisted;
}

/* NULL: not for want of an action. */
static const char *
action_of(const char *call, uint32_t code)
{
	if (code != (uint32_t)SCARD_W_SECURITY_VIOLATION)
		return NULL;
	if (strcmp(call, "SCardEstablishContext") == 0)
		return HL_POLKIT_PCSC;
	return strcmp(call, "SCardConnect") == 0 ? HL_POLKIT_CARD : NULL;
}

hl_rc
hl_pcsc_fail(hl_err *err, const char *what, const char *call, uint32_t code)
{
	const hl_pcsc_code *c = hl_pcsc_code_find(code);
	const char *action = action_of(call, code);

	if (action != NULL)
		return hl_fail(err, c->rc, what, c->hint,
		    "%s: polkit refuses %s (%s: %s, 0x%08X)", c->why, action,
		    call, c->name, (unsigned)code);
	return hl_fail(err, c->rc, what, c->hint, "%s (%s: %s, 0x%08X)", c->why,
	    call, c->name, (unsigned)code);
}

const char *
hl_pcsc_refused(const hl_err *err)
{
	if (err->rc != HL_EACCESS)
		return NULL;
	if (strstr(err->why, HL_POLKIT_PCSC) != NULL)
		return HL_POLKIT_PCSC;
	return strstr(err->why, HL_POLKIT_CARD) != NULL ? HL_POLKIT_CARD : NULL;
}

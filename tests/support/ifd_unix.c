/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reader driver for pcscd (IFD handler 3.0): the reader is a UNIX socket,
 * the card a program that connects to it.
 *
 * DEVICENAME is unix:/path/of/socket; the driver makes it and listens. Every
 * message, both ways, is a 16-bit big-endian length and so many bytes, in one
 * write. From reader to card one byte is a control: 00 power off, 01 power
 * on, 02 reset (none is answered), 04 get ATR (answered by the ATR); more
 * bytes are a command APDU, answered by a response APDU. It is the framing of
 * vpcd, so a card program serves both.
 *
 * Unlike vpcd: insertion and removal are signalled at once, a lost or cut
 * answer is an error and ejects the card, a card that was lost is reported as
 * removed before another one is taken, one library drives many readers, and
 * an answer has a deadline: IFD_HSMLIC_TIMEOUT_MS, by default two minutes, so
 * that a mute card looks like one.
 */
#include "ifd_frame.h"
#include "ifd_slot.h"

#include <reader.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

enum { ATR_LIMIT_MS = 10000 }; /* no ATR: the reader must not hang for long */

enum control { CTL_OFF = 0, CTL_ON = 1, CTL_RESET = 2, CTL_ATR = 4 };

static RESPONSECODE
control(struct slot *s, enum control code, int64_t deadline)
{
	uint8_t byte = (uint8_t)code;

	return write_frame(s->card, &byte, 1, deadline);
}

static RESPONSECODE
fetch_atr(struct slot *s, int64_t deadline)
{
	size_t len = sizeof(s->atr);
	RESPONSECODE rc;

	s->atr_len = 0;
	if ((rc = control(s, CTL_ATR, deadline)) != IFD_SUCCESS)
		return rc;
	rc = read_frame(s->card, s->atr, &len, deadline);
	if (rc == IFD_SUCCESS)
		s->atr_len = len;
	return rc == IFD_SUCCESS && len == 0 ? IFD_ERROR_POWER_ACTION : rc;
}

/* pcscd's event thread lives here, and asks for presence when it returns. */
static RESPONSECODE
poll_function(DWORD lun, int timeout_ms)
{
	struct slot *s = slot_of(lun);

	if (s == NULL)
		return IFD_NO_SUCH_DEVICE;
	slot_wait(s, timeout_ms);
	return IFD_SUCCESS;
}

static RESPONSECODE
stop_function(DWORD lun)
{
	const struct slot *s = slot_of(lun);

	if (s == NULL)
		return IFD_NO_SUCH_DEVICE;
	slot_wake(s);
	return IFD_SUCCESS;
}

static int
timeout_from_environment(void)
{
	const char *text = getenv("IFD_HSMLIC_TIMEOUT_MS");
	long value = text == NULL ? 0 : strtol(text, NULL, 10);

	return value > 0 && value < 86400000 ? (int)value : 120000;
}

RESPONSECODE
IFDHCreateChannelByName(DWORD Lun, LPSTR DeviceName)
{
	static const char scheme[] = "unix:";
	struct slot *s;

	if (strncmp(DeviceName, scheme, sizeof(scheme) - 1) != 0)
		return IFD_NO_SUCH_DEVICE;
	if ((s = slot_take(Lun)) == NULL)
		return IFD_COMMUNICATION_ERROR;
	s->timeout_ms = timeout_from_environment();
	s->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->wake < 0 || !slot_listen(s, DeviceName + sizeof(scheme) - 1)) {
		slot_release(s);
		return IFD_COMMUNICATION_ERROR;
	}
	return IFD_SUCCESS;
}

RESPONSECODE
IFDHCreateChannel(DWORD Lun, DWORD Channel)
{
	(void)Lun;
	(void)Channel;
	return IFD_NO_SUCH_DEVICE; /* a socket has a name, not a number */
}

RESPONSECODE
IFDHCloseChannel(DWORD Lun)
{
	struct slot *s = slot_of(Lun);

	if (s == NULL)
		return IFD_NO_SUCH_DEVICE;
	slot_release(s);
	return IFD_SUCCESS;
}

static RESPONSECODE
give(PDWORD length, PUCHAR value, const void *from, size_t len)
{
	if (*length < len)
		return IFD_ERROR_INSUFFICIENT_BUFFER;
	memcpy(value, from, len);
	*length = len;
	return IFD_SUCCESS;
}

RESPONSECODE
IFDHGetCapabilities(DWORD Lun, DWORD Tag, PDWORD Length, PUCHAR Value)
{
	RESPONSECODE (*const wait_fn)(DWORD, int) = poll_function;
	RESPONSECODE (*const stop_fn)(DWORD) = stop_function;
	const uint8_t yes = 1, readers = MAX_SLOTS;
	const struct slot *s = slot_of(Lun);

	if (s == NULL)
		return IFD_NO_SUCH_DEVICE;
	switch (Tag) {
	case TAG_IFD_ATR:
	case SCARD_ATTR_ATR_STRING:
		return give(Length, Value, s->atr, s->atr_len);
	case TAG_IFD_SIMULTANEOUS_ACCESS:
		return give(Length, Value, &readers, 1);
	case TAG_IFD_THREAD_SAFE:
	case TAG_IFD_SLOTS_NUMBER:
		return give(Length, Value, &yes, 1);
	case TAG_IFD_POLLING_THREAD_WITH_TIMEOUT:
		return give(Length, Value, &wait_fn, sizeof(wait_fn));
	case TAG_IFD_STOP_POLLING_THREAD:
		return give(Length, Value, &stop_fn, sizeof(stop_fn));
	default:
		*Length = 0;
		return IFD_ERROR_TAG;
	}
}

RESPONSECODE
IFDHSetCapabilities(DWORD Lun, DWORD Tag, DWORD Length, PUCHAR Value)
{
	(void)Lun;
	(void)Tag;
	(void)Length;
	(void)Value;
	return IFD_ERROR_TAG;
}

RESPONSECODE
IFDHSetProtocolParameters(
    DWORD Lun, DWORD Protocol, UCHAR Flags, UCHAR PTS1, UCHAR PTS2, UCHAR PTS3)
{
	(void)Lun;
	(void)Protocol;
	(void)Flags;
	(void)PTS1;
	(void)PTS2;
	(void)PTS3;
	return IFD_SUCCESS; /* frames carry APDUs: there is nothing to set */
}

RESPONSECODE
IFDHPowerICC(DWORD Lun, DWORD Action, PUCHAR Atr, PDWORD AtrLength)
{
	struct slot *s = slot_of(Lun);
	enum control code = CTL_ON;
	int64_t deadline;
	RESPONSECODE rc;

	if (s == NULL)
		return IFD_NO_SUCH_DEVICE;
	if (s->state != IN)
		return IFD_ERROR_POWER_ACTION;
	if (Action != IFD_POWER_UP)
		code = Action == IFD_RESET ? CTL_RESET : CTL_OFF;
	deadline = now_ms() +
	    (s->timeout_ms < ATR_LIMIT_MS ? s->timeout_ms : ATR_LIMIT_MS);
	rc = control(s, code, deadline);
	if (rc == IFD_SUCCESS && code == CTL_OFF)
		return rc;
	if (rc == IFD_SUCCESS)
		rc = fetch_atr(s, deadline);
	if (rc != IFD_SUCCESS) {
		slot_eject(s);
		return IFD_ERROR_POWER_ACTION;
	}
	memcpy(Atr, s->atr, s->atr_len);
	*AtrLength = s->atr_len;
	return IFD_SUCCESS;
}

RESPONSECODE
IFDHTransmitToICC(DWORD Lun, SCARD_IO_HEADER SendPci, PUCHAR TxBuffer,
    DWORD TxLength, PUCHAR RxBuffer, PDWORD RxLength, PSCARD_IO_HEADER RecvPci)
{
	struct slot *s = slot_of(Lun);
	size_t room = *RxLength;
	int64_t deadline;
	RESPONSECODE rc;

	*RxLength = 0;
	if (s == NULL)
		return IFD_NO_SUCH_DEVICE;
	if (s->state != IN)
		return IFD_ICC_NOT_PRESENT;
	/* One byte would be a control; more than a frame cannot be said. */
	if (TxLength < 2 || TxLength > FRAME_MAX)
		return IFD_NOT_SUPPORTED;
	if (RecvPci != NULL)
		RecvPci->Protocol = SendPci.Protocol;
	deadline = now_ms() + s->timeout_ms;
	rc = write_frame(s->card, TxBuffer, TxLength, deadline);
	if (rc == IFD_SUCCESS)
		rc = read_frame(s->card, RxBuffer, &room, deadline);
	if (rc != IFD_SUCCESS) {
		slot_eject(s);
		return rc;
	}
	if (room < 2) /* no status word: the frame is whole, the answer not */
		return IFD_COMMUNICATION_ERROR;
	*RxLength = room;
	return IFD_SUCCESS;
}

RESPONSECODE
IFDHControl(DWORD Lun, DWORD dwControlCode, PUCHAR TxBuffer, DWORD TxLength,
    PUCHAR RxBuffer, DWORD RxLength, LPDWORD pdwBytesReturned)
{
	(void)Lun;
	(void)dwControlCode;
	(void)TxBuffer;
	(void)TxLength;
	(void)RxBuffer;
	(void)RxLength;
	if (pdwBytesReturned != NULL)
		*pdwBytesReturned = 0;
	return IFD_ERROR_NOT_SUPPORTED;
}

RESPONSECODE
IFDHICCPresence(DWORD Lun)
{
	struct slot *s = slot_of(Lun);

	if (s == NULL)
		return IFD_NO_SUCH_DEVICE;
	return slot_present(s) ? IFD_ICC_PRESENT : IFD_ICC_NOT_PRESENT;
}

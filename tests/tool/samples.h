/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines that STM32_Programmer_CLI and OpenOCD are known to have printed, each
 * with its source, shortened to what is looked at. What is marked "made up"
 * was never seen: how ST's tool labels it is not known.
 */
#ifndef HL_TEST_TOOL_SAMPLES_H
#define HL_TEST_TOOL_SAMPLES_H

/* ST AN5054 rev 18, figure 30: -gc over UART, old tool. */
static const char sample_gc_uart[] =
    "Requesting Chip Certificate from connected device. ..   \n"
    "Serial Port COM1 is successfully opened.   \n"
    "Activating device: OK   \n"
    "Chip ID: 0x450   \n"
    "BootLoader version: 3.1\n"
    "Get Certificate done successfully :Writing data to file "
    "C:\\Demo_certificate.bin   \n"
    "writing chip certificate to file C:\\Demo_certificate.bin finished "
    "successfully\n";

/* ST AN5054 rev 18, figure 59: an SFI on STM32H7RS that went through. */
static const char sample_sfi_h7rs[] =
    "Opening and parsing file: enc_signed_RSSe_sfi.bin   \n"
    "File : enc_signed_RSSe_sfi.bin   \n"
    "Size : 33.67 KB   \n"
    "Address : 0x20000200   \n"
    "Erasing memory corresponding to segment 0:   \n"
    "File download complete   \n"
    "Time elapsed during download operation: 00:00:00.069   \n"
    "License Install   \n"
    "Installing Areas...   \n"
    "Succeed to write Areas   \n"
    "Attempt to reconnect to check on SFI success...   \n"
    "ST-LINK SN : 003300184741500820383733   \n"
    "ST-LINK FW : V3J13M4   \n"
    "Board : STM32H7S78-DK   \n"
    "Voltage : 3.30V   \n"
    "...retrying...   \n"
    "Error: failed to reconnect after reset !   \n"
    "Time elapsed during SFI install operation: 00:00:07.059\n";

/* ST AN5054 rev 18, figure 65: the end of an SFIx on STM32H7B3. */
static const char sample_sfix_h7b3[] =
    "RSS process started...\n"
    "RSS command execution OK   \n"
    "RSS complete Value = 0x0   \n"
    "Reconnecting..   \n"
    "Device ID : 0x480   \n"
    "Reconnected !\n"
    "Requesting security state.. Warning: Could not verify security state "
    "after last chunk programming\n"
    "Starting SFI part 2\n"
    "Reconnecting..   \n"
    "Device ID : 0x480   \n"
    "Reconnected!\n"
    "SFI Process Finished!   \n"
    "Time elapsed during SFI install operation: 00:00:44.321\n";

/* community.st.com td-p/795945: the license is out, the install fails. The
 * window's log, with its clock; the last line is the thread's title. */
static const char sample_rss_failed[] =
    "17:13:15 : Requesting Chip Certificate from device ...\n"
    "17:13:15 : Reading chip Certificate finished\n"
    "17:13:15 : Get Certificate done successfully\n"
    "17:13:15 : requesting license for the current STM32 device\n"
    "17:13:15 : Init Communication ...\n"
    "17:13:15 : P11 lib initialization Success!\n"
    "17:13:15 : Opening session with slot ID 1...\n"
    "17:13:16 : Succeed to Open session with reader slot ID 1\n"
    "17:13:17 : Succeed to generate license for the current STM32 device\n"
    "17:13:17 : Closing session with reader slot ID 1...\n"
    "17:13:17 : Session closed with reader slot ID 1\n"
    "17:13:17 : Closing communication with HSM...\n"
    "17:13:17 : Communication closed with HSM\n"
    "17:13:17 : Succeed to get License for Firmware from HSM slot ID 1\n"
    "17:13:17 : Starting Firmware Install operation...\n"
    "17:13:19 : Time elapsed during option Bytes configuration: "
    "00:00:02.139\n"
    "17:13:19 : Warning: Option Byte: SECWM1_PEND, value: 0x1F, was not "
    "modified.\n"
    "17:13:21 : Error: Execution of RSS CMD failed, returned value = "
    "0xF5F5F5F5\n";

/* community.st.com td-p/65122: v2.10.0, banner and head of an SFI. */
static const char sample_banner_h7ab[] =
    "      -------------------------------------------------------------------"
    "\n                        STM32CubeProgrammer v2.10.0                  \n"
    "      -------------------------------------------------------------------"
    "\n \n"
    "ST-LINK SN  : 002F003F3137510539383538\n"
    "ST-LINK FW  : V3J9M3B5S1\n"
    "Board       : STLINK-V3SET\n"
    "Voltage     : 3.76V\n"
    "Device ID   : 0x480\n"
    "Revision ID : --\n"
    "Device name : STM32H7A/B\n"
    "Device type : MCU\n"
    "BL Version  : 0x91\n"
    " \n"
    "  Protocol Information         : static\n"
    "  SFI File Information         : \n"
    "     SFI HSM slot ID           : 1\n"
    "         SFI protocol version        : 2\n"
    "         SFI image version           : 2\n"
    "     Parsing Area 1/9    : \n"
    "         Area type                   : F\n"
    "         Area size                   : 688\n";

/* The same thread, and td-p/855142 with v2.20.0: how it ended. */
static const char sample_license_invalid[] =
    "Error: SECURITY State Fail\n"
    "Error: Invalid state after SFI install !\n"
    "Error: RSS internal system error or License is invalid !\n";

/* community.st.com td-p/855142: the window of v2.20.0, decimal comma. */
static const char sample_window_h753[] =
    "15:25:42 : STM32CubeProgrammer API v2.20.0 | Linux-64Bits\n"
    "15:25:57 : UR connection mode is defined with the HWrst reset mode\n"
    "15:26:05 : 51022075\n"
    "15:26:05 : Device=Cortex-M7\n"
    "15:26:05 : Device ID : 0x450\n"
    "15:26:05 : Voltage : 3,30V\n"
    "15:26:06 : Address : 0x5200201c\n"
    "15:26:06 : Size : 308 Bytes\n"
    "15:26:06 : Time elapsed during the read operation is: 00:00:00.004\n";

/* community.st.com td-p/741981: a log of ST's scripts. */
static const char sample_rsse_log[] =
    "2024-11-10 15:49:30,796 - root - DEBUG - Error: SFI command is not "
    "supported for the current device configuration using STLINK interfaces "
    "!\n"
    "2024-11-10 15:49:30,796 - root - DEBUG - Error: Cannot launch RSSe...\n"
    "2024-11-10 15:49:30,796 - root - DEBUG -\n";

/* community.st.com td-p/900465: v2.21.0 under Linux. */
static const char sample_banner_h523[] =
    "-------------------------------------------------------------------\n"
    "STM32CubeProgrammer v2.21.0\n"
    "-------------------------------------------------------------------\n"
    "ST-LINK SN : 50FF6D065052784825260567\n"
    "ST-LINK FW : V2J47S7\n"
    "Board : --\n"
    "Voltage : 3.26V\n"
    "Device ID : 0x478\n"
    "Device name : STM32H533/523\n"
    "Device type : MCU\n"
    "BL Version : 0xE2\n"
    "SFSP Version: v1.2.0\n"
    "UPLOADING OPTION BYTES DATA ...\n";

/* A public README: v2.3.0 over USB DFU, with -r32 0x20030030 1. */
static const char sample_r32_dfu[] =
    "                       STM32CubeProgrammer v2.3.0\n"
    "USB speed   : Full Speed (12MBit/s)\n"
    "Manuf. ID   : STMicroelectronics\n"
    "Product ID  : DFU in FS Mode\n"
    "SN          : 207F38933036\n"
    "FW version  : 0x011a\n"
    "Device ID   : 0x0495\n"
    "Device name : STM32WBxx\n"
    "Device type : MCU\n"
    "\n"
    "Reading 32-bit memory content\n"
    "  Size          : 4 Bytes\n"
    "  Address:      : 0x20030030\n"
    "\n"
    "0x20030030 : 00050300\n";

/* A public note on STM32G474: -r32 0x48000000 24. */
static const char sample_r32_g474[] =
    "Reading 32-bit memory content\n"
    "  Size          : 24 Bytes\n"
    "  Address:      : 0x48000000\n"
    "0x48000000 : ABFD77FF 00000000 0C000000 64000000\n"
    "0x48000010 : 0000C1A0 000001A0\n";

/* A public test fixture: colors before a line, one word a line. */
static const char sample_r32_ansi[] =
    "\x1b[39;49m\x1b[0mReading 32-bit memory content\n"
    "0x48000000 : 6ABFFBCF\n"
    "0x48000010 : 00008024\n";

/* A public test fixture: OpenOCD, mdw 0x1FFF7590 3 on STM32WL. */
static const char sample_mdw[] = "0x1fff7590: 0014008f 32325014 20383543\n";

/* community.st.com td-p/123195: -gc on STM32MP1 without its TF-A. */
static const char sample_mp1_gc[] =
    "an error occurred while uploading data from the virtual partition "
    "0xF1\n";

/* Made up, but for HSM FW IDENTIFIER (STM32CubeH5, provisioning.bat). */
static const char sample_hsm_info[] = "STM32CubeProgrammer v2.21.0\n"
				      "Opening session with slot ID 1...\n"
				      "HSM STATE : OPERATIONAL_STATE\n"
				      "HSM FW IDENTIFIER : Blinky 1.0\n"
				      "HSM COUNTER : 291\n"
				      "HSM VERSION : 2\n"
				      "HSM TYPE : SFI\n"
				      "Session closed with reader slot ID 1\n";

#endif

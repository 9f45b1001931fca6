/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The certificate of a real STM32WL chip: ST AN5054 rev 18, figure 36. Its
 * bytes 8 to 71 are a point of P-256, so they are right bit for bit; nothing
 * here can prove the same of the signature (bytes 72 to 135).
 */
#ifndef HL_TESTS_CHIP_AN5054_FIG36_H
#define HL_TESTS_CHIP_AN5054_FIG36_H

#define AN5054_FIG36                                                           \
	"343937303130303507d76065982afe3629ca59f3d5299b99f7a34ec0bb155fd1"     \
	"1d82f48a9a132dd3c92a9a02c09bdb10fc2d28d9c977bc4cba385b15e5b08dbd"     \
	"d04dc34ae9d1246ba8fc3f51af4241ddbeb3e4bb774814fa4bd63bbb6744e5a1"     \
	"63ca766bdba380cfe061f3010705dd6c74f62923178fbde7c5cb3a5c0e5b58a3"     \
	"8cdc8d13971eab52"
/* SHA-256, by the sha256sum command */
#define AN5054_FIG36_SHA256                                                    \
	"80b6c9738153bd1668598c363fd5cc9edc3bfaccc2eea3790cc0d62c4ea4ef9b"

#endif

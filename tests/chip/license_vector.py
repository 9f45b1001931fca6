#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Computes the license vectors of test_license.c from the text of
docs/open-license-card.md, section 7, sharing nothing with the C code: curve
arithmetic and GHASH in whole numbers, AES one block at a time from the openssl
command. Not part of the build; run it to check the vectors again."""

import hashlib
import struct
import subprocess

P = 0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF
G = (0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
     0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5)


def add(a, b):
    if a is None or b is None:
        return a or b
    if a[0] == b[0]:
        if (a[1] + b[1]) % P == 0:
            return None
        slope = (3 * a[0] * a[0] - 3) * pow(2 * a[1], -1, P)
    else:
        slope = (b[1] - a[1]) * pow(b[0] - a[0], -1, P)
    x = (slope * slope - a[0] - b[0]) % P
    return x, (slope * (a[0] - x) - a[1]) % P


def mul(k, a):
    total = None
    while k:
        if k & 1:
            total = add(total, a)
        a, k = add(a, a), k >> 1
    return total


def octets(a):
    return a[0].to_bytes(32, "big") + a[1].to_bytes(32, "big")


def private_from(seed):
    """The test key of a seed; the first hash is in range for these seeds."""
    return int.from_bytes(hashlib.sha256(seed + bytes(4)).digest(), "big")


def kdf(z, info, n):
    out = b""
    for counter in range(1, -(-n // 32) + 1):
        out += hashlib.sha256(z + struct.pack(">I", counter) + info).digest()
    return out[:n]


def aes(key, block):
    return subprocess.run(
        ["openssl", "enc", "-aes-128-ecb", "-nopad", "-K", key.hex()],
        input=block, stdout=subprocess.PIPE, check=True).stdout


def gf_mul(a, b):
    """Product in GF(2^128), NIST SP 800-38D, 6.3."""
    z = 0
    for bit in range(127, -1, -1):
        if b >> bit & 1:
            z ^= a
        a = a >> 1 ^ (0xE1 << 120 if a & 1 else 0)
    return z


def gcm(key, iv, aad, plain):
    h = int.from_bytes(aes(key, bytes(16)), "big")
    cipher = b""
    for i in range(0, len(plain), 16):
        stream = aes(key, iv + struct.pack(">I", i // 16 + 2))
        cipher += bytes(x ^ y for x, y in zip(plain[i:i + 16], stream))
    data = aad + bytes(-len(aad) % 16) + cipher + bytes(-len(cipher) % 16)
    data += struct.pack(">QQ", 8 * len(aad), 8 * len(cipher))
    y = 0
    for i in range(0, len(data), 16):
        y = gf_mul(y ^ int.from_bytes(data[i:i + 16], "big"), h)
    mask = int.from_bytes(aes(key, iv + b"\0\0\0\1"), "big")
    return cipher, (y ^ mask).to_bytes(16, "big")


def make(kind, chip_seed, ephemeral_seed, key, nonce):
    chip = mul(private_from(chip_seed), G)
    private = private_from(ephemeral_seed)
    head = struct.pack("<IIII8x", 0x2E505353 if kind == "SSP" else 0x2E494653,
                       0, 1, 0) + octets(mul(private, G))
    z = mul(private, chip)[0].to_bytes(32, "big")
    k = kdf(z, head[24:88], 48)
    cipher, tag = gcm(k[:16], bytes(12), head + k[16:],
                      nonce + bytes(4) + key)
    return head + cipher + tag


def main():
    check = gcm(bytes.fromhex("feffe9928665731c6d6a8f9467308308"),
                bytes.fromhex("cafebabefacedbaddecaf888"),
                bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                bytes.fromhex(
                    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d"
                    "8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657"
                    "ba637b39"))
    assert check[1].hex() == "5bc94fbc3221a5db94fae95ae7121a47"
    for kind in ("SSP", "SFI"):
        lic = make(kind, b"\x01" * 32, b"\x02" * 32, bytes(range(16)),
                   bytes(range(0xA0, 0xAC)))
        print(kind)
        for i in range(0, len(lic), 32):
            print("   ", lic[i:i + 32].hex())


if __name__ == "__main__":
    main()

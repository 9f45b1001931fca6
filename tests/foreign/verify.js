// SPDX-License-Identifier: Apache-2.0
//
// verify.js: checks a proof file of hsmlic with @sigstore/verify, the package
// of npm that verifies entries of public transparency logs; npm itself brings
// it along. Its two functions are internal ones, so the version counts: 3.1.1.
//
//     node verify.js PACKAGE -k KEY [-k KEY]... event PROOF LEAF
//
// PACKAGE is its folder, as in /usr/lib/node_modules/npm/node_modules/@sigstore/verify.
// KEY is NAME+HEX+BASE64, Ed25519 or ECDSA; each has to have signed.
'use strict';
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');

const ED25519_DER = Buffer.from('302a300506032b6570032100', 'hex');

// A log as the package wants it: it looks for the key by the first four bytes
// of logID, and for the name in baseURL.
function logOf(text) {
	const [name, id, ...rest] = text.trim().split('+');
	const raw = Buffer.from(rest.join('+'), 'base64');
	const der = { 1: Buffer.concat([ED25519_DER, raw.subarray(1)]), 2: raw.subarray(1) }[raw[0]];

	if (der === undefined)
		throw new Error(`of no kind that is known here: ${text}`);
	return {
		logID: Buffer.from(id, 'hex'),
		baseURL: name,
		publicKey: crypto.createPublicKey({ key: der, format: 'der', type: 'spki' }),
	};
}

// PROOF as an entry of a log.
function entryOf(proof, leaf) {
	const text = fs.readFileSync(proof, 'utf8');
	const end = text.indexOf('\n\n');
	const line = text.slice(0, end).split('\n');

	if (end < 0 || line[0] !== 'c2sp.org/tlog-proof@v1' || !/^index [0-9]+$/.test(line[1]))
		throw new Error(`${proof}: not a proof`);
	return {
		canonicalizedBody: fs.readFileSync(leaf),
		inclusionProof: {
			checkpoint: { envelope: text.slice(end + 2) },
			logIndex: line[1].slice('index '.length),
			hashes: line.slice(2).map((hash) => Buffer.from(hash, 'base64')),
		},
	};
}

function main(args) {
	const folder = path.join(path.resolve(args.shift() ?? ''), 'dist/tlog');
	const keys = [];

	while (args[0] === '-k' && args.length > 1)
		keys.push(...args.splice(0, 2).slice(1));
	if (args.length !== 3 || args[0] !== 'event' || keys.length === 0) {
		console.error('usage: node verify.js PACKAGE -k KEY [-k KEY]... event PROOF LEAF');
		return 2;
	}
	const { verifyCheckpoint } = require(path.join(folder, 'checkpoint.js'));
	const { verifyMerkleInclusion } = require(path.join(folder, 'merkle.js'));
	try {
		for (const key of keys) {
			const entry = entryOf(args[1], args[2]);
			const text = fs.existsSync(key) ? fs.readFileSync(key, 'utf8') : key;
			const log = logOf(text);
			const checkpoint = verifyCheckpoint(entry, [log]);

			if (checkpoint.origin !== log.baseURL || checkpoint.rest.length !== 0)
				throw new Error('the checkpoint is of another log');
			verifyMerkleInclusion(entry, checkpoint);
			console.log(`ok: ${args[2]}: it is event ${entry.inclusionProof.logIndex} of ` +
			    `${checkpoint.origin}, size ${checkpoint.logSize}`);
		}
	} catch (err) {
		console.error(`REFUSED: ${err.message}`);
		return 1;
	}
	return 0;
}

process.exitCode = main(process.argv.slice(2));

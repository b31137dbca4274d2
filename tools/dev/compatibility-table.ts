// Prints the section of docs/compatibility.md on requests for a running broker, or writes it into that page.
//
//   node dist/tools/dev/compatibility-table.js 127.0.0.1:9092 [docs/compatibility.md]

import { readFileSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { ApiVersions, decodeResponse, encodeRequest } from '../../src/protocol/index.ts';
import {
  type AcceptedDifference,
  compatibilitySection,
  type Served,
  withSection,
} from './compatibility-section.ts';

interface Exchange {
  readonly step: string;
  readonly response: { readonly apiKeys: readonly Served[] };
}

function conformanceFolder(): string {
  let folder = import.meta.dirname;
  while (dirname(folder) !== folder) {
    const found = join(folder, 'test/conformance');
    try {
      readFileSync(join(found, 'differences.json'));
      return found;
    } catch {
      folder = dirname(folder);
    }
  }
  throw new Error('test/conformance was not found');
}

function kafkaServes(folder: string): readonly Served[] {
  const lines = readFileSync(join(folder, 'record/versions.jsonl'), 'utf8').trim().split('\n');
  const exchanges = lines.map((line) => JSON.parse(line) as Exchange);
  const newest = exchanges.filter((one) => one.step === 'versions').at(-1);
  if (newest === undefined) throw new Error('the record has no answer to ApiVersions');
  return newest.response.apiKeys;
}

/** Asks a broker which versions it serves (ApiVersions v0, which every broker answers). */
function askVersions(address: string): Promise<readonly Served[]> {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon);
  const port = Number(address.slice(colon + 1));
  return new Promise((resolve, reject) => {
    const socket = createConnection({ host, port });
    let received = Buffer.alloc(0);
    socket.once('error', reject);
    socket.once('close', () => reject(new Error(`${address} closed the connection`)));
    socket.once('connect', () => {
      const identity = { correlationId: 1, clientId: 'compatibility-table' };
      socket.write(Buffer.concat(encodeRequest(ApiVersions, 0, identity, {}) as Buffer[]));
    });
    socket.on('data', (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      if (received.length < 4 || received.length < 4 + received.readInt32BE(0)) return;
      resolve(decodeResponse(ApiVersions, 0, received.subarray(4)).apiKeys);
      socket.destroy();
    });
  });
}

async function main(): Promise<void> {
  const [, , address, page] = process.argv;
  if (address === undefined)
    throw new Error('usage: compatibility-table HOST:PORT [docs/compatibility.md]');
  const folder = conformanceFolder();
  const accepted = JSON.parse(
    readFileSync(join(folder, 'differences.json'), 'utf8'),
  ) as readonly AcceptedDifference[];
  const ours = await askVersions(address);
  const section = compatibilitySection(kafkaServes(folder), ours, accepted);
  if (page === undefined) process.stdout.write(`${section}\n`);
  else writeFileSync(page, withSection(readFileSync(page, 'utf8'), section));
}

await main();

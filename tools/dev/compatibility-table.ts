// Prints README's compatibility table: every API of Kafka 4.3, the versions Kafka serves, the versions a running broker
// of ours serves, and what differs on purpose. Kafka's side comes from the conformance record.
//
//   node dist/tools/dev/compatibility-table.js 127.0.0.1:9092

import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { dirname, join } from 'node:path';
import { ApiVersions, apiByKey, decodeResponse, encodeRequest } from '../../src/protocol/index.ts';

interface Served {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

interface Exchange {
  readonly step: string;
  readonly api: string;
  readonly version: number;
  readonly response: { readonly apiKeys: readonly Served[] };
}

interface Accepted {
  readonly step: string;
  readonly path: string;
  readonly why: string;
}

/** The names of APIs that we have no messages for, from Kafka's definitions. */
const otherNames: Readonly<Record<number, string>> = {
  38: 'CreateDelegationToken',
  39: 'RenewDelegationToken',
  40: 'ExpireDelegationToken',
  41: 'DescribeDelegationToken',
  57: 'UpdateFeatures',
  64: 'UnregisterBroker',
  76: 'ShareGroupHeartbeat',
  77: 'ShareGroupDescribe',
  78: 'ShareFetch',
  79: 'ShareAcknowledge',
  80: 'AddRaftVoter',
  81: 'RemoveRaftVoter',
  83: 'InitializeShareGroupState',
  84: 'ReadShareGroupState',
  85: 'WriteShareGroupState',
  86: 'DeleteShareGroupState',
  87: 'ReadShareGroupStateSummary',
  88: 'StreamsGroupHeartbeat',
  89: 'StreamsGroupDescribe',
  90: 'DescribeShareGroupOffsets',
  91: 'AlterShareGroupOffsets',
  92: 'DeleteShareGroupOffsets',
};

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

function range(served: Served | undefined): string {
  if (served === undefined) return '–';
  const { minVersion, maxVersion } = served;
  return minVersion === maxVersion ? String(minVersion) : `${minVersion}–${maxVersion}`;
}

async function main(): Promise<void> {
  const address = process.argv[2];
  if (address === undefined) throw new Error('usage: compatibility-table HOST:PORT');
  const folder = conformanceFolder();
  const kafka = kafkaServes(folder);
  const ours = new Map((await askVersions(address)).map((served) => [served.apiKey, served]));
  const accepted = JSON.parse(
    readFileSync(join(folder, 'differences.json'), 'utf8'),
  ) as readonly Accepted[];
  const lines = ['| API | key | Kafka 4.3.1 | Tidemark | |', '|---|---|---|---|---|'];
  for (const served of kafka) {
    const { apiKey } = served;
    const name = apiByKey(apiKey)?.name ?? otherNames[apiKey] ?? 'unknown';
    const note = accepted.find((entry) => entry.path === `apiKeys[${apiKey}]`)?.why ?? '';
    lines.push(`| ${name} | ${apiKey} | ${range(served)} | ${range(ours.get(apiKey))} | ${note} |`);
  }
  process.stdout.write(`${lines.join('\n')}\n`);
}

await main();

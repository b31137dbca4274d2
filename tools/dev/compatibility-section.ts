// The section of docs/compatibility.md on requests: every API of Kafka 4.3, the versions Kafka serves, the versions we
// serve, and why some are not served. Kafka's side comes from the conformance record, the reasons from the list of
// differences.

import { apiByKey } from '../../src/protocol/index.ts';

export interface Served {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

/** An entry of differences.json, as far as it matters here. */
export interface AcceptedDifference {
  readonly path: string;
  readonly why: string;
}

export const BEGIN = '<!-- compatibility:begin -->';
export const END = '<!-- compatibility:end -->';

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

/** What a reader should know of APIs that are served. */
const notes: Readonly<Record<number, string>> = {
  0: 'Below 3 only announced, as by Kafka (KAFKA-18659).',
  10: 'Groups only; transactional ids get a clear error.',
  22: 'Idempotent producers; transactional ids get a clear error.',
  43: 'Brings a partition back that stopped after a disk error.',
  45: 'One copy: only the move to where it is.',
  46: 'Always none.',
  48: 'Always none.',
};

const WHY = 'Not served';

function range(served: Served): string {
  const { minVersion, maxVersion } = served;
  return minVersion === maxVersion ? String(minVersion) : `${minVersion}–${maxVersion}`;
}

function nameOf(apiKey: number): string {
  return apiByKey(apiKey)?.name ?? otherNames[apiKey] ?? 'unknown';
}

/** Why an API is not served, without the words that every reason begins with. */
function reasonOf(apiKey: number, accepted: readonly AcceptedDifference[]): string {
  const why = accepted.find((entry) => entry.path === `apiKeys[${apiKey}]`)?.why;
  if (why === undefined || !why.startsWith(WHY)) throw new Error(`no reason for ${nameOf(apiKey)}`);
  const reason = why
    .slice(WHY.length)
    .replace(/^: /, '')
    .replace(/^ yet: /, 'not yet: ');
  return `${reason.slice(0, 1).toUpperCase()}${reason.slice(1)}`;
}

/** The section with its markers. Throws for an API that is missing without a reason. */
export function compatibilitySection(
  kafka: readonly Served[],
  ours: readonly Served[],
  accepted: readonly AcceptedDifference[],
): string {
  const served = new Map(ours.map((one) => [one.apiKey, one]));
  const rows: string[] = [];
  const missing = new Map<string, string[]>();
  for (const api of kafka) {
    const { apiKey } = api;
    const own = served.get(apiKey);
    if (own === undefined) {
      const reason = reasonOf(apiKey, accepted);
      missing.set(reason, [...(missing.get(reason) ?? []), `${nameOf(apiKey)} (${apiKey})`]);
    } else {
      const note = notes[apiKey] ?? '';
      rows.push(`| ${nameOf(apiKey)} | ${apiKey} | ${range(api)} | ${range(own)} | ${note} |`);
    }
  }
  return [
    BEGIN,
    '## Requests',
    '',
    'These are the requests that clients may send, with the versions that Apache Kafka 4.3.1 and Tidemark serve;',
    "answers are compared field by field with Kafka's own, and where they differ on purpose",
    '[a list](../test/conformance/differences.json) says why.',
    '',
    '| API | key | Kafka 4.3.1 | Tidemark | |',
    '|---|---|---|---|---|',
    ...rows,
    '',
    '| Not served | APIs |',
    '|---|---|',
    ...[...missing].map(([reason, apis]) => `| ${reason} | ${apis.join(', ')} |`),
    END,
  ].join('\n');
}

/** The text with its section exchanged. Throws when the markers are not there. */
export function withSection(text: string, section: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`no ${BEGIN} … ${END}`);
  return `${text.slice(0, begin)}${section}${text.slice(end + END.length)}`;
}

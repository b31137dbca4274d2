// Words that are made from what was found: findings summed up, configs that follow others, the table of exit codes.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { effectiveValue } from '../../../src/cli/config/effective.ts';
import {
  exitCodeOf,
  exitCodeTable,
  nextStepOf,
  withNextStep,
} from '../../../src/cli/exit-codes.ts';
import { linesOf } from '../../../src/cli/inspect/report.ts';
import { connectFailed, refusedAtOnce } from '../../../src/client/connect-errors.ts';
import type { ConfigEntry } from '../../../src/client/index.ts';
import { ClientError } from '../../../src/client/index.ts';
import type { Finding } from '../../../src/inspect/index.ts';
import { ReplayError } from '../../../tools/replay/index.ts';

test('a target that is away ends with the same code as a source that is away, an interruption with 130', () => {
  const cause = new ClientError('delivery_timed_out', 'no answer');
  const refused = new ReplayError('target_refused', 'no', { cause });
  expect(exitCodeOf(withNextStep(refused, 'go on'))).toBe(4);
  expect(exitCodeOf(AbortSignal.abort().reason)).toBe(130);
});

const told = { position: null, partition: null, offsets: null, bytes: null, repair: null };

test('verify: of many that only inform and say the same, three are named and the rest is counted', () => {
  const left = Array.from({ length: 1_003 }, (_, index) => ({
    ...told,
    severity: 'info',
    code: 'stale_file',
    path: `t-${index}-delete`,
    what: 'left over',
  }));
  const damage = Array.from({ length: 5 }, (_, index) => ({
    ...told,
    severity: 'damage',
    code: 'bad_batch',
    path: `t-${index}`,
    what: 'damaged',
  }));
  const lines = linesOf([...left, ...damage] as unknown as Finding[]);
  expect(lines.filter((line) => line.includes('damaged')).length).toBe(5);
  expect(lines.slice(5)).toEqual([
    expect.stringContaining('t-0-delete'),
    expect.stringContaining('t-1-delete'),
    expect.stringContaining('t-2-delete'),
    expect.stringContaining('… and 1,000 more: left over'),
  ]);
});

function entry(name: string, value: string | null): ConfigEntry {
  const rest = { readOnly: false, sensitive: false, type: 'long', documentation: null } as const;
  return { name, value, source: 'default', synonyms: [], ...rest };
}

test.each([
  ['log.retention.ms', { 'log.retention.hours': '168' }, '604800000', 'log.retention.hours'],
  [
    'log.retention.ms',
    { 'log.retention.minutes': '5', 'log.retention.hours': '168' },
    '300000',
    'log.retention.minutes',
  ],
  ['log.retention.ms', { 'log.retention.hours': '-1' }, '-1', 'log.retention.hours'],
  ['log.dirs', { 'log.dir': '/data' }, '/data', 'log.dir'],
  ['broker.rack', {}, null, null],
])('%s follows %j', (name, others, value, from) => {
  const all = Object.entries(others).map(([other, given]) => entry(other, given));
  expect(effectiveValue(entry(name, null), all)).toEqual({ value, from });
  expect(effectiveValue(entry(name, '7'), all)).toEqual({ value: '7', from: null });
});

test('TLS against plain text, in both directions: which option to change', () => {
  const at = { host: 'there', port: 9092 };
  const lost = new ClientError('connection_lost', 'ended');
  const plain = refusedAtOnce(at, lost, false);
  expect(nextStepOf(plain)).toContain('add --tls');
  const reset = Object.assign(new Error('disconnected'), { code: 'ECONNRESET' });
  expect(nextStepOf(connectFailed(at, reset, true))).toContain('leave --tls');
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  expect(nextStepOf(connectFailed(at, refused, true))).toContain('tidemark serve');
});

test('docs/tools.md has the same table of exit codes as --help', () => {
  const page = readFileSync('docs/tools.md', 'utf8');
  for (const [code, meaning] of exitCodeTable) expect(page).toContain(`| ${code} | ${meaning} |`);
});

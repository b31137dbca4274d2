// The scenario of the conformance record against our broker. Every answer equals Apache Kafka's, field by field, but for
// what differences.json lists with its reason; and what it lists is really so.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type PeerBroker, projectRoot, startBroker, testTarget } from '../../bench/peers/index.ts';
import { compatibilitySection, type Served } from '../../tools/dev/compatibility-section.ts';
import { missing, testWith } from '../support/peers/require-tool.ts';
import { readRecord } from './record-files.ts';
import { allSteps } from './record-scenario.ts';
import { type Exchange, runScenario } from './recorder.ts';
import { type Accepted, compareRuns, describeDifference, judge } from './recorder-compare.ts';

const accepted: Accepted[] = JSON.parse(
  readFileSync(join(import.meta.dirname, 'differences.json'), 'utf8'),
);

/** The newest answer to ApiVersions of a run. */
function servedIn(run: readonly Exchange[]): Served[] {
  const newest = run.filter((one) => one.step === 'versions').at(-1);
  if (newest === undefined) throw new Error('nobody asked for versions');
  return (newest.response as unknown as { apiKeys: Served[] }).apiKeys;
}

describe('replay of the conformance record', () => {
  let broker: PeerBroker | undefined;
  let ours: Exchange[] = [];

  beforeAll(async () => {
    if (missing('broker') !== undefined) return;
    broker = await startBroker({ kind: testTarget() });
    ours = await runScenario(broker.port, allSteps);
  });

  afterAll(async () => {
    await broker?.stop();
  });

  test('steps have names of their own, and the record is of these steps', () => {
    const names = allSteps.map((step) => step.name);
    expect(new Set(names).size).toBe(names.length);
    const recorded = readRecord().map((one) => `${one.step} v${one.version}`);
    const planned = allSteps.flatMap((step) =>
      Array.from(
        { length: step.versions[1] - step.versions[0] + 1 },
        (_, index) => `${step.name} v${step.versions[0] + index}`,
      ),
    );
    expect(recorded).toEqual(planned);
  });

  testWith('broker')('our answers differ from Kafka only where it is meant', () => {
    const differences = compareRuns(readRecord(), ours);
    if (testTarget() === 'kafka') {
      expect(differences.map(describeDifference)).toEqual([]);
      return;
    }
    const verdict = judge(differences, accepted);
    // `stale`: listed, but no longer so. Such an entry is to be removed.
    expect({ ...verdict, unlisted: verdict.unlisted.map(describeDifference) }).toEqual({
      unlisted: [],
      stale: [],
    });
  });

  testWith('broker')('docs/compatibility.md tells what the broker serves', () => {
    if (testTarget() === 'kafka') return;
    const [kafka, own] = [readRecord(), ours].map((run) => servedIn(run)) as [Served[], Served[]];
    const page = readFileSync(join(projectRoot(), 'docs/compatibility.md'), 'utf8');
    // To renew it: node dist/tools/dev/compatibility-table.js HOST:PORT docs/compatibility.md
    expect(page).toContain(compatibilitySection(kafka, own, accepted));
  });

  test('every listed difference says why', () => {
    expect(accepted.filter((entry) => entry.why.trim().length < 10)).toEqual([]);
  });
});

// The record is what Apache Kafka 4.3.1 says: the scenario runs against it again and must give the same answers.
// TIDEMARK_RECORD=1 writes the record anew (after steps were added or changed).

import { describe, expect } from 'vitest';
import { startBroker } from '../../bench/peers/index.ts';
import { testWith } from '../support/peers/require-tool.ts';
import { readRecord, writeRecord } from './record-files.ts';
import { allSteps } from './record-scenario.ts';
import { runScenario } from './recorder.ts';
import { compareRuns, describeDifference } from './recorder-compare.ts';

describe('the conformance record', () => {
  testWith('java')('Apache Kafka still answers as recorded', async () => {
    const broker = await startBroker({ kind: 'kafka' });
    try {
      const exchanges = await runScenario(broker.port, allSteps);
      if (process.env['TIDEMARK_RECORD'] === '1') writeRecord(exchanges);
      const differences = compareRuns(readRecord(), exchanges);
      expect(differences.map(describeDifference)).toEqual([]);
      expect(readRecord().length).toBe(exchanges.length);
    } finally {
      await broker.stop();
    }
  });
});

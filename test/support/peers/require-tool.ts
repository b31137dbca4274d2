// Which outside programs a test needs. Outside CI a test whose program is missing is skipped and says so; with CI=true
// a missing program is a failure, so that nothing is skipped unseen.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'vitest';
import {
  findKafkaLibs,
  projectRoot,
  testTarget,
  tidemarkCommand,
} from '../../../bench/peers/index.ts';

export type Tool = 'kcat' | 'java' | 'platformatic' | 'kafkajs' | 'broker';

const finders: Record<Tool, () => string | undefined> = {
  kcat: () =>
    runs('kcat', '-V') ? undefined : 'kcat is not installed (Debian: apt-get install kcat)',
  java: () => {
    if (!runs('java', '-version')) return 'java is not installed';
    if (findKafkaLibs() !== undefined) return undefined;
    return "Kafka's jars are not there: run `npm run bench -- install kafka`, or set KAFKA_LIBS";
  },
  platformatic: () => {
    const folder = join(projectRoot(), 'test/interop/clients');
    if (existsSync(join(folder, 'node_modules/@platformatic/kafka'))) return undefined;
    return '@platformatic/kafka is not there: npm ci --ignore-scripts --prefix test/interop/clients';
  },
  kafkajs: () => undefined,
  broker: () => {
    if (testTarget() === 'kafka') return finders.java();
    return existsSync(tidemarkCommand()) ? undefined : 'dist is not built: run `npm run build`';
  },
};

function runs(program: string, argument: string): boolean {
  return spawnSync(program, [argument], { stdio: 'ignore' }).status === 0;
}

/** Why the tool cannot be used here, or undefined when it can. */
export function missing(tool: Tool): string | undefined {
  return finders[tool]();
}

/**
 * The `test` to use for a test that needs these tools: the real one when all are there; with CI=true one that
 * fails; elsewhere one that skips. Both say what is missing in the test's name.
 */
export function testWith(...tools: Tool[]): typeof test {
  const reasons = tools.map(missing).filter((reason) => reason !== undefined);
  if (reasons.length === 0) return test;
  const why = reasons.join('; ');
  const instead = (name: string) => {
    if (process.env['CI'] === 'true') {
      test(name, () => {
        throw new Error(`needed in CI: ${why}`);
      });
    } else {
      test.skip(`${name} (skipped: ${why})`, () => undefined);
    }
  };
  return instead as typeof test;
}

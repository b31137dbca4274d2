// Which brokers a run measures: ours, and the peers that were asked for and can be had, and the clients for it; the
// others are named as missing.

import { textOfError } from '../../src/base/errors.ts';
import {
  installLibrdkafka,
  type Librdkafka,
  ourSystems,
  peerSystems,
  type System,
} from '../peers/index.ts';
import type { SuiteRun } from '../suite.ts';

/** Peers that do not speak Kafka's protocol: the suite `others` has them. */
export const otherKinds: readonly string[] = ['nats', 'redis'];

/** Systems that can be started, ours first. Throws when ours cannot be. */
export function systemsFor(run: SuiteRun): Promise<System[]> {
  const { peers, given } = run.options;
  // Kafka is measured twice: as it comes, and with our promise.
  const others = peerSystems(given).filter(
    ({ name, variantOf = name }) => peers.includes(name) || peers.includes(variantOf),
  );
  return preparedOf(run, [...ourSystems(), ...others]);
}

export async function preparedOf(run: SuiteRun, systems: readonly System[]): Promise<System[]> {
  const ready: System[] = [];
  for (const system of systems) {
    try {
      await system.prepare();
      ready.push(system);
    } catch (error) {
      if (system.ours) throw error;
      run.missing(system.name, textOfError(error));
    }
  }
  return ready;
}

/** librdkafka's programs; undefined, and `what` named as missing, where they can't be had. */
export async function findLibrdkafka(run: SuiteRun, what: string): Promise<Librdkafka | undefined> {
  try {
    return await installLibrdkafka();
  } catch (error) {
    run.missing(what, textOfError(error));
    return undefined;
  }
}

// Which brokers a run measures: ours, and the peers that were asked for and can be had; the others are named as
// missing.

import { ourSystems, peerSystems, type System } from '../peers/index.ts';
import type { SuiteRun } from '../suite.ts';

/** Peers that do not speak Kafka's protocol: the suite `others` has them. */
export const otherKinds: readonly string[] = ['nats', 'redis'];

/** Kafka is measured twice: as it comes, and with our promise. */
const asked = (peers: readonly string[]): Set<string> =>
  new Set(peers.flatMap((name) => (name === 'kafka' ? [name, 'kafka-sync'] : [name])));

/** Systems that can be started, ours first. */
export async function systemsFor(run: SuiteRun): Promise<System[]> {
  const { peers, binaries } = run.options;
  const known = peerSystems(binaries);
  const systems = ourSystems();
  for (const name of asked(peers)) {
    if (otherKinds.includes(name)) continue;
    const peer = known.find((one) => one.name === name);
    if (peer === undefined) {
      const names = [...known.map((one) => one.name), ...otherKinds].join(', ');
      run.missing(name, `not known; known are ${names}`);
    } else systems.push(peer);
  }
  const ready: System[] = [];
  for (const system of systems) {
    try {
      await system.prepare();
      ready.push(system);
    } catch (error) {
      run.missing(system.name, error instanceof Error ? error.message : String(error));
    }
  }
  return ready;
}

// The default suite: start-up and idle memory of each broker, then every workload on all of them in turn, round by
// round, with Kafka's own performance tools as the client.

import { type BrokerKind, installKafka, type PeerBroker, startBroker } from '../peers/index.ts';
import type { SuiteRun } from '../suite.ts';
import { measureStartUp } from './start-up.ts';
import { runWorkload, type Workload, workloads } from './workloads.ts';

const ROUNDS = 3;

function kindsOf(run: SuiteRun): BrokerKind[] {
  const kinds: BrokerKind[] = ['tidemark'];
  for (const peer of run.options.peers) {
    if (peer === 'kafka') kinds.push(peer);
    else run.missing(peer, 'this suite does not know it');
  }
  return kinds;
}

function sized(workload: Workload, quick: boolean): Workload {
  if (!quick) return workload;
  return { ...workload, records: Math.min(50_000, Math.floor(workload.records / 10)) };
}

/** Measures the brokers side by side. */
export async function runBrokers(run: SuiteRun): Promise<void> {
  const { quick, only } = run.options;
  const rounds = run.options.rounds ?? (quick ? 1 : ROUNDS);
  const kinds = kindsOf(run);
  await installKafka();
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of kinds) {
      run.add(kind, 'start-up', await measureStartUp(kind, quick ? 1_000 : 5_000));
    }
  }
  const brokers: PeerBroker[] = [];
  try {
    for (const kind of kinds) brokers.push(await startBroker({ kind }));
    for (let round = 0; round < rounds; round += 1) {
      for (const workload of workloads.filter((one) => one.name.includes(only))) {
        for (const broker of brokers) {
          const topic = `bench-${workloads.indexOf(workload)}-${round}`;
          const figures = await runWorkload(broker, sized(workload, quick), topic);
          for (const [name, one] of Object.entries(figures)) run.add(broker.kind, name, one);
        }
      }
    }
  } finally {
    for (const broker of brokers) await broker.stop();
  }
}

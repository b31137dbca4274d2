// What a piece of work costs: processor time of the broker and of the client, memory, bytes written, syncs, how late
// our event loop was, and how much of the machine others took meanwhile.

import { machineUsage, type PeerBroker, usageOf } from '../peers/index.ts';
import type { Figures } from '../suite.ts';

export interface Watched<T> {
  readonly result: T;
  readonly figures: Figures;
}

/** Samples of `GET /metrics`, by name with labels; empty where the broker serves none. */
export async function metricsOf(broker: PeerBroker): Promise<ReadonlyMap<string, number>> {
  if (broker.metricsPort === undefined) return new Map();
  const answer = await fetch(`http://127.0.0.1:${broker.metricsPort}/metrics`);
  const samples = new Map<string, number>();
  for (const line of (await answer.text()).split('\n')) {
    const at = line.lastIndexOf(' ');
    if (at > 0 && !line.startsWith('#')) samples.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return samples;
}

/** Does `work`, whose clients are children of this process that end within it. */
export async function watch<T>(broker: PeerBroker, work: () => Promise<T>): Promise<Watched<T>> {
  const metricsBefore = await metricsOf(broker);
  const before = { broker: usageOf(broker.pid), machine: machineUsage(), at: performance.now() };
  const result = await work();
  const seconds = (performance.now() - before.at) / 1e3;
  const after = { broker: usageOf(broker.pid), machine: machineUsage() };
  const metrics = await metricsOf(broker);
  const brokerCpuSeconds = after.broker.cpuSeconds - before.broker.cpuSeconds;
  const client = after.machine.childrenSeconds - before.machine.childrenSeconds;
  const own = after.machine.ownSeconds - before.machine.ownSeconds;
  const busy = after.machine.busySeconds - before.machine.busySeconds;
  const figures: Record<string, number> = {
    seconds,
    brokerCpuSeconds,
    clientCpuSeconds: client,
    brokerResidentMb: after.broker.residentBytes / 1e6,
    brokerWrittenMb: (after.broker.writtenBytes - before.broker.writtenBytes) / 1e6,
    foreignCores: Math.max(0, busy - brokerCpuSeconds - client - own) / seconds,
  };
  const syncs = metrics.get('tidemark_syncs_total');
  if (syncs !== undefined) {
    figures['syncs'] = syncs - (metricsBefore.get('tidemark_syncs_total') ?? 0);
  }
  const loopDelay = metrics.get('tidemark_event_loop_delay_seconds{quantile="0.99"}');
  if (loopDelay !== undefined) figures['loopDelayP99Ms'] = loopDelay * 1e3;
  return { result, figures: withoutHoles(figures) };
}

/** Elsewhere than on Linux much is not known: such figures are left out. */
function withoutHoles(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => Number.isFinite(value)));
}

// What a piece of work costs: processor time of the broker and of the client, memory, what the disk with the broker's
// data has written when the work is over (whoever made it, without what a broker has left to the system until then),
// syncs, how late our event loop was, how much of the time it ran or waited for a processor, and how much of the
// machine all took.

import {
  deviceWrittenBytes,
  firstThreadOf,
  type MachineUsage,
  machineUsage,
  type PeerBroker,
  usageOf,
} from '../peers/index.ts';
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
  const before = { ...usageNow(broker), at: performance.now() };
  const result = await work();
  const seconds = (performance.now() - before.at) / 1e3;
  const after = usageNow(broker);
  const metrics = await metricsOf(broker);
  const brokerCpuSeconds = after.broker.cpuSeconds - before.broker.cpuSeconds;
  const figures: Record<string, number> = {
    seconds,
    brokerCpuSeconds,
    clientCpuSeconds: after.machine.childrenSeconds - before.machine.childrenSeconds,
    brokerResidentMb: after.broker.residentBytes / 1e6,
    deviceWrittenMb: (after.deviceWrittenBytes - before.deviceWrittenBytes) / 1e6,
    brokerReadMb: (after.broker.readBytes - before.broker.readBytes) / 1e6,
    busyCores: (after.machine.busySeconds - before.machine.busySeconds) / seconds,
    foreignCores: foreignSeconds(before.machine, after.machine, brokerCpuSeconds) / seconds,
  };
  if (broker.kind === 'tidemark') {
    const ran = after.loop.ranSeconds - before.loop.ranSeconds;
    const waited = after.loop.waitedSeconds - before.loop.waitedSeconds;
    figures['loopBusyPercent'] = (ran / seconds) * 100;
    figures['loopWaitingPercent'] = (waited / seconds) * 100;
  }
  const syncs = metrics.get('tidemark_syncs_total');
  if (syncs !== undefined) {
    figures['syncs'] = syncs - (metricsBefore.get('tidemark_syncs_total') ?? 0);
  }
  const loopDelay = metrics.get('tidemark_event_loop_delay_seconds{quantile="0.99"}');
  if (loopDelay !== undefined) figures['loopDelayP99Ms'] = loopDelay * 1e3;
  const ownDelay = metrics.get('tidemark_event_loop_own_delay_seconds{quantile="0.99"}');
  if (ownDelay !== undefined) figures['loopOwnDelayP99Ms'] = ownDelay * 1e3;
  return { result, figures: withoutHoles(figures) };
}

/** The machine's processor time is counted in steps of 10 ms, by several kinds: so much may be missing in them. */
const UNCERTAIN_SECONDS = 0.03;

/** What neither the broker nor this process and its clients used, and what other virtual machines took. */
export function foreignSeconds(
  before: MachineUsage,
  after: MachineUsage,
  brokerCpuSeconds: number,
): number {
  const of = (figure: keyof MachineUsage): number => after[figure] - before[figure];
  const measured = brokerCpuSeconds + of('childrenSeconds') + of('ownSeconds');
  return Math.max(0, of('busySeconds') + of('stolenSeconds') - measured - UNCERTAIN_SECONDS);
}

const usageNow = ({ pid, logDirectory }: PeerBroker) => ({
  deviceWrittenBytes: deviceWrittenBytes(logDirectory),
  broker: usageOf(pid),
  loop: firstThreadOf(pid),
  machine: machineUsage(),
});

/** Elsewhere than on Linux much is not known: such figures are left out. */
function withoutHoles(figures: Figures): Figures {
  return Object.fromEntries(Object.entries(figures).filter(([, value]) => Number.isFinite(value)));
}

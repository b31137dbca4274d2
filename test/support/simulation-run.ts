// One simulated run, from a seed: a machine, a broker on it, clients, and everything that can go wrong; checked against
// the model after each start and at the end.

import { SeededRandom } from '../../src/base/seeded-random.ts';
import type { AssembledBroker } from '../../src/compose/index.ts';
import type { Disk } from '../../src/storage/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { SimulatedNetwork } from './simulated-network.ts';
import {
  administrate,
  checkCommits,
  commit,
  consume,
  createStage,
  electLeaders,
  insist,
  produce,
  type Stage,
  sleep,
  takeProducerIds,
} from './simulation-actors.ts';
import { type Death, SimulatedMachine } from './simulation-broker.ts';
import {
  checkCatalogue,
  checkEpochRaised,
  checkPartition,
  describeState,
} from './simulation-checks.ts';
import { DiskTrouble, flipDerived, pointName, type Trouble } from './simulation-faults.ts';
import { memberOf } from './simulation-members.ts';
import { Model, PartitionModel, Violation } from './simulation-model.ts';

export interface RunOptions {
  readonly seed: number;
  /** A planted bug. */
  readonly wrapDisk?: (disk: Disk) => Disk;
  /** Keeps everything that happened as text, for people. */
  readonly keepTrace?: boolean;
}

/** What a run was, besides good. */
export interface RunReport {
  readonly seed: number;
  /** Equal for equal runs. */
  readonly fingerprint: number;
  readonly lives: number;
  readonly crashPoints: readonly string[];
  readonly acknowledged: number;
  readonly diskOperations: number;
  readonly diskFailures: number;
  readonly virtualMs: number;
  readonly trace: readonly string[];
}

const config: ReadonlyMap<string, string> = new Map([
  ['group.initial.rebalance.delay.ms', '0'],
  ['offsets.topic.num.partitions', '2'],
  ['log.segment.delete.delay.ms', '200'],
  ['log.retention.check.interval.ms', '1500'],
  ['auto.create.topics.enable', 'false'],
  ['tidemark.min.free.bytes', '0'],
]);

/** FNV-1a over a text. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  return hash >>> 0;
}

interface KnownOperation {
  readonly hash: number;
  readonly point: string;
}

/** Operations on files by both names, since runs do the same ones again and again. */
const knownOperations = new Map<string, KnownOperation>();

function knownOperation(operation: string, path: string): KnownOperation {
  const text = `${operation} ${path}`;
  let known = knownOperations.get(text);
  if (known === undefined) {
    if (knownOperations.size > 20_000) knownOperations.clear();
    known = { hash: hashOf(text), point: pointName(operation, path) };
    knownOperations.set(text, known);
  }
  return known;
}

class Run {
  readonly #options: RunOptions;
  readonly #clock = new VirtualClock();
  readonly #random: SeededRandom;
  readonly #network: SimulatedNetwork;
  readonly #machine: SimulatedMachine;
  readonly #trouble: DiskTrouble;
  readonly #model: Model;
  readonly #stage: Stage;
  #fingerprint = 1;
  readonly #lines: string[] = [];
  readonly #points = new Set<string>();
  readonly #crashPoints: string[] = [];
  #operations = 0;
  #healed = false;

  constructor(options: RunOptions) {
    this.#options = options;
    const random = new SeededRandom(options.seed);
    this.#random = random;
    const clock = this.#clock;
    this.#network = new SimulatedNetwork({ clock, random: random.fork() });
    this.#trouble = new DiskTrouble(random.fork());
    this.#machine = new SimulatedMachine({
      clock,
      random: random.fork(),
      network: this.#network,
      config,
      onOperation: (operation, path) => this.#onOperation(operation, path),
      ...(options.wrapDisk === undefined ? {} : { wrapDisk: options.wrapDisk }),
    });
    // Many partitions now and then: only those share the journal.
    const counts = random.chance(0.07) ? [18, 0] : [1 + random.below(3), random.below(2)];
    this.#model = new Model(
      counts.flatMap((count, topic) =>
        Array.from({ length: count }, (_, index) => new PartitionModel(`topic${topic}`, index)),
      ),
    );
    this.#stage = {
      clock,
      random: random.fork(),
      connector: this.#network.connector(),
      model: this.#model,
      trace: (what) => this.#trace(what),
      healed: () => this.#healed,
    };
  }

  async go(): Promise<RunReport> {
    await this.#clock.until(this.#story(), 600_000);
    return this.report();
  }

  report(): RunReport {
    let acknowledged = 0;
    for (const partition of this.#model.partitions) acknowledged += partition.due().length;
    return {
      seed: this.#options.seed,
      fingerprint: this.#fingerprint,
      lives: this.#machine.lives,
      crashPoints: this.#crashPoints,
      acknowledged,
      diskOperations: this.#operations,
      diskFailures: this.#trouble.failures,
      virtualMs: this.#clock.monotonic(),
      trace: this.#lines,
    };
  }

  #trace(what: string): void {
    this.#mix(hashOf(what));
    this.#note(what);
  }

  /** What happened and when, into the fingerprint. */
  #mix(hash: number): void {
    const micros = Math.round(this.#clock.monotonic() * 1000);
    this.#fingerprint = Math.imul(this.#fingerprint ^ hash ^ micros, 0x01000193) >>> 0;
  }

  #note(what: string): void {
    if (this.#options.keepTrace !== true) return;
    this.#lines.push(`${this.#clock.monotonic().toFixed(3)} ${what}`);
  }

  #onOperation(operation: string, path: string): void {
    const { hash, point } = knownOperation(operation, path);
    this.#operations += 1;
    this.#points.add(point);
    this.#mix(hash);
    if (this.#options.keepTrace === true) this.#note(`disk ${operation} ${path}`);
    this.#trouble.strike(operation, path);
  }

  async #story(): Promise<void> {
    await this.#up();
    await createStage(this.#stage);
    const work = Promise.all(this.#actors());
    // Its failure ends the run at once, also while the machine is being broken.
    await Promise.race([work.then(() => new Promise<never>(() => {})), this.#torment()]);
    await this.#heal();
    await work;
    await this.#readEverything();
    await this.#finish();
  }

  #actors(): Promise<void>[] {
    const stage = this.#stage;
    const { random } = stage;
    const topics = [...new Set(this.#model.partitions.map(({ topic }) => topic))];
    const actors: Promise<void>[] = [];
    const producers = 1 + random.below(3);
    for (let producer = 0; producer < producers; producer++) {
      const acks = random.chance(0.8) ? -1 : 1;
      const idempotent = random.chance(0.7);
      const topic = random.pick(topics);
      const many = this.#model.partitions.length > 16;
      const records = many ? 40 : 5 + random.below(25);
      actors.push(produce(stage, { producer, topic, acks, idempotent, records }));
    }
    if (random.chance(0.6)) actors.push(commit(stage, 'group-a', 3 + random.below(6)));
    const members = random.chance(0.4) ? 1 + random.below(2) : 0;
    for (let member = 0; member < members; member++) {
      actors.push(memberOf(stage, 'group-m', 3 + random.below(6)));
    }
    if (random.chance(0.5)) actors.push(administrate(stage, 1 + random.below(4)));
    if (random.chance(0.2)) actors.push(takeProducerIds(stage, 4));
    if (random.chance(0.7)) actors.push(consume(stage, random.pick(topics), () => this.#healed));
    return actors;
  }

  /** Starts the broker, again and again if need be, and checks it before clients reach it. */
  async #up(): Promise<void> {
    const machine = this.#machine;
    for (let attempt = 0; !machine.running; attempt++) {
      if (attempt > 20) throw new Violation('the broker does not come up');
      const { lastEnd } = machine;
      try {
        const how = await machine.start((broker) => this.#checkStarted(broker, lastEnd));
        this.#trace(`start ${how}`);
      } catch (error) {
        if (this.#trouble.kind === 'none' || error instanceof Violation) throw error;
        this.#trace(`start failed: ${(error as Error).message}`);
        await sleep(this.#clock, 100);
        if (attempt > 3) this.#trouble.end();
      }
    }
  }

  async #checkStarted(broker: AssembledBroker, lastEnd: string): Promise<void> {
    const { lastStop } = broker.store;
    this.#trace(`opened after ${lastEnd}, it says ${lastStop}`);
    if (lastEnd === 'clean' && lastStop === 'unclean' && this.#trouble.failures === 0) {
      throw new Violation('a clean stop was taken for a crash');
    }
    const crashed = lastEnd === 'power' || lastEnd === 'kill';
    if (crashed && lastStop === 'clean') {
      throw new Violation('a crash was taken for a clean stop');
    }
    if (this.#trouble.kind !== 'none') return;
    await this.#check(broker, crashed);
  }

  async #check(broker: AssembledBroker, crashed: boolean): Promise<void> {
    checkCatalogue(broker, this.#model);
    for (const partition of this.#model.partitions) {
      if (crashed) checkEpochRaised(broker, partition);
      await checkPartition(broker, partition);
    }
  }

  /** Breaks things for some seconds. */
  async #torment(): Promise<void> {
    const random = this.#random;
    const rounds = 1 + random.below(4);
    for (let round = 0; round < rounds; round++) {
      await sleep(this.#clock, random.below(random.chance(0.6) ? 120 : 500));
      const dice = random.next();
      if (dice < 0.45) await this.#crash();
      else if (dice < 0.55) await this.#restart();
      else if (dice < 0.7) this.#disturbNetwork();
      else if (dice < 0.78) this.#jump();
      else await this.#troubleDisk();
    }
  }

  async #crash(): Promise<void> {
    const random = this.#random;
    const machine = this.#machine;
    // The window between write and sync is short and matters most: it gets more than its share.
    const unsynced = random.chance(0.15);
    const death: Death = !unsynced && random.chance(0.7) ? 'power' : 'kill';
    if (!unsynced && random.chance(0.25)) {
      this.#trace(`crash: ${death}`);
      machine.crash(death);
    } else {
      const point = unsynced ? 'sync log/#.log' : random.pick([...this.#points]);
      let count = 1 + random.below(2);
      this.#trace(`crash at ${point}: ${death}`);
      const { died } = machine;
      machine.crashWhen(death, (operation, path) => {
        if (knownOperation(operation, path).point !== point || --count > 0) return false;
        this.#crashPoints.push(point);
        this.#trace(`crashed at ${operation} ${path}`);
        return true;
      });
      await Promise.race([died, sleep(this.#clock, 400)]);
      if (machine.running) machine.crash(death);
    }
    await this.#comeBack();
  }

  /** Up again after a while, perhaps dying once more on the way. */
  async #comeBack(): Promise<void> {
    const random = this.#random;
    const machine = this.#machine;
    await sleep(this.#clock, random.below(300));
    if (random.chance(0.15))
      this.#trace(`flipped ${flipDerived(machine.disk, random, machine.lastEnd)}`);
    for (let again = 0; again < 2 && random.chance(0.3); again++) {
      let left = 1 + random.below(80);
      machine.crashWhen(random.chance(0.7) ? 'power' : 'kill', (operation, path) => {
        if (--left > 0) return false;
        this.#crashPoints.push(knownOperation(operation, path).point);
        this.#trace(`crashed in recovery at ${operation} ${path}`);
        return true;
      });
      const { lastEnd } = machine;
      await machine
        .start((broker) => this.#checkStarted(broker, lastEnd))
        .catch((error) => {
          if (this.#trouble.kind === 'none' || error instanceof Violation) throw error;
        });
      if (machine.running) return;
    }
    await this.#up();
    // What a restart after a kill served must survive the power cut that follows.
    if (machine.lastEnd === 'kill' && random.chance(0.5)) {
      await sleep(this.#clock, random.below(40));
      this.#trace('power goes soon after a kill');
      machine.crash('power');
      await this.#up();
    }
  }

  async #restart(): Promise<void> {
    const how = await this.#machine.stop(this.#random.below(2_000));
    this.#trace(`stop ${how}`);
    await this.#comeBack();
  }

  #disturbNetwork(): void {
    const random = this.#random;
    const { links } = this.#network;
    if (links.length === 0) return;
    const link = random.pick(links);
    const how = random.pick(['cut', 'to-server', 'to-client'] as const);
    this.#trace(`network ${how}`);
    if (how === 'cut') link.cut();
    else link.silence(how);
  }

  #jump(): void {
    const deltaMs = this.#random.below(7_200_000) - 3_600_000;
    this.#trace(`clock jumps by ${deltaMs}`);
    this.#clock.jump(deltaMs);
  }

  async #troubleDisk(): Promise<void> {
    const random = this.#random;
    const kind = random.pick<Trouble>(['sync', 'write', 'read', 'full', 'meta']);
    this.#trace(`disk trouble: ${kind}`);
    this.#trouble.begin(kind, random.chance(0.3) ? 1 : 0.3);
    await sleep(this.#clock, random.below(400));
    if (random.chance(0.3)) await this.#crash();
    this.#trouble.end();
    this.#trace('disk trouble is over');
    if (random.chance(0.7)) await electLeaders(this.#stage);
  }

  /** No more faults; everything that failed is brought back. */
  async #heal(): Promise<void> {
    this.#trouble.end();
    this.#machine.disk.crashIf = () => false;
    await this.#up();
    for (let attempt = 0; this.#anyOffline(); attempt++) {
      if (attempt > 20)
        throw new Violation(
          `partitions stay offline on a healthy disk: ${this.#offline().join(', ')}`,
        );
      await electLeaders(this.#stage);
      await sleep(this.#clock, 50);
    }
    this.#healed = true;
    this.#trace('healed');
  }

  #anyOffline(): boolean {
    return this.#offline().length > 0;
  }

  /** The partitions that take no writes. */
  #offline(): string[] {
    const { broker } = this.#machine;
    if (broker === null) return ['no broker'];
    return broker.engine.topics().flatMap((topic) =>
      Array.from({ length: topic.partitionCount }, (_, index) => index)
        .filter((index) => broker.engine.partition(topic.name, index)?.online !== true)
        .map((index) => `${topic.name}-${index}`),
    );
  }

  /** Readers from the start see everything there is. */
  async #readEverything(): Promise<void> {
    const { broker } = this.#machine;
    if (broker === null) throw new Violation('the broker is down at the end');
    for (const topic of new Set(this.#model.partitions.map((one) => one.topic))) {
      await consume(this.#stage, topic, (positions) => {
        for (const [index, position] of positions) {
          if (position < (broker.engine.partition(topic, index)?.highWatermark ?? 0)) return false;
        }
        return true;
      });
    }
    await checkCommits(this.#stage);
    await this.#check(broker, false);
  }

  /** Stops in order or by a last crash; what comes up twice from the same disk must be the same. */
  async #finish(): Promise<void> {
    const random = this.#random;
    const machine = this.#machine;
    const crashes = random.chance(0.5);
    if (crashes) machine.crash(random.chance(0.5) ? 'power' : 'kill');
    else if ((await machine.stop(1_000)) !== 'clean') throw new Violation('the stop was not clean');
    const { lastEnd } = machine;
    const disk = machine.disk.crash();
    const states: string[] = [];
    const times = random.chance(0.4) ? 2 : 1;
    for (let time = 0; time < times; time++) {
      // A crash of a disk without unsynced writes is a copy of it.
      machine.insert(disk.crash(7));
      await machine.start((broker) => this.#checkStarted(broker, lastEnd));
      const { broker } = machine;
      if (broker === null) throw new Violation('the broker does not come up');
      await insist(this.#clock, () => checkCommits(this.#stage));
      states.push(await describeState(broker));
      machine.crash('kill');
    }
    if (times === 2 && states[0] !== states[1]) {
      throw new Violation(`two recoveries differ:\n${states[0]}\n--\n${states[1]}`);
    }
    this.#trace(states[0] ?? '');
  }
}

/** Runs a seed. Throws what went wrong, with the command that does it again. */
export async function runSimulation(options: RunOptions): Promise<RunReport> {
  const run = new Run(options);
  const rejections: unknown[] = [];
  const onRejection = (reason: unknown): void => {
    rejections.push(reason);
  };
  process.on('unhandledRejection', onRejection);
  // Most errors here are part of the game; where they came from is told when a seed is run alone.
  const frames = Error.stackTraceLimit;
  if (options.keepTrace !== true) Error.stackTraceLimit = 1;
  try {
    const report = await run.go();
    if (rejections.length > 0) throw rejections[0];
    return report;
  } catch (error) {
    throw explained(options.seed, error, run.report());
  } finally {
    Error.stackTraceLimit = frames;
    process.off('unhandledRejection', onRejection);
  }
}

function explained(seed: number, error: unknown, report: RunReport): Error {
  const { message, stack = '' } = error as Error;
  const tail = report.trace.join('\n');
  return new Error(
    `seed ${seed}: ${message}\nreplay: SEED=${seed} npx vitest run --config test/vitest.config.ts ` +
      `test/simulation/broker.test.ts\n${stack}${tail === '' ? '' : `\ntrace:\n${tail}`}`,
    { cause: error },
  );
}

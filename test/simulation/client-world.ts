// The real client, producers and members of one group, against a real broker on a simulated machine and network: answers
// are lost, late, repeated, connections cut, the broker killed; members come, go, hang and are killed, with a name of
// their own or without; in some runs the topic is deleted and made anew. All from one seed.

import { createHash } from 'node:crypto';
import { KafkaError } from '../../src/base/kafka-errors.ts';
import { SeededRandom } from '../../src/base/seeded-random.ts';
import {
  type AssignorName,
  type ByteStreamHandler,
  ClientError,
  Cluster,
  type Connector,
  type ConsumedRecord,
  Consumer,
  type ConsumerOptions,
  committedOffsets,
  Producer,
  tcpNetwork,
} from '../../src/client/index.ts';
import { FrameSplitter } from '../../src/protocol/index.ts';
import { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { SimulatedNetwork } from '../support/simulated-network.ts';
import { brokerAddress, SimulatedMachine } from '../support/simulation-broker.ts';
import { ClientProcess } from './client-process.ts';
import { deleteTopic, makeTopic, readAll } from './client-remake.ts';

const TOPIC = 'pages';
const GROUP = 'crawlers';
const PARTITIONS = 3;
const KEYS = ['a', 'b', null] as const;
/** How long, in virtual time, faults go on, and how long it may take to mend. */
const FAULTS_MS = 25_000;
const MEND_MS = 300_000;

const config: ReadonlyMap<string, string> = new Map([
  ['group.initial.rebalance.delay.ms', '0'],
  ['offsets.topic.num.partitions', '1'],
  ['num.partitions', String(PARTITIONS)],
  ['group.consumer.min.heartbeat.interval.ms', '100'],
  ['group.consumer.heartbeat.interval.ms', '300'],
  ['group.consumer.min.session.timeout.ms', '1000'],
  ['group.consumer.session.timeout.ms', '3000'],
  ['group.min.session.timeout.ms', '1000'],
]);

interface ClientReport {
  readonly seed: number;
  readonly fingerprint: string;
  readonly acknowledged: number;
  readonly delivered: number;
  readonly lives: number;
  readonly faults: number;
  readonly rebalances: number;
  readonly lost: number;
  readonly remade: number;
  readonly killed: number;
}

/** While the topic is deleted and made anew. */
const BETWEEN = -1;

interface Sent {
  readonly value: string;
  /** How often the topic had been made anew when it was given to the producer, or {@link BETWEEN}. */
  readonly era: number;
  acknowledged: boolean;
}

interface MemberLife {
  readonly who: string;
  readonly consumer: Consumer<'string', 'string'>;
  readonly process: ClientProcess;
}

/** What is promised was not kept. */
class ClientViolation extends Error {
  constructor(seed: number, what: string, trace: readonly string[]) {
    const replay = `SEED=${seed} npx vitest run --config test/vitest.config.ts test/simulation/client.test.ts`;
    super(`${what}\n${trace.slice(-60).join('\n')}\nreplay: ${replay}`);
  }
}

/** A connector under which whole answers come twice now and then. */
function repeating(inner: Connector, repeat: () => boolean): Connector {
  return {
    connect(target, handler) {
      const frames = new FrameSplitter(1 << 26);
      const wrapped: ByteStreamHandler = {
        ...handler,
        onClose: (cause) => handler.onClose(cause),
        onData(chunk) {
          frames.push(chunk);
          for (let frame = frames.next(); frame !== null; frame = frames.next()) {
            const length = Buffer.alloc(4);
            length.writeInt32BE(frame.length);
            const whole = Buffer.concat([length, frame]);
            handler.onData(whole);
            if (repeat()) handler.onData(whole);
          }
        },
      };
      return inner.connect(target, wrapped);
    },
  };
}

class World {
  readonly seed: number;
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly machine: SimulatedMachine;
  readonly trace: string[] = [];
  readonly keep: boolean;
  /** A planted bug: handlers commit more than is dealt with. */
  readonly bug: boolean;
  healed = false;
  faults = 0;
  rebalances = 0;
  lost = 0;
  lives = 0;
  /** Whether the topic is deleted and made anew now and then. */
  readonly remakes: boolean;
  remade = 0;
  era = 0;
  /** Whether members have names, which they keep over their deaths (KIP-345). */
  readonly named: boolean;
  killed = 0;
  /** Of members, now. */
  readonly processes = new Set<ClientProcess>();
  /** By key and partition: what was sent, in order; acknowledged or not known. */
  readonly sent = new Map<string, Sent[]>();
  readonly delivered = new Set<string>();
  /** What some handler was done with, before its process was killed. */
  readonly dealtWith = new Set<string>();
  /** Where acknowledged records are that were sent in this era: those of others may have gone with their topic. */
  readonly landed = new Map<string, { readonly partition: number; readonly offset: number }>();
  readonly committed = new Map<number, number>();

  constructor(seed: number, keep: boolean, bug: boolean) {
    this.seed = seed;
    this.keep = keep;
    this.bug = bug;
    this.random = new SeededRandom(seed);
    const { clock, random } = this;
    this.remakes = random.chance(0.4);
    this.named = random.chance(0.4);
    const autoCreate = random.chance(0.5);
    const slow = random.chance(0.2);
    const delayMs = slow ? ([0, 250] as const) : ([0, 5] as const);
    this.network = new SimulatedNetwork({ clock, random: random.fork(), delayMs });
    this.machine = new SimulatedMachine({
      clock,
      random: random.fork(),
      network: this.network,
      config: new Map([...config, ['auto.create.topics.enable', String(autoCreate)]]),
      onOperation: () => {},
    });
  }

  note(what: string): void {
    const line = `${Math.round(this.clock.monotonic())} ${what}`;
    if (this.keep || this.trace.length < 100_000) this.trace.push(line);
  }

  fail(what: string): never {
    throw new ClientViolation(this.seed, what, this.trace);
  }

  sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.clock.setTimer(ms, resolve);
    });
  }

  cluster(clientId: string, process = new ClientProcess(this.clock)): Cluster {
    const { clock } = process;
    const random = this.random.fork();
    const dice = this.random.fork();
    const own = process.connector(this.network.connector());
    const connector = repeating(own, () => !this.healed && dice.chance(0.01));
    const network = tcpNetwork([brokerAddress], {
      clientId,
      connector,
      clock,
      random,
      connectTimeoutMs: 600,
      requestTimeoutMs: 1_500,
      reconnectBackoffMs: 20,
      reconnectBackoffMaxMs: 200,
    });
    return new Cluster({ network, clock, random, apiTimeoutMs: 3_000, metadataMaxAgeMs: 5_000 });
  }

  async boot(): Promise<void> {
    this.lives += 1;
    await this.machine.start(() => Promise.resolve());
    this.note('the broker is up');
  }

  /** Tries until it works: trouble passes. */
  async insist<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof KafkaError) && !(error instanceof ClientError)) throw error;
        await this.sleep(50);
      }
    }
  }

  async breakThings(): Promise<void> {
    const { random } = this;
    while (this.clock.monotonic() < FAULTS_MS) {
      await this.sleep(100 + random.below(2_500));
      this.faults += 1;
      const dice = random.next();
      const { links } = this.network;
      const link = links.length === 0 ? undefined : random.pick(links);
      if (dice < 0.45) {
        this.note('a connection is cut');
        link?.cut();
      } else if (dice < 0.75) {
        const direction = random.chance(0.5) ? 'to-client' : 'to-server';
        this.note(`a connection is silent ${direction}`);
        link?.silence(direction);
      } else {
        this.note('the broker dies');
        this.machine.crash(random.chance(0.5) ? 'power' : 'kill');
        const [process] = this.processes;
        if (process !== undefined && random.chance(0.3)) this.kill(process);
        await this.sleep(20 + random.below(3_000));
        await this.boot();
      }
    }
  }

  kill(process: ClientProcess): void {
    if (!process.alive) return;
    this.note('a member dies');
    this.killed += 1;
    this.processes.delete(process);
    process.kill();
  }

  async remakeNowAndThen(): Promise<void> {
    if (!this.remakes) return;
    const { random } = this;
    for (;;) {
      await this.sleep(1_000 + random.below(12_000));
      if (this.clock.monotonic() >= FAULTS_MS) return;
      await this.remake();
    }
  }

  /** Until the new topic is there, nobody knows which of the two a record goes to. */
  async remake(): Promise<void> {
    const cluster = this.cluster('remaker');
    this.era = BETWEEN;
    this.landed.clear();
    this.note('the topic is deleted');
    await this.insist(() => deleteTopic(cluster, TOPIC));
    await this.sleep(this.random.pick([0, 0, 300, 3_000]));
    await this.insist(() => makeTopic(cluster, TOPIC, PARTITIONS));
    this.remade += 1;
    this.committed.clear();
    this.era = this.remade;
    this.note('the topic is made anew');
    await cluster.close();
  }

  async produce(name: string): Promise<void> {
    const cluster = this.cluster(name);
    const { random } = this;
    const producer = new Producer(cluster, {
      key: 'string',
      value: 'string',
      lingerMs: random.below(8),
      deliveryTimeoutMs: 120_000,
      requestTimeoutMs: 1_500,
    });
    const sending: Promise<void>[] = [];
    for (let index = 0; index < 60; index++) {
      const partition = random.below(PARTITIONS);
      const key = random.pick(KEYS);
      const value = `${name}-${index}`;
      const lane = `${name}/${partition}/${key}`;
      const entry: Sent = { value, era: this.era, acknowledged: false };
      const list = this.sent.get(lane) ?? [];
      list.push(entry);
      this.sent.set(lane, list);
      const sent = producer.send({ topic: TOPIC, partition, key, value });
      sending.push(
        sent.then(
          ({ offset }) => {
            entry.acknowledged = true;
            if (this.isOfThisEra(entry)) this.landed.set(value, { partition, offset });
            this.note(`${value} is acknowledged`);
          },
          (error: unknown) => {
            if (!(error instanceof KafkaError) && !(error instanceof ClientError)) throw error;
            this.note(`${value} failed: ${error.code}`);
          },
        ),
      );
      await this.sleep(random.below(500));
    }
    await Promise.all(sending);
    await producer.close();
    await cluster.close();
  }

  isOfThisEra({ era }: Sent): boolean {
    return era !== BETWEEN && era === this.era;
  }

  /** A record came to a handler: nothing of its lane that was acknowledged may have been left out before it. */
  deliver(member: string, { partition, key, value, offset }: ConsumedRecord<string, string>): void {
    const text = value ?? '';
    this.note(`${member} has ${partition}@${offset} ${text}`);
    const lane = `${text.slice(0, text.lastIndexOf('-'))}/${partition}/${key}`;
    const list = this.sent.get(lane);
    const at = list?.findIndex((one) => one.value === text) ?? -1;
    if (list === undefined || at < 0) this.fail(`${text} came to ${lane}, never sent there`);
    const missing = list.slice(0, at).find((one) => {
      return one.acknowledged && this.isOfThisEra(one) && !this.delivered.has(one.value);
    });
    if (missing !== undefined) this.fail(`${text} came before ${missing.value} of ${lane}`);
    this.delivered.add(text);
  }

  /** Members of one kind come and go until all is mended and delivered. */
  async member(name: string, kind: Partial<ConsumerOptions>, done: () => boolean): Promise<void> {
    const { random } = this;
    for (let life = 0; !done(); life++) {
      const who = `${name}.${life}`;
      const process = new ClientProcess(this.clock);
      this.processes.add(process);
      const cluster = this.cluster(who, process);
      const consumer = new Consumer(cluster, {
        ...kind,
        ...(this.named && { instanceId: name }),
        topics: [TOPIC],
        group: GROUP,
        key: 'string',
        value: 'string',
        sessionTimeoutMs: 3_000,
        heartbeatIntervalMs: 300,
        maxPollIntervalMs: 5_000,
        maxWaitMs: 200,
        autoCommit: { everyMs: 400 },
        onAssigned: (places) => {
          this.rebalances += 1;
          this.note(`${who} + ${places.map((one) => one.partition).join()}`);
        },
        onRevoked: (places) => this.note(`${who} - ${places.map((one) => one.partition).join()}`),
        onLost: () => {
          this.lost += 1;
          this.note(`${who} lost all`);
        },
      });
      const mayEnd = this.clock.monotonic() + 2_000 + random.below(12_000);
      const concurrency = random.pick([1, 3]);
      const member = { who, consumer, process };
      const running = consumer.run((record) => this.handle(member, record), { concurrency });
      // A broker that was never reached is told at once: the next life tries again.
      let ended: unknown = null;
      running.catch((error: unknown) => {
        ended = error ?? 'ended';
      });
      const mayGoOn = (): boolean => this.healed || this.clock.monotonic() < mayEnd;
      while (ended === null && !done() && process.alive && mayGoOn()) await this.sleep(100);
      if (!this.healed && random.chance(0.3)) this.kill(process);
      const closed = consumer.close().then(async () => {
        await running.catch((error: unknown) => this.checkEnd(who, error));
        await cluster.close();
        this.processes.delete(process);
        this.note(`${who} is closed`);
      });
      await Promise.race([closed, process.died]);
      await this.sleep(random.below(1_500));
    }
  }

  /**
   * A broker that was never reached is told at once. And a name may be another's: of who was killed and whose session
   * goes on (KIP-848), or, for a broker that was killed before it had noted who joined last, of the one before him.
   */
  checkEnd(who: string, error: unknown): void {
    const code = String((error as { code?: unknown }).code);
    const isTaken = code === 'UNRELEASED_INSTANCE_ID' || code === 'FENCED_INSTANCE_ID';
    if (code !== 'cannot_connect' && !(this.named && isTaken))
      this.fail(`${who} ended with ${String(error)}`);
  }

  async handle(
    { who, consumer, process }: MemberLife,
    record: ConsumedRecord<string, string>,
  ): Promise<void> {
    if (!process.alive) return new Promise(() => {});
    const { random } = this;
    this.deliver(who, record);
    const dice = random.next();
    if (dice < 0.6) await process.orNever(this.sleep(random.below(60)));
    // Now and then one hangs for longer than the group waits.
    if (dice > 0.985 && !this.healed) await process.orNever(this.sleep(7_000));
    this.dealtWith.add(record.value ?? '');
    if (!this.bug || dice < 0.9) return;
    const { topic, partition, offset } = record;
    await consumer.commit([{ topic, partition, offset: offset + 5 }]).catch(() => {});
  }

  /** Commits never go back, and never past a record that nobody was done with. */
  async watchCommits(done: () => boolean): Promise<void> {
    const cluster = this.cluster('observer');
    const partitions = Array.from({ length: PARTITIONS }, (_, index) => index);
    for (let last = false; ; last = done()) {
      const { era } = this;
      const committed = await this.insist(() =>
        committedOffsets(cluster, GROUP, TOPIC, partitions),
      );
      const isToldOfThisEra = era !== BETWEEN && era === this.era;
      for (const [partition, offset] of isToldOfThisEra ? committed : []) {
        const before = this.committed.get(partition) ?? -1;
        if (offset < before)
          this.fail(`the commit of ${partition} went from ${before} to ${offset}`);
        this.committed.set(partition, offset);
        for (const [value, at] of this.landed) {
          if (at.partition !== partition || at.offset >= offset || this.dealtWith.has(value))
            continue;
          this.fail(
            `${offset} is committed in ${partition}, nobody was done with ${value} at ${at.offset}`,
          );
        }
      }
      if (last) break;
      await this.sleep(300);
    }
    await cluster.close();
  }

  get acknowledged(): number {
    return [...this.sent.values()].flat().filter((one) => one.acknowledged).length;
  }

  /** The log holds what was acknowledged where it was said to be, and each record once, in order. */
  async checkLog(): Promise<void> {
    const cluster = this.cluster('reader');
    const last = new Map<string, number>();
    const places = new Map<string, string>();
    const all = await this.insist(() => readAll(cluster, TOPIC, PARTITIONS));
    for (const { partition, offset, key, value } of all) {
      const [name, index] = value.split('-');
      const lane = `${name}/${partition}/${key}`;
      const before = last.get(lane) ?? -1;
      if (Number(index) <= before) this.fail(`${value} is at ${offset}, behind ${before}`);
      last.set(lane, Number(index));
      places.set(value, `${partition}@${offset}`);
    }
    for (const [value, { partition, offset }] of this.landed) {
      const found = places.get(value);
      if (found !== `${partition}@${offset}` && offset >= 0)
        this.fail(`${value} was acknowledged at ${partition}@${offset}, and is at ${found}`);
    }
    await cluster.close();
  }

  missing(): string[] {
    return [...this.landed.keys()].filter((value) => !this.dealtWith.has(value));
  }
}

function kindOf(random: SeededRandom): Partial<ConsumerOptions> {
  const assignors: readonly AssignorName[] = [
    'cooperative-sticky',
    'range',
    'roundrobin',
    'sticky',
  ];
  const modern = random.chance(0.4);
  return modern ? { protocol: 'consumer' } : { assignor: random.pick(assignors) };
}

/** One run. Throws {@link ClientViolation}. */
export async function runClientSimulation(
  seed: number,
  { keep = false, bug = false }: { keep?: boolean; bug?: boolean } = {},
): Promise<ClientReport> {
  const world = new World(seed, keep, bug);
  try {
    await world.clock.until(script(world), FAULTS_MS + MEND_MS);
  } catch (error) {
    if (error instanceof ClientViolation) throw error;
    world.fail(`${String(error)} ${error instanceof Error ? error.stack : ''}`);
  }
  const { faults, rebalances, lost, lives, acknowledged, remade, killed } = world;
  const fingerprint = createHash('sha256').update(world.trace.join('\n')).digest('hex');
  const delivered = world.delivered.size;
  const counts = { acknowledged, delivered, lives, faults, rebalances, lost, remade, killed };
  return { seed, fingerprint, ...counts };
}

async function script(world: World): Promise<void> {
  const { random } = world;
  await world.boot();
  const setup = world.cluster('setup');
  await world.insist(() => makeTopic(setup, TOPIC, PARTITIONS));
  await setup.close();
  const kind = kindOf(random);
  world.note(`members: ${JSON.stringify(kind)}`);
  let finished = false;
  const done = (): boolean => finished;
  const producing = [world.produce('p1'), world.produce('p2')];
  const members = ['m1', 'm2', 'm3'].map((name) => world.member(name, kind, done));
  const watching = world.watchCommits(done);
  const all = Promise.all([...members, watching]);
  // What one of them finds ends the run at once.
  const found = new Promise<never>((_, reject) => {
    all.catch(reject);
  });
  found.catch(() => {});
  await Promise.race([Promise.all([world.breakThings(), world.remakeNowAndThen()]), found]);
  world.healed = true;
  world.note('no more faults');
  await Promise.race([Promise.all(producing), found]);
  const startMs = world.clock.monotonic();
  while (world.missing().length > 0) {
    if (world.clock.monotonic() - startMs > 60_000)
      world.fail(`not dealt with: ${world.missing().join()}`);
    await Promise.race([world.sleep(100), found]);
  }
  // Longer than a hanging handler and a commit take.
  await world.sleep(8_000);
  finished = true;
  await all;
  await world.checkLog();
  await world.machine.stop(5_000);
  if (world.network.links.length > 0)
    world.fail(`${world.network.links.length} connections are left`);
}

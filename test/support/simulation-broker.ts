// One simulated machine: a disk that survives, and one broker process after the other on it. The broker is the real
// one (src/compose), with a disk, a clock, randomness and peers that the run hands in.

import type { CancelTimer, Clock } from '../../src/base/ports.ts';
import type { SeededRandom } from '../../src/base/seeded-random.ts';
import { type AssembledBroker, assembleBroker } from '../../src/compose/index.ts';
import type { Disk } from '../../src/storage/index.ts';
import type { VirtualClock } from '../../src/testing/virtual-clock.ts';
import { type CapturedLog, capturedLog } from './captured-log.ts';
import { SimulatedDisk } from './simulated-disk.ts';
import type { SimulatedNetwork } from './simulated-network.ts';

export const brokerAddress = { host: 'broker', port: 9092 } as const;

/** `power`: what was not synced is gone by chance. `kill`: the page cache survives. */
export type Death = 'power' | 'kill';

/** The clock of one process: its timers die with it. */
export class LifeClock implements Clock {
  readonly #clock: VirtualClock;
  alive = true;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now();
  }

  monotonic(): number {
    return this.#clock.monotonic();
  }

  setTimer(delayMs: number, fire: () => void): CancelTimer {
    if (!this.alive) return () => {};
    return this.#clock.setTimer(delayMs, () => {
      if (this.alive) fire();
    });
  }

  defer(fire: () => void): void {
    this.setTimer(0, fire);
  }
}

export interface MachineOptions {
  readonly clock: VirtualClock;
  readonly random: SeededRandom;
  readonly network: SimulatedNetwork;
  readonly config: ReadonlyMap<string, string>;
  /** Told of every disk operation of every life, before it happens; may throw a DiskError in its place. */
  readonly onOperation: (operation: string, path: string) => void;
  /** Stands between the broker and its disk: where tests plant bugs. */
  readonly wrapDisk?: (disk: Disk) => Disk;
}

interface Life {
  readonly clock: LifeClock;
  readonly log: CapturedLog;
  readonly died: Promise<'died'>;
  readonly die: () => void;
  broker: AssembledBroker | null;
  stopping: boolean;
  wrote: boolean;
  stopListening: () => void;
}

/** Part of a millisecond mostly, now and then much longer; half of the operations do not wait at all. */
function diskDelay(clock: VirtualClock): (random: SeededRandom) => Promise<void> {
  return (random) => {
    const dice = random.next();
    if (dice < 0.75) return Promise.resolve();
    const delayMs = dice < 0.99 ? random.next() * 3 : random.next() * 60;
    return new Promise((resolve) => {
      clock.setTimer(delayMs, resolve);
    });
  };
}

export class SimulatedMachine {
  readonly #options: MachineOptions;
  #life: Life | null = null;
  #deathWish: Death = 'power';
  disk: SimulatedDisk;
  /** How the last life ended; `stopping`: it crashed while it stopped in order, perhaps after its last write. */
  lastEnd: 'none' | 'clean' | 'stopping' | Death = 'none';
  lives = 0;

  constructor(options: MachineOptions) {
    this.#options = options;
    const seed = options.random.below(2 ** 31);
    this.disk = new SimulatedDisk({ seed, delay: diskDelay(options.clock), writesNow: 0.7 });
    this.#arm();
  }

  /** The broker that is up now. */
  get broker(): AssembledBroker | null {
    return this.#life?.broker ?? null;
  }

  /** Lines that the broker of this life logged. */
  get log(): CapturedLog['lines'] {
    return this.#life?.log.lines ?? [];
  }

  get running(): boolean {
    return this.#life !== null;
  }

  /** Resolves when the life that goes on now ends by a crash; never, if it ends in order. */
  get died(): Promise<unknown> {
    return this.#life?.died ?? Promise.resolve();
  }

  /**
   * Starts the broker, lets `check` look at it, and takes connections. Answers `died` when a crash came before that.
   * Throws what starting throws; then no life goes on.
   */
  async start(check: (broker: AssembledBroker) => Promise<void>): Promise<'up' | 'died'> {
    const { clock, network, random } = this.#options;
    const life = this.#newLife();
    const ports = {
      disk: this.#options.wrapDisk?.(this.disk) ?? this.disk,
      root: 'simulated',
      clock: life.clock,
      random: random.fork(),
      logger: life.log.logger,
    };
    const up = async (): Promise<'up'> => {
      const broker = await assembleBroker(ports, {
        config: this.#options.config,
        memory: false,
        acceptReplicationFactor: false,
        // Segments of a few hundred bytes are long ones here.
        store: { regions: () => true, removalStepBytes: 100 },
      });
      await check(broker);
      if (!life.clock.alive) return new Promise(() => {});
      life.broker = broker;
      broker.broker.setListenEndpoint(brokerAddress);
      broker.broker.start().catch((error: unknown) => {
        life.log.logger.error({ error }, 'groups could not be loaded');
      });
      life.stopListening = network.listen(brokerAddress, (peer) => broker.broker.accept(peer));
      return 'up';
    };
    try {
      return await Promise.race([up(), life.died]);
    } catch (error) {
      life.clock.alive = false;
      this.#life = null;
      // It closed what it had opened; whether that counts as a clean stop is its own business.
      if (life.wrote) this.lastEnd = 'stopping';
      await new Promise<void>((resolve) => {
        clock.setTimer(0, resolve);
      });
      this.#change(this.disk.kill());
      throw error;
    }
  }

  /** The power goes, or the process is killed, now. */
  crash(death: Death): void {
    this.#deathWish = death;
    this.#die();
  }

  /** The power goes, or the process is killed, at the first operation that `when` says. */
  crashWhen(death: Death, when: (operation: string, path: string) => boolean): void {
    this.#deathWish = death;
    this.disk.crashIf = when;
  }

  /** Stops in order; answers how it ended, since a crash may come first. */
  async stop(graceMs: number): Promise<'clean' | 'died'> {
    const life = this.#life;
    if (life === null || life.broker === null) return 'died';
    life.stopListening();
    life.stopping = true;
    const { broker } = life;
    const end = await Promise.race([broker.close(graceMs).then(() => 'clean' as const), life.died]);
    if (end === 'died') return 'died';
    life.clock.alive = false;
    this.#options.network.cutAll();
    this.#life = null;
    this.lastEnd = 'clean';
    this.#change(this.disk.kill());
    return 'clean';
  }

  /** Puts another disk into the machine, which is off. */
  insert(disk: SimulatedDisk): void {
    this.#change(disk);
  }

  #newLife(): Life {
    let die: () => void = () => {};
    const died = new Promise<'died'>((resolve) => {
      die = () => resolve('died');
    });
    const life: Life = {
      clock: new LifeClock(this.#options.clock),
      log: capturedLog(),
      died,
      die,
      broker: null,
      stopping: false,
      wrote: false,
      stopListening: () => {},
    };
    this.#life = life;
    this.lives += 1;
    return life;
  }

  #die(): void {
    const life = this.#life;
    if (life === null) return;
    life.clock.alive = false;
    life.stopListening();
    this.#options.network.cutAll();
    this.#life = null;
    // A start that died before it wrote anything may leave the disk as the life before it did.
    if (life.wrote) this.lastEnd = life.stopping ? 'stopping' : this.#deathWish;
    else if (this.lastEnd === 'clean') this.lastEnd = 'stopping';
    this.#change(this.#deathWish === 'power' ? this.disk.crash() : this.disk.kill());
    life.die();
  }

  /** A start that fails closes what it had opened, and may die at the end of that. */
  #noteWrite(life: Life, path: string): void {
    life.wrote = true;
    if (life.broker === null && path === 'clean-shutdown') life.stopping = true;
  }

  #change(disk: SimulatedDisk): void {
    disk.capacity = this.disk.capacity;
    this.disk = disk;
    this.#arm();
  }

  #arm(): void {
    this.disk.hook = (operation, path) => {
      if (operation === 'write' && this.#life !== null) this.#noteWrite(this.#life, path);
      this.#options.onOperation(operation, path);
    };
    this.disk.onCrash = () => this.#die();
  }
}

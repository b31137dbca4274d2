// A process of a client that may be killed: its timers and its connections end with it, and nobody in it hears of that.

import type { Clock } from '../../src/base/ports.ts';
import type { ByteStream, ByteStreamHandler, Connector } from '../../src/client/index.ts';
import { LifeClock } from '../support/simulation-broker.ts';

export class ClientProcess {
  readonly #clock: LifeClock;
  readonly #streams = new Set<ByteStream>();
  #die: () => void = () => {};
  readonly died = new Promise<void>((resolve) => {
    this.#die = resolve;
  });

  constructor(clock: ConstructorParameters<typeof LifeClock>[0]) {
    this.#clock = new LifeClock(clock);
  }

  get clock(): Clock {
    return this.#clock;
  }

  get alive(): boolean {
    return this.#clock.alive;
  }

  kill(): void {
    this.#clock.alive = false;
    for (const stream of this.#streams) stream.destroy();
    this.#die();
  }

  /** What the rest of the process waits for, once it is dead. */
  async orNever<T>(work: Promise<T>): Promise<T> {
    const result = await work;
    return this.alive ? result : new Promise(() => {});
  }

  connector(inner: Connector): Connector {
    return {
      connect: async (target, handler) => {
        const stream = await this.orNever(this.#opened(inner, target, handler));
        this.#streams.add(stream);
        return stream;
      },
    };
  }

  async #opened(
    inner: Connector,
    target: Parameters<Connector['connect']>[0],
    handler: ByteStreamHandler,
  ): Promise<ByteStream> {
    let stream: ByteStream | null = null;
    stream = await inner.connect(target, {
      readBuffer: () => handler.readBuffer(),
      onRead: (length) => {
        if (this.alive) handler.onRead(length);
      },
      onData: (chunk) => {
        if (this.alive) handler.onData(chunk);
      },
      onClose: (cause) => {
        if (stream !== null) this.#streams.delete(stream);
        if (this.alive) handler.onClose(cause);
      },
    });
    if (!this.alive) stream.destroy();
    return stream;
  }
}

// What any broker can tell is asked of one that answers. One that hangs, or is only slow, is not waited for alone: a
// little later the next is asked too, and whoever answers first is asked first from then on.

import type { CancelTimer, Clock } from '../base/ports.ts';
import type { Transport } from '../protocol/index.ts';
import { ClientError } from './errors.ts';

/** So long one broker is waited for before the next is asked too, in ms. */
const ALONE_MS = 1_000;

export class AnyBroker {
  readonly #clock: Clock;
  readonly #known: () => readonly Transport[];
  /** The last one that answered; null once it is doubted. */
  last: Transport | null = null;
  /** Those that failed or were slow since they answered last: they are asked after the others. */
  readonly #shunned = new WeakSet<Transport>();

  /** `known`: ways to all brokers that are known, in the order in which they are tried. */
  constructor(clock: Clock, known: () => readonly Transport[]) {
    this.#clock = clock;
    this.#known = known;
  }

  /**
   * What the first broker that answers says. Throws its refusal (KafkaError), or, when none of them can be asked, the
   * ClientError of the first.
   */
  ask<T>(question: (broker: Transport) => Promise<T>): Promise<T> {
    const left = this.#inOrder();
    let underWay = 0;
    let failure: unknown = null;
    let isOver = false;
    let cancel: CancelTimer = () => {};
    return new Promise((resolve, reject) => {
      const end = (): void => {
        isOver = true;
        cancel();
      };
      const failed = (broker: Transport, error: unknown): void => {
        underWay -= 1;
        this.#shunned.add(broker);
        failure ??= error;
        if (!isOver) askNext();
      };
      const askNext = (): void => {
        cancel();
        const broker = left.shift();
        if (broker !== undefined) {
          underWay += 1;
          if (left.length > 0) cancel = this.#clock.setTimer(ALONE_MS, () => slow(broker));
          question(broker).then(
            (answer) => {
              if (!isOver) this.#answered(broker);
              end();
              resolve(answer);
            },
            (error: unknown) => {
              if (error instanceof ClientError) failed(broker, error);
              else {
                end();
                reject(error);
              }
            },
          );
        } else if (underWay === 0) {
          end();
          reject(failure ?? new ClientError('cannot_connect', 'there is no broker to connect to'));
        }
      };
      const slow = (broker: Transport): void => {
        this.#shunned.add(broker);
        askNext();
      };
      askNext();
    });
  }

  #answered(broker: Transport): void {
    this.#shunned.delete(broker);
    this.last = broker;
  }

  #inOrder(): Transport[] {
    const all = new Set([...(this.last === null ? [] : [this.last]), ...this.#known()]);
    const isShunned = (one: Transport): boolean => one !== this.last && this.#shunned.has(one);
    return [...all].sort((a, b) => Number(isShunned(a)) - Number(isShunned(b)));
  }
}

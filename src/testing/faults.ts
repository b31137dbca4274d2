// Faults on order: what the next requests of an API meet instead of, or before, their handler.

import { ErrorCode, KafkaError, type KafkaErrorName } from '../base/kafka-errors.ts';
import { callback, type KindsOf, wrongOption } from '../base/option-kinds.ts';
import { sleep } from '../base/pause.ts';
import type { Clock } from '../base/ports.ts';
import type { InterceptedRequest } from '../broker/index.ts';
import { type ApiName, apis } from '../protocol/index.ts';
import { TestBrokerError } from './errors.ts';

/** What happens to a request. */
export type Fault =
  | { readonly kind: 'fail'; readonly error: KafkaErrorName; readonly message?: string }
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'lose reply' }
  | { readonly kind: 'disconnect' };

export interface FaultScope {
  /** So many requests meet it, then no more. Default 1. */
  readonly times?: number;
  /** Only requests for which this answers true; it sees the decoded request. */
  readonly when?: (request: unknown) => boolean;
}

const scopeKinds: KindsOf<FaultScope> = {
  times: {
    wanted: 'a whole number from 1 on, or Infinity',
    fits: (value) =>
      value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && Number(value) > 0),
  },
  when: callback,
};

interface Rule {
  readonly api: string;
  readonly fault: Fault;
  readonly when: (request: unknown) => boolean;
  left: number;
}

/** Throws TestBrokerError `unknown_api`. */
export function checkApi(api: ApiName): void {
  if (Object.hasOwn(apis, api)) return;
  const known = Object.keys(apis).join(', ');
  throw new TestBrokerError('unknown_api', `there is no API '${api}'; there are ${known}`);
}

/** The faults that are waiting for requests. */
export class Faults {
  readonly #clock: Clock;
  readonly #rules: Rule[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Adds a fault; the function that it answers takes it back. Throws TestBrokerError `unknown_api`, `invalid_option`
   * for an error that Kafka does not have, and for a scope that makes no sense.
   */
  add(api: ApiName, fault: Fault, scope: FaultScope = {}): () => void {
    checkApi(api);
    if (fault.kind === 'fail' && !Object.hasOwn(ErrorCode, fault.error)) {
      const message = `Kafka has no error '${fault.error}'; write for example NOT_LEADER_OR_FOLLOWER`;
      throw new TestBrokerError('invalid_option', message);
    }
    const wrong = wrongOption('a fault', scope, scopeKinds);
    if (wrong !== null) throw new TestBrokerError('invalid_option', wrong);
    const rule: Rule = { api, fault, when: scope.when ?? (() => true), left: scope.times ?? 1 };
    this.#rules.push(rule);
    return () => this.#drop(rule);
  }

  clear(): void {
    this.#rules.length = 0;
  }

  /** Answers a request: as its handler does, or as the first fault that waits for it says. */
  async handle(call: InterceptedRequest): Promise<object | null> {
    const fault = this.#take(call);
    if (fault === null) return call.proceed();
    const { session } = call.context;
    switch (fault.kind) {
      case 'fail':
        throw new KafkaError(fault.error, fault.message ?? 'a fault that the test ordered');
      case 'delay':
        await sleep(this.#clock, fault.ms);
        return call.proceed();
      case 'lose reply':
        await call.proceed();
        session.disconnect('the test ordered the reply to be lost');
        return null;
      case 'disconnect':
        session.disconnect('the test ordered the connection to be closed');
        return null;
    }
  }

  #take({ handler, request }: InterceptedRequest): Fault | null {
    const { name } = handler.api;
    const rule = this.#rules.find((one) => one.api === name && one.when(request));
    if (rule === undefined) return null;
    rule.left -= 1;
    if (rule.left <= 0) this.#drop(rule);
    return rule.fault;
  }

  #drop(rule: Rule): void {
    const at = this.#rules.indexOf(rule);
    if (at >= 0) this.#rules.splice(at, 1);
  }
}

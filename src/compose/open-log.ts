// A log inside the process, without a socket until one is wanted. What `open()` calls.

import { BrokerOptionError } from './addresses.ts';
import type { ListenOptions, Log, LogOptions, RunningBroker } from './broker-options.ts';
import { type HostedLog, hostLog, startGroups, stopHosted } from './host-log.ts';
import { checkListenOptions, type Listening, listen } from './listening.ts';
import { HostedClient, ServedLog } from './open-broker.ts';
import { checkOptions, listenKinds, logKinds } from './option-kinds.ts';

/**
 * Opens the log of a directory (made when missing), or one in memory that is gone at the end, in this process. Throws
 * {@link BrokerOptionError}, KafkaError `INVALID_CONFIG`, TidemarkError `data_directory_unusable` or
 * `data_directory_foreign`, and what opening the data throws (a second process on the same directory is refused).
 * After a throw nothing is left open.
 *
 * ```js
 * import { open } from 'tidemark';
 *
 * const log = await open({ memory: true });
 * const producer = log.producer();
 * const { offset } = await producer.send({ topic: 'orders', key: 'alice', value: { total: 12 } });
 * console.log(offset); // 0
 * await log.close();
 * ```
 */
export async function openLog(
  where: string | { readonly memory: true },
  options: LogOptions = {},
): Promise<Log> {
  // From plain JavaScript anything may come, or nothing.
  const given: unknown = where;
  const place = typeof given === 'string' ? { dataDir: given } : { memory: true };
  const inMemory = (given as { memory?: unknown } | null | undefined)?.memory === true;
  if (given === '' || (typeof given !== 'string' && !inMemory)) {
    throw new BrokerOptionError("give a directory, as open('./data'), or open({ memory: true })");
  }
  if (typeof given !== 'string') checkPlace(given as object);
  checkOptions('open', options, logKinds);
  const hosted = await hostLog({ ...options, ...place }, {});
  startGroups(hosted);
  return new EmbeddedLog(hosted);
}

/** As `serve` takes everything in one object, somebody may try that here: what stood beside `memory` would be lost. */
function checkPlace(place: object): void {
  const beside = Object.keys(place).filter((name) => name !== 'memory');
  if (beside.length === 0) return;
  const names = beside.join(', ');
  throw new BrokerOptionError(`open({ memory: true }, { ${names} }): options come second`);
}

class EmbeddedLog extends HostedClient implements Log {
  readonly #hosted: HostedLog;
  readonly #served: Map<Listening, RunningBroker>;

  constructor(hosted: HostedLog) {
    const served = new Map<Listening, RunningBroker>();
    super(hosted, async () => {
      await Promise.all([...served.values()].map((broker) => broker.close()));
      await stopHosted(hosted);
    });
    this.#hosted = hosted;
    this.#served = served;
  }

  async serve(options: ListenOptions = {}): Promise<RunningBroker> {
    checkOptions('serve', options, listenKinds);
    checkListenOptions(options);
    this.checkOpen();
    const listening = await listen(this.#hosted, options);
    try {
      this.checkOpen();
    } catch (error) {
      await listening.close();
      throw error;
    }
    const broker = new ServedLog(this.#hosted, listening, () => {
      this.#served.delete(listening);
      return listening.close();
    });
    this.#served.set(listening, broker);
    return broker;
  }
}

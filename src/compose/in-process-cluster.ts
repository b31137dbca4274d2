// The client's cluster over a broker in the same process: the errors are those of a client over TCP, and the process
// does not end while somebody waits for an answer.

import { type Broker, InProcessError, type InProcessErrorCode } from '../broker/index.ts';
import { ClientError, type ClientErrorCode, Cluster, singleNetwork } from '../client/index.ts';
import { hold, letGo } from '../host/keep-alive.ts';
import { clientClock } from '../host/node-clock.ts';
import { nodeRandom } from '../host/node-random.ts';
import { warnProcess } from '../host/warn.ts';
import type {
  Api,
  Fields,
  RequestInput,
  ResponseOf,
  SendOptions,
  Transport,
  VersionRange,
} from '../protocol/index.ts';

/** A cluster of this one broker. Closing it leaves the broker open. */
export function inProcessCluster(broker: Broker): Cluster {
  return new Cluster({
    network: singleNetwork(new ClientTransport(broker.transport())),
    clock: clientClock,
    random: nodeRandom,
    warn: warnProcess,
  });
}

class ClientTransport implements Transport {
  readonly #inner: Transport;

  constructor(inner: Transport) {
    this.#inner = inner;
  }

  async send<Request extends Fields, Response extends Fields>(
    api: Api<Request, Response>,
    request: RequestInput<Api<Request, Response>>,
    options?: SendOptions,
  ): Promise<ResponseOf<Api<Request, Response>>> {
    hold();
    try {
      return await this.#inner.send(api, request, options);
    } catch (error) {
      throw clientError(error, options?.signal);
    } finally {
      letGo();
    }
  }

  versions(api: Api): Promise<VersionRange | null> {
    return this.#inner.versions(api);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

const codes: Readonly<Record<Exclude<InProcessErrorCode, 'aborted'>, ClientErrorCode>> = {
  transport_closed: 'closed',
  unsupported_api: 'unsupported_api',
  timed_out: 'request_timed_out',
  request_failed: 'bad_response',
};

function clientError(error: unknown, signal: AbortSignal | undefined): unknown {
  if (!(error instanceof InProcessError)) return error;
  if (error.code === 'aborted') return signal?.reason ?? error;
  return new ClientError(codes[error.code], error.message, { cause: error });
}

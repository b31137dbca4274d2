// The conformance record: a list of steps, each one request in each version of its API, sent to a broker in order. The
// same list runs against Apache Kafka, whose answers are kept in record/, and against ours, whose answers are compared.

import { createConnection, type Socket } from 'node:net';
import {
  type Api,
  decodeResponse,
  encodeRequest,
  encodeResponse,
  FrameSplitter,
  type RequestInput,
  type ResponseOf,
} from '../../src/protocol/index.ts';
import { prepareCodec } from '../../src/record/index.ts';
import { type Json, Normaliser } from './recorder-normalise.ts';

/** What later steps know of earlier ones. */
export class Captured {
  readonly normaliser = new Normaliser();
  /** Topic ids by topic name. */
  readonly topicIds = new Map<string, string>();
  readonly numbers = new Map<string, number>();
  readonly texts = new Map<string, string>();

  topicId(name: string): string {
    return required(this.topicIds.get(name), `topic id of ${name}`);
  }

  number(name: string): number {
    return required(this.numbers.get(name), name);
  }

  text(name: string): string {
    return required(this.texts.get(name), name);
  }

  /** Notes a topic's id, and shows it by the topic's name in the record from here on. */
  setTopicId(name: string, id: string): void {
    this.topicIds.set(name, id);
    this.normaliser.symbol(id, `<id of ${name}>`);
  }
}

function required<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`no earlier step captured ${name}`);
  return value;
}

export interface StepOptions<A> {
  /** First and last version to send. Default: all that the protocol layer has. */
  readonly versions?: readonly [number, number];
  /** Takes from the answer what later steps need. */
  readonly capture?: (response: ResponseOf<A>, captured: Captured, version: number) => void;
  /** Sends again, for some seconds, until this holds: for what a cluster makes true a little later. */
  readonly until?: (response: ResponseOf<A>, version: number) => boolean;
  /** The broker sends no answer: the next step shows that the connection lives. */
  readonly silent?: boolean;
  /** The answer may differ from run to run in these fields; only that they are there is compared. */
  readonly volatile?: readonly string[];
}

/** One line of the scenario, without its API's types. */
export interface Step {
  readonly name: string;
  readonly api: Api;
  readonly versions: readonly [number, number];
  readonly frame: (version: number, captured: Captured, correlationId: number) => Sent;
  readonly settle: (frame: Buffer, version: number, captured: Captured) => Answer;
  readonly silent: boolean;
  readonly volatile: readonly string[];
}

interface Sent {
  readonly bytes: Buffer;
  readonly request: unknown;
}

interface Answer {
  readonly response: unknown;
  /** False when the step's `until` does not hold yet. */
  readonly settled: boolean;
}

/** One exchange as it stands in the record. `response` is an object, or how the connection fared without one. */
export interface Exchange {
  readonly step: string;
  readonly api: string;
  readonly version: number;
  readonly request: Json;
  readonly response: Json;
}

/** No answer came and the broker closed the connection. */
export const CLOSED = 'connection closed';
/** No answer came, as was due, and the connection lives on. */
export const SILENT = 'no answer';

/** A step of the scenario: a name that is unique, an API, and its request for each version. */
export function step<A extends Api>(
  name: string,
  api: A,
  request: (version: number, captured: Captured) => RequestInput<A>,
  options: StepOptions<A> = {},
): Step {
  return {
    name,
    api,
    versions: options.versions ?? api.versions,
    silent: options.silent ?? false,
    volatile: options.volatile ?? [],
    frame: (version, captured, correlationId) => {
      const input = request(version, captured);
      const identity = { correlationId, clientId: 'recorder' };
      const bytes = joined(encodeRequest(api as Api, version, identity, input as never));
      return { bytes, request: input };
    },
    settle: (frame, version, captured) => {
      const response = decodeResponse(api as Api, version, frame) as ResponseOf<A>;
      checkLossless(api, version, frame, response);
      if (startingUp(response) || options.until?.(response, version) === false) {
        return { response, settled: false };
      }
      options.capture?.(response, captured, version);
      return { response, settled: true };
    },
  };
}

/** COORDINATOR_LOAD_IN_PROGRESS, COORDINATOR_NOT_AVAILABLE, NOT_COORDINATOR: a coordinator that is on its way. */
const startingCodes: readonly unknown[] = [14, 15, 16];

function startingUp(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return false;
  return Object.entries(value).some(
    ([name, inner]) => (name === 'errorCode' && startingCodes.includes(inner)) || startingUp(inner),
  );
}

/** A step that sends bytes of its own making after the frame's length, and expects an answer of `answer`'s form. */
export function rawStep(
  name: string,
  answer: { readonly api: Api; readonly version: number },
  body: (correlationId: number) => Buffer,
): Step {
  return {
    name,
    api: answer.api,
    versions: [answer.version, answer.version],
    silent: false,
    volatile: [],
    frame: (_version, _captured, correlationId) => {
      const content = body(correlationId);
      const length = Buffer.alloc(4);
      length.writeInt32BE(content.length);
      const shown = Buffer.from(content);
      // The correlation id counts up over the run: it is no part of the record.
      if (shown.length >= 8) shown.fill(0, 4, 8);
      return { bytes: Buffer.concat([length, content]), request: { bytes: shown } };
    },
    settle: (frame) => ({
      response: decodeResponse(answer.api, answer.version, frame),
      settled: true,
    }),
  };
}

/** Our decoder lost nothing of Kafka's answer: encoding it again gives the same bytes. */
function checkLossless(api: Api, version: number, frame: Buffer, response: unknown): void {
  const again = joined(encodeResponse(api, version, frame.readInt32BE(0), response as never));
  if (!again.subarray(4).equals(frame)) {
    throw new Error(`${api.name} v${version}: the decoded answer does not encode to its bytes`);
  }
}

function joined(chunks: readonly unknown[]): Buffer {
  return Buffer.concat(chunks as Buffer[]);
}

const ANSWER_TIMEOUT_MS = 10_000;
const SETTLE_TRIES = 60;
const SETTLE_PAUSE_MS = 50;

/** Runs the scenario against a broker and gives every exchange, in order. */
export async function runScenario(port: number, steps: readonly Step[]): Promise<Exchange[]> {
  const captured = new Captured();
  captured.normaliser.ownPort(port);
  const exchanges: Exchange[] = [];
  const failures: string[] = [];
  await prepareCodec('zstd');
  let connection = await Connection.open(port);
  let correlationId = 0;
  for (const one of steps) {
    for (let version = one.versions[0]; version <= one.versions[1]; version += 1) {
      correlationId += 1;
      const place = `${one.name} (${one.api.name} v${version})`;
      try {
        const sent = one.frame(version, captured, correlationId);
        const response = await exchange(connection, one, { version, captured, sent });
        if (response === CLOSED) connection = await Connection.open(port);
        exchanges.push({
          step: one.name,
          api: one.api.name,
          version,
          request: captured.normaliser.normalise(sent.request, []),
          response: captured.normaliser.normalise(response, one.volatile),
        });
      } catch (cause) {
        failures.push(`${place}: ${cause}`);
        connection.close();
        connection = await Connection.open(port);
      }
    }
  }
  connection.close();
  if (failures.length > 0) throw new Error(`steps failed:\n${failures.join('\n')}`);
  return exchanges;
}

async function exchange(
  connection: Connection,
  one: Step,
  given: { readonly version: number; readonly captured: Captured; readonly sent: Sent },
): Promise<unknown> {
  for (let tries = 0; ; tries += 1) {
    connection.write(given.sent.bytes);
    if (one.silent) return SILENT;
    const frame = await connection.next();
    if (frame === null) return CLOSED;
    const answer = one.settle(frame, given.version, given.captured);
    if (answer.settled) return answer.response;
    // What never comes about goes into the run as it is, and shows there as a difference.
    if (tries >= SETTLE_TRIES) return answer.response;
    await new Promise((resolve) => setTimeout(resolve, SETTLE_PAUSE_MS));
  }
}

/** A socket that gives whole frames, or null once the broker has closed it. */
class Connection {
  readonly #socket: Socket;
  readonly #splitter = new FrameSplitter(100 * 1024 * 1024);
  #closed = false;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('data', (bytes: Buffer) => {
      this.#splitter.push(bytes);
      this.#wake();
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#closed = true;
      this.#wake();
    });
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = createConnection({ port, host: '127.0.0.1', noDelay: true });
      const connection = new Connection(socket);
      socket.once('connect', () => resolve(connection));
      socket.once('error', reject);
    });
  }

  write(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  async next(): Promise<Buffer | null> {
    const end = performance.now() + ANSWER_TIMEOUT_MS;
    for (;;) {
      const frame = this.#splitter.next();
      if (frame !== null) return frame;
      if (this.#closed) return null;
      const left = end - performance.now();
      if (left <= 0) throw new Error(`no answer within ${ANSWER_TIMEOUT_MS} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

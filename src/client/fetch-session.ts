// A fetch session (KIP-227): broker and client both remember which partitions are read, and from where, so that a
// request names only those that changed since the last one, and an answer only those that have something new. Of a
// thousand partitions in which one record a moment arrives, all would go both ways with each of them otherwise.
//
// One for each broker, with one request under way at a time.

import { ErrorCode } from '../base/kafka-errors.ts';
import type { FetchPart } from './fetch-request.ts';

/** Epoch of a request that names everything, closes the session whose id it has, and asks for a new one. */
const FULL = 0;
/** Epoch of a request that wants no session. */
const NO_SESSION = -1;
const EPOCH_MAX = 2 ** 31 - 1;
/** Fewer are named each time: there is little to save, and a broker has only so many sessions. */
const PARTITIONS_MIN = 16;

/** What a session puts into a request. */
export interface SessionRequest<Part> {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  /** New, or to be read from elsewhere than was told. */
  readonly changed: readonly Part[];
  readonly forgotten: readonly FetchPart[];
}

/** A part as the broker was told of it. */
interface Told<Part> {
  part: Part;
  /** Last request with it. */
  round: number;
}

export class FetchSession<Part extends FetchPart> {
  /** 0: none. */
  #id = 0;
  #epoch = FULL;
  #round = 0;
  readonly #told = new Map<string, Told<Part>>();
  readonly #topics = new Map<string, string>();

  /** The next request, which is to read `parts`. */
  request(parts: readonly Part[]): SessionRequest<Part> {
    if (this.#epoch === FULL) this.#forgetAll();
    this.#round += 1;
    const changed: Part[] = [];
    for (const part of parts) {
      if (this.#tell(part, changed)) continue;
      this.lost();
      return this.request(parts);
    }
    const forgotten: Part[] = [];
    if (this.#told.size > parts.length) this.#leaveOut(forgotten);
    const needless = this.#id === 0 && parts.length < PARTITIONS_MIN;
    const sessionEpoch = needless ? NO_SESSION : this.#epoch;
    return { sessionId: this.#id, sessionEpoch, changed, forgotten };
  }

  /** Takes what an answer says of the session. True: only the session is wrong, the request may go again. */
  answered(errorCode: number, sessionId: number): boolean {
    if (errorCode !== ErrorCode.NONE) {
      this.lost();
      if (errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#id = 0;
      return sessionErrors.has(errorCode);
    }
    // 0: the broker has no room for one, or has closed it.
    if (sessionId === 0) this.#epoch = FULL;
    else this.#epoch = this.#epoch === EPOCH_MAX ? 1 : this.#epoch + 1;
    this.#id = sessionId;
    return false;
  }

  /** Nobody knows whether the last request arrived: the next one begins anew. */
  lost(): void {
    this.#epoch = FULL;
  }

  /** The part that an answer is about: a topic comes back by id, or by name where the version has that. */
  partOf(topic: string, topicId: string, partition: number): Part | undefined {
    const name = topic === '' ? this.#topics.get(topicId) : topic;
    const part = this.#told.get(`${name}/${partition}`)?.part;
    return topic === '' && part?.topicId !== topicId ? undefined : part;
  }

  #forgetAll(): void {
    this.#told.clear();
    this.#topics.clear();
  }

  /**
   * False: a topic of that name was made anew. Brokers that know topics by name only do not all keep what one request
   * both names and forgets, so everything is to be told.
   */
  #tell(part: Part, changed: Part[]): boolean {
    const { topic, topicId, partition, offset, leaderEpoch } = part;
    const name = `${topic}/${partition}`;
    const told = this.#told.get(name);
    if (told === undefined) {
      this.#topics.set(topicId, topic);
      this.#told.set(name, { part, round: this.#round });
      changed.push(part);
      return true;
    }
    if (told.part.topicId !== topicId) return false;
    if (told.part.offset !== offset || told.part.leaderEpoch !== leaderEpoch) changed.push(part);
    told.part = part;
    told.round = this.#round;
    return true;
  }

  #leaveOut(forgotten: Part[]): void {
    for (const [name, { part, round }] of this.#told) {
      if (round === this.#round) continue;
      this.#told.delete(name);
      forgotten.push(part);
    }
  }
}

/** A fetcher's sessions, by the id of the broker. */
export class FetchSessions<Part extends FetchPart> {
  readonly #byNode = new Map<number, FetchSession<Part>>();

  with(nodeId: number): FetchSession<Part> {
    let session = this.#byNode.get(nodeId);
    if (session === undefined) {
      session = new FetchSession();
      this.#byNode.set(nodeId, session);
    }
    return session;
  }
}

const sessionErrors: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);

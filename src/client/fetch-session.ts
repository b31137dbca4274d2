// A fetch session (KIP-227): broker and client both remember which partitions are read, and from where, so that a
// request names only those that changed since the last one, and an answer only those that have something new. Of a
// thousand partitions in which one record a moment arrives, all would go both ways with each of them otherwise.
//
// One for each broker, with one request under way at a time.

import { ErrorCode } from '../base/kafka-errors.ts';
import type { FetchPart } from './fetch-request.ts';
import type { Node } from './network.ts';

/** Epoch of a request that names everything, closes the session whose id it has, and asks for a new one. */
const FULL = 0;
/** Epoch of a request that wants no session, and ends the one whose id it has. */
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

  /** The request that ends it; null where the broker keeps none. The next one begins anew. */
  end(): SessionRequest<Part> | null {
    const sessionId = this.#id;
    this.#id = 0;
    this.lost();
    if (sessionId === 0) return null;
    return { sessionId, sessionEpoch: NO_SESSION, changed: [], forgotten: [] };
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
   * False: everything is to be told. So where a topic of that name was made anew: brokers that know topics by name only
   * do not all keep what one request both names and forgets. And where an answer is wanted of a partition that the
   * broker was told of before: it says nothing of one that has nothing new.
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
    if (told.part.topicId !== topicId || part.unheard) return false;
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

/** A fetcher's sessions, one for each broker. */
export class FetchSessions<Part extends FetchPart> {
  readonly #byNode = new Map<number, { node: Node; readonly session: FetchSession<Part> }>();

  with(node: Node): FetchSession<Part> {
    const known = this.#byNode.get(node.id);
    if (known !== undefined) {
      known.node = node;
      return known.session;
    }
    const session = new FetchSession<Part>();
    this.#byNode.set(node.id, { node, session });
    return session;
  }

  /** What tells brokers that the sessions are over. */
  end(): { readonly node: Node; readonly session: SessionRequest<Part> }[] {
    return [...this.#byNode.values()].flatMap(({ node, session }) => {
      const last = session.end();
      return last === null ? [] : [{ node, session: last }];
    });
  }
}

const sessionErrors: ReadonlySet<number> = new Set([
  ErrorCode.FETCH_SESSION_ID_NOT_FOUND,
  ErrorCode.INVALID_FETCH_SESSION_EPOCH,
  ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR,
]);

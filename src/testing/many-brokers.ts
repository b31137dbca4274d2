// The look of several brokers in one process: each node has a port of its own and leads a share of the partitions.
// Answers are rewritten on their way out, so clients route, follow moved leaders and meet NOT_LEADER_OR_FOLLOWER as on
// a cluster. The data is one log all the same: a follower never lags.

import { KafkaError } from '../base/kafka-errors.ts';
import type { InterceptedRequest } from '../broker/index.ts';
import { TestBrokerError } from './errors.ts';

interface NodeAddress {
  nodeId: number;
  host: string;
  port: number;
  rack?: string | null;
}

interface PartitionAnswer {
  partitionIndex: number;
  leaderId: number;
  leaderEpoch: number;
  replicaNodes: number[];
  isrNodes: number[];
}

interface TopicAnswer {
  name: string | null;
  topicId?: string;
  partitions: PartitionAnswer[];
}

/** Requests that only the leader of their partitions answers, and how they list them. */
const LED: Readonly<Record<string, readonly [topics: string, partitions: string, index: string]>> =
  {
    Produce: ['topicData', 'partitionData', 'index'],
    Fetch: ['topics', 'partitions', 'partition'],
    ListOffsets: ['topics', 'partitions', 'partitionIndex'],
    OffsetForLeaderEpoch: ['topics', 'partitions', 'partition'],
    DeleteRecords: ['topics', 'partitions', 'partitionIndex'],
  };

/** Refusals that tell who leads (KIP-951): from which version on, and how they list what was refused. */
const HINTED: Readonly<
  Record<string, readonly [since: number, partitions: string, topic: string, index: string]>
> = {
  Produce: [10, 'partitionResponses', 'name', 'index'],
  Fetch: [16, 'partitions', 'topic', 'partitionIndex'],
};

/** What the data itself knows. */
export interface TopicLookup {
  nameOf(topicId: string): string | undefined;
  /** The epoch of a partition's log; -1 where there is none. */
  epochOf(topic: string, partition: number): number;
}

/** A client asked a node that does not lead all that it asked for. */
class LedElsewhereError extends KafkaError {
  constructor(message: string) {
    super('NOT_LEADER_OR_FOLLOWER', message);
  }
}

/** Who is who, and who leads what. Nodes are numbered from the broker's own id on. */
export class ManyBrokers {
  #firstId = 0;
  #ports: readonly number[] = [];
  readonly #down = new Set<number>();
  readonly #moved = new Map<string, { node: number; moves: number }>();
  /** Of nodes that went down or came back. */
  #changes = 0;

  /** Told once the ports are known. */
  open(firstId: number, ports: readonly number[]): void {
    this.#firstId = firstId;
    this.#ports = ports;
  }

  get several(): boolean {
    return this.#ports.length > 1;
  }

  get nodeIds(): readonly number[] {
    return this.#ports.map((_, index) => this.#firstId + index);
  }

  portOf(node: number): number {
    const port = this.#ports[node - this.#firstId];
    if (port === undefined) {
      const known = this.nodeIds.join(', ');
      throw new TestBrokerError('invalid_option', `there is no node ${node}, only ${known}`);
    }
    return port;
  }

  leaderOf(topic: string, partition: number): number {
    const moved = this.#moved.get(`${topic}-${partition}`);
    if (moved !== undefined && !this.#down.has(moved.node)) return moved.node;
    const up = this.nodeIds.filter((node) => !this.#down.has(node));
    return up[partition % Math.max(1, up.length)] ?? this.#firstId;
  }

  moveLeader(topic: string, partition: number, node: number): void {
    this.portOf(node);
    const moves = (this.#moved.get(`${topic}-${partition}`)?.moves ?? 0) + 1;
    this.#moved.set(`${topic}-${partition}`, { node, moves });
  }

  /** A node that is down leads nothing and is not listed; its connections are the caller's to refuse. */
  setDown(node: number, down: boolean): void {
    this.portOf(node);
    if (this.#down.has(node) === down) return;
    this.#changes += 1;
    if (down) this.#down.add(node);
    else this.#down.delete(node);
  }

  isDown(port: number | undefined): boolean {
    return port !== undefined && this.#down.has(this.#nodeAt(port));
  }

  /** Answers as one broker among several. */
  async handle(
    call: InterceptedRequest,
    look: TopicLookup,
    next: () => Promise<object | null>,
  ): Promise<object | null> {
    const { endpoint } = call.context.session;
    if (!this.several || endpoint === null) return next();
    const { name } = call.handler.api;
    if (name === 'Fetch') refuseSession(call.request);
    this.#refuseLed(name, call.request, this.#nodeAt(endpoint.port), look);
    const response = await next();
    if (response !== null) this.#rewrite(name, response, endpoint.host);
    return response;
  }

  /** The answer to what `handle` refused with `error`, where that says who leads; null: as any error is answered. */
  refusal(
    { handler, request, context }: InterceptedRequest,
    error: unknown,
    look: TopicLookup,
  ): object | null {
    const { session, version } = context;
    const { name } = handler.api;
    const [since = Number.POSITIVE_INFINITY, partitions = '', topicName = '', index = ''] =
      HINTED[name] ?? [];
    if (!(error instanceof LedElsewhereError) || session.endpoint === null || version < since) {
      return null;
    }
    const { host, port } = session.endpoint;
    const answer = handler.refuse(request, error, context) as Record<string, unknown> | null;
    if (answer === null) return null;
    const leaders = new Set<number>();
    for (const topic of listOf(answer, 'responses')) {
      const { [topicName]: named, topicId } = topic as Record<string, string | undefined>;
      const known = named || look.nameOf(topicId ?? '');
      if (known === undefined) continue;
      for (const partition of listOf(topic, partitions)) {
        const at = (partition as Record<string, number>)[index] ?? 0;
        const leaderId = this.leaderOf(known, at);
        // Refused with the others only because it stood in the same request.
        if (leaderId === this.#nodeAt(port)) continue;
        leaders.add(leaderId);
        const leaderEpoch = look.epochOf(known, at) + this.#movesOf(known, at);
        Object.assign(partition, { currentLeader: { leaderId, leaderEpoch } });
      }
    }
    const nodeEndpoints = [...leaders].map((nodeId) => ({
      nodeId,
      host,
      port: this.portOf(nodeId),
      rack: null,
    }));
    return { ...answer, ...('errorCode' in answer && { errorCode: 0 }), nodeEndpoints };
  }

  #nodeAt(port: number): number {
    return this.#firstId + Math.max(0, this.#ports.indexOf(port));
  }

  /** A client that asks the wrong node has stale metadata: its whole request is refused. */
  #refuseLed(api: string, request: unknown, node: number, look: TopicLookup): void {
    const names = LED[api];
    if (names === undefined) return;
    const [topics, partitions, index] = names;
    for (const topic of listOf(request, topics)) {
      const { name, topic: named, topicId } = topic as Record<string, string | undefined>;
      const known = name || named || look.nameOf(topicId ?? '');
      if (known === undefined) continue;
      for (const partition of listOf(topic, partitions)) {
        const fields = partition as Record<string, number>;
        const leader = this.leaderOf(known, fields[index] ?? 0);
        // Epochs that clients learnt from us count the moves; the log's own do not.
        if ('currentLeaderEpoch' in fields) fields['currentLeaderEpoch'] = -1;
        if (leader !== node) {
          const text = `node ${node} does not lead ${known}-${fields[index]}, node ${leader} does`;
          throw new LedElsewhereError(text);
        }
      }
    }
  }

  #rewrite(api: string, response: object, host: string): void {
    const answer = response as Record<string, unknown>;
    if (api === 'Metadata' || api === 'DescribeCluster') {
      const name = api === 'Metadata' ? 'nodeId' : 'brokerId';
      const nodes = this.nodeIds.filter((node) => !this.#down.has(node));
      answer['brokers'] = nodes.map((node) => ({ ...this.#address(node, host, name), rack: null }));
    }
    if (api === 'Metadata') {
      for (const topic of listOf(answer, 'topics')) this.#relead(topic as TopicAnswer);
    }
    if (api === 'FindCoordinator') {
      for (const one of [answer, ...listOf(answer, 'coordinators')]) this.#coordinator(one, host);
    }
  }

  #address(node: number, host: string, name: string): object {
    const address: NodeAddress = { nodeId: node, host, port: this.portOf(node) };
    return { ...address, [name]: node, isFenced: false };
  }

  #coordinator(one: object, host: string): void {
    const answer = one as NodeAddress;
    if (answer.nodeId === undefined || answer.nodeId < 0) return;
    const [first = this.#firstId] = this.nodeIds.filter((node) => !this.#down.has(node));
    Object.assign(answer, { nodeId: first, host, port: this.portOf(first) });
  }

  /** How often the leader may have changed: it only grows, as epochs do. */
  #movesOf(topic: string, partition: number): number {
    return this.#changes + (this.#moved.get(`${topic}-${partition}`)?.moves ?? 0);
  }

  #relead(topic: TopicAnswer): void {
    for (const partition of topic.partitions) {
      const { partitionIndex } = partition;
      const leader = this.leaderOf(topic.name ?? '', partitionIndex);
      partition.leaderId = leader;
      partition.leaderEpoch += this.#movesOf(topic.name ?? '', partitionIndex);
      partition.replicaNodes = [...this.nodeIds];
      partition.isrNodes = this.nodeIds.filter((node) => !this.#down.has(node));
    }
  }
}

/** As a broker without room for sessions: clients then name all partitions, and those that have moved are seen. */
function refuseSession(request: unknown): void {
  Object.assign(request as object, { sessionId: 0, sessionEpoch: -1 });
}

function listOf(fields: unknown, name: string): readonly object[] {
  const list = (fields as Record<string, unknown>)[name];
  return Array.isArray(list) ? list : [];
}

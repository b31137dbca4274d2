// Groups on a virtual clock whose timeline is kept in memory.

import { silentLogger } from '../../../../src/base/ports.ts';
import {
  type EventLog,
  type EventRecord,
  Timeline,
  type TimelineEntry,
} from '../../../../src/coordinator/index.ts';
import {
  ConsumerProtocolAssignment,
  encodeVersioned,
  type SyncGroupResponse,
} from '../../../../src/protocol/index.ts';
import { context, type Harness, harness, TestMember } from '../harness.ts';

/** `__tidemark_events` in memory. */
export class MemoryEvents implements EventLog {
  readonly records: EventRecord[] = [];
  made = false;
  mode: 'ok' | 'fail' | 'stall' = 'ok';
  appends = 0;
  #stalled: (() => void)[] = [];

  exists(): boolean {
    return this.made;
  }

  async create(): Promise<void> {
    this.made = true;
  }

  async append(records: readonly EventRecord[]): Promise<void> {
    this.appends++;
    if (this.mode === 'fail') throw new Error('the disk is full');
    if (this.mode === 'stall') await new Promise<void>((go) => this.#stalled.push(go));
    this.records.push(...records);
  }

  resume(): void {
    this.mode = 'ok';
    for (const go of this.#stalled.splice(0)) go();
  }

  get entries(): TimelineEntry[] {
    return this.records.map(({ value }) => JSON.parse(value.toString()));
  }
}

export interface Watched extends Harness {
  readonly events: MemoryEvents;
  readonly timeline: Timeline;
  /** Entries of the group so far, once they are written. */
  told(groupId?: string): Promise<TimelineEntry[]>;
}

/** A coordinator whose timeline is `enabled`. */
export async function watched(
  options: NonNullable<Parameters<typeof harness>[0]> = {},
  enabled: () => boolean = () => true,
): Promise<Watched> {
  const events = new MemoryEvents();
  let timeline: Timeline | undefined;
  const h = await harness({
    ...options,
    observer: (clock, topics) => {
      timeline = new Timeline({ log: events, topics, clock, logger: silentLogger, enabled });
      return timeline;
    },
  });
  if (timeline === undefined) throw new Error('no timeline');
  return Object.assign(h, {
    events,
    timeline,
    async told(groupId = 'group') {
      await h.clock.advance(100);
      return events.entries.filter(({ group }) => group === groupId);
    },
  });
}

/** A consumer of the classic protocol with a name and a connection of its own, whose assignment can be read. */
export class Worker extends TestMember {
  readonly name: string;
  readonly connectionId: number;

  constructor(h: Harness, name: string, connectionId: number) {
    super(h);
    this.name = name;
    this.connectionId = connectionId;
  }

  override async joinOnce() {
    const surroundings = {
      ...context(this.joinVersion, this.name),
      connectionId: this.connectionId,
    };
    const response = await this.h.coordinator.joinGroup(this.joinRequest(), surroundings);
    if (response.errorCode === 0 || response.errorCode === 79) this.memberId = response.memberId;
    if (response.errorCode === 0) this.generation = response.generationId;
    return response;
  }

  async assign(shares: ReadonlyMap<Worker, readonly number[]>): Promise<SyncGroupResponse> {
    const assignments = [...shares].map(([{ memberId }, partitions]) => ({
      memberId,
      assignment: encodeVersioned(ConsumerProtocolAssignment, 1, {
        assignedPartitions: [{ topic: 'orders', partitions: [...partitions] }],
        userData: null,
      }),
    }));
    return this.h.coordinator.syncGroup({
      groupId: this.groupId,
      generationId: this.generation,
      memberId: this.memberId,
      groupInstanceId: this.instanceId,
      protocolType: null,
      protocolName: null,
      assignments,
    });
  }

  leaveWith(reason: string | null): Promise<unknown> {
    const members = [{ memberId: this.memberId, groupInstanceId: this.instanceId, reason }];
    const { groupId } = this;
    return this.h.coordinator.leaveGroup({ groupId, memberId: '', members }, context(5));
  }
}

/** All join and get what the map says; the first of a new group leads it. */
export async function share(h: Harness, shares: ReadonlyMap<Worker, readonly number[]>) {
  const all = [...shares.keys()];
  const joins = await Promise.all(all.map((worker) => h.clock.until(worker.join())));
  const { leader } = joins[0] ?? { leader: '' };
  await Promise.all(
    all.map((worker) =>
      h.clock.until(worker.assign(worker.memberId === leader ? shares : new Map())),
    ),
  );
}

// One group as its timeline tells it: takes facts in, keeps what later facts need to be understood, gives entries out.
// Pure; a group that nobody is in and nobody is missed from needs none.

import type { TopicView } from '../ports.ts';
import { Departures } from './departures.ts';
import { type EntryKind, type EntryMember, SCHEMA_VERSION, type TimelineEntry } from './entry.ts';
import type { GroupFact, GroupProtocol, MemberFacts } from './facts.ts';
import { type Share, sharesOf } from './moves.ts';
import { Rebalance } from './rebalance-story.ts';
import { type Departure, seconds, whyBack, whyLeft, whyRemoved } from './words.ts';

type Fact<K extends GroupFact['kind']> = Extract<GroupFact, { readonly kind: K }>;
type Details = Partial<TimelineEntry> & { readonly what: string };

export class Story {
  readonly groupId: string;
  readonly #topics: TopicView;
  #protocol: GroupProtocol = 'classic';
  #epoch = 0;
  readonly #members = new Map<string, MemberFacts>();
  readonly #departures = new Departures();
  /** What everybody had when the group was last settled; read when a rebalance ends, not before. */
  #shares: () => ReadonlyMap<string, Share> = () => new Map();
  /** Client ids of those who had it, by member. */
  #holders: ReadonlyMap<string, string> = new Map();
  #rebalance: Rebalance | null = null;
  /** What has happened since the last rebalance was called for, and who has come meanwhile. */
  #causes: string[] = [];
  #came: MemberFacts[] = [];

  constructor(groupId: string, topics: TopicView) {
    this.groupId = groupId;
    this.#topics = topics;
  }

  /** Whether nothing of it is needed to understand what comes. */
  isOver(nowMs: number): boolean {
    return this.#members.size === 0 && this.#rebalance === null && this.#departures.isOver(nowMs);
  }

  get rebalanceUnderWay(): boolean {
    return this.#rebalance !== null;
  }

  take(fact: GroupFact, nowMs: number): TimelineEntry[] {
    switch (fact.kind) {
      case 'loaded':
        this.#load(fact);
        return [];
      case 'migrated':
        return this.#migrated(fact, nowMs);
      case 'joined':
        return this.#joined(fact, nowMs);
      case 'replaced':
        return this.#replaced(fact, nowMs);
      case 'left':
        return this.#left(fact, nowMs);
      case 'removed':
        return this.#removed(fact, nowMs);
      case 'rebalancing':
        this.#rebalancing(fact, nowMs);
        return [];
      case 'generation':
        return this.#generation(fact, nowMs);
      case 'assigned':
        return this.#assigned(fact, nowMs);
      case 'ended':
        return [this.#entry('group-ended', nowMs, { what: `the group was ${endings[fact.why]}` })];
    }
  }

  /** A request under an id that is not in the group (any more). */
  heard(memberId: string, nowMs: number): TimelineEntry[] {
    const gone = this.#departures.heard(memberId, nowMs);
    return gone === null ? [] : [this.#back(gone, gone.member, nowMs)];
  }

  /** A rebalance that is not over after a while is told of once. */
  waiting(nowMs: number, afterMs: number): TimelineEntry[] {
    const waits = this.#rebalance?.waits(nowMs, afterMs, this.#members);
    if (waits === undefined || waits === null) return [];
    const names = waits.missing.map((member) => this.#name(member)).join(', ');
    const whom = names === '' ? 'its members' : names;
    return [
      this.#entry('rebalance-waiting', nowMs, {
        what: `the rebalance waits for ${whom} since ${seconds(waits.sinceMs)}`,
        durationMs: waits.sinceMs,
        cause: waits.cause,
      }),
    ];
  }

  #load(fact: Fact<'loaded' | 'migrated'>): void {
    this.#protocol = fact.protocol;
    this.#epoch = fact.epoch;
    this.#members.clear();
    for (const member of fact.members) this.#members.set(member.memberId, member);
    this.#settled(() => sharesOf(fact.held, this.#topics));
    this.#causes = [];
    this.#came = [];
  }

  #settled(shares: () => ReadonlyMap<string, Share>): void {
    this.#rebalance = null;
    this.#shares = shares;
    this.#holders = new Map([...this.#members].map(([id, { clientId }]) => [id, clientId]));
  }

  #migrated(fact: Fact<'loaded' | 'migrated'>, nowMs: number): TimelineEntry[] {
    const from = fact.protocol === 'consumer' ? 'classic' : 'consumer';
    const causes = this.#causes;
    this.#load(fact);
    this.#causes = causes;
    return [
      this.#entry('group-migrated', nowMs, {
        what: `the group went from the ${from} to the ${fact.protocol} protocol`,
        cause:
          fact.protocol === 'consumer'
            ? 'a member of the consumer protocol joins'
            : 'the last member of the consumer protocol is gone',
      }),
    ];
  }

  #joined({ member, again }: Fact<'joined'>, nowMs: number): TimelineEntry[] {
    const known = this.#members.has(member.memberId);
    this.#members.set(member.memberId, member);
    const name = this.#name(member);
    if (again || known) {
      if (this.#rebalance === null) {
        this.#causes.push(`${name} asked for it: its subscription or its topics have changed`);
      }
      this.#comes(member, nowMs);
      return [];
    }
    this.#because(`${name} joined`);
    this.#comes(member, nowMs);
    const gone = this.#departures.returned(member, nowMs);
    if (gone !== null) return [this.#back(gone, member, nowMs)];
    return [this.#entry('member-joined', nowMs, { what: `${name} joined`, member: told(member) })];
  }

  #comes(member: MemberFacts, nowMs: number): void {
    if (this.#rebalance === null) this.#came.push(member);
    else this.#rebalance.came(member, nowMs);
  }

  #replaced({ member, formerId }: Fact<'replaced'>, nowMs: number): TimelineEntry[] {
    this.#members.delete(formerId);
    this.#members.set(member.memberId, member);
    const shares = new Map(this.#shares());
    const share = shares.get(formerId);
    shares.delete(formerId);
    if (share !== undefined) shares.set(member.memberId, share);
    this.#shares = () => shares;
    const what = `${this.#name(member)} is back in its place`;
    const cause = `static member ${member.instanceId} started anew: nothing moves for it`;
    return [this.#entry('member-replaced', nowMs, { what, cause, member: told(member) })];
  }

  #left({ member, reason, returns }: Fact<'left'>, nowMs: number): TimelineEntry[] {
    const name = this.#name(member);
    if (returns) {
      const cause = 'a static member stopped: its partitions wait for it until its session ends';
      const details = { what: `${name} is away`, cause, member: told(member) };
      return [this.#entry('member-left', nowMs, details)];
    }
    const limitMs = member.rebalanceTimeoutMs;
    const gone: Departure = { member, atMs: nowMs, limitMs, how: 'left', reason };
    this.#departed(gone, nowMs);
    this.#because(`${name} left`);
    const details = { what: `${name} left`, ...whyLeft(name, gone), member: told(member) };
    return [this.#entry('member-left', nowMs, details), ...this.#emptied(nowMs)];
  }

  #removed({ member, phase, limitMs }: Fact<'removed'>, nowMs: number): TimelineEntry[] {
    const name = this.#name(member);
    const gone: Departure = { member, atMs: nowMs, limitMs, how: phase, reason: null };
    this.#departed(gone, nowMs);
    this.#because(`${name} was removed`);
    const silentMs = member.heardMs === null ? null : Math.max(0, nowMs - member.heardMs);
    const details = {
      what: `${name} was removed`,
      ...whyRemoved(name, gone, silentMs),
      member: told(member),
      phase,
      limitMs,
      ...(silentMs !== null && { silentMs }),
    };
    return [this.#entry('member-removed', nowMs, details), ...this.#emptied(nowMs)];
  }

  #departed(gone: Departure, nowMs: number): void {
    this.#departures.add(gone, nowMs);
    this.#members.delete(gone.member.memberId);
    this.#rebalance?.gone(gone.member);
  }

  /** A consumer group is empty with its last member; a classic one says so with its next generation. */
  #emptied(nowMs: number): TimelineEntry[] {
    if (this.#protocol === 'classic' || this.#members.size > 0) return [];
    return [this.#empty(nowMs)];
  }

  #empty(nowMs: number): TimelineEntry {
    const cause = this.#takeCauses();
    this.#settled(() => new Map());
    const what = 'nobody is in the group';
    return this.#entry('group-empty', nowMs, { what, ...(cause !== '' && { cause }) });
  }

  #back(gone: Departure, member: MemberFacts, nowMs: number): TimelineEntry {
    const heardMs = gone.how === 'session' ? gone.member.heardMs : null;
    const awayMs = heardMs === null ? nowMs - gone.atMs + gone.limitMs : nowMs - heardMs;
    const name = this.#name(member);
    const went = gone.how === 'left' ? 'left' : 'was removed';
    return this.#entry('member-back', nowMs, {
      what: `${name} is heard of again, ${seconds(nowMs - gone.atMs)} after it ${went}`,
      ...whyBack(name, gone, awayMs),
      member: told(member),
      awayMs,
      lateMs: Math.max(0, awayMs - gone.limitMs),
    });
  }

  #rebalancing({ reason }: Fact<'rebalancing'>, nowMs: number): void {
    // Nobody is left to come: what follows says that the group is empty.
    if (this.#members.size === 0) return;
    if (this.#causes.length === 0 && this.#rebalance === null) this.#causes.push(reason);
    this.#rebalance?.again();
    this.#begin(nowMs);
  }

  /** The rebalance under way, begun now if there was none. */
  #begin(nowMs: number): Rebalance {
    this.#rebalance ??= new Rebalance(nowMs, this.#shares, new Map(this.#holders));
    for (const member of this.#came.splice(0)) this.#rebalance.came(member, nowMs);
    for (const cause of this.#causes.splice(0)) this.#rebalance.because(cause);
    return this.#rebalance;
  }

  #generation(fact: Fact<'generation'>, nowMs: number): TimelineEntry[] {
    this.#protocol = fact.protocol;
    this.#epoch = fact.epoch;
    if (fact.members === 0) return [this.#empty(nowMs)];
    this.#begin(nowMs).generation(fact, nowMs);
    return [];
  }

  #assigned(fact: Fact<'assigned'>, nowMs: number): TimelineEntry[] {
    const shares = sharesOf(fact.held, this.#topics);
    const rebalance = this.#rebalance;
    this.#settled(() => shares);
    if (rebalance === null) return [];
    const told = rebalance.finish(
      { nowMs, shares, protocol: this.#protocol, lastId: fact.lastId },
      this.#members,
      (member) => this.#name(member),
    );
    return [this.#entry('rebalance', nowMs, told)];
  }

  #because(cause: string): void {
    if (this.#rebalance === null) this.#causes.push(cause);
    else this.#rebalance.because(cause);
  }

  #takeCauses(): string {
    const own = this.#causes.splice(0);
    return this.#rebalance?.cause(own) ?? own.join(', ');
  }

  /** The client's id, with the end of the member's where others have the same. */
  #name(member: MemberFacts): string {
    const { clientId, memberId, instanceId } = member;
    if (instanceId !== null) return instanceId;
    let others = 0;
    for (const one of this.#members.values()) {
      if (one.clientId === clientId && one.memberId !== memberId) others++;
    }
    if (clientId !== '' && others === 0) return clientId;
    return clientId === '' ? memberId : `${clientId} (…${memberId.slice(-6)})`;
  }

  #entry(event: EntryKind, nowMs: number, details: Details): TimelineEntry {
    return {
      schemaVersion: SCHEMA_VERSION,
      time: new Date(nowMs).toISOString(),
      event,
      group: this.groupId,
      protocol: this.#protocol,
      epoch: this.#epoch,
      ...details,
    };
  }
}

const endings = { deleted: 'deleted', expired: 'forgotten: its offsets were too old' } as const;

function told({ memberId, instanceId, clientId, clientHost }: MemberFacts): EntryMember {
  return { memberId, instanceId, clientId, clientHost };
}

// One rebalance from the call for it to the last member that has its share: how long each phase took, who came last,
// what moved.

import type { TimelineEntry } from './entry.ts';
import type { GroupFact, GroupProtocol, MemberFacts } from './facts.ts';
import { movesBetween, type Share } from './moves.ts';
import { adviceForRebalance, seconds } from './words.ts';

type Generation = Extract<GroupFact, { readonly kind: 'generation' }>;

/** Causes that are told one by one. */
const CAUSES_MAX = 6;

export class Rebalance {
  readonly #sinceMs: number;
  readonly #before: () => ReadonlyMap<string, Share>;
  /** Client ids of members by id, also of those that go meanwhile. */
  readonly #clients: Map<string, string>;
  readonly #causes = new Set<string>();
  #causesLeftOut = 0;
  #restarts = 0;
  #firstMs: number | null = null;
  #last: { readonly member: MemberFacts; readonly atMs: number } | null = null;
  readonly #came = new Set<string>();
  #generation: Generation | null = null;
  #generationMs = 0;
  #toldWaiting = false;

  constructor(
    nowMs: number,
    before: () => ReadonlyMap<string, Share>,
    clients: Map<string, string>,
  ) {
    this.#sinceMs = nowMs;
    this.#before = before;
    this.#clients = clients;
  }

  because(cause: string): void {
    if (this.#causes.size < CAUSES_MAX) this.#causes.add(cause);
    else if (!this.#causes.has(cause)) this.#causesLeftOut++;
  }

  /** The causes in one line, with others first. */
  cause(others: readonly string[] = []): string {
    const words = [...others, ...this.#causes].join(', ');
    return this.#causesLeftOut > 0 ? `${words} and ${this.#causesLeftOut} more` : words;
  }

  came(member: MemberFacts, nowMs: number): void {
    this.#clients.set(member.memberId, member.clientId);
    this.#came.add(member.memberId);
    this.#firstMs ??= nowMs;
    this.#last = { member, atMs: nowMs };
  }

  gone(member: MemberFacts): void {
    this.#clients.set(member.memberId, member.clientId);
    this.#came.delete(member.memberId);
  }

  /** It is called for again before it was over. */
  again(): void {
    if (this.#generation?.protocol !== 'classic') return;
    this.#generation = null;
    this.#restarts++;
    this.#came.clear();
  }

  generation(fact: Generation, nowMs: number): void {
    this.#generation = fact;
    this.#generationMs = nowMs;
  }

  /** Who is waited for, once it has taken `afterMs`; null before, and when that was told already. */
  waits(
    nowMs: number,
    afterMs: number,
    members: ReadonlyMap<string, MemberFacts>,
  ): { readonly sinceMs: number; readonly missing: MemberFacts[]; readonly cause: string } | null {
    const sinceMs = nowMs - this.#sinceMs;
    if (this.#toldWaiting || sinceMs < afterMs) return null;
    this.#toldWaiting = true;
    const collecting = this.#generation === null;
    const missing = [...members.values()].filter(({ memberId }) =>
      collecting ? !this.#came.has(memberId) : memberId === this.#generation?.leaderId,
    );
    return { sinceMs, missing: missing.slice(0, CAUSES_MAX), cause: this.cause() };
  }

  finish(
    end: {
      readonly nowMs: number;
      readonly shares: ReadonlyMap<string, Share>;
      readonly protocol: GroupProtocol;
      readonly lastId: string | null;
    },
    members: ReadonlyMap<string, MemberFacts>,
    nameOf: (member: MemberFacts) => string,
  ): Partial<TimelineEntry> & { readonly what: string } {
    const { nowMs, shares, protocol } = end;
    for (const [id, { clientId }] of members) this.#clients.set(id, clientId);
    const durationMs = nowMs - this.#sinceMs;
    const begunMs = this.#generationMs || nowMs;
    const classic = protocol === 'classic';
    const firstMs = classic ? Math.min(this.#firstMs ?? begunMs, begunMs) : begunMs;
    const phases = {
      prepareMs: Math.max(0, firstMs - this.#sinceMs),
      joinMs: Math.max(0, (classic ? begunMs : nowMs) - firstMs),
      syncMs: classic ? Math.max(0, nowMs - begunMs) : 0,
    };
    const slowest = this.#slowest(end, phases.syncMs, members);
    const moves = movesBetween(this.#before(), shares, (id) => this.#clients.get(id) ?? '');
    const leader = members.get(this.#generation?.leaderId ?? '');
    const assignor = this.#generation?.assignor ?? null;
    const advice = adviceForRebalance({
      protocol,
      assignor,
      durationMs,
      slowest: slowest === null ? null : { ...slowest, name: nameOf(slowest.member) },
    });
    const count = members.size;
    const word = classic ? 'generation' : 'epoch';
    return {
      what:
        `${word} ${this.#generation?.epoch ?? ''} with ${count} member${count === 1 ? '' : 's'} ` +
        `after ${seconds(durationMs)}; ${haveMoved(moves.movedPartitions)}`,
      cause: this.cause(),
      ...(advice !== undefined && { advice }),
      durationMs,
      phases,
      members: count,
      ...(leader !== undefined && { leader: nameOf(leader) }),
      ...(assignor !== null && { assignor }),
      ...(this.#restarts > 0 && { restarts: this.#restarts }),
      ...(slowest !== null && {
        slowest: {
          memberId: slowest.member.memberId,
          clientId: slowest.member.clientId,
          ms: slowest.ms,
        },
      }),
      movedPartitions: moves.movedPartitions,
      moved: moves.moved,
      ...(moves.movedOmitted > 0 && { movedOmitted: moves.movedOmitted }),
    };
  }

  /** Who came last to the phase that took longest. */
  #slowest(
    end: { readonly nowMs: number; readonly lastId: string | null },
    syncMs: number,
    members: ReadonlyMap<string, MemberFacts>,
  ): { readonly member: MemberFacts; readonly ms: number; readonly phase: string } | null {
    const durationMs = end.nowMs - this.#sinceMs;
    const last = members.get(end.lastId ?? '');
    if (last !== undefined) return { member: last, ms: durationMs, phase: 'join' };
    const leader = members.get(this.#generation?.leaderId ?? '');
    if (leader !== undefined && syncMs > durationMs / 2) {
      return { member: leader, ms: syncMs, phase: 'sync' };
    }
    if (this.#last === null) return null;
    return { member: this.#last.member, ms: this.#last.atMs - this.#sinceMs, phase: 'join' };
  }
}

function haveMoved(count: number): string {
  if (count === 0) return 'nothing has moved';
  return count === 1 ? '1 partition has a new member' : `${count} partitions have a new member`;
}

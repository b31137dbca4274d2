import type { HoldingsOptions } from '../../../../src/client/consumer/holdings.ts';

/** Options of holdings that begin at the earliest records, without a group, and of which nobody hears anything. */
export const plainHoldings: HoldingsOptions = {
  group: undefined,
  from: { kind: 'earliest' },
  isolation: 'read_uncommitted',
  autoCommit: true,
  maxPollIntervalMs: 60_000,
  onAssigned: undefined,
  onRevoked: undefined,
  onLost: undefined,
  onTrouble: () => {},
  onFailed: () => {},
  until: new AbortController().signal,
};

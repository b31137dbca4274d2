// What the sender of a refused request hears, and who else hears of it.

import { KafkaError } from '../base/kafka-errors.ts';
import type { GroupObserver } from './ports.ts';

export function codeOf(error: unknown): KafkaError['code'] {
  return error instanceof KafkaError ? error.code : 'UNKNOWN_SERVER_ERROR';
}

/** Whoever speaks for a member that is not in the group may be one that was thought to be gone. */
export function noteRefused(
  observer: GroupObserver | undefined,
  from: { readonly groupId: string; readonly memberId: string },
  error: unknown,
): void {
  if (codeOf(error) === 'UNKNOWN_MEMBER_ID') observer?.refused(from.groupId, from.memberId);
}

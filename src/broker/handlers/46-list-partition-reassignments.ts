// ListPartitionReassignments, version 0. With one replica nothing is ever under way, so the list is
// empty; Kafka too names only partitions that are being moved.

import { ListPartitionReassignments } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';

export function listPartitionReassignmentsHandler(): Handler {
  return handler(ListPartitionReassignments, {
    handle: () => ({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, topics: [] }),
  });
}

// What consumers of the classic group protocol put into JoinGroup metadata and SyncGroup
// assignments: an int16 version, then one of these (see decodeVersioned; a newer version is read as
// our newest, its extra bytes are left).
// v1: ownedPartitions (KIP-429). v2: generationId (KIP-792). v3: rackId (KIP-881).

import {
  array,
  type Infer,
  int32,
  NEVER,
  nullableBytes,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ConsumerProtocolSubscription = message(
  'ConsumerProtocolSubscription',
  { versions: [0, 3], flexible: NEVER },
  {
    topics: array(string()),
    userData: nullableBytes({ fallback: null }),
    ownedPartitions: array(
      {
        topic: string(),
        partitions: array(int32()),
      },
      { since: 1, ignorable: true },
    ),
    generationId: int32({ since: 2, fallback: -1, ignorable: true }),
    rackId: nullableString({ since: 3, fallback: null, ignorable: true }),
  },
);
export type ConsumerProtocolSubscription = Infer<typeof ConsumerProtocolSubscription.fields>;

export const ConsumerProtocolAssignment = message(
  'ConsumerProtocolAssignment',
  { versions: [0, 3], flexible: NEVER },
  {
    assignedPartitions: array({
      topic: string(),
      partitions: array(int32()),
    }),
    userData: nullableBytes({ fallback: null }),
  },
);
export type ConsumerProtocolAssignment = Infer<typeof ConsumerProtocolAssignment.fields>;

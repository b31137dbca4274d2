// OffsetDelete: delete stored positions of a group (KIP-496).

import { api } from '../schema/api.ts';
import { array, type Infer, int16, int32, NEVER, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const OffsetDeleteRequest = message(
  'OffsetDeleteRequest',
  { versions: [0, 0], flexible: NEVER },
  {
    groupId: string(),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
      }),
    }),
  },
);
export type OffsetDeleteRequest = Infer<typeof OffsetDeleteRequest.fields>;

export const OffsetDeleteResponse = message(
  'OffsetDeleteResponse',
  { versions: [0, 0], flexible: NEVER },
  {
    errorCode: int16(),
    throttleTimeMs: int32({ ignorable: true }),
    topics: array({
      name: string(),
      partitions: array({
        partitionIndex: int32(),
        errorCode: int16(),
      }),
    }),
  },
);
export type OffsetDeleteResponse = Infer<typeof OffsetDeleteResponse.fields>;

export const OffsetDelete = api(47, 'OffsetDelete', OffsetDeleteRequest, OffsetDeleteResponse);

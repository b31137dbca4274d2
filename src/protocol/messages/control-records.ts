// Keys and values of control records, each behind an int16 version (see decodeVersioned).
// Key types: 0 abort, 1 commit (KIP-98).

import { type Infer, int16, int32, NEVER } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ControlRecordTypeSchema = message(
  'ControlRecordTypeSchema',
  { versions: [0, 0], flexible: NEVER },
  {
    type: int16(),
  },
);
export type ControlRecordTypeSchema = Infer<typeof ControlRecordTypeSchema.fields>;

export const EndTxnMarker = message(
  'EndTxnMarker',
  { versions: [0, 0], flexible: NEVER },
  {
    coordinatorEpoch: int32(),
  },
);
export type EndTxnMarker = Infer<typeof EndTxnMarker.fields>;

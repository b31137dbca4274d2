// Headers of requests and responses. Which version goes with which API: ../header.ts.
// Request v1: client id, always with a two-byte length. v2: flexible. Response v1: flexible.

import { type Infer, int16, int32, nullableString } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const RequestHeader = message(
  'RequestHeader',
  { versions: [1, 2], flexible: 2 },
  {
    requestApiKey: int16(),
    requestApiVersion: int16(),
    correlationId: int32(),
    clientId: nullableString({ plainLength: true }),
  },
);
export type RequestHeader = Infer<typeof RequestHeader.fields>;

export const ResponseHeader = message(
  'ResponseHeader',
  { versions: [0, 1], flexible: 1 },
  {
    correlationId: int32(),
  },
);
export type ResponseHeader = Infer<typeof ResponseHeader.fields>;

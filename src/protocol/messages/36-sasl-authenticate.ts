// SaslAuthenticate: one step of the chosen SASL mechanism.
// v1: response: sessionLifetimeMs; sessions that end (KIP-368).
// v2: flexible.

import { api } from '../schema/api.ts';
import { bytes, type Infer, int16, int64, nullableString } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const SaslAuthenticateRequest = message(
  'SaslAuthenticateRequest',
  { versions: [0, 2], flexible: 2 },
  {
    authBytes: bytes(),
  },
);
export type SaslAuthenticateRequest = Infer<typeof SaslAuthenticateRequest.fields>;

export const SaslAuthenticateResponse = message(
  'SaslAuthenticateResponse',
  { versions: [0, 2], flexible: 2 },
  {
    errorCode: int16(),
    errorMessage: nullableString(),
    authBytes: bytes(),
    sessionLifetimeMs: int64({ since: 1, fallback: 0, ignorable: true }),
  },
);
export type SaslAuthenticateResponse = Infer<typeof SaslAuthenticateResponse.fields>;

export const SaslAuthenticate = api(
  36,
  'SaslAuthenticate',
  SaslAuthenticateRequest,
  SaslAuthenticateResponse,
);

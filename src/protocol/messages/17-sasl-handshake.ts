// SaslHandshake: choose a SASL mechanism.
// v1: SaslAuthenticate carries the rest (KIP-152).

import { api } from '../schema/api.ts';
import { array, type Infer, int16, NEVER, string } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const SaslHandshakeRequest = message(
  'SaslHandshakeRequest',
  { versions: [0, 1], flexible: NEVER },
  {
    mechanism: string(),
  },
);
export type SaslHandshakeRequest = Infer<typeof SaslHandshakeRequest.fields>;

export const SaslHandshakeResponse = message(
  'SaslHandshakeResponse',
  { versions: [0, 1], flexible: NEVER },
  {
    errorCode: int16(),
    mechanisms: array(string()),
  },
);
export type SaslHandshakeResponse = Infer<typeof SaslHandshakeResponse.fields>;

export const SaslHandshake = api(17, 'SaslHandshake', SaslHandshakeRequest, SaslHandshakeResponse);

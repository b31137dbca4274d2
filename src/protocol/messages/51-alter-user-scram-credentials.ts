// AlterUserScramCredentials: set and remove SCRAM credentials (KIP-554).
// v0: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  bytes,
  type Infer,
  int8,
  int16,
  int32,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const AlterUserScramCredentialsRequest = message(
  'AlterUserScramCredentialsRequest',
  { versions: [0, 0], flexible: 0 },
  {
    deletions: array({
      name: string(),
      mechanism: int8(),
    }),
    upsertions: array({
      name: string(),
      mechanism: int8(),
      iterations: int32(),
      salt: bytes(),
      saltedPassword: bytes(),
    }),
  },
);
export type AlterUserScramCredentialsRequest = Infer<
  typeof AlterUserScramCredentialsRequest.fields
>;

export const AlterUserScramCredentialsResponse = message(
  'AlterUserScramCredentialsResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: nullableString(),
    }),
  },
);
export type AlterUserScramCredentialsResponse = Infer<
  typeof AlterUserScramCredentialsResponse.fields
>;

export const AlterUserScramCredentials = api(
  51,
  'AlterUserScramCredentials',
  AlterUserScramCredentialsRequest,
  AlterUserScramCredentialsResponse,
);

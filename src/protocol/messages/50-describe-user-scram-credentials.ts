// DescribeUserScramCredentials: which SCRAM mechanisms users have (KIP-554).
// v0: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  type Infer,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeUserScramCredentialsRequest = message(
  'DescribeUserScramCredentialsRequest',
  { versions: [0, 0], flexible: 0 },
  {
    users: nullableArray({
      name: string(),
    }),
  },
);
export type DescribeUserScramCredentialsRequest = Infer<
  typeof DescribeUserScramCredentialsRequest.fields
>;

export const DescribeUserScramCredentialsResponse = message(
  'DescribeUserScramCredentialsResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    results: array({
      user: string(),
      errorCode: int16(),
      errorMessage: nullableString(),
      credentialInfos: array({
        mechanism: int8(),
        iterations: int32(),
      }),
    }),
  },
);
export type DescribeUserScramCredentialsResponse = Infer<
  typeof DescribeUserScramCredentialsResponse.fields
>;

export const DescribeUserScramCredentials = api(
  50,
  'DescribeUserScramCredentials',
  DescribeUserScramCredentialsRequest,
  DescribeUserScramCredentialsResponse,
);

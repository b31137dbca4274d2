// DescribeClientQuotas: quotas that match a filter (KIP-546).
// v0: quotas of users, client ids and addresses.
// v1: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  float64,
  type Infer,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeClientQuotasRequest = message(
  'DescribeClientQuotasRequest',
  { versions: [0, 1], flexible: 1 },
  {
    components: array({
      entityType: string(),
      matchType: int8(),
      match: nullableString(),
    }),
    strict: bool(),
  },
);
export type DescribeClientQuotasRequest = Infer<typeof DescribeClientQuotasRequest.fields>;

export const DescribeClientQuotasResponse = message(
  'DescribeClientQuotasResponse',
  { versions: [0, 1], flexible: 1 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    errorMessage: nullableString(),
    entries: nullableArray({
      entity: array({
        entityType: string(),
        entityName: nullableString(),
      }),
      values: array({
        key: string(),
        value: float64(),
      }),
    }),
  },
);
export type DescribeClientQuotasResponse = Infer<typeof DescribeClientQuotasResponse.fields>;

export const DescribeClientQuotas = api(
  48,
  'DescribeClientQuotas',
  DescribeClientQuotasRequest,
  DescribeClientQuotasResponse,
);

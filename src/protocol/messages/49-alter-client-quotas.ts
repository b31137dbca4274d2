// AlterClientQuotas: set and remove quotas (KIP-546).
// v1: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  float64,
  type Infer,
  int16,
  int32,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const AlterClientQuotasRequest = message(
  'AlterClientQuotasRequest',
  { versions: [0, 1], flexible: 1 },
  {
    entries: array({
      entity: array({
        entityType: string(),
        entityName: nullableString(),
      }),
      ops: array({
        key: string(),
        value: float64(),
        remove: bool(),
      }),
    }),
    validateOnly: bool(),
  },
);
export type AlterClientQuotasRequest = Infer<typeof AlterClientQuotasRequest.fields>;

export const AlterClientQuotasResponse = message(
  'AlterClientQuotasResponse',
  { versions: [0, 1], flexible: 1 },
  {
    throttleTimeMs: int32(),
    entries: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      entity: array({
        entityType: string(),
        entityName: nullableString(),
      }),
    }),
  },
);
export type AlterClientQuotasResponse = Infer<typeof AlterClientQuotasResponse.fields>;

export const AlterClientQuotas = api(
  49,
  'AlterClientQuotas',
  AlterClientQuotasRequest,
  AlterClientQuotasResponse,
);

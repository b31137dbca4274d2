// PushTelemetry: metrics of a client (KIP-714).
// v0: flexible.

import { api } from '../schema/api.ts';
import { bool, bytes, type Infer, int8, int16, int32, uuid } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const PushTelemetryRequest = message(
  'PushTelemetryRequest',
  { versions: [0, 0], flexible: 0 },
  {
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    terminating: bool(),
    compressionType: int8(),
    metrics: bytes(),
  },
);
export type PushTelemetryRequest = Infer<typeof PushTelemetryRequest.fields>;

export const PushTelemetryResponse = message(
  'PushTelemetryResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
  },
);
export type PushTelemetryResponse = Infer<typeof PushTelemetryResponse.fields>;

export const PushTelemetry = api(72, 'PushTelemetry', PushTelemetryRequest, PushTelemetryResponse);

// GetTelemetrySubscriptions: which client metrics the broker wants (KIP-714).
// v0: flexible.

import { api } from '../schema/api.ts';
import { array, bool, type Infer, int8, int16, int32, string, uuid } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const GetTelemetrySubscriptionsRequest = message(
  'GetTelemetrySubscriptionsRequest',
  { versions: [0, 0], flexible: 0 },
  {
    clientInstanceId: uuid(),
  },
);
export type GetTelemetrySubscriptionsRequest = Infer<
  typeof GetTelemetrySubscriptionsRequest.fields
>;

export const GetTelemetrySubscriptionsResponse = message(
  'GetTelemetrySubscriptionsResponse',
  { versions: [0, 0], flexible: 0 },
  {
    throttleTimeMs: int32(),
    errorCode: int16(),
    clientInstanceId: uuid(),
    subscriptionId: int32(),
    acceptedCompressionTypes: array(int8()),
    pushIntervalMs: int32(),
    telemetryMaxBytes: int32(),
    deltaTemporality: bool(),
    requestedMetrics: array(string()),
  },
);
export type GetTelemetrySubscriptionsResponse = Infer<
  typeof GetTelemetrySubscriptionsResponse.fields
>;

export const GetTelemetrySubscriptions = api(
  71,
  'GetTelemetrySubscriptions',
  GetTelemetrySubscriptionsRequest,
  GetTelemetrySubscriptionsResponse,
);

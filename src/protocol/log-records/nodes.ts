// Records of the cluster's metadata (KRaft) about brokers and controllers: who is there, where, and whether it serves.

import {
  array,
  bool,
  int8,
  int16,
  int32,
  int64,
  nullableArray,
  nullableString,
  string,
  tagged,
  uint16,
  uuid,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const endpoints = {
  name: string(),
  host: string(),
  port: uint16(),
  securityProtocol: int16(),
} as const;

const features = {
  name: string(),
  minSupportedVersion: int16(),
  maxSupportedVersion: int16(),
} as const;

export const RegisterBrokerRecord = message(
  'RegisterBrokerRecord',
  { versions: [0, 4], flexible: 0 },
  {
    brokerId: int32(),
    isMigratingZkBroker: bool({ since: 2, fallback: false }),
    incarnationId: uuid(),
    brokerEpoch: int64(),
    endPoints: array(endpoints),
    features: array(features),
    rack: nullableString(),
    fenced: bool({ fallback: true }),
    inControlledShutdown: bool({ since: 1, fallback: false }),
    logDirs: tagged(0, array(uuid(), { since: 3 })),
    cordonedLogDirs: tagged(
      1,
      nullableArray(uuid(), { since: 4, nullableSince: 4, fallback: null }),
    ),
  },
);

export const UnregisterBrokerRecord = message(
  'UnregisterBrokerRecord',
  { versions: [0, 0], flexible: 0 },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
  },
);

export const BrokerRegistrationChangeRecord = message(
  'BrokerRegistrationChangeRecord',
  { versions: [0, 3], flexible: 0 },
  {
    brokerId: int32(),
    brokerEpoch: int64(),
    fenced: tagged(0, int8()),
    inControlledShutdown: tagged(1, int8({ since: 1 })),
    logDirs: tagged(2, array(uuid(), { since: 2 })),
    cordonedLogDirs: tagged(
      3,
      nullableArray(uuid(), { since: 3, nullableSince: 3, fallback: null }),
    ),
  },
);

export const FenceBrokerRecord = message(
  'FenceBrokerRecord',
  { versions: [0, 0], flexible: 0 },
  {
    id: int32(),
    epoch: int64(),
  },
);

export const UnfenceBrokerRecord = message(
  'UnfenceBrokerRecord',
  { versions: [0, 0], flexible: 0 },
  {
    id: int32(),
    epoch: int64(),
  },
);

export const RegisterControllerRecord = message(
  'RegisterControllerRecord',
  { versions: [0, 0], flexible: 0 },
  {
    controllerId: int32(),
    incarnationId: uuid(),
    zkMigrationReady: bool(),
    endPoints: array(endpoints),
    features: array(features),
  },
);

// Records of the cluster's metadata (KRaft) about the cluster as a whole: configs, quotas, features, producer ids; and
// the brackets around changes that belong together.

import {
  array,
  bool,
  float64,
  int8,
  int16,
  int32,
  int64,
  nullableString,
  string,
  tagged,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ConfigRecord = message(
  'ConfigRecord',
  { versions: [0, 0], flexible: 0 },
  {
    resourceType: int8(),
    resourceName: string(),
    name: string(),
    value: nullableString(),
  },
);

export const ClientQuotaRecord = message(
  'ClientQuotaRecord',
  { versions: [0, 0], flexible: 0 },
  {
    entity: array({
      entityType: string(),
      entityName: nullableString(),
    }),
    key: string(),
    value: float64(),
    remove: bool(),
  },
);

export const FeatureLevelRecord = message(
  'FeatureLevelRecord',
  { versions: [0, 0], flexible: 0 },
  {
    name: string(),
    featureLevel: int16(),
  },
);

export const ProducerIdsRecord = message(
  'ProducerIdsRecord',
  { versions: [0, 0], flexible: 0 },
  {
    brokerId: int32(),
    brokerEpoch: int64({ fallback: -1 }),
    nextProducerId: int64(),
  },
);

export const NoOpRecord = message('NoOpRecord', { versions: [0, 0], flexible: 0 }, {});

export const ZkMigrationStateRecord = message(
  'ZkMigrationStateRecord',
  { versions: [0, 0], flexible: 0 },
  {
    zkMigrationState: int8(),
  },
);

export const BeginTransactionRecord = message(
  'BeginTransactionRecord',
  { versions: [0, 0], flexible: 0 },
  {
    name: tagged(0, nullableString({ fallback: null })),
  },
);

export const EndTransactionRecord = message(
  'EndTransactionRecord',
  { versions: [0, 0], flexible: 0 },
  {},
);

export const AbortTransactionRecord = message(
  'AbortTransactionRecord',
  { versions: [0, 0], flexible: 0 },
  {
    reason: tagged(0, nullableString({ fallback: null })),
  },
);

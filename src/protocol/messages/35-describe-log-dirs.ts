// DescribeLogDirs: log directories, their room and the size of each partition.
// v1: the client, not the broker, waits out throttling (KIP-219).
// v2: flexible.
// v3: response: errorCode.
// v4: response: totalBytes, usableBytes; KIP-827.
// v5: response: isCordoned.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int16,
  int32,
  int64,
  nullableArray,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeLogDirsRequest = message(
  'DescribeLogDirsRequest',
  { versions: [1, 5], flexible: 2 },
  {
    topics: nullableArray({
      topic: string(),
      partitions: array(int32()),
    }),
  },
);
export type DescribeLogDirsRequest = Infer<typeof DescribeLogDirsRequest.fields>;

export const DescribeLogDirsResponse = message(
  'DescribeLogDirsResponse',
  { versions: [1, 5], flexible: 2 },
  {
    throttleTimeMs: int32(),
    errorCode: int16({ since: 3, ignorable: true }),
    results: array({
      errorCode: int16(),
      logDir: string(),
      topics: array({
        name: string(),
        partitions: array({
          partitionIndex: int32(),
          partitionSize: int64(),
          offsetLag: int64(),
          isFutureKey: bool(),
        }),
      }),
      totalBytes: int64({ since: 4, fallback: -1, ignorable: true }),
      usableBytes: int64({ since: 4, fallback: -1, ignorable: true }),
      isCordoned: bool({ since: 5, fallback: false, ignorable: true }),
    }),
  },
);
export type DescribeLogDirsResponse = Infer<typeof DescribeLogDirsResponse.fields>;

export const DescribeLogDirs = api(
  35,
  'DescribeLogDirs',
  DescribeLogDirsRequest,
  DescribeLogDirsResponse,
);

// Values of the control records in logs of KRaft. Each says its own version in its first field.

import { array, int16, int32, int64, string, struct, uint16, uuid } from '../schema/field.ts';
import { message } from '../schema/message.ts';

const voter = {
  voterId: int32(),
  voterDirectoryId: uuid({ since: 1 }),
} as const;

export const LeaderChangeMessage = message(
  'LeaderChangeMessage',
  { versions: [0, 1], flexible: 0 },
  {
    version: int16(),
    leaderId: int32(),
    voters: array(voter),
    grantingVoters: array(voter),
  },
);

export const SnapshotHeaderRecord = message(
  'SnapshotHeaderRecord',
  { versions: [0, 0], flexible: 0 },
  {
    version: int16(),
    lastContainedLogTimestamp: int64(),
  },
);

export const SnapshotFooterRecord = message(
  'SnapshotFooterRecord',
  { versions: [0, 0], flexible: 0 },
  {
    version: int16(),
  },
);

export const KRaftVersionRecord = message(
  'KRaftVersionRecord',
  { versions: [0, 0], flexible: 0 },
  {
    version: int16(),
    kRaftVersion: int16(),
  },
);

export const VotersRecord = message(
  'VotersRecord',
  { versions: [0, 0], flexible: 0 },
  {
    version: int16(),
    voters: array({
      voterId: int32(),
      voterDirectoryId: uuid(),
      endpoints: array({
        name: string(),
        host: string(),
        port: uint16(),
      }),
      kRaftVersionFeature: struct({
        minSupportedVersion: int16(),
        maxSupportedVersion: int16(),
      }),
    }),
  },
);

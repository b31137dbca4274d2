// Records of the cluster's metadata (KRaft) about who may do what.

import { array, bytes, int8, int32, int64, string, uuid } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const UserScramCredentialRecord = message(
  'UserScramCredentialRecord',
  { versions: [0, 0], flexible: 0 },
  {
    name: string(),
    mechanism: int8(),
    salt: bytes(),
    storedKey: bytes(),
    serverKey: bytes(),
    iterations: int32(),
  },
);

export const RemoveUserScramCredentialRecord = message(
  'RemoveUserScramCredentialRecord',
  { versions: [0, 0], flexible: 0 },
  {
    name: string(),
    mechanism: int8(),
  },
);

export const AccessControlEntryRecord = message(
  'AccessControlEntryRecord',
  { versions: [0, 0], flexible: 0 },
  {
    id: uuid(),
    resourceType: int8(),
    resourceName: string(),
    patternType: int8(),
    principal: string(),
    host: string(),
    operation: int8(),
    permissionType: int8(),
  },
);

export const RemoveAccessControlEntryRecord = message(
  'RemoveAccessControlEntryRecord',
  { versions: [0, 0], flexible: 0 },
  {
    id: uuid(),
  },
);

export const DelegationTokenRecord = message(
  'DelegationTokenRecord',
  { versions: [0, 0], flexible: 0 },
  {
    owner: string(),
    requester: string(),
    renewers: array(string()),
    issueTimestamp: int64(),
    maxTimestamp: int64(),
    expirationTimestamp: int64(),
    tokenId: string(),
  },
);

export const RemoveDelegationTokenRecord = message(
  'RemoveDelegationTokenRecord',
  { versions: [0, 0], flexible: 0 },
  {
    tokenId: string(),
  },
);

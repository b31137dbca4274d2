// Records of `__consumer_offsets` that belong to streams groups (KIP-1071): members, their topology, and who shall have
// which tasks.

import {
  array,
  int8,
  int16,
  int32,
  int64,
  NEVER,
  nullableArray,
  nullableString,
  nullableStruct,
  string,
  tagged,
  uint16,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

const ofGroup = { groupId: string() } as const;
const ofMember = { groupId: string(), memberId: string() } as const;
const keyValue = { key: string(), value: string() } as const;
const tasks = { subtopologyId: string(), partitions: array(int32()) } as const;
const heldTasks = {
  ...tasks,
  assignmentEpochs: tagged(0, nullableArray(int32())),
} as const;
const topicInfo = {
  name: string(),
  partitions: int32(),
  replicationFactor: int16(),
  topicConfigs: array(keyValue),
} as const;

export const StreamsGroupMetadataKey = message(
  'StreamsGroupMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  ofGroup,
);

export const StreamsGroupMetadataValue = message(
  'StreamsGroupMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    epoch: int32(),
    metadataHash: int64(),
    validatedTopologyEpoch: tagged(0, int32({ fallback: -1 })),
    lastAssignmentConfigs: tagged(1, nullableArray(keyValue)),
  },
);

export const StreamsGroupMemberMetadataKey = message(
  'StreamsGroupMemberMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  ofMember,
);

export const StreamsGroupMemberMetadataValue = message(
  'StreamsGroupMemberMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    instanceId: nullableString(),
    rackId: nullableString(),
    clientId: string(),
    clientHost: string(),
    rebalanceTimeoutMs: int32({ fallback: -1 }),
    topologyEpoch: int32(),
    processId: string(),
    userEndpoint: nullableStruct({ host: string(), port: uint16() }, { fallback: null }),
    clientTags: array(keyValue),
  },
);

export const StreamsGroupTargetAssignmentMetadataKey = message(
  'StreamsGroupTargetAssignmentMetadataKey',
  { versions: [0, 0], flexible: NEVER },
  ofGroup,
);

export const StreamsGroupTargetAssignmentMetadataValue = message(
  'StreamsGroupTargetAssignmentMetadataValue',
  { versions: [0, 0], flexible: 0 },
  {
    assignmentEpoch: int32(),
    assignmentTimestamp: tagged(0, int64({ fallback: 0, ignorable: true })),
  },
);

export const StreamsGroupTargetAssignmentMemberKey = message(
  'StreamsGroupTargetAssignmentMemberKey',
  { versions: [0, 0], flexible: NEVER },
  ofMember,
);

export const StreamsGroupTargetAssignmentMemberValue = message(
  'StreamsGroupTargetAssignmentMemberValue',
  { versions: [0, 0], flexible: 0 },
  {
    activeTasks: array(tasks),
    standbyTasks: array(tasks),
    warmupTasks: array(tasks),
  },
);

export const StreamsGroupCurrentMemberAssignmentKey = message(
  'StreamsGroupCurrentMemberAssignmentKey',
  { versions: [0, 0], flexible: NEVER },
  ofMember,
);

export const StreamsGroupCurrentMemberAssignmentValue = message(
  'StreamsGroupCurrentMemberAssignmentValue',
  { versions: [0, 0], flexible: 0 },
  {
    memberEpoch: int32(),
    previousMemberEpoch: int32(),
    state: int8(),
    activeTasks: array(heldTasks),
    standbyTasks: array(heldTasks),
    warmupTasks: array(heldTasks),
    activeTasksPendingRevocation: array(heldTasks),
    standbyTasksPendingRevocation: array(heldTasks),
    warmupTasksPendingRevocation: array(heldTasks),
  },
);

export const StreamsGroupTopologyKey = message(
  'StreamsGroupTopologyKey',
  { versions: [0, 0], flexible: NEVER },
  ofGroup,
);

export const StreamsGroupTopologyValue = message(
  'StreamsGroupTopologyValue',
  { versions: [0, 0], flexible: 0 },
  {
    epoch: int32(),
    subtopologies: array({
      subtopologyId: string(),
      sourceTopics: array(string()),
      sourceTopicRegex: array(string()),
      stateChangelogTopics: array(topicInfo),
      repartitionSinkTopics: array(string()),
      repartitionSourceTopics: array(topicInfo),
      copartitionGroups: array({
        sourceTopics: array(int16()),
        sourceTopicRegex: array(int16()),
        repartitionSourceTopics: array(int16()),
      }),
    }),
  },
);

// The scenario: classic groups and committed offsets.

import {
  FindCoordinator,
  Heartbeat,
  JoinGroup,
  LeaveGroup,
  OffsetCommit,
  OffsetFetch,
  SyncGroup,
} from '../../src/protocol/index.ts';
import { newTopic, topicsExist } from './record-steps-topics.ts';
import type { Captured, Step, StepOptions } from './recorder.ts';
import { step } from './recorder.ts';

const UNKNOWN_ID = 'dW5rbm93bi10b3BpYy1pZA';
const TOPIC = 'with-offsets';
/** The newest versions that know topics by name. */
const NAMES_UNTIL = 9;

/** Each version of JoinGroup has a group of its own. */
const groupOf = (version: number) => `group-${version}`;
const MEMBER_ID_REQUIRED = 79;
const joins = JoinGroup.versions;

const metadata = Buffer.from('00010000000100047465787400000000', 'hex');

interface JoinSettings {
  readonly member: (captured: Captured, version: number) => string;
  readonly sessionTimeoutMs?: number;
  readonly protocolType?: string;
  readonly protocols?: readonly string[];
  readonly group?: string;
  readonly instance?: string;
}

function joinStep(
  name: string,
  settings: JoinSettings,
  options: StepOptions<typeof JoinGroup> = {},
): Step {
  return step(
    name,
    JoinGroup,
    (version, captured) => ({
      groupId: settings.group ?? groupOf(version),
      sessionTimeoutMs: settings.sessionTimeoutMs ?? 30_000,
      ...(version >= 1 ? { rebalanceTimeoutMs: 5_000 } : {}),
      memberId: settings.member(captured, version),
      ...(settings.instance === undefined ? {} : { groupInstanceId: settings.instance }),
      protocolType: settings.protocolType ?? 'consumer',
      protocols: (settings.protocols ?? ['range']).map((protocol) => ({
        name: protocol,
        metadata,
      })),
    }),
    options,
  );
}

/** Notes the member id that the broker gave. */
const noteMember: NonNullable<StepOptions<typeof JoinGroup>['capture']> = (
  response,
  captured,
  version,
) => {
  captured.texts.set(`member ${version}`, response.memberId);
};

const known = (captured: Captured, version: number) => captured.text(`member ${version}`);
const nobody = () => '';
/** SyncGroup, Heartbeat and LeaveGroup steps act on the group of JoinGroup's newest version. */
const newest = joins[1];
const member = (captured: Captured) => captured.text(`member ${newest}`);

function sync(
  name: string,
  settings: { generation?: number; member?: string; group?: string; protocol?: string },
): Step {
  return step(name, SyncGroup, (version, captured) => ({
    groupId: settings.group ?? groupOf(newest),
    generationId: settings.generation ?? 1,
    memberId: settings.member ?? member(captured),
    ...(version >= 5
      ? { protocolType: 'consumer', protocolName: settings.protocol ?? 'range' }
      : {}),
    assignments: [
      { memberId: settings.member ?? member(captured), assignment: Buffer.from('0001', 'hex') },
    ],
  }));
}

function beat(
  name: string,
  settings: { generation?: number; member?: string; group?: string },
): Step {
  return step(name, Heartbeat, (_version, captured) => ({
    groupId: settings.group ?? groupOf(newest),
    generationId: settings.generation ?? 1,
    memberId: settings.member ?? member(captured),
  }));
}

export const coordinatorSteps: Step[] = [
  step(
    'the coordinator of a group',
    FindCoordinator,
    (version) =>
      version >= 4
        ? { coordinatorKeys: ['group-a', 'group-b'], keyType: 0 }
        : { key: 'group-a', ...(version >= 1 ? { keyType: 0 } : {}) },
    {
      until: (response, version) =>
        version >= 4
          ? response.coordinators.every((one) => one.errorCode === 0)
          : response.errorCode === 0,
    },
  ),
  step('the coordinator of an empty name', FindCoordinator, (version) =>
    version >= 4 ? { coordinatorKeys: [''], keyType: 0 } : { key: '' },
  ),
  step('no coordinators', FindCoordinator, () => ({ coordinatorKeys: [], keyType: 0 }), {
    versions: [4, 6],
  }),
  step(
    'a kind of coordinator that does not exist',
    FindCoordinator,
    (version) => (version >= 4 ? { coordinatorKeys: ['x'], keyType: 9 } : { key: 'x', keyType: 9 }),
    { versions: [1, 6] },
  ),
];

export const groupSteps: Step[] = [
  joinStep('a member comes', { member: nobody }, { capture: noteMember, volatile: ['memberId'] }),
  joinStep(
    'a member comes with its id',
    { member: known },
    {
      versions: [4, 9],
      until: (response) => response.errorCode !== MEMBER_ID_REQUIRED,
      capture: noteMember,
      volatile: ['memberId', 'leader'],
    },
  ),
  joinStep('an id that nobody gave', { member: () => 'nobody-gave-this' }),
  joinStep('a session too short', { member: nobody, sessionTimeoutMs: 1, group: 'short' }),
  joinStep('a session too long', { member: nobody, sessionTimeoutMs: 99_999_999, group: 'long' }),
  joinStep('joined with no protocols', { member: nobody, protocols: [], group: 'no-protocols' }),
  joinStep('no protocol type', { member: nobody, protocolType: '', group: 'no-type' }),
  joinStep(
    'another protocol',
    { member: nobody, protocols: ['other'] },
    { volatile: ['memberId'] },
  ),
  joinStep(
    'another protocol type',
    { member: nobody, protocolType: 'connect' },
    {
      volatile: ['memberId'],
    },
  ),
  joinStep('a group without a name is joined', { member: nobody, group: '' }),
  sync('the assignment', {}),
  sync('an assignment of a generation gone by', { generation: 0 }),
  sync('an assignment of an unknown member', { member: 'nobody' }),
  sync('an assignment of an unknown group', { group: 'no-such-group' }),
  sync('an assignment of another protocol', { protocol: 'other' }),
  sync('an assignment of a group without a name', { group: '' }),
  beat('a heartbeat', {}),
  beat('a heartbeat of a generation to come', { generation: 7 }),
  beat('a heartbeat of an unknown member', { member: 'nobody' }),
  beat('a heartbeat in an unknown group', { group: 'no-such-group' }),
  beat('a heartbeat in a group without a name', { group: '' }),
];

export const leaveSteps: Step[] = [
  step('an unknown member leaves', LeaveGroup, (version) =>
    version >= 3
      ? {
          groupId: groupOf(newest),
          members: [{ memberId: 'nobody', groupInstanceId: null }],
        }
      : { groupId: groupOf(newest), memberId: 'nobody' },
  ),
  step('a member leaves an unknown group', LeaveGroup, (version) =>
    version >= 3
      ? { groupId: 'no-such-group', members: [{ memberId: 'a', groupInstanceId: null }] }
      : { groupId: 'no-such-group', memberId: 'a' },
  ),
  step('a member leaves a group without a name', LeaveGroup, (version) =>
    version >= 3
      ? { groupId: '', members: [{ memberId: 'a', groupInstanceId: null }] }
      : { groupId: '', memberId: 'a' },
  ),
  step(
    'the member leaves',
    LeaveGroup,
    (version, captured) => {
      const memberId = captured.text(`member ${version}`);
      return version >= 3
        ? { groupId: groupOf(version), members: [{ memberId, groupInstanceId: null }] }
        : { groupId: groupOf(version), memberId };
    },
    { volatile: ['memberId'] },
  ),
];

function commit(
  name: string,
  settings: {
    readonly group?: string;
    readonly generation?: number;
    readonly member?: (captured: Captured) => string;
    readonly topic?: string;
    readonly partitions?: readonly number[];
    readonly text?: string | null;
  } = {},
): Step {
  return step(name, OffsetCommit, (version, captured) => ({
    groupId: settings.group ?? 'commits',
    generationIdOrMemberEpoch: settings.generation ?? -1,
    memberId: settings.member?.(captured) ?? '',
    topics: [
      {
        ...(version > NAMES_UNTIL
          ? { topicId: captured.topicIds.get(settings.topic ?? TOPIC) ?? UNKNOWN_ID }
          : { name: settings.topic ?? TOPIC }),
        partitions: (settings.partitions ?? [0]).map((partitionIndex) => ({
          partitionIndex,
          committedOffset: 10 + version,
          ...(version >= 6 ? { committedLeaderEpoch: 0 } : {}),
          committedMetadata: settings.text === undefined ? `by v${version}` : settings.text,
        })),
      },
    ],
  }));
}

function fetchOffsets(
  name: string,
  settings: {
    readonly group?: string;
    readonly topic?: string | null;
    readonly partitions?: readonly number[];
  } = {},
  versions: readonly [number, number] = OffsetFetch.versions,
): Step {
  const { group = 'commits', topic = TOPIC, partitions = [0, 1] } = settings;
  return step(
    name,
    OffsetFetch,
    (version, captured) => {
      if (version < 8) {
        const wanted = topic === null ? null : [{ name: topic, partitionIndexes: [...partitions] }];
        return { groupId: group, topics: wanted };
      }
      const named = () =>
        version > NAMES_UNTIL
          ? { topicId: captured.topicIds.get(topic ?? '') ?? UNKNOWN_ID }
          : { name: topic ?? '' };
      const wanted = topic === null ? null : [{ ...named(), partitionIndexes: [...partitions] }];
      return { groups: [{ groupId: group, topics: wanted }] };
    },
    { versions },
  );
}

export const commitSteps: Step[] = [
  ...topicsExist('a topic with offsets', [newTopic(TOPIC, 2)]),
  fetchOffsets('offsets of a group that has none'),
  commit('offsets are committed'),
  fetchOffsets('offsets of the group'),
  fetchOffsets('all offsets of the group', { topic: null }, [2, 10]),
  fetchOffsets('offsets of a topic that is not there', { topic: 'not-there' }),
  fetchOffsets('offsets of a partition that is not there', { partitions: [9] }),
  fetchOffsets('offsets of a group without a name', { group: '' }),
  commit('committed without text', { text: null }),
  commit('committed with too much text', { text: 'x'.repeat(5_000) }),
  commit('committed for a partition that is not there', { partitions: [0, 9] }),
  commit('committed for a topic that is not there', { topic: 'not-there' }),
  commit('committed for a group without a name', { group: '' }),
  commit('committed in a generation of a group that is not there', {
    group: 'no-such-group',
    generation: 3,
  }),
  commit('committed by an unknown member', {
    group: groupOf(newest),
    generation: 1,
    member: () => 'nobody',
  }),
  commit('committed in a generation gone by', { group: groupOf(newest), generation: 0, member }),
  commit('committed by a member', { group: groupOf(newest), generation: 1, member }),
  commit('committed by no member of a group that has some', { group: groupOf(newest) }),
];

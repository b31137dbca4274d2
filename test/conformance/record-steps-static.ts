// The scenario: static members of classic groups, taken out by their instances; and what is gone in the end.

import { DeleteGroups, DescribeGroups, JoinGroup, LeaveGroup } from '../../src/protocol/index.ts';
import type { Step } from './recorder.ts';
import { step } from './recorder.ts';

const EMPTY = 'commits';

/** A static member in a group of its own, joined and taken out by its instance. */
const STATIC = 'group-static';

export const staticSteps: Step[] = [
  step(
    'a static member comes',
    JoinGroup,
    (version) => ({
      groupId: `${STATIC}-${version}`,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 5_000,
      memberId: '',
      groupInstanceId: 'one',
      protocolType: 'consumer',
      protocols: [
        { name: 'range', metadata: Buffer.from('00010000000100047465787400000000', 'hex') },
      ],
    }),
    { versions: [5, 9], volatile: ['memberId', 'leader'] },
  ),
  step(
    'a member with an instance that is not there leaves',
    LeaveGroup,
    (version) => ({
      groupId: `${STATIC}-9`,
      members: [{ memberId: '', groupInstanceId: `not there ${version}` }],
    }),
    { versions: [3, 5] },
  ),
  step(
    'a member with the instance of another leaves',
    LeaveGroup,
    () => ({ groupId: `${STATIC}-9`, members: [{ memberId: 'twin', groupInstanceId: 'one' }] }),
    { versions: [3, 5] },
  ),
  step(
    'a static member is taken out',
    LeaveGroup,
    (version) => ({
      groupId: `${STATIC}-${version + 4}`,
      members: [{ memberId: '', groupInstanceId: 'one' }],
    }),
    { versions: [3, 5], volatile: ['memberId'] },
  ),
];

export const groupEndSteps: Step[] = [
  step('a group without members is deleted', DeleteGroups, () => ({ groupsNames: [EMPTY] })),
  step('groups that are gone', DescribeGroups, () => ({ groups: [EMPTY] })),
];

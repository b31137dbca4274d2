// The whole scenario, in the order of the record. A new step is one line in one of these lists.

import { clusterSteps, configSteps } from './record-steps-configs.ts';
import { fetchSteps, offsetSteps } from './record-steps-fetch.ts';
import { groupAdminSteps } from './record-steps-group-admin.ts';
import { commitSteps, coordinatorSteps, groupSteps, leaveSteps } from './record-steps-groups.ts';
import { memberSteps } from './record-steps-members.ts';
import { producerSteps, produceSteps } from './record-steps-produce.ts';
import { groupEndSteps, staticSteps } from './record-steps-static.ts';
import { topicSteps, versionSteps } from './record-steps-topics.ts';
import type { Step } from './recorder.ts';

/** Parts of the record: each is a file in record/. They run in this order, on one broker. */
export const scenario: Readonly<Record<string, readonly Step[]>> = {
  versions: versionSteps,
  topics: topicSteps,
  produce: produceSteps,
  producers: producerSteps,
  fetch: fetchSteps,
  offsets: offsetSteps,
  configs: configSteps,
  cluster: clusterSteps,
  coordinators: coordinatorSteps,
  groups: groupSteps,
  commits: commitSteps,
  'group-admin': groupAdminSteps,
  leaving: [...leaveSteps, ...staticSteps],
  members: memberSteps,
  'group-end': groupEndSteps,
};

export const allSteps: readonly Step[] = Object.values(scenario).flat();

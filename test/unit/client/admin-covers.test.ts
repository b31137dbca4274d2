// Every request that our broker serves is either what producers and consumers are made of, or a method of Admin.

import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Admin } from '../../../src/index.ts';

const ofClients = [
  'produce',
  'fetch',
  'metadata',
  'offset-fetch',
  'find-coordinator',
  'join-group',
  'heartbeat',
  'sync-group',
  'api-versions',
  'init-producer-id',
  'offset-for-leader-epoch',
  'consumer-group-heartbeat',
];

const ofAdmin: Readonly<Record<string, keyof Admin>> = {
  'list-offsets': 'listOffsets',
  'offset-commit': 'alterOffsets',
  'leave-group': 'removeMembers',
  'describe-groups': 'describeGroup',
  'list-groups': 'listGroups',
  'create-topics': 'createTopic',
  'delete-topics': 'deleteTopics',
  'delete-records': 'deleteRecords',
  'describe-configs': 'describeConfigs',
  'alter-configs': 'alterConfigs',
  'describe-log-dirs': 'describeLogDirs',
  'create-partitions': 'createPartitions',
  'delete-groups': 'deleteGroup',
  'elect-leaders': 'electLeaders',
  'incremental-alter-configs': 'alterConfigs',
  'alter-partition-reassignments': 'alterReassignments',
  'list-partition-reassignments': 'listReassignments',
  'offset-delete': 'deleteOffsets',
  'describe-client-quotas': 'describeClientQuotas',
  'describe-quorum': 'describeQuorum',
  // Metadata tell the same.
  'describe-cluster': 'describeCluster',
  'describe-producers': 'describeProducers',
  'consumer-group-describe': 'describeGroup',
  'list-config-resources': 'listConfigResources',
  'describe-topic-partitions': 'describeTopic',
};

test('no request is left out', () => {
  const served = readdirSync('src/broker/handlers')
    .map((file) => /^\d+-(.+)\.ts$/.exec(file)?.[1])
    .filter((name) => name !== undefined);
  expect(served.length).toBeGreaterThan(30);
  expect(served.toSorted()).toEqual([...ofClients, ...Object.keys(ofAdmin)].toSorted());
});

test.each(Object.entries(ofAdmin))('%s is %s', (_, method) => {
  expect(Admin.prototype[method]).toBeTypeOf('function');
});

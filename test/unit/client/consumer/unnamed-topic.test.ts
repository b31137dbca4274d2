// A share with a topic that metadata do not name, as the member may not see it, say: it is looked for now and then.

import { expect, test } from 'vitest';
import { sleep } from '../../../../src/base/pause.ts';
import { ModernMember } from '../../../../src/client/consumer/modern-member.ts';
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts';
import { fakeCluster } from '../fake-cluster.ts';

test('a topic of the share that nobody names is looked for again after a pause', async () => {
  const clock = new VirtualClock();
  const node = { nodeId: 1, host: 'h', port: 1 };
  const assignment = {
    topicPartitions: [{ topicId: '00000000-0000-0000-0000-000000000001', partitions: [0] }],
  };
  let looked = 0;
  const cluster = fakeCluster(clock, async (name) => {
    await sleep(clock, 1);
    if (name === 'FindCoordinator') return { coordinators: [{ ...node, errorCode: 0 }] };
    if (name === 'ConsumerGroupHeartbeat') {
      return { errorCode: 0, memberEpoch: 1, heartbeatIntervalMs: 5_000, assignment };
    }
    looked += 1;
    return { errorCode: 0, brokers: [node], topics: [] };
  });
  const nothing = (): Promise<void> => Promise.resolve();
  const host = {
    owned: () => [],
    assign: nothing,
    revoke: nothing,
    lost: nothing,
    stuckMs: () => 0,
    unstuck: nothing,
    trouble: () => {},
  };
  const options = { instanceId: null, serverAssignor: null, sessionTimeoutMs: 45_000 };
  const one = new ModernMember(
    cluster,
    { ...options, group: 'g', topics: ['t'], maxPollIntervalMs: 60_000 },
    host,
  );
  const running = one.run();
  await clock.advance(2_000);
  expect(looked).toBeGreaterThan(1);
  expect(looked).toBeLessThan(20);
  await clock.until(Promise.all([one.leave(), running]));
});

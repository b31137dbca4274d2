// Three nodes of Apache Kafka (KRaft, each broker and controller), topics on all three: one may die.

import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnOwned } from '../../bench/peers/child.ts';
import {
  answersApiVersions,
  exitOf,
  freePort,
  javaArguments,
  runJava,
  tailOf,
  waitUntil,
} from '../../bench/peers/index.ts';

const CLUSTER_ID = 'VGlkZW1hcmtUaHJlZU5vZA';
const START_TIMEOUT_MS = 180_000;

interface Member {
  readonly id: number;
  readonly port: number;
  readonly file: string;
  child: ChildProcess;
  ended: Promise<number>;
  errors: () => string;
}

export class KafkaCluster implements AsyncDisposable {
  readonly bootstrap: string;
  readonly #folder: string;
  readonly #members: readonly Member[];

  private constructor(folder: string, members: readonly Member[]) {
    this.#folder = folder;
    this.#members = members;
    this.bootstrap = members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  }

  /** Resolves when all three answer. */
  static async start(): Promise<KafkaCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'kafka-cluster-'));
    const ids = [1, 2, 3];
    const ports = await Promise.all(ids.map(() => freePort()));
    const controllers = await Promise.all(ids.map(() => freePort()));
    const voters = ids.map((id, index) => `${id}@127.0.0.1:${controllers[index]}`).join(',');
    const members: Member[] = [];
    for (const [index, id] of ids.entries()) {
      const port = ports[index] ?? 0;
      const file = join(folder, `node-${id}.properties`);
      const logs = join(folder, `logs-${id}`);
      const own = { id, port, controllerPort: controllers[index] ?? 0, voters, logs };
      writeFileSync(file, propertiesOf(own));
      await runJava('kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', file]);
      members.push({ id, port, file, ...run(file) });
    }
    const cluster = new KafkaCluster(folder, members);
    try {
      await Promise.all(members.map((member) => answers(member)));
    } catch (error) {
      await cluster[Symbol.asyncDispose]();
      throw error;
    }
    return cluster;
  }

  /** kill -9. */
  async kill(id: number): Promise<void> {
    const member = this.#member(id);
    member.child.kill('SIGKILL');
    await member.ended;
  }

  /** Starts a killed node again, on its data. */
  async revive(id: number): Promise<void> {
    const member = this.#member(id);
    Object.assign(member, run(member.file));
    await answers(member);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { child } of this.#members) child.kill('SIGKILL');
    await Promise.all(this.#members.map(({ ended }) => ended));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #member(id: number): Member {
    const member = this.#members.find((one) => one.id === id);
    if (member === undefined) throw new Error(`there is no node ${id}`);
    return member;
  }
}

function run(file: string): Pick<Member, 'child' | 'ended' | 'errors'> {
  const args = [...javaArguments('kafka.Kafka', 512), file];
  const child = spawnOwned('java', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  return { child, ended: exitOf(child), errors: tailOf(child) };
}

function answers({ child, port, id, errors }: Member): Promise<void> {
  return waitUntil(() => answersApiVersions(port), {
    timeoutMs: START_TIMEOUT_MS,
    what: `node ${id} of Kafka`,
    failed: () => (child.exitCode === null ? '' : `ended: ${errors()}`),
  });
}

function propertiesOf(own: {
  readonly id: number;
  readonly port: number;
  readonly controllerPort: number;
  readonly voters: string;
  readonly logs: string;
}): string {
  const listeners = `PLAINTEXT://127.0.0.1:${own.port},CONTROLLER://127.0.0.1:${own.controllerPort}`;
  const config = {
    'process.roles': 'broker,controller',
    'node.id': own.id,
    'controller.quorum.voters': own.voters,
    listeners,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${own.port}`,
    'inter.broker.listener.name': 'PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'log.dirs': own.logs,
    'default.replication.factor': 3,
    'min.insync.replicas': 2,
    'unclean.leader.election.enable': false,
    'offsets.topic.replication.factor': 3,
    'offsets.topic.num.partitions': 3,
    'transaction.state.log.replication.factor': 3,
    'transaction.state.log.min.isr': 2,
    // A dead leader is noticed after so long; the default of 9 s only makes the test longer.
    'broker.session.timeout.ms': 3_000,
    'group.initial.rebalance.delay.ms': 0,
  };
  return Object.entries(config)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

// Real consumers as members of a group, each by its own client, told of together: what they have read, and how they are
// stopped, killed and held up. All commit what they have handed over when they are stopped in good order.

import { type ChildProcess, spawn } from 'node:child_process';
import kafkajs, { type PartitionAssigner } from 'kafkajs';
import { exitOf, javaArguments, tailOf } from '../../../bench/peers/index.ts';
import { kafkaOf } from './kafkajs.ts';
import { loadPlatformatic } from './platformatic.ts';

export interface MemberTask {
  readonly bootstrap: string;
  readonly groupId: string;
  readonly topic: string;
  /** Called for each record. */
  readonly onRecord: (partition: number, offset: number, reader: string) => void;
  /** Static membership. */
  readonly instanceId?: string;
  readonly sessionTimeoutMs?: number;
  /**
   * Commits nothing, for members that will be killed: clients that commit on their own may do so a moment before the
   * record is printed.
   */
  readonly commits?: 'never';
}

export interface RealMember {
  readonly name: string;
  /** Leaves the group as its client does, unless it is static. */
  stop(): Promise<void>;
}

/** A member in a process of its own. */
export interface ProcessMember extends RealMember {
  /** kill -9. */
  kill(): Promise<void>;
  /** Its handler stands still: what it prints is not taken, while its client goes on with heartbeats. */
  hold(): void;
  release(): void;
  /** SIGSTOP and SIGCONT: the whole process stands still. */
  freeze(): void;
  thaw(): void;
}

/** All clients share it: librdkafka and Java have it, @platformatic/kafka has no other. */
const ASSIGNOR = 'roundrobin';
const SESSION_TIMEOUT_MS = 10_000;
const STOP_TIMEOUT_MS = 30_000;
const programs = { kcat: 'kcat' } as const;

export function kcatMember(task: MemberTask): ProcessMember {
  const settings: Record<string, string> = {
    'auto.offset.reset': 'earliest',
    'auto.commit.interval.ms': '200',
    'heartbeat.interval.ms': '500',
    'session.timeout.ms': String(task.sessionTimeoutMs ?? SESSION_TIMEOUT_MS),
    'partition.assignment.strategy': ASSIGNOR,
    'reconnect.backoff.max.ms': '500',
  };
  if (task.instanceId !== undefined) settings['group.instance.id'] = task.instanceId;
  if (task.commits === 'never') settings['enable.auto.commit'] = 'false';
  // -E: errors that it may get over, such as a broker that is away, do not end it.
  const args = ['-E', '-b', task.bootstrap, '-G', task.groupId, '-q', '-u', '-f', '%p %o\\n'];
  for (const [name, value] of Object.entries(settings)) args.push('-X', `${name}=${value}`);
  return processMember(
    'kcat',
    spawn(programs.kcat, [...args, task.topic], pipes),
    task,
    /^(\d+) (\d+)$/,
  );
}

export function javaMember(protocol: 'classic' | 'consumer', task: MemberTask): ProcessMember {
  const settings: Record<string, string> = {
    'group.protocol': protocol,
    'auto.offset.reset': 'earliest',
    'auto.commit.interval.ms': '200',
    'reconnect.backoff.max.ms': '500',
  };
  if (protocol === 'classic') {
    settings['session.timeout.ms'] = String(task.sessionTimeoutMs ?? SESSION_TIMEOUT_MS);
    settings['heartbeat.interval.ms'] = '500';
    settings['partition.assignment.strategy'] =
      'org.apache.kafka.clients.consumer.RoundRobinAssignor';
  }
  if (task.instanceId !== undefined) settings['group.instance.id'] = task.instanceId;
  if (task.commits === 'never') settings['enable.auto.commit'] = 'false';
  const args = ['--bootstrap-server', task.bootstrap, '--topic', task.topic];
  args.push('--group', task.groupId, '--formatter-property', 'print.value=false');
  for (const field of ['partition', 'offset'])
    args.push('--formatter-property', `print.${field}=true`);
  for (const [name, value] of Object.entries(settings)) {
    args.push('--command-property', `${name}=${value}`);
  }
  const main = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
  const child = spawn('java', [...javaArguments(main, 128), ...args], pipes);
  return processMember(`java ${protocol}`, child, task, /^Partition:(\d+)\tOffset:(\d+)$/);
}

const pipes = { stdio: ['ignore', 'pipe', 'pipe'] as ['ignore', 'pipe', 'pipe'] };

function processMember(
  name: string,
  child: ChildProcess,
  task: MemberTask,
  line: RegExp,
): ProcessMember {
  const errors = tailOf(child);
  const ended = exitOf(child);
  let rest = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) {
      const found = line.exec(text);
      if (found !== null) task.onRecord(Number(found[1]), Number(found[2]), name);
    }
  });
  const signal = async (which: NodeJS.Signals): Promise<number> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(which);
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    const code = await ended;
    clearTimeout(late);
    return code;
  };
  return {
    name,
    stop: async () => {
      const code = await signal('SIGTERM');
      // Java ends with 143 on SIGTERM, the console consumer of 4.3 with 130 as well.
      if (![0, 130, 143].includes(code)) throw new Error(`${name} ended with ${code}: ${errors()}`);
    },
    kill: async () => {
      await signal('SIGKILL');
    },
    hold: () => child.stdout?.pause(),
    release: () => child.stdout?.resume(),
    freeze: () => child.kill('SIGSTOP'),
    thaw: () => child.kill('SIGCONT'),
  };
}

/** kafkajs' round robin under the name that the others have for it. */
const sharedAssigner: PartitionAssigner = (config) => {
  const own = kafkajs.PartitionAssigners.roundRobin(config);
  return {
    ...own,
    name: ASSIGNOR,
    protocol: ({ topics }) => ({
      name: ASSIGNOR,
      metadata: kafkajs.AssignerProtocol.MemberMetadata.encode({
        version: 0,
        topics,
        userData: Buffer.alloc(0),
      }),
    }),
  };
};

export async function kafkajsMember(task: MemberTask): Promise<RealMember> {
  const kafka = await kafkaOf(task.bootstrap, 'patient');
  const consumer = kafka.consumer({
    groupId: task.groupId,
    sessionTimeout: task.sessionTimeoutMs ?? SESSION_TIMEOUT_MS,
    heartbeatInterval: 500,
    maxWaitTimeInMs: 200,
    partitionAssigners: [sharedAssigner],
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [task.topic], fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: false,
    eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale }) => {
      for (const { offset } of batch.messages) {
        if (!isRunning() || isStale()) break;
        task.onRecord(batch.partition, Number(offset), 'kafkajs');
        resolveOffset(offset);
      }
      await heartbeat();
    },
  });
  return { name: 'kafkajs', stop: () => consumer.disconnect() };
}

/** Commits nothing: what it has read is read again by whoever gets its partitions. */
export async function platformaticMember(
  protocol: 'classic' | 'consumer',
  task: MemberTask,
): Promise<RealMember> {
  const library = await loadPlatformatic();
  const consumer = new library.Consumer({
    clientId: 'interop',
    bootstrapBrokers: [task.bootstrap],
    groupId: task.groupId,
    groupProtocol: protocol,
    maxWaitTime: 200,
    retries: 100,
    retryDelay: 100,
    ...(protocol === 'classic'
      ? { sessionTimeout: task.sessionTimeoutMs ?? SESSION_TIMEOUT_MS, heartbeatInterval: 500 }
      : {}),
  });
  const stream = await consumer.consume({
    topics: [task.topic],
    mode: 'committed',
    fallbackMode: 'earliest',
    // On its own it commits what its stream holds, handed over or not.
    autocommit: false,
  });
  const reading = (async () => {
    for await (const { partition, offset } of stream)
      task.onRecord(partition, Number(offset), `platformatic ${protocol}`);
  })();
  return {
    name: `platformatic ${protocol}`,
    stop: async () => {
      await stream.close();
      await consumer.close(true);
      await reading;
    },
  };
}

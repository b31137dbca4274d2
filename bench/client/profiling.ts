// Where our client's time goes in rows whose goals are not reached: done once more after the measurement, under V8's
// profiler, so that it costs the figures nothing. The profile is cut to the part that counts.

import { textOfError } from '../../src/base/errors.ts';
import { connect } from '../../src/index.ts';
import { systemsFor } from '../load/systems.ts';
import { type PeerBroker, removeFolder, type System, temporaryFolder } from '../peers/index.ts';
import { hotFunctions, profilesIn, type RowProfile } from '../report/profile.ts';
import { type SuiteRun, TIDEMARK } from '../suite.ts';
import { doTask, fillFor, type NamedRow, rowsOf, topicFor } from './run.ts';

/** A row of ours, as results name both. */
export interface Wanted {
  readonly row: string;
  readonly system: string;
}

const onSystem = ({ name }: Pick<System, 'name'>): string => `${TIDEMARK.name} on ${name}`;

/** Profiles our client in those of the rows that are of the suite `client`; starts nothing for others. */
export async function profileClients(
  run: SuiteRun,
  wanted: readonly Wanted[],
): Promise<RowProfile[]> {
  const own = wanted.filter(({ system }) => system.startsWith(onSystem({ name: '' })));
  if (own.length === 0) return [];
  const profiles: RowProfile[] = [];
  for (const system of await systemsFor(run)) {
    const rows = rowsOf(run).filter(({ name }) =>
      own.some((one) => one.row === name && one.system === onSystem(system)),
    );
    if (rows.length > 0) profiles.push(...(await onBrokerOf(run, system, rows)));
  }
  return profiles;
}

/** Measured is measured: a profile that cannot be had is named as missing, as anything else. */
async function onBrokerOf(
  run: SuiteRun,
  system: System,
  rows: readonly NamedRow[],
): Promise<RowProfile[]> {
  const profiles: RowProfile[] = [];
  let broker: PeerBroker | undefined;
  try {
    broker = await system.start();
    for (const row of rows) {
      run.say(`${onSystem(system)}: profile of ${row.name}`);
      profiles.push(await profileOf(row, broker, onSystem(system)));
    }
  } catch (error) {
    run.missing(`profiles of ${onSystem(system)} (V8)`, textOfError(error));
  } finally {
    await broker?.stop();
  }
  return profiles;
}

async function profileOf(
  { name, row }: NamedRow,
  broker: PeerBroker,
  system: string,
): Promise<RowProfile> {
  const directory = temporaryFolder('bench-profile-');
  const client = await connect(broker.bootstrap);
  try {
    const topic = topicFor(row, 'profile');
    if (row.work === 'consume') await fillFor(client, topic, row);
    else await client.admin().createTopic({ name: topic, partitions: 1 });
    const task = { client: TIDEMARK.name, at: broker.bootstrap, topic, ...row };
    const { stretch } = await doTask(task, ['--cpu-prof', `--cpu-prof-dir=${directory}`]);
    return {
      row: name,
      system,
      functions: hotFunctions(profilesIn(directory), stretch),
      calls: [],
    };
  } finally {
    await client.close();
    removeFolder(directory);
  }
}

// What a replay would do: resolved offsets with their times, counts, and some records as they would be written.

import {
  ModuleRunner,
  makeSelect,
  offsetsIn,
  recordDocument,
  type Stretch,
  type StretchTimes,
  type Survey,
  stretchTimes,
  survey,
} from '../../../tools/replay/index.ts';
import { formatTime } from '../../client/index.ts';
import { nodeClock } from '../../host/node-clock.ts';
import type { CliIo } from '../io.ts';
import type { Session } from '../session.ts';
import type { ReplayRequest } from './start.ts';

const SHOWN_MAX = 3;
const NOTES_MAX = 8;
/** Partitions whose first and last record are looked at. */
const TIMES_MAX = 100;
/** What cannot be counted within this time is estimated. */
const COUNT_MS = 10_000;

interface Plan {
  readonly request: ReplayRequest;
  readonly stretches: readonly Stretch[];
}

/** Shows what would be done. */
export async function showPlan(
  io: CliIo,
  session: Session,
  { request, stretches }: Plan,
): Promise<void> {
  const times = await Promise.all(
    stretches.slice(0, TIMES_MAX).map((one) => stretchTimes(session.cluster, one)),
  );
  const found = await count(io, session, { request, stretches });
  const documents = found.shown.map(([source, record]) => recordDocument(source, record));
  if (request.json) {
    const { read, copies, selected, covered, selectedInAll } = found;
    const exact = covered === found.total;
    const timed = stretches.map((one, at) => ({ ...one, ...times[at] }));
    const sample = { read, copies, selected, exact, covered, selectedInAll, records: documents };
    const plan = { offsets: found.total, stretches: timed, sample };
    await io.data(`${JSON.stringify(plan)}\n`);
    return;
  }
  sayStretches(io, stretches, times);
  io.say(`${found.total} offsets in all`);
  if (found.copies > 0) {
    const left = request.includeReplayed ? '' : ': --include-replayed takes them too';
    io.say(`${found.copies} of them are copies of earlier replays${left}`);
  }
  io.say(`${countsText(found)}${documents.length > 0 ? ', such as' : ''}`);
  for (const one of documents) io.say(`  ${JSON.stringify(one)}`);
  io.say('nothing was written: add --execute to do it');
}

/** A line for each partition, up to some. */
export function sayStretches(
  io: CliIo,
  stretches: readonly Stretch[],
  times: readonly StretchTimes[] = [],
): void {
  const lines = stretches.map(
    ({ topic, partition, from, to, note }, at) =>
      `${topic}/${partition}: ${to - from} (${note})${timesText(times[at])}`,
  );
  for (const line of lines.slice(0, NOTES_MAX)) io.say(line);
  if (lines.length > NOTES_MAX) io.say(`… and ${lines.length - NOTES_MAX} more partitions`);
}

function countsText({ read, selected, covered, total, selectedInAll }: Survey): string {
  if (covered === total) return `of all ${read} records, ${selected} would be written`;
  const percent = Math.floor((100 * covered) / total);
  return (
    `of the ${read} records in ${percent} % of the offsets, ${selected} would be written: ` +
    `about ${selectedInAll} in all (--exact counts them)`
  );
}

function timesText(times: StretchTimes | undefined): string {
  if (!times || times.firstMs === null || times.lastMs === null) return '';
  return `, records of ${formatTime(times.firstMs)} to ${formatTime(times.lastMs)}`;
}

async function count(io: CliIo, session: Session, { request, stretches }: Plan): Promise<Survey> {
  const { filter, target, includeReplayed, exact } = request;
  const module =
    request.module === null ? null : await ModuleRunner.load(request.module, nodeClock);
  const { signal } = session.stopSignal();
  try {
    return await survey({
      cluster: session.cluster,
      clock: nodeClock,
      stretches,
      select: makeSelect({ filter, module, target, includeReplayed }),
      target,
      shownMax: SHOWN_MAX,
      limitMs: exact ? null : COUNT_MS,
      signal,
      onProgress: (covered, total) =>
        io.progress(
          `counting: ${Math.floor((100 * covered) / total)} % of ${offsetsIn(stretches)}`,
        ),
    });
  } finally {
    io.progress('');
    await module?.close();
  }
}

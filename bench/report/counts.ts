// How many goals were reached beside each broker: in the results that are shown, together and, where they are shown in
// part, each by itself; and in the others that are kept. So nobody has only the best of them before his eyes.

import { basename } from 'node:path';
import { isClients } from './goal-tables.ts';
import { table } from './markdown.ts';
import { type Line, linesOf, linksTo, peersOf, type Shown } from './shown.ts';
import { titleOf } from './words.ts';

/** A line for the shown results together, one for each that is not whole there; '' where there is no other broker. */
export function countsTable(
  shown: readonly Shown[],
  others: readonly Shown[],
  document: string,
): string {
  const here = besideBrokers(linesOf(shown));
  const peers = peersOf(here);
  if (peers.length === 0) return '';
  const inPart = shown.filter(
    (one) =>
      here.filter(({ report }) => report === one.report).length <
      besideBrokers(linesOf([one])).length,
  );
  const rows = [...inPart, ...others].flatMap((one) => {
    const lines = besideBrokers(linesOf([one]));
    if (lines.length === 0 || one.report.quick) return [];
    const { machine, interrupted, date } = one.report;
    const whole = interrupted === true ? ', not whole' : '';
    const link = `[${basename(one.file, '.json')}](${linksTo(one.file, document).result})`;
    const what = `${link}: ${machine['processor']}, ${date.slice(0, 10)}, commit ${machine['tidemark']}${whole}`;
    return [[what, ...cellsOf(lines, peers)]];
  });
  const head = ['goals reached', ...peers.map((peer) => `beside ${titleOf(peer)}`)];
  return `\n${table(head, [['in the runs above', ...cellsOf(here, peers)], ...rows])}`;
}

const besideBrokers = (lines: readonly Line[]): Line[] =>
  lines.filter((line) => line.judged.goal.against !== undefined && !isClients(line));

const cellsOf = (lines: readonly Line[], peers: readonly string[]): string[] =>
  peers.map((peer) => {
    const beside = lines.filter(({ judged }) => judged.goal.against === peer);
    const reached = beside.filter(({ judged }) => judged.reached).length;
    return beside.length === 0 ? '–' : `${reached} of ${beside.length}`;
  });

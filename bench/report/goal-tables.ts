// The tables of the documents: goals beside each peer, and our client's short one.

import { unitNoteOf } from './facts.ts';
import { spreadText, table } from './markdown.ts';
import { type Line, linesOf, type Shown } from './shown.ts';
import type { Judged } from './verdicts.ts';
import {
  goalText,
  numberText,
  ratioText,
  suffixOf,
  titleOf,
  verdictText,
  wordsOf,
} from './words.ts';

/** `2 of 3 goals reached`. */
export function countText(lines: readonly Line[]): string {
  const reached = lines.filter(({ judged }) => judged.reached).length;
  return `${reached} of ${lines.length} goals reached`;
}

/** One table with its head line: the goals beside the peer, those that are absolute where it is ''. */
export function peerSection(shown: readonly Shown[], peer: string): string {
  const lines = linesOf(shown).filter(({ judged }) => (judged.goal.against ?? '') === peer);
  if (lines.length === 0) return '';
  const title = peer === '' ? 'On its own' : `Beside ${titleOf(peer)}`;
  const body =
    peer === ''
      ? table(
          ['work', 'figure', 'Tidemark', 'goal', ''],
          lines.map((line) => [
            workOf(line),
            wordsOf(line.judged.goal.figure),
            oursText(line),
            goalText(line.judged.goal),
            verdictOf(line.judged),
          ]),
        )
      : table(
          ['work', 'figure', 'Tidemark', titleOf(peer), 'ratio', 'goal', ''],
          lines.map((line) => besideLine(line, peer)),
        );
  return `\n### ${title}: ${countText(lines)}\n\n${body}`;
}

/** The row, with what its sizes are of and which of our settings it is about. */
export function workOf({ report, judged: { goal } }: Line): string {
  const note = unitNoteOf(report, goal.row);
  const suffix = suffixOf(goal.ours ?? 'tidemark');
  return `${goal.row}${note === '' ? '' : ` (${note})`}${suffix === '' ? '' : `, \`${suffix}\``}`;
}

const oursText = ({ report, judged: { goal } }: Line): string =>
  spreadText(report, goal.ours ?? 'tidemark', goal.row, goal.figure);

const verdictOf = (judged: Judged): string =>
  verdictText(judged).replace(/^not reached/, '**not reached**');

function besideLine(line: Line, peer: string): string[] {
  const { report, judged } = line;
  const { row, figure } = judged.goal;
  return [
    workOf(line),
    wordsOf(figure),
    oursText(line),
    spreadText(report, peer, row, figure),
    ratioText(judged.ratio, judged.goal.limit),
    goalText(judged.goal, judged.disk),
    verdictOf(judged),
  ];
}

const ON = ' on ';
/** Whether the goal is our client's: beside another client on the same broker. */
export const isClients = ({ judged: { goal } }: Line): boolean => goal.ours?.includes(ON) ?? false;

/** Our client beside the next one, a line for each work and broker; '' where clients were not measured. */
export function clientSection(shown: readonly Shown[]): string {
  const lines = linesOf(shown).filter(isClients);
  if (lines.length === 0) return '';
  const works = new Map<string, Line[]>();
  for (const line of lines) {
    const { row, ours = '' } = line.judged.goal;
    const work = `${row}${ON}${titleOf(ours.slice(ours.indexOf(ON) + ON.length))}`;
    works.set(work, [...(works.get(work) ?? []), line]);
  }
  const figures = [...new Set(lines.map(({ judged }) => judged.goal.figure))];
  const head = figures.flatMap((figure) => {
    const goal = lines.find(({ judged }) => judged.goal.figure === figure)?.judged.goal;
    return [wordsOf(figure), 'the next', goal === undefined ? '' : `ratio, ${goalText(goal)}`];
  });
  const rows = [...works].map(([work, ofWork]) => [
    work,
    ...figures.flatMap((figure) =>
      clientCells(ofWork.find(({ judged }) => judged.goal.figure === figure)),
    ),
  ]);
  return (
    `\n### Our client beside the next of kafkajs and @platformatic/kafka: ${countText(lines)}\n\n` +
    `Side by side on the same broker, one partition, acks=all.\n\n` +
    table(['work', ...head], rows)
  );
}

function clientCells(line: Line | undefined): string[] {
  if (line === undefined) return ['–', '–', '–'];
  const { ours, theirs, ratio, goal } = line.judged;
  const next = goal.against?.slice(0, goal.against.indexOf(ON)) ?? '';
  return [
    numberText(ours),
    `${numberText(theirs)} (${next})`,
    `${ratioText(ratio, goal.limit)} ${verdictOf(line.judged)}`,
  ];
}

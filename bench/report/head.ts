// What stands above the tables: which runs they are of, on which machine, and how to read them.

import { givenIn, processorTimeOf } from './facts.ts';
import { linksTo, type Shown, suitesTaken } from './shown.ts';
import { peerInWords } from './words.ts';

/** A line for each run with what is taken from it, its machine, and how the figures are meant. */
export function headOf(shown: readonly Shown[], document: string): string {
  const machines = shown.map((one) => machineText(one));
  const same = new Set(machines).size === 1;
  const taken = suitesTaken(shown);
  const runs = shown.map(
    (one, index) =>
      `- ${runText(one, document)}: ${taken[index]}${same ? '' : `. ${machines[index]}`}\n`,
  );
  return `${runs.join('')}
${[...(same ? machines.slice(0, 1) : []), ...commandsOf(shown)].join('\n')}
`;
}

function runText({ report, file }: Shown, document: string): string {
  const { quick, date, interrupted, machine, command } = report;
  const code = machine['tidemark'] === undefined ? '' : `, commit ${machine['tidemark']}`;
  const whole = interrupted === true ? ', not whole' : '';
  const short = quick ? ', very short: it shows that the rows work, not how fast anything is' : '';
  const { result, page } = linksTo(file, document);
  const links = `([result](${result}), [report](${page}))`;
  return `\`${command}\`, ${date.slice(0, 10)}${code}${whole}${short} ${links}`;
}

/** A line for each peer that was given by its command: what it is and, where the result tells it, the command. */
function commandsOf(shown: readonly Shown[]): string[] {
  const lines = shown.flatMap(({ report }) =>
    givenIn(report).map((name) => {
      const about = peerInWords(name);
      const command = report.peers?.[name];
      if (command === undefined) return `Peer ${about}.`;
      return `Peer ${about}${about === name ? ':' : ';'} \`${command}\`.`;
    }),
  );
  return [...new Set(lines)];
}

function machineText({ report }: Shown): string {
  const { machine } = report;
  const disk = machine['disk'] === undefined ? '' : `, data on ${machine['disk']}`;
  const versions = `Node ${machine['node']}, ${machine['java']}, Apache Kafka ${machine['kafka']}`;
  return (
    `Machine: ${machine['processor']}, ${machine['memory']}, ${machine['system']}${disk}; ` +
    `${versions}, librdkafka ${machine['librdkafka']}; ` +
    `processor time in ${processorTimeOf(report)}.`
  );
}

/** How the tables are read. `method`: a link to how rows are measured. */
export const readingText = (method: string): string => `
Client and broker share the processor, and where brokers stand side by side the client is the same for all. Tidemark
syncs before it acknowledges unless \`--flush os\` is said; Apache Kafka does not by default. Figures are medians
(smallest–largest) of interleaved runs, to three digits; where no range stands, it was measured once. Each round gives
a ratio, ours beside theirs of the same round; the middle one stands in the tables and need not be that of the medians.
A goal is reached where most rounds reach it. How many did stands in brackets, and "narrowly" where fewer than four
fifths of them agree. ${method} says how each row is measured and what the figures do not show.
`;

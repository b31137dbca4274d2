// tidemark demo load: sample traffic of a small shop, for trying everything else.

import type { Command } from 'commander';
import { LOAD_TOPICS, LoadGenerator } from '../../../tools/demo/index.ts';
import { ExitCode } from '../exit-codes.ts';
import { processIo } from '../io.ts';
import { positiveNumber, wholeNumber } from '../numbers.ts';
import { type BrokerOptions, brokerCommand } from '../program.ts';
import { withCluster } from '../session.ts';
import { plural } from '../topic-description.ts';

interface LoadFlags extends BrokerOptions {
  readonly rate: string;
  readonly seconds?: string;
  readonly prefix: string;
  readonly seed?: string;
  readonly bursts: boolean;
}

/** `demo load`. */
export function loadCommand(): Command {
  return brokerCommand('load', 'sample traffic with keys, headers and bursts', [
    'tidemark demo load',
    'tidemark demo load --rate 2000 --seconds 60',
    'tidemark demo load --prefix shop. --seed 7',
  ])
    .option('--rate <records>', 'records per second, up and down by a fifth', '200')
    .option('--no-bursts', 'nothing on top of the rate')
    .option('--seconds <count>', 'how long (default: until Ctrl-C)')
    .option('--prefix <text>', 'before the names of the topics', 'demo.')
    .option('--seed <number>', 'the same records again')
    .addHelpText(
      'after',
      `\nTopics: ${LOAD_TOPICS.join(', ')}. About every half minute there is a burst of ten times the rate.`,
    )
    .action((flags: LoadFlags) => run(flags));
}

async function run(flags: LoadFlags): Promise<void> {
  const io = processIo();
  const rate = positiveNumber('--rate', flags.rate);
  const seconds = flags.seconds === undefined ? null : positiveNumber('--seconds', flags.seconds);
  const seed = flags.seed === undefined ? Date.now() : wholeNumber('--seed', flags.seed);
  const done = new AbortController();
  const timer = seconds === null ? null : setTimeout(() => done.abort(), 1000 * seconds);
  try {
    await withCluster(flags, async (session) => {
      const { signal, givenUp } = session.stopSignal();
      const { prefix, bursts } = flags;
      if (flags.json !== true) {
        const topics = LOAD_TOPICS.map((name) => prefix + name).join(', ');
        io.say(`writing to ${topics}${seconds === null ? '; Ctrl-C ends it' : ''}`);
      }
      const generator = new LoadGenerator(session.cluster, { rate, prefix, seed, bursts });
      const { written, unanswered } = await generator.run(AbortSignal.any([signal, done.signal]), {
        givenUp,
        onProgress: ({ records, perSecond, burst }) =>
          io.progress(`${records} records, ${Math.round(perSecond)}/s${burst ? '  burst' : ''}`),
      });
      io.progress('');
      if (signal.aborted) process.exitCode = ExitCode.interrupted;
      if (flags.json === true) {
        await io.data(`${JSON.stringify({ records: written, unanswered })}\n`);
        return;
      }
      const rest = unanswered > 0 ? `, ${unanswered} not acknowledged` : '';
      io.say(`${plural(written, 'record')} written to ${prefix}*${rest}`);
    });
  } finally {
    if (timer !== null) clearTimeout(timer);
  }
}

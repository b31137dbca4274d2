// tidemark verify: is everything there, in a data directory or behind a broker?

import type { Command } from 'commander';
import { usageError } from '../exit-codes.ts';
import type { VerifyFlags } from '../inspect/verify-directory.ts';
import { type BrokerOptions, brokerCommand, type CommandModule } from '../program.ts';

type VerifyOptions = BrokerOptions & VerifyFlags;

const details = `
Findings: info (nothing to do), warning (odd, all records are there), damage (a file is wrong, all records are there),
loss (records are gone). The exit code is 1 when there is damage or loss. Without --repair nothing is written.
A repair deletes no data: damaged bytes go to quarantine/ in the data directory, readers then skip them.`;

function build(): Command {
  return brokerCommand(
    'verify',
    'check every batch, index and file of a data directory, or every record behind a broker',
    [
      'tidemark verify ./tidemark-data                 offline, or beside its running broker',
      'tidemark verify ./tidemark-data orders --deep   one topic, every record decoded',
      'tidemark verify ./tidemark-data --repair        and repair what can be repaired',
      'tidemark verify /var/kafka-logs                 a directory of Apache Kafka',
      'tidemark verify -b 127.0.0.1:9092 orders        read all of a topic through a broker',
    ],
  )
    .argument('[names...]', 'data directory, then topics; only topics after -b (default: all)')
    .option('--deep', 'decode every record, too')
    .option('--repair', 'repair; the broker must be stopped')
    .option('--dry-run', 'only say what --repair would do (this is the default)')
    .option('--live', 'take moving ends for a running broker, where it cannot be told')
    .addHelpText('after', details)
    .action((names: string[], options: VerifyOptions) => verify(names, options));
}

/** The verb `verify`. */
export const verifyCommand: CommandModule = { build };

async function verify(names: readonly string[], options: VerifyOptions): Promise<void> {
  if (options.brokers !== undefined) {
    if (options.repair === true) {
      throw usageError(
        '--repair works on a data directory',
        'stop the broker and name its directory',
      );
    }
    const { verifyBroker } = await import('../inspect/verify-broker.ts');
    return verifyBroker(names, options);
  }
  const [directory, ...topics] = names;
  const { missingTarget, verifyData } = await import('../inspect/verify-directory.ts');
  if (directory === undefined) throw missingTarget();
  return verifyData(directory, topics, options);
}

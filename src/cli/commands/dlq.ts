// tidemark dlq: dead letters.

import type { Command } from 'commander';
import { discardCommand } from '../dlq/discard.ts';
import { listCommand } from '../dlq/list.ts';
import { redriveCommand } from '../dlq/redrive.ts';
import { showCommand } from '../dlq/show.ts';
import { type CommandModule, nounCommand } from '../program.ts';

const details = `
A dead letter is a record that nobody could process, in a topic of its own, with headers that tell where it came from,
why, and how often it was tried. deadLetters() of "tidemark/dlq" writes them; those of Kafka Connect and Spring are
read, too. Letters stay where they are: the topic __tidemark_dlq remembers which were redriven or discarded.`;

function build(): Command {
  const command = nounCommand('dlq', 'list, show, redrive and discard dead letters', [
    'tidemark dlq list',
    'tidemark dlq show orders.dlq --limit 3',
    'tidemark dlq redrive orders.dlq --module ./fix.js',
    'tidemark dlq redrive orders.dlq --module ./fix.js --execute',
  ]);
  command.addHelpText('after', details);
  command.addCommand(listCommand());
  command.addCommand(showCommand());
  command.addCommand(redriveCommand());
  command.addCommand(discardCommand());
  return command;
}

/** The noun `dlq`. */
export const dlqCommand: CommandModule = { build };

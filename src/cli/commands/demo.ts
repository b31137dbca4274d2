// tidemark demo: things to look at, and traffic to try the rest on.

import type { Command } from 'commander';
import { crawlerCommand, serviceCommand } from '../demo/crawler.ts';
import { loadCommand } from '../demo/load.ts';
import { type CommandModule, nounCommand } from '../program.ts';

function build(): Command {
  const command = nounCommand('demo', 'a crawler to watch, and sample traffic', [
    'tidemark demo crawler',
    'tidemark demo load --rate 500',
  ]);
  command.addCommand(crawlerCommand());
  command.addCommand(loadCommand());
  command.addCommand(serviceCommand(), { hidden: true });
  return command;
}

/** The noun `demo`. */
export const demoCommand: CommandModule = { build };

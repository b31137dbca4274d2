// Shell completion through @bomb.sh/tab: command and option names from commander, topic and group names from the
// broker that the words on the line, or the environment, name.

import { script } from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { bashCompletion } from './completion-bash.ts';
import { withCluster } from './session.ts';
import { isInternal } from './topic-description.ts';

/** The name that the library's own command has to have, out of the way. */
const SETUP = '__complete-setup';

/** A Tab that takes longer is worse than one without names. */
const PATIENCE_MS = 1_000;

/** Arguments by command that are names of something on the broker. */
const named: Readonly<Record<string, 'topics' | 'groups'>> = {
  produce: 'topics',
  consume: 'topics',
  'topic describe': 'topics',
  'topic alter': 'topics',
  'topic delete': 'topics',
  'group describe': 'groups',
};

/** Prints the script of a shell on standard output. */
export function printCompletionScript(shell: string): void {
  if (shell === 'bash') process.stdout.write(bashCompletion);
  else script(shell, 'tidemark', 'tidemark');
}

/** Adds the hidden command that the scripts call, `tidemark complete -- WORDS`. */
export async function addCompletion(program: Command, args: readonly string[]): Promise<void> {
  const root = tab(program, { completionCommandName: SETUP });
  // Its scripts come from "completion"; nobody should be offered this one.
  root.commands.delete(SETUP);
  const words = args.slice(args.indexOf('--') + 1);
  const typed = Object.keys(named).find((path) =>
    path.split(' ').every((word, index) => words[index] === word),
  );
  const kind = typed === undefined ? undefined : named[typed];
  const command = typed === undefined ? undefined : root.commands.get(typed);
  if (kind === undefined || command === undefined) return;
  const names = await fetchNames(kind, words);
  const [argument] = command.arguments.values();
  if (argument === undefined) return;
  argument.handler = (complete) => {
    for (const name of names) complete(name, '');
  };
}

async function fetchNames(
  kind: 'topics' | 'groups',
  words: readonly string[],
): Promise<readonly string[]> {
  const at = words.findIndex((word) => word === '-b' || word === '--brokers');
  const brokers = at === -1 ? undefined : words[at + 1];
  const timeout = `socket.connection.setup.timeout.ms=${PATIENCE_MS}`;
  const property = [
    timeout,
    `request.timeout.ms=${PATIENCE_MS}`,
    `default.api.timeout.ms=${PATIENCE_MS}`,
  ];
  try {
    return await withCluster({ property, ...(brokers ? { brokers } : {}) }, async (session) => {
      const { cluster, client } = session;
      if (kind === 'groups') return (await client.listGroups(cluster)).map((group) => group.id);
      const topics = await cluster.listTopics();
      return topics.filter((topic) => !isInternal(topic)).map((topic) => topic.name);
    });
  } catch {
    // Words for people would land in the middle of the command line that is being typed.
    return [];
  }
}

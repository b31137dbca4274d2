// The commands by name, in the order of the help. Each lives in a file of its own that is loaded when it is typed.

import type { Command } from 'commander';
import type { CommandModule, ProcessStart } from './program.ts';

interface IndexEntry {
  readonly name: string;
  /** Another name for it, as the command itself declares. */
  readonly alias?: string;
  readonly summary: string;
  readonly load: () => Promise<CommandModule>;
}

/** All commands. */
export const commandIndex: readonly IndexEntry[] = [
  {
    name: 'serve',
    alias: 'start',
    summary: 'run a broker',
    load: async () => (await import('./commands/serve.ts')).serveCommand,
  },
  {
    name: 'topic',
    alias: 'topics',
    summary: 'create, list, describe, alter and delete topics',
    load: async () => (await import('./commands/topic.ts')).topicCommand,
  },
  {
    name: 'produce',
    summary: 'write records from lines, files or JSON',
    load: async () => (await import('./commands/produce.ts')).produceCommand,
  },
  {
    name: 'consume',
    summary: 'read records',
    load: async () => (await import('./commands/consume.ts')).consumeCommand,
  },
  {
    name: 'group',
    alias: 'groups',
    summary: 'list, describe, move and delete consumer groups',
    load: async () => (await import('./commands/group.ts')).groupCommand,
  },
  {
    name: 'config',
    summary: 'show and change configs of topics, brokers and groups',
    load: async () => (await import('./commands/config.ts')).configCommand,
  },
  {
    name: 'replay',
    summary: 'write records of a range again, somewhere else',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  {
    name: 'archive',
    summary: 'export topics to a file, import them, verify it',
    load: async () => (await import('./commands/archive.ts')).archiveCommand,
  },
  {
    name: 'dlq',
    summary: 'list, show, redrive and discard dead letters',
    load: async () => (await import('./commands/dlq.ts')).dlqCommand,
  },
  {
    name: 'verify',
    summary: 'check a data directory, or every record behind a broker',
    load: async () => (await import('./commands/verify.ts')).verifyCommand,
  },
  {
    name: 'dump',
    summary: "show what is in a log's files",
    load: async () => (await import('./commands/dump.ts')).dumpCommand,
  },
  {
    name: 'torture',
    summary: 'try whether a disk keeps what it acknowledges',
    load: async () => (await import('./commands/torture.ts')).tortureCommand,
  },
  {
    name: 'demo',
    summary: 'a crawler to watch, and sample traffic',
    load: async () => (await import('./commands/demo.ts')).demoCommand,
  },
  {
    name: 'bench',
    summary: 'load-test a cluster: throughput, latency, the limit',
    load: async () => (await import('./commands/bench.ts')).benchCommand,
  },
  {
    name: 'doctor',
    summary: 'check this machine, a data directory and the way to a broker',
    load: async () => (await import('./commands/doctor.ts')).doctorCommand,
  },
  {
    name: 'completion',
    summary: 'print a shell completion script',
    load: async () => (await import('./commands/completion.ts')).completionCommand,
  },
];

/** Loads and builds a command of the index. */
export async function loadCommand(name: string, start: ProcessStart): Promise<Command> {
  const entry = commandIndex.find((one) => one.name === name);
  if (entry === undefined) throw new Error(`no command ${name}`);
  return (await entry.load()).build(start);
}

// Every command in full, as its help and completion see it, without a process or a broker.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, test } from 'vitest';
import { commandIndex, loadCommand } from '../../../src/cli/command-index.ts';
import { bashCompletion } from '../../../src/cli/completion-bash.ts';
import { finishProgram } from '../../../src/cli/program.ts';

function leaves(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

const commands = await Promise.all(
  commandIndex.map(async (entry) => ({
    entry,
    command: finishProgram(await loadCommand(entry.name, { args: [], v8Threads: [] })),
  })),
);

describe('commands', () => {
  test.each(commands)('$entry.name is listed with the names it has', ({ entry, command }) => {
    expect([command.name(), command.aliases()]).toEqual([
      entry.name,
      entry.alias === undefined ? [] : [entry.alias],
    ]);
  });

  test.each(
    commands.flatMap(({ command }) => leaves(command).map((one) => [one.name(), one] as const)),
  )('%s: --help shows common options last, and no doubled escapes', (_, command) => {
    const groups = [...command.helpInformation().matchAll(/^[A-Z][a-z ]*:$/gm)].map(([it]) => it);
    expect(groups.at(-1)).toBe('Common options:');
    expect(command.helpInformation()).not.toContain('\\\\');
    const [own = '', shared = ''] = command.helpInformation().split('Common options:');
    for (const flag of ['--json', '--brokers', '--tls ', '--tls-ca ', '--tls-client-key ']) {
      expect(own).not.toContain(`  ${flag}`);
    }
    expect(shared.includes('--brokers')).toBe(shared.includes('--tls '));
  });
});

describe.skipIf(spawnSync('bash', ['-c', 'true']).status !== 0)('completion in bash', () => {
  /** What Tab offers at the end of `line`, with a stand-in for the command that answers `answers`. */
  function tab(
    line: string,
    answers: string,
  ): { offered: string[]; asked: string; stderr: string } {
    const directory = mkdtempSync(join(tmpdir(), 'tidemark-tab-'));
    try {
      writeFileSync(join(directory, 'script'), bashCompletion);
      writeFileSync(join(directory, 'answers'), answers);
      const code = `
        tidemark() { printf '%s|' "$@" > asked; cat answers; }
        compopt() { :; }
        source ./script; source ./script
        COMP_LINE=$1; COMP_POINT=\${#1}; COMP_WORDS=($2); COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
        __tidemark_complete
        printf '%s\\n' "\${COMPREPLY[@]}"
        echo "asked $(cat asked)"; ls`;
      const ran = spawnSync('bash', ['--norc', '-c', code, 'bash', line, line], {
        cwd: directory,
        encoding: 'utf8',
      });
      const lines = ran.stdout.trim().split('\n');
      expect(lines.slice(-3)).toEqual(['answers', 'asked', 'script']);
      const at = lines.findIndex((one) => one.startsWith('asked '));
      const offered = lines.slice(0, at).filter((one) => one !== '');
      return { offered, asked: lines[at] ?? '', stderr: ran.stderr };
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }

  test('needs no bash-completion, and may be sourced twice', () => {
    expect(tab('tidemark topic de', 'delete\tdelete topics\ndescribe\tshow\nlist\t\n:4\n')).toEqual(
      {
        offered: ['delete', 'describe'],
        asked: 'asked complete|--|topic|de|',
        stderr: '',
      },
    );
  });

  test('what is typed is never run', () => {
    const { asked, stderr } = tab('tidemark consume $(touch ran) x', ':4\n');
    expect(asked).toBe('asked complete|--|consume|$(touch|ran)|x|');
    expect(stderr).toBe('');
  });
});

// tidemark completion: scripts for shells. The script asks `tidemark complete -- …` at each Tab.

import { Argument, type Command } from 'commander';
import { type CommandModule, makeCommand } from '../program.ts';

/** Shells that a script can be made for. */
export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;

function build(): Command {
  return makeCommand('completion', 'print a shell completion script', [
    'source <(tidemark completion bash)',
    'tidemark completion zsh > ~/.zfunc/_tidemark',
    'tidemark completion fish > ~/.config/fish/completions/tidemark.fish',
    'tidemark completion powershell | Out-String | Invoke-Expression',
  ])
    .addArgument(new Argument('<shell>', 'which shell').choices([...shells]))
    .action(async (shell: string) => {
      const { printCompletionScript } = await import('../completion.ts');
      printCompletionScript(shell);
    });
}

/** The verb `completion`. */
export const completionCommand: CommandModule = { build };

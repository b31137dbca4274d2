// A benchmark that is ended in the middle leaves no processes and no data.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';
import { projectRoot, waitUntil } from '../../../bench/peers/index.ts';

const module = pathToFileURL(join(projectRoot(), 'dist/bench/peers/index.js')).href;

const program = `
  import { writeFileSync } from 'node:fs';
  const { spawnOwned, temporaryFolder } = await import(${JSON.stringify(module)});
  const folder = temporaryFolder('leftovers-test-');
  writeFileSync(folder + '/data', 'x');
  const alone = spawnOwned('sleep', ['300'], { stdio: 'ignore' });
  const group = spawnOwned('bash', ['-c', 'sleep 300 & echo $!; wait'], {
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  group.stdout.once('data', (pid) => {
    console.log(JSON.stringify({ folder, pids: [alone.pid, group.pid, Number(pid)] }));
  });
  process.once('SIGINT', () => process.exit(130));
`;

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

test('processes, the processes of those, and folders are gone', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const { folder, pids }: { folder: string; pids: number[] } = JSON.parse(line.toString());
  expect(existsSync(join(folder, 'data'))).toBe(true);
  expect(pids.every(isRunning)).toBe(true);
  child.kill('SIGINT');
  await once(child, 'close');
  expect(existsSync(folder)).toBe(false);
  await waitUntil(() => !pids.some(isRunning), { timeoutMs: 10_000, what: 'the end of children' });
});

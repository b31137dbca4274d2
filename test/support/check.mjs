// `npm run check`: linters, types and build beside each other, then the tests of what was built. Each tells what it has
// to say in one piece; the tests do not begin where one of the three failed. The build leaves the types to `types`.

import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Starts a script of package.json, by the npm that started this one. */
function npm(script, stdio) {
  const args = [process.env.npm_execpath, 'run', '--silent', script];
  return spawn(process.execPath, args, { stdio });
}

/** Runs a script to its end and then shows its output; answers whether it passed. */
async function told(script) {
  const child = npm(script, ['ignore', 'pipe', 'pipe']);
  const pieces = [];
  child.stdout.on('data', (piece) => pieces.push(piece));
  child.stderr.on('data', (piece) => pieces.push(piece));
  const [code] = await once(child, 'close');
  console.log(`== ${script}: ${code === 0 ? 'passed' : `failed (${code})`}`);
  process.stdout.write(Buffer.concat(pieces));
  return code === 0;
}

const passed = await Promise.all(['lint', 'types', 'build:unchecked'].map(told));
if (passed.includes(false)) {
  process.exitCode = 1;
} else {
  const [code] = await once(npm('test:built', 'inherit'), 'close');
  process.exitCode = code ?? 1;
}

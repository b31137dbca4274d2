// `npm run bench -- install`: what is there stays, what is missing is installed, what cannot be had is told with the
// command to type; and the policy against services that start is there only meanwhile.

import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { guardedScript, installPackages, type Packaged } from '../../../bench/peers/debian.ts';
import { type Installable, installPeers } from '../../../bench/peers/install.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bench-install-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function program(name: string): void {
  writeFileSync(join(folder, name), '#!/bin/sh\n', { mode: 0o755 });
}

describe('peers', () => {
  const absent: Packaged = { program: 'no-such-program', package: 'no-such-package' };
  const peer = (more: Partial<Installable>): Installable => ({
    programs: () => [absent],
    version: () => undefined,
    ...more,
  });
  async function installed(known: Record<string, Installable>, ...names: string[]) {
    const [said, wanted]: [string[], string[]] = [[], []];
    const packages = (all: readonly Packaged[]): void => {
      wanted.push(...all.map((one) => one.package));
    };
    const code = await installPeers(names, (line) => said.push(line), { known, packages });
    return { code, said, wanted };
  }

  test('one that is there is told with its version, and nothing is installed', async () => {
    const there = peer({ version: () => '1.2.3' });
    const done = await installed({ there, other: peer({}) }, 'there');
    expect(done).toEqual({ code: 0, said: ['there: 1.2.3 is there'], wanted: [] });
  });

  test('one that is missing gets its packages, then the rest', async () => {
    let made = false;
    const missing = peer({
      rest: () => {
        made = true;
        return Promise.resolve();
      },
      version: () => (made ? '4' : undefined),
    });
    const done = await installed({ missing });
    expect(done).toEqual({
      code: 0,
      said: ['missing: 4 installed'],
      wanted: ['no-such-package'],
    });
  });

  test('one that cannot be had does not cost the others', async () => {
    const failing = peer({ rest: () => Promise.reject(new Error('no network')) });
    const { code, said } = await installed({
      failing,
      silent: peer({}),
      there: peer({ version: () => '1' }),
    });
    expect(code).toBe(1);
    expect(said).toEqual([
      'failing: not installed: no network',
      'silent: not installed: it is not there though nothing failed',
      'there: 1 is there',
    ]);
  });
});

describe('packages', () => {
  const nats: Packaged = { program: 'nats-server', package: 'nats-server', service: 'nats-server' };
  const typed =
    'sudo apt-get install --no-install-recommends nats-server && sudo systemctl disable --now nats-server';

  function ran(uid: number, codes: Readonly<Record<string, number>> = {}): string[] {
    const lines: string[] = [];
    installPackages(
      [nats],
      (name, args) => {
        const words = [name, ...args.filter((word) => word !== guardedScript)].join(' ');
        lines.push(words);
        return codes[words] ?? 0;
      },
      uid,
    );
    return lines;
  }
  const install =
    'sh -c sh /usr/sbin/policy-rc.d nats-server env DEBIAN_FRONTEND=noninteractive ' +
    'apt-get install -y -qq --no-install-recommends -o DPkg::Lock::Timeout=120 nats-server';

  beforeEach(() => {
    program('apt-get');
    vi.stubEnv('PATH', folder);
  });

  test('root installs them, others by sudo', () => {
    expect(ran(0)).toEqual(['apt-get update -qq', install]);
    program('sudo');
    expect(ran(1000)).toEqual(['sudo -n true', 'sudo -n apt-get update -qq', `sudo -n ${install}`]);
  });

  test('a source that does not answer is no failure, the installation that fails is', () => {
    expect(ran(0, { 'apt-get update -qq': 100 })).toHaveLength(2);
    expect(() => ran(0, { [install]: 100 })).toThrow(
      `apt-get ended with 100, see above; by hand: ${typed}`,
    );
  });

  test('who may not is told the command to type', () => {
    expect(() => ran(1000)).toThrow(`no nats-server here: ${typed}`);
    program('sudo');
    expect(() => ran(1000, { 'sudo -n true': 1 })).toThrow(`no nats-server here: ${typed}`);
    rmSync(join(folder, 'apt-get'));
    vi.stubEnv('PATH', folder);
    expect(() => ran(0)).toThrow(typed);
  });
});

describe('the policy', () => {
  /** Runs the script on a policy of the test; `look` is a command of a shell. */
  function guarded(look: string): { code: number | null; policy: string } {
    const policy = join(folder, 'policy-rc.d');
    const { status } = spawnSync('sh', ['-c', guardedScript, 'sh', policy, '', 'sh', '-c', look]);
    return { code: status, policy };
  }
  const forbids = (): string => `"${join(folder, 'policy-rc.d')}"; [ $? = 101 ]`;

  test('forbids meanwhile, and is gone afterwards', () => {
    const { code, policy } = guarded(forbids());
    expect(code).toBe(0);
    expect(existsSync(policy)).toBe(false);
  });

  test('one that was there is there again, also when the command fails', () => {
    const policy = join(folder, 'policy-rc.d');
    writeFileSync(policy, '#!/bin/sh\nexit 7\n');
    chmodSync(policy, 0o750);
    expect(guarded(forbids()).code).toBe(0);
    expect(guarded('exit 5').code).toBe(5);
    expect(readFileSync(policy, 'utf8')).toBe('#!/bin/sh\nexit 7\n');
    expect(statSync(policy).mode & 0o777).toBe(0o750);
  });

  test('after a run that was killed the next one brings it back', () => {
    const policy = join(folder, 'policy-rc.d');
    writeFileSync(policy, '#!/bin/sh\nexit 7\n');
    guarded('kill -9 $PPID');
    expect(readFileSync(policy, 'utf8')).toContain('exit 101');
    expect(guarded('true').code).toBe(0);
    expect(readFileSync(policy, 'utf8')).toBe('#!/bin/sh\nexit 7\n');
    expect(existsSync(`${policy}.kept-by-tidemark-bench`)).toBe(false);
  });
});

// Packages of Debian, installed so that none of their services runs because of us: not now, by a policy that
// invoke-rc.d and deb-systemd-invoke ask (README.policy-rc.d of init-system-helpers), and not after the next boot.

import { spawnSync } from 'node:child_process';
import { findProgram } from './programs.ts';

/** A program, the package that has it, and the service that the package would start. */
export interface Packaged {
  readonly program: string;
  readonly package: string;
  readonly service?: string;
}

const POLICY = '/usr/sbin/policy-rc.d';

/**
 * `sh -c SCRIPT sh POLICY SERVICES COMMAND…`: runs the command while the policy forbids every service's start, and
 * answers its exit code. A policy that was there before is there again afterwards, also after a run that was killed.
 */
export const guardedScript = `
policy=$1 kept=$1.kept-by-tidemark-bench mark='written by npm run bench -- install' services=$2
shift 2
restore() {
  rm -f "$policy"
  if [ -e "$kept" ]; then mv "$kept" "$policy"; fi
}
if [ -e "$policy" ] && ! grep -q "$mark" "$policy"; then mv -f "$policy" "$kept"; fi
trap restore EXIT
trap 'exit 130' INT TERM HUP
printf '#!/bin/sh\\n# %s\\nexit 101\\n' "$mark" > "$policy" && chmod 755 "$policy" && "$@" || exit
for service in $services; do
  if command -v systemctl > /dev/null; then systemctl disable --quiet "$service"
  elif [ -e "/etc/init.d/$service" ]; then update-rc.d "$service" disable; fi
done
`;

/** What a person would have to type. */
export function commandToType(packages: readonly Packaged[]): string {
  const install = `sudo apt-get install --no-install-recommends ${namesOf(packages).join(' ')}`;
  const services = servicesOf(packages);
  return services.length === 0
    ? install
    : `${install} && sudo systemctl disable --now ${services.join(' ')}`;
}

const namesOf = (packages: readonly Packaged[]): string[] => [
  ...new Set(packages.map((one) => one.package)),
];

const servicesOf = (packages: readonly Packaged[]): string[] =>
  packages.flatMap(({ service }) => service ?? []);

/** Runs a program, its output on ours; answers its exit code. */
export type Runs = (program: string, args: readonly string[]) => number;

/**
 * Waits for it without the event loop, so that a signal which ends this process ends it after apt-get, not before the
 * policy is back. All output goes to standard error.
 */
export const runs: Runs = (program, args) =>
  spawnSync(program, args, { stdio: ['ignore', 2, 2] }).status ?? 1;

/** Who installs packages here: the words before a command that make it root's; undefined where nobody can. */
export function rootWords(run: Runs, uid = process.getuid?.()): readonly string[] | undefined {
  if (findProgram('apt-get') === undefined) return undefined;
  if (uid === 0) return [];
  const may = findProgram('sudo') !== undefined && run('sudo', ['-n', 'true']) === 0;
  return may ? ['sudo', '-n'] : undefined;
}

/** Installs them as root, or by sudo where that asks for no password. Throws with the command to type. */
export function installPackages(packages: readonly Packaged[], run: Runs, uid?: number): void {
  const root = rootWords(run, uid);
  const missing = packages.map((one) => one.program).join(', ');
  if (root === undefined) throw new Error(`no ${missing} here: ${commandToType(packages)}`);
  const asRoot = (words: readonly string[]): number => {
    const [program = '', ...args] = [...root, ...words];
    return run(program, args);
  };
  // A source that does not answer is told by it, and need not have what is wanted.
  asRoot(['apt-get', 'update', '-qq']);
  const quiet = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '-qq'];
  const install = [...quiet, '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120'];
  const services = servicesOf(packages).join(' ');
  const guarded = ['sh', '-c', guardedScript, 'sh', POLICY, services];
  const code = asRoot([...guarded, ...install, ...namesOf(packages)]);
  if (code !== 0) {
    throw new Error(`apt-get ended with ${code}, see above; by hand: ${commandToType(packages)}`);
  }
}

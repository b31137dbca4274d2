// Where a row's processor time went, in a few kinds: what a profile's many lines come to.

import type { HotFunction, RowProfile, SystemCall } from './profile.ts';
import { numberText } from './words.ts';

/** Functions of Node that make a system call, or hand one to its threads. */
const CALLS_OF_NODE = new RegExp(
  '^(write(Buffers?|v|String|Utf8String)?|read(Buffers)?|fdatasync|fsync|open|close|f?stat(fs)?' +
    '|ftruncate|openFileHandle|unlink|rename|mkdir|shutdown|connect)$',
);
/** Our own system calls, past Node. */
const OUR_CALLS = 'src/host/native-io.ts:';
/** Node's own work before ours can begin. */
const LOADING = /^node:internal\/(modules|bootstrap)\//;
const CHECKSUMS = ['src/host/accelerators.ts:', 'src/base/crc'];

const percent = (share: number): string => `${numberText(share * 100)} %`;

type Kind = 'calls' | 'checksums' | 'loading' | 'garbage' | 'rest';

function kindOf({ name, place }: HotFunction): Kind {
  if (name === '(garbage collector)') return 'garbage';
  if (place.startsWith(OUR_CALLS)) return 'calls';
  if (LOADING.test(place)) return 'loading';
  if (CHECKSUMS.some((known) => place.startsWith(known))) return 'checksums';
  return place === 'V8' && CALLS_OF_NODE.test(name) ? 'calls' : 'rest';
}

/** So many are named of a kind. */
const NAMED = 3;

/** The shares of the event loop's time: each kind that the profile has, and the rest; '' without a profile. */
export function loopShares({ functions }: RowProfile): string {
  if (functions.length === 0) return '';
  const of = (kind: Kind): readonly HotFunction[] =>
    functions.filter((one) => kindOf(one) === kind);
  const sum = (kind: Kind): number => of(kind).reduce((all, { share }) => all + share, 0);
  const named = of('calls')
    .slice(0, NAMED)
    .map(({ name, share }) => `${name} ${percent(share)}`);
  const parts: string[] = [];
  const say = (text: string, kind: Kind, names = ''): void => {
    if (sum(kind) > 0) parts.push(`${text} ${percent(sum(kind))}${names}`);
  };
  say('system calls and hand-overs to threads', 'calls', ` (${named.join(', ')})`);
  say('checksums', 'checksums');
  say('loading and compiling modules', 'loading');
  say('garbage collection', 'garbage');
  // The profile keeps the hottest functions only: those it leaves out are in what remains.
  const known = functions.filter((one) => kindOf(one) !== 'rest');
  const rest = 1 - known.reduce((all, { share }) => all + share, 0);
  parts.push(`the rest ${percent(rest)}`);
  return parts.join(', ');
}

/** Calls in which a thread waits for another, or for work. */
const WAITING = /^(futex|epoll_p?wait2?|poll|ppoll|nanosleep)$/;

/** Strace's shares of the system time; '' without them. */
export function callShares({ calls }: RowProfile): string {
  if (calls.length === 0) return '';
  const waiting = calls.filter(({ name }) => WAITING.test(name));
  const working = calls.filter(({ name }) => !WAITING.test(name)).slice(0, NAMED);
  const text = ({ name, share }: SystemCall): string => `${name} ${percent(share)}`;
  const parts = working.map(text);
  if (waiting.length > 0) {
    // Strace sees the system time of the process, and books it on whichever call was under way.
    const all = waiting.reduce((sum, { share }) => sum + share, 0);
    parts.push(`${waiting.map(({ name }) => name).join(' and ')} ${percent(all)}`);
  }
  return parts.join(', ');
}

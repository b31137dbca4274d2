// What is told of a limit, as short entries: what all of one label have in common is said once, above them.

/** What an entry says by its label, and what it leaves out; in the order in which they are told. */
const meanings = {
  limit:
    'what had nothing left, as far as that was counted; a client that keeps about one core busy is taken for one ' +
    'thread without time left',
  busy:
    'cores that broker and client kept busy, and for how much of the time the event loop ran, or could have run and ' +
    'had no core',
  'event loop':
    "its share of the broker's processor time, and by V8's profiler what it spent its own on; most of the rest is " +
    'JavaScript',
  'system calls':
    'shares of the system time of all threads by strace, which books on futex and epoll what others did while a ' +
    'thread waited',
  cheaper:
    'who did the same work for less processor time; where nobody did, whether it is possible was not counted',
  p50: 'what it consists of; what was not counted apart is of client, sockets and waiting for cores',
  p99: 'what it has more than p50, by waiting for cores or by stalls; whether of client or broker was not counted',
  'p99.9':
    'what it has more than p99: a thousandth of the records decide it; which moments they fell into was not counted',
  'loop delay': 'how late a timer comes on the event loop',
  cleaning:
    'it shares cores and disk with the producer; how much of its cost is the disk was not counted',
  start: 'from the start of the process',
  restart: 'from the start of the process, which has data',
  memory: 'resident; which part is V8, Node and our buffers was not counted',
  'bare socket': 'what is done without a client, and how many times that the client has',
} as const;

/** One thing that was counted of a row; '' where it was not. */
export interface Entry {
  readonly label: keyof typeof meanings;
  readonly text: string;
}

const order = Object.keys(meanings);

/** Each once, in the order of their labels. */
export function sorted(entries: readonly Entry[]): Entry[] {
  const once = new Map(entries.map((entry) => [entryText(entry), entry]));
  return [...once.values()].sort((a, b) => order.indexOf(a.label) - order.indexOf(b.label));
}

export const entryText = ({ label, text }: Entry): string => `${label}: ${text}`;

/** What the labels of these entries mean, a text for each. */
export function meaningsOf(entries: readonly Entry[]): string[] {
  const labels = sorted(entries).map(({ label }) => label);
  return [...new Set(labels)].map((label) => `${label}: ${meanings[label]}`);
}

// What has to be said beside the figures of `tidemark bench`: what was cut short, and what makes the run a failure.

import type { BenchReport } from './report.ts';

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

/** What a reader of the figures has to know. */
export function notesOf({ produce, settings, interrupted }: BenchReport): string[] {
  const notes: string[] = [];
  if (produce?.ended === 'max-bytes') {
    const seconds = produce.seconds.toFixed(produce.seconds < 10 ? 1 : 0);
    notes.push(
      `writing ended after ${seconds} s, before the ${settings.seconds} s were over: ` +
        `--max-bytes was reached after ${count(produce.records)} records`,
    );
  }
  if (settings.acks === 0) {
    notes.push('with acks=0 nobody answers: "write" is how fast records went into the connection');
  }
  if (interrupted) notes.push('interrupted: these are the figures until then');
  return notes;
}

/** Why the run failed, although there are figures. */
export function failuresOf({ consume, tail }: BenchReport): string[] {
  const failures: string[] = [];
  if (consume !== null && consume.unread > 0) {
    const all = consume.records + consume.unread;
    failures.push(
      `${count(consume.unread)} of ${count(all)} records were not read back ` +
        `within ${consume.seconds.toFixed(0)} s`,
    );
  }
  if (tail !== null && tail.unread > 0) {
    const all = tail.records + tail.unread;
    failures.push(
      `${count(tail.unread)} of ${count(all)} records of the fixed rate were not read in time; ` +
        'they count with the time that they had waited',
    );
  }
  return failures;
}

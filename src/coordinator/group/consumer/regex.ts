// Regular expressions of subscriptions, with RE2's syntax and its promise of linear time: they come from clients, and a
// JavaScript RegExp can be made to hang (KIP-848). The engine is loaded when the first expression comes.

import { clip } from '../../../base/clip.ts';
import { textOfError } from '../../../base/errors.ts';
import { KafkaError } from '../../../base/kafka-errors.ts';

type Engine = typeof import('re2js').RE2JS;

let engine: Engine | null = null;

/**
 * Instructions that a compiled expression may have: a name takes at worst its length times this, and every topic's name
 * is looked at. An alternation of two hundred names stays below.
 */
const PROGRAM_SIZE_MAX = 5_000;
/** Characters of an expression: reading each takes up to a tenth of a millisecond, for which everybody waits. */
const LENGTH_MAX = 5_000;
/**
 * What a range needs that reaches far beyond the names of topics, which are ASCII: without regard to case, reading
 * one such range takes twenty milliseconds.
 */
const beyondNames = /[^\x20-\x7e]|\\x\{/;
/** Characters of a wrong expression that an error repeats. */
const SHOWN_MAX = 150;

/** Loads the engine; to be awaited before an expression is decided about. */
export async function loadRegexEngine(): Promise<void> {
  engine ??= (await import('re2js')).RE2JS;
}

export function isRegexEngineLoaded(): boolean {
  return engine !== null;
}

/** Which of the names match as a whole, in their order. Throws INVALID_REGULAR_EXPRESSION. */
export function matchingTopics(regex: string, names: Iterable<string>): string[] {
  if (engine === null) throw new Error('the regex engine is loaded before a decision needs it');
  const compiled = compile(engine, regex);
  const matching: string[] = [];
  for (const name of names) if (compiled.matches(name)) matching.push(name);
  return matching;
}

function compile(loaded: Engine, regex: string): ReturnType<Engine['compile']> {
  if (regex.length > LENGTH_MAX) throw invalid(regex, 'it is too long');
  if (beyondNames.test(regex)) throw invalid(regex, 'names of topics have ASCII characters only');
  let compiled: ReturnType<Engine['compile']>;
  try {
    compiled = loaded.compile(regex);
  } catch (error) {
    throw invalid(regex, textOfError(error));
  }
  if (compiled.programSize() > PROGRAM_SIZE_MAX) throw invalid(regex, 'it is too large');
  return compiled;
}

function invalid(regex: string, reason: string): KafkaError {
  const shown = clip(regex, SHOWN_MAX);
  const why = clip(reason, SHOWN_MAX);
  const message = `SubscribedTopicRegex \`${shown}\` is not a valid regular expression: ${why}.`;
  return new KafkaError('INVALID_REGULAR_EXPRESSION', message);
}

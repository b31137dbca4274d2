// Regular expressions of subscriptions, with RE2's syntax and its promise of linear time: they come from clients, and a
// JavaScript RegExp can be made to hang (KIP-848). The engine is loaded when the first expression comes.

import { KafkaError } from '../../../base/kafka-errors.ts';

type Engine = typeof import('re2js').RE2JS;

let engine: Engine | null = null;

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
  try {
    return loaded.compile(regex);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new KafkaError(
      'INVALID_REGULAR_EXPRESSION',
      `SubscribedTopicRegex \`${regex}\` is not a valid regular expression: ${reason}.`,
    );
  }
}

// Which unknown KAFKA_* variables deserve a warning. Scripts and images set many that are no configs
// at all (KAFKA_LIBS, KAFKA_USER), so most are none of our business; a misspelt config, or one of
// Kafka's that we do not have, is.

import { editDistance } from './nearest.ts';

/** First words of Kafka's broker configs that we have none of. */
const otherFamilies = ['authorizer', 'early', 'principal', 'sasl', 'security', 'ssl'];

/** Changes of single letters within which two names are taken for the same one. */
const TYPO_MAX = 2;

/** Answers whether a name may have been meant as a config, given those that we know. */
export function meantTest(known: Iterable<string>): (name: string) => boolean {
  const names = [...known];
  const families = new Set(otherFamilies);
  for (const name of names) if (name.includes('.')) families.add(firstWord(name));
  return (name) =>
    (name.includes('.') && families.has(firstWord(name))) || names.some((one) => isTypo(name, one));
}

function firstWord(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf('.')));
}

function isTypo(name: string, meant: string): boolean {
  if (Math.abs(name.length - meant.length) > TYPO_MAX) return false;
  return editDistance(name, meant) <= TYPO_MAX;
}

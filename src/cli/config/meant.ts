// Which unknown KAFKA_* variables deserve a warning. Scripts and images set many that are no configs
// at all (KAFKA_LIBS, KAFKA_USER), so most are none of our business; a misspelt config, or one of
// Kafka's that we do not have, is.

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
    (name.includes('.') && families.has(firstWord(name))) ||
    names.some((one) => editDistance(name, one) <= TYPO_MAX);
}

function firstWord(name: string): string {
  return name.slice(0, Math.max(0, name.indexOf('.')));
}

/** Letters to put in, take out or exchange to get from one text to the other. */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > TYPO_MAX) return TYPO_MAX + 1;
  let above = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let i = 1; i <= from.length; i++) {
    const row = [i];
    for (let j = 1; j <= to.length; j++) {
      const exchanged = (above[j - 1] ?? 0) + (from[i - 1] === to[j - 1] ? 0 : 1);
      row.push(Math.min(exchanged, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1));
    }
    above = row;
  }
  return above[to.length] ?? 0;
}

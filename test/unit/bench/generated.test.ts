// The measurements in README.md and bench/RESULTS.md are what is made of the results that they name.
// To renew them: npm run bench -- readme bench/results/FILE.json …, with the files in the order of README's list.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '../../../bench/peers/index.ts';
import { documentsOf, faultOf, keptResults, shownAt } from '../../../bench/report/documents.ts';

const textOf = (file: string): string => readFileSync(join(projectRoot(), file), 'utf8');
const section = textOf('README.md').split('<!-- measurements:begin -->')[1] ?? '';
const filesIn = (link: RegExp): string[] => [
  ...new Set([...section.matchAll(link)].map(([, file = '']) => file)),
];

test('README.md and bench/RESULTS.md are made of the results that README.md names', () => {
  const shown = filesIn(/^- `npm run bench .*\(\[result\]\((bench\/results\/.*?\.json)\)/gm);
  const counted = filesIn(/^\| \[.*?\]\((bench\/results\/.*?\.json)\)/gm);
  expect(shown).not.toEqual([]);
  const others = counted.filter((file) => !shown.includes(file));
  const documents = documentsOf(shown.map(shownAt), others.map(shownAt));
  for (const [file, text] of Object.entries(documents)) expect(textOf(file), file).toBe(text);
});

test('no result that they name or that is kept has to be refused', () => {
  const named = filesIn(/\((bench\/results\/[^)]*?\.json)\)/g);
  expect(named).not.toEqual([]);
  for (const file of new Set([...named, ...keptResults()])) {
    expect(faultOf([shownAt(file)]), file).toBeUndefined();
  }
});

// What `npm run bench` does with results instead of making one: compare, readme, html.

import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { compare, comparisonText, failed } from './compare.ts';
import { readReport, writeDocuments } from './documents.ts';
import { htmlOf } from './html.ts';
import { README } from './readme.ts';
import { RESULTS } from './results-page.ts';

export { readReport };

export interface ReportCommand {
  /** How many results it takes. */
  readonly count: number;
  /** Whether it takes more, too. */
  readonly more: boolean;
  readonly write: string;
  /** Answers the exit code. */
  run(files: readonly string[]): number;
}

export const htmlFileOf = (file: string): string => `${file.replace(/\.json$/, '')}.html`;

/** The commands by name. */
export const reportCommands: Readonly<Record<string, ReportCommand>> = {
  compare: {
    count: 2,
    more: false,
    write: 'compare BEFORE.json AFTER.json',
    run([before = '', after = '']) {
      const comparison = compare(readReport(before), readReport(after));
      process.stdout.write(comparisonText(comparison));
      return failed(comparison) ? 1 : 0;
    },
  },
  readme: {
    count: 1,
    more: true,
    write: 'readme RESULT.json ...',
    run(files) {
      const fault = writeDocuments(files);
      if (fault !== undefined) {
        process.stderr.write(`${fault}\n`);
        return 2;
      }
      process.stdout.write(`${README} and ${RESULTS} show ${files.join(', ')}\n`);
      return 0;
    },
  },
  html: {
    count: 1,
    more: false,
    write: 'html RESULT.json',
    run([file = '']) {
      const page = htmlFileOf(resolve(file));
      writeFileSync(page, htmlOf(readReport(file)));
      process.stdout.write(`${page}\n`);
      return 0;
    },
  },
};

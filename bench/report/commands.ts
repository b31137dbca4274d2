// What `npm run bench` does with results instead of making one: compare, readme, html.

import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { projectRoot } from '../peers/index.ts';
import { compare, comparisonText, failed } from './compare.ts';
import { htmlOf } from './html.ts';
import { measurementsSection, replaceMeasurements } from './readme.ts';
import type { Report } from './result.ts';

export interface ReportCommand {
  /** How many results it takes. */
  readonly count: number;
  /** Whether it takes more, too. */
  readonly more: boolean;
  readonly write: string;
  /** Answers the exit code. */
  run(files: readonly string[]): number;
}

/** Reads a result. Throws for a file that is none, or of another format. */
export function readReport(file: string): Report {
  const report: Report = JSON.parse(readFileSync(file, 'utf8'));
  if (report.format !== 2)
    throw new Error(`${file} is no result of this version: measure it again`);
  return report;
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
      const shown = files.map((file) => ({
        report: readReport(file),
        file: relative(projectRoot(), resolve(file)),
      }));
      const readme = join(projectRoot(), 'README.md');
      const text = replaceMeasurements(readFileSync(readme, 'utf8'), measurementsSection(shown));
      writeFileSync(readme, text);
      process.stdout.write(`the measurements in ${readme} are those of ${files.join(', ')}\n`);
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

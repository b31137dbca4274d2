// What `npm run bench` does with results instead of making one: compare, readme, html.

import { readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { projectRoot } from '../peers/index.ts';
import { compare, comparisonText, failed } from './compare.ts';
import { htmlOf } from './html.ts';
import { measurementsSection, replaceMeasurements } from './readme.ts';
import type { Report } from './result.ts';

/** Answers the exit code. */
export type ReportCommand = (args: readonly string[]) => number;

/** Reads a result. Throws for a file that is none, or of another format. */
export function readReport(file: string): Report {
  const report: Report = JSON.parse(readFileSync(file, 'utf8'));
  if (report.format !== 2)
    throw new Error(`${file} is no result of this version: measure it again`);
  return report;
}

export const htmlFileOf = (file: string): string => `${file.replace(/\.json$/, '')}.html`;

function files(args: readonly string[], count: number, usage: string): string[] {
  if (args.length !== count) throw new Error(`write: npm run bench -- ${usage}`);
  return args.map((file) => resolve(file));
}

/** The commands by name. */
export const reportCommands: Readonly<Record<string, ReportCommand>> = {
  compare(args) {
    const [before = '', after = ''] = files(args, 2, 'compare BEFORE.json AFTER.json');
    const comparison = compare(readReport(before), readReport(after));
    process.stdout.write(comparisonText(comparison));
    return failed(comparison) ? 1 : 0;
  },
  readme(args) {
    if (args.length === 0) throw new Error('write: npm run bench -- readme RESULT.json ...');
    const shown = args.map((file) => ({
      report: readReport(resolve(file)),
      file: relative(projectRoot(), resolve(file)),
    }));
    const readme = join(projectRoot(), 'README.md');
    const text = replaceMeasurements(readFileSync(readme, 'utf8'), measurementsSection(shown));
    writeFileSync(readme, text);
    process.stdout.write(`the measurements in ${readme} are those of ${args.join(', ')}\n`);
    return 0;
  },
  html(args) {
    const [file = ''] = files(args, 1, 'html RESULT.json');
    writeFileSync(htmlFileOf(file), htmlOf(readReport(file)));
    process.stdout.write(`${htmlFileOf(file)}\n`);
    return 0;
  },
};

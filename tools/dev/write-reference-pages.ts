// Writes docs/configs.md and docs/metrics.md, in the folder that it is called in:
//
//   tidemark serve --memory --port 0 --metrics-port 9404
//   node dist/tools/dev/write-reference-pages.js http://127.0.0.1:9404/metrics

import { writeFileSync } from 'node:fs';
import { configsPage, metricsPage } from './reference-pages.ts';

const [, , url] = process.argv;
if (url === undefined) throw new Error('usage: write-reference-pages http://HOST:PORT/metrics');
const answer = await fetch(url);
writeFileSync('docs/configs.md', configsPage());
writeFileSync('docs/metrics.md', metricsPage(await answer.text()));

// `npm run bench`: start-up, memory, produce and consume with Kafka's own performance tools, runs interleaved.
//
//   micro           the micro-benchmarks instead (with --only: those whose name holds the text)
//   compaction      a big log is compacted beside a steady producer instead
//   restart         kill -9 and an orderly stop with 2 GB in 100 partitions instead: ms until it serves again
//   --quick         a tenth of the records or less, one round: that it works, not how fast it is
//   --peers kafka   Apache Kafka beside ours, in the same rounds
//   --rounds N      default 3
//   --only TEXT     only workloads whose name holds the text
//   --out FILE      where the JSON goes; default bench/results/<date>.json, with --quick a temporary folder

import { mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { compactionBench, quickCompactionBench, runCompactionBench } from './load/compaction.ts';
import { type Report, type Result, reportOf, textOf } from './load/report.ts';
import { quickRestartBench, restartBench, runRestartBench } from './load/restart.ts';
import { measureStartUp } from './load/start-up.ts';
import { type Figures, runWorkload, type Workload, workloads } from './load/workloads.ts';
import { runMicro } from './micro/run.ts';
import {
  type BrokerKind,
  installKafka,
  type PeerBroker,
  projectRoot,
  startBroker,
} from './peers/index.ts';

interface Settings {
  readonly micro: boolean;
  readonly compaction: boolean;
  readonly restart: boolean;
  readonly quick: boolean;
  readonly kinds: readonly BrokerKind[];
  readonly rounds: number;
  readonly only: string;
  readonly out: string | undefined;
}

function settings(): Settings {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      peers: { type: 'string', default: '' },
      rounds: { type: 'string' },
      only: { type: 'string', default: '' },
      out: { type: 'string' },
    },
  });
  if (!['', 'kafka'].includes(values.peers)) throw new Error(`--peers ${values.peers}: only kafka`);
  return {
    micro: positionals[0] === 'micro',
    compaction: positionals[0] === 'compaction',
    restart: positionals[0] === 'restart',
    quick: values.quick,
    kinds: values.peers === 'kafka' ? ['tidemark', 'kafka'] : ['tidemark'],
    rounds: Number(values.rounds ?? (values.quick ? 1 : 3)),
    only: values.only,
    out: values.out,
  };
}

/** Results by broker and name, in the order of their first run. */
class Results {
  readonly #results = new Map<string, Result>();

  add(broker: string, name: string, figures: Figures): void {
    const key = `${broker}: ${name}`;
    const result = this.#results.get(key) ?? { broker, name, runs: [] };
    result.runs.push(figures);
    this.#results.set(key, result);
    process.stderr.write(`${key} ${JSON.stringify(figures)}\n`);
  }

  all(): Result[] {
    return [...this.#results.values()];
  }
}

async function main(): Promise<void> {
  const chosen = settings();
  if (chosen.micro) {
    await runMicro(chosen.only);
    return;
  }
  const results = new Results();
  if (chosen.restart) {
    const runs = await runRestartBench(chosen.quick ? quickRestartBench : restartBench);
    for (const figures of runs) results.add('tidemark', 'restart, 100 partitions', figures);
    save(reportOf(results.all(), chosen.quick), chosen);
    return;
  }
  await installKafka();
  if (chosen.compaction) {
    const bench = chosen.quick ? quickCompactionBench : compactionBench;
    const figures = await runCompactionBench(bench);
    for (const [name, one] of Object.entries(figures)) results.add('tidemark', name, one);
    save(reportOf(results.all(), chosen.quick), chosen);
    return;
  }
  for (let round = 0; round < chosen.rounds; round += 1) {
    for (const kind of chosen.kinds) {
      results.add(kind, 'start-up', await measureStartUp(kind, chosen.quick ? 1_000 : 5_000));
    }
  }
  const brokers: PeerBroker[] = [];
  try {
    for (const kind of chosen.kinds) brokers.push(await startBroker({ kind }));
    for (let round = 0; round < chosen.rounds; round += 1) {
      for (const workload of workloads.filter((one) => one.name.includes(chosen.only))) {
        for (const broker of brokers) {
          const sized = chosen.quick ? quickly(workload) : workload;
          const topic = `bench-${workloads.indexOf(workload)}-${round}`;
          const figures = await runWorkload(broker, sized, topic);
          for (const [name, one] of Object.entries(figures)) results.add(broker.kind, name, one);
        }
      }
    }
  } finally {
    for (const broker of brokers) await broker.stop();
  }
  save(reportOf(results.all(), chosen.quick), chosen);
}

function quickly(workload: Workload): Workload {
  return { ...workload, records: Math.min(50_000, Math.floor(workload.records / 10)) };
}

function save(report: Report, chosen: Settings): void {
  const name = `${report.date.slice(0, 19).replaceAll(':', '-')}.json`;
  const folder = chosen.quick
    ? join(tmpdir(), 'tidemark-bench')
    : join(projectRoot(), 'bench/results');
  const file = chosen.out ?? join(folder, name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(report, null, 1)}\n`);
  process.stdout.write(`${textOf(report)}written to ${file}\n`);
}

await main();

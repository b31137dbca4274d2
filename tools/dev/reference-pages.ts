// docs/configs.md and docs/metrics.md: made of the tables of configs, and of what a running broker tells Prometheus.

import type { ConfigDef } from '../../src/base/config-def.ts';
import { brokerConfigs } from '../../src/base/configs/broker-configs.ts';
import { groupConfigs } from '../../src/base/configs/group-configs.ts';
import { topicConfigs } from '../../src/base/configs/topic-configs.ts';

const GENERATED =
  '<!-- Made by tools/dev/write-reference-pages.ts of what the code says; test/documents.test.ts holds it. -->';

/** Beyond these a bound is the type's own, which says nothing. */
const BOUND_MAX = 2 ** 31 - 1;
/** A default of Kafka's that stands for "never". */
const LONG_MAX = '9223372036854775807';

/** In a cell of a table. */
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const code = (text: string): string => `\`${text}\``;

function defaultOf({ default: value }: ConfigDef): string {
  if (value === null) return '';
  if (value === LONG_MAX) return 'never';
  return value === '' ? 'empty' : code(value);
}

/** The words, or the range, that a value must be of. */
function allowedOf({ type, values, minimum, maximum, also = [] }: ConfigDef): string {
  if (values !== undefined) return values.map(code).join(', ');
  const singles = also.map((value) => `, or ${value}`).join('');
  const upper = maximum !== undefined && maximum < BOUND_MAX ? maximum : undefined;
  if (minimum !== undefined && upper !== undefined)
    return `${type}, ${minimum} to ${upper}${singles}`;
  if (minimum !== undefined) return `${type}, from ${minimum}${singles}`;
  return upper === undefined ? type : `${type}, up to ${upper}${singles}`;
}

function docOf({ doc, synonyms }: ConfigDef): string {
  if (synonyms.length === 0) return cell(doc);
  const names = synonyms.map(({ name }) => code(name)).join(', then ');
  return `${cell(doc)} Else the broker's ${names}.`;
}

/** `running`: whether there is something to tell of what may change while the broker runs. */
function configTable(configs: readonly ConfigDef[], running: boolean): string {
  const head = running
    ? ['| config | default | value | while running | meaning |', '|---|---|---|---|---|']
    : ['| config | default | value | meaning |', '|---|---|---|---|'];
  const rows = configs.map((config) => {
    const cells = [code(config.name), defaultOf(config), allowedOf(config)];
    if (running) cells.push(config.dynamic ? 'yes' : '');
    return `| ${[...cells, docOf(config)].join(' | ')} |`;
  });
  return [...head, ...rows].join('\n');
}

const isOurs = ({ name }: ConfigDef): boolean => name.startsWith('tidemark.');
const isLive = ({ effect }: ConfigDef): boolean => effect === 'live';

/** docs/configs.md. */
export function configsPage(): string {
  const shown = (table: { all(): Iterable<ConfigDef> }): ConfigDef[] =>
    [...table.all()].filter(({ hidden }) => !hidden);
  const [broker, topic] = [shown(brokerConfigs), shown(topicConfigs)];
  const ignored = (configs: readonly ConfigDef[]): string =>
    configs
      .filter((config) => !isLive(config))
      .map(({ name }) => code(name))
      .join(', ');
  const kafkas = (configs: readonly ConfigDef[]): ConfigDef[] =>
    configs.filter((config) => isLive(config) && !isOurs(config));
  return `${GENERATED}

# Configs

Names, types and defaults are those of Kafka 4.3. Other defaults have \`group.initial.rebalance.delay.ms\`, and configs
where one broker on one disk makes Kafka's wrong: addresses, the data directory, copies, partitions of internal topics.
Names that begin with \`tidemark.\` are Tidemark's own. A default that is empty means: not set.

Broker configs are given to \`tidemark serve\`: \`--set name=value\`, the environment (\`TIDEMARK_LOG_RETENTION_MS\` is
\`log.retention.ms\`), or a file (\`--config server.properties\`). Those that may change while the broker runs also take
\`tidemark config set --broker name=value\`. Times (names that end with \`.ms\`) and
sizes (\`.bytes\`) may have a unit in all of these places: \`7d\`, \`1GiB\`.

\`tidemark config show --all --docs\` shows this list for a running broker, with its values, \`--origin\` where each
comes from.

## Tidemark's own

Of the broker:

${configTable(broker.filter(isOurs), true)}

Of topics:

${configTable(topic.filter(isOurs), false)}

## Topics

\`tidemark topic create NAME -c name=value\`, or \`tidemark config set --topic NAME name=value\` at any time.

${configTable(kafkas(topic), false)}

## Groups

\`tidemark config set --group ID name=value\`, for groups of the new protocol (KIP-848), within the bounds that the
broker configs set (\`group.consumer.min…\`, \`group.consumer.max…\`).

${configTable(shown(groupConfigs), false)}

## Broker

${configTable(kafkas(broker), true)}

## Without effect

Kafka's configs that mean nothing here are checked, shown and otherwise ignored; the log of a start names those that
were set.

Of the broker: ${ignored(broker)}.

Of topics: ${ignored(topic)}.
`;
}

/** A metric of the page. */
export interface MetricRow {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly string[];
}

/** The metrics in a text of Prometheus's format. */
export function metricRows(text: string): MetricRow[] {
  const rows: MetricRow[] = [];
  for (const [, name = '', help = '', type = ''] of text.matchAll(
    /^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)$/gm,
  )) {
    const samples = text.matchAll(new RegExp(`^${name}\\{(.*)\\}`, 'gm'));
    const labels = [...samples].flatMap(([, pairs = '']) =>
      [...pairs.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
    );
    rows.push({ name, type, help, labels: [...new Set(labels)] });
  }
  return rows;
}

/** Metrics that not every machine has, and which ones do. */
export const CONDITIONAL: Readonly<Record<string, string>> = {
  tidemark_event_loop_own_delay_seconds: 'Only on Linux.',
  tidemark_sent_region_bytes_total: 'Only where zero copy is on.',
};

/** The row of a metric in docs/metrics.md. */
export function metricRow({ name, type, help, labels }: MetricRow): string {
  const label = labels.length === 0 ? '' : `{${labels.join(', ')}}`;
  const condition = CONDITIONAL[name] === undefined ? '' : ` ${CONDITIONAL[name]}`;
  return `| ${code(name + label)} | ${type} | ${cell(help)}${condition} |`;
}

/** docs/metrics.md, of what a broker answers at /metrics. */
export function metricsPage(text: string): string {
  return `${GENERATED}

# Metrics

\`tidemark serve --metrics-port 9404\` serves them at \`/metrics\`, in Prometheus's text format, on the address of
\`--host\`. Counters begin at zero with each start; sizes are in bytes. What to watch, and alerts:
[operations.md](operations.md#what-to-watch).

| metric | type | meaning |
|---|---|---|
${metricRows(text)
  .map((row) => `${metricRow(row)}\n`)
  .join('')}`;
}

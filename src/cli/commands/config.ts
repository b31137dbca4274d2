// tidemark config show | get | set

import { type Command, Option } from 'commander';
import type { ConfigEntry, ConfigResource } from '../../client/index.ts';
import { changeConfigs } from '../config/change.ts';
import { effectiveValue } from '../config/effective.ts';
import { entryOf } from '../config/known.ts';
import { changeWords, configPairs } from '../config-pairs.ts';
import { usageError } from '../exit-codes.ts';
import { paint, processIo } from '../io.ts';
import { type BrokerOptions, brokerCommand, type CommandModule, nounCommand } from '../program.ts';
import { type Session, withCluster } from '../session.ts';
import { renderTable } from '../table.ts';

interface ResourceOptions extends BrokerOptions {
  readonly topic?: string;
  readonly broker?: string | true;
  readonly group?: string;
}

interface ShowOptions extends ResourceOptions {
  readonly origin?: boolean;
  readonly all?: boolean;
  readonly docs?: boolean;
}

interface SetOptions extends ResourceOptions {
  readonly unset?: boolean;
  readonly dryRun?: boolean;
}

function build(): Command {
  const config = nounCommand('config', 'show and change configs of topics, brokers and groups', [
    'tidemark config show --topic orders',
    'tidemark config show --broker --all --origin',
    'tidemark config get retention.ms --topic orders',
    'tidemark config set --topic orders retention.ms=7d',
    'tidemark config set --group billing consumer.session.timeout.ms=50s',
  ]);
  config.addCommand(showCommand());
  config.addCommand(getCommand());
  config.addCommand(setCommand());
  return config;
}

/** The noun `config`. */
export const configCommand: CommandModule = { build };

function resourceCommand(name: string, summary: string, examples: readonly string[]): Command {
  return brokerCommand(name, summary, examples)
    .addOption(new Option('-t, --topic <name>', 'of this topic').conflicts(['broker', 'group']))
    .addOption(new Option('-g, --group <id>', 'of this consumer group').conflicts('broker'))
    .option('--broker [id]', 'of this broker; without a number of the one that answers (default)');
}

function showCommand(): Command {
  return resourceCommand('show', 'show configs: those that were set, or all', [
    'tidemark config show --topic orders --all --docs',
    'tidemark config show --origin',
  ])
    .option('-a, --all', 'also those with their default')
    .option('--origin', 'where each value comes from')
    .option('--docs', 'what each config means')
    .action((options: ShowOptions) => show(options));
}

const GET_EXAMPLE = 'tidemark config get segment.bytes --topic orders';
const SET_EXAMPLE = 'tidemark config set --topic orders retention.ms=7d';

function getCommand(): Command {
  return resourceCommand('get', 'print the value of one config', [
    GET_EXAMPLE,
    'tidemark config get --broker log.retention.ms',
  ])
    .argument('[name]', 'name of the config')
    .action((name: string | undefined, options: ResourceOptions) => {
      const own = withoutSwallowed(options, name === undefined ? [] : [name]);
      const [wanted, more] = own.words;
      if (wanted === undefined) throw usageError('name a config', GET_EXAMPLE);
      if (more !== undefined) throw usageError(`one config at a time, not ${more} too`);
      return get(wanted, own.options);
    });
}

function setCommand(): Command {
  return resourceCommand('set', 'change configs while the broker runs', [
    'tidemark config set --topic orders retention.ms=7d cleanup.policy+=compact',
    'tidemark config set --topic orders --unset retention.ms',
    'tidemark config set --broker log.retention.ms=1d',
  ])
    .argument('[pairs...]', 'key=value, key+=item, key-=item; with --unset only keys')
    .option('-u, --unset', 'give the named configs their default again')
    .option('--dry-run', 'only check')
    .action((pairs: string[], options: SetOptions) => {
      const own = withoutSwallowed(options, pairs);
      if (own.words.length === 0) throw usageError('name what to change', SET_EXAMPLE);
      return set(own.words, own.options);
    });
}

/**
 * `--broker` may stand without a number, so it takes the next word whatever that is. A word that is no node id was
 * meant as an argument.
 */
function withoutSwallowed<T extends ResourceOptions>(
  options: T,
  words: readonly string[],
): { readonly options: T; readonly words: readonly string[] } {
  const { broker } = options;
  if (typeof broker !== 'string' || /^-?\d+$/.test(broker)) return { options, words };
  return { options: { ...options, broker: true }, words: [broker, ...words] };
}

async function resourceOf(session: Session, options: ResourceOptions): Promise<ConfigResource> {
  const { topic, broker, group } = options;
  if (group !== undefined) return { type: 'group', name: group };
  if (topic !== undefined) {
    await session.cluster.topic(topic);
    return { type: 'topic', name: topic };
  }
  if (typeof broker === 'string') return { type: 'broker', name: broker };
  const [node] = await session.cluster.nodes();
  return { type: 'broker', name: String(node?.id ?? '') };
}

function isSet(entry: ConfigEntry): boolean {
  return entry.source !== 'default' && entry.source !== 'unknown';
}

/** Of a topic or group what was set on it; of a broker what differs from its defaults. */
function isShown(entry: ConfigEntry, resource: ConfigResource, options: ShowOptions): boolean {
  if (options.all === true || options.docs === true) return true;
  return resource.type === 'broker' ? isSet(entry) : entry.source === resource.type;
}

async function show(options: ShowOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async (session) => {
    const resource = await resourceOf(session, options);
    const documentation = options.docs ?? false;
    const all = await session.client.describeConfigs(session.cluster, resource, { documentation });
    const entries = all.filter((entry) => isShown(entry, resource, options));
    if (options.json === true) {
      await io.data(`${JSON.stringify({ resource, configs: entries })}\n`);
      return;
    }
    if (entries.length === 0) {
      io.say('everything has its default; --all shows it');
      return;
    }
    const rows = entries.map((entry) => [
      entry.name,
      entry.sensitive ? '(hidden)' : (effectiveValue(entry, all).value ?? ''),
      ...(options.origin === true ? [originOf(entry, all)] : []),
      ...(documentation ? [(entry.documentation ?? '').replace(/\s+/g, ' ')] : []),
    ]);
    const header = ['NAME', 'VALUE'];
    if (options.origin === true) header.push('ORIGIN');
    if (documentation) header.push('MEANING');
    await io.data(renderTable(header, rows));
  });
}

/** The source, with the name that gave the value when it is another one. */
function originOf(entry: ConfigEntry, all: readonly ConfigEntry[]): string {
  const by = effectiveValue(entry, all).from ?? entry.synonyms[0]?.name ?? entry.name;
  const other = by === entry.name ? '' : ` (${by})`;
  return paint('dim', `${entry.source}${other}`);
}

async function get(name: string, options: ResourceOptions): Promise<void> {
  const io = processIo();
  await withCluster(options, async (session) => {
    const resource = await resourceOf(session, options);
    const entries = await session.client.describeConfigs(session.cluster, resource);
    const entry = entryOf(name, resource, entries);
    const { value, from } = effectiveValue(entry, entries);
    if (options.json === true) {
      await io.data(`${JSON.stringify({ ...entry, effective: { value, from } })}\n`);
      return;
    }
    await io.data(`${value ?? ''}\n`);
    if (from !== null) io.say(`${name} is not set: this is what ${from} makes of it`);
    else if (value === null && !entry.sensitive) io.say(`${name} has no value`);
  });
}

async function set(pairs: readonly string[], options: SetOptions): Promise<void> {
  const io = processIo();
  const changes =
    options.unset === true
      ? pairs.map((name) => ({ name, operation: 'delete' as const, value: null }))
      : configPairs(pairs, 'config set');
  if (options.unset === true && pairs.some((name) => name.includes('='))) {
    throw usageError('--unset takes names, not values');
  }
  await withCluster(options, async (session) => {
    const resource = await resourceOf(session, options);
    const validateOnly = options.dryRun ?? false;
    await changeConfigs(session, resource, changes, { validateOnly });
    if (options.json === true) {
      await io.data(`${JSON.stringify({ resource, changes, dryRun: validateOnly })}\n`);
      return;
    }
    for (const change of changes) {
      io.say(`${resource.type} ${resource.name}: ${changeWords(change, validateOnly)}`);
    }
  });
}

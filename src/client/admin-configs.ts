// Configs of topics and brokers: describe and alter.

import { ErrorCode, KafkaError } from '../base/kafka-errors.ts';
import {
  AlterConfigs,
  DescribeConfigs,
  type DescribeConfigsResponse,
  IncrementalAlterConfigs,
  ListConfigResources,
  type Transport,
} from '../protocol/index.ts';
import { type Cluster, throwIfError } from './cluster.ts';

/** Whose configs: a topic or group by name, or a broker by id (`''`: the defaults of all brokers). */
export interface ConfigResource {
  readonly type: 'topic' | 'broker' | 'broker-logger' | 'client-metrics' | 'group';
  readonly name: string;
}

/** `ConfigResource.Type` of Kafka's admin client. */
const resourceTypes = {
  topic: 2,
  broker: 4,
  'broker-logger': 8,
  'client-metrics': 16,
  group: 32,
} as const;

/** Where a value comes from, in the words of `ConfigEntry.ConfigSource`. */
const sources = [
  'unknown',
  'topic',
  'dynamic-broker',
  'dynamic-broker-default',
  'static-broker',
  'default',
  'dynamic-broker-logger',
  'client-metrics',
  'group',
] as const;
export type ConfigSource = (typeof sources)[number];

const types = [
  'unknown',
  'boolean',
  'string',
  'int',
  'short',
  'long',
  'double',
  'list',
  'class',
  'password',
] as const;

export interface ConfigEntry {
  readonly name: string;
  /** Null for a secret. */
  readonly value: string | null;
  readonly source: ConfigSource;
  readonly readOnly: boolean;
  readonly sensitive: boolean;
  readonly type: (typeof types)[number];
  readonly documentation: string | null;
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string | null;
    readonly source: ConfigSource;
  }[];
}

/** One change; `append` and `subtract` are for lists. */
export interface ConfigChange {
  readonly name: string;
  readonly operation: 'set' | 'delete' | 'append' | 'subtract';
  /** Null with `delete`. */
  readonly value: string | number | boolean | null;
}

/** `AlterConfigOp.OpType` of Kafka's admin client. */
const operations = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

/** Configs of a broker must be asked of that broker. */
async function transportFor(cluster: Cluster, resource: ConfigResource): Promise<Transport> {
  const ofBroker = resource.type === 'broker' || resource.type === 'broker-logger';
  if (!ofBroker || resource.name === '') return cluster.controller();
  const node = (await cluster.nodes()).find((one) => String(one.id) === resource.name);
  if (node === undefined) {
    const known = (await cluster.nodes()).map((one) => one.id).join(', ');
    throw new KafkaError(
      'RESOURCE_NOT_FOUND',
      `there is no broker ${resource.name}, only ${known}`,
    );
  }
  return cluster.to(node);
}

type EntryAnswer = DescribeConfigsResponse['results'][number]['configs'][number];

function toEntry(config: EntryAnswer): ConfigEntry {
  return {
    name: config.name,
    value: config.value,
    source: sources[config.configSource] ?? 'unknown',
    readOnly: config.readOnly,
    sensitive: config.isSensitive,
    type: types[config.configType] ?? 'unknown',
    documentation: config.documentation,
    synonyms: config.synonyms.map(({ name, value, source }) => ({
      name,
      value,
      source: sources[source] ?? 'unknown',
    })),
  };
}

/** All configs (or those named), by name. Throws KafkaError. */
export async function describeConfigs(
  cluster: Cluster,
  resource: ConfigResource,
  options: { readonly names?: readonly string[]; readonly documentation?: boolean } = {},
): Promise<ConfigEntry[]> {
  return cluster.retry(async () => {
    const transport = await transportFor(cluster, resource);
    const range = await transport.versions(DescribeConfigs);
    const response = await transport.send(DescribeConfigs, {
      resources: [
        {
          resourceType: resourceTypes[resource.type],
          resourceName: resource.name,
          configurationKeys: options.names === undefined ? null : [...options.names],
        },
      ],
      includeSynonyms: true,
      includeDocumentation: (options.documentation ?? false) && (range?.[1] ?? 0) >= 3,
    });
    const [result] = response.results;
    throwIfError(result?.errorCode ?? 0, describeResource(resource), result?.errorMessage);
    const entries = (result?.configs ?? []).map(toEntry);
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  });
}

/** Changes some configs and leaves the others. On brokers before 2.3 all dynamic ones are read and written back. */
export async function alterConfigs(
  cluster: Cluster,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
  options: { readonly validateOnly?: boolean } = {},
): Promise<void> {
  const validateOnly = options.validateOnly ?? false;
  await cluster.retry(async () => {
    const transport = await transportFor(cluster, resource);
    const incremental = (await transport.versions(IncrementalAlterConfigs)) !== null;
    const answer = incremental
      ? await alterIncrementally(transport, resource, changes, validateOnly)
      : await alterWhole(cluster, transport, { resource, changes, validateOnly });
    if (answer?.errorCode === ErrorCode.NOT_CONTROLLER) cluster.forgetController();
    throwIfError(answer?.errorCode ?? 0, describeResource(resource), answer?.errorMessage);
  });
}

function textOf(value: ConfigChange['value']): string | null {
  return value === null ? null : String(value);
}

interface AlterAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

async function alterIncrementally(
  transport: Transport,
  resource: ConfigResource,
  changes: readonly ConfigChange[],
  validateOnly: boolean,
): Promise<AlterAnswer | undefined> {
  const response = await transport.send(IncrementalAlterConfigs, {
    resources: [
      {
        resourceType: resourceTypes[resource.type],
        resourceName: resource.name,
        configs: changes.map(({ name, operation, value }) => ({
          name,
          configOperation: operations[operation],
          value: textOf(value),
        })),
      },
    ],
    validateOnly,
  });
  return response.responses[0];
}

async function alterWhole(
  cluster: Cluster,
  transport: Transport,
  what: { resource: ConfigResource; changes: readonly ConfigChange[]; validateOnly: boolean },
): Promise<AlterAnswer | undefined> {
  const { resource, changes, validateOnly } = what;
  const own = resource.type === 'topic' ? 'topic' : 'dynamic-broker';
  const values = new Map<string, string | null>();
  for (const entry of await describeConfigs(cluster, resource)) {
    if (entry.source === own) values.set(entry.name, entry.value);
  }
  for (const { name, operation, value } of changes) {
    if (operation === 'delete') values.delete(name);
    else if (operation === 'set') values.set(name, textOf(value));
    else {
      const message = `this broker cannot ${operation} list configs; set the whole list`;
      throw new KafkaError('UNSUPPORTED_VERSION', message);
    }
  }
  const configs = [...values].map(([name, value]) => ({ name, value }));
  const response = await transport.send(AlterConfigs, {
    resources: [
      { resourceType: resourceTypes[resource.type], resourceName: resource.name, configs },
    ],
    validateOnly,
  });
  return response.responses[0];
}

function describeResource(resource: ConfigResource): string {
  if (resource.type === 'broker' && resource.name === '') return 'configs of all brokers';
  return `configs of ${resource.type} '${resource.name}'`;
}

/** What has configs of its own, of all types or those given. Throws KafkaError. */
export async function listConfigResources(
  cluster: Cluster,
  types: readonly ConfigResource['type'][],
): Promise<ConfigResource[]> {
  const byNumber = new Map<number, ConfigResource['type']>(
    Object.entries(resourceTypes).map(([type, number]) => [number, type as ConfigResource['type']]),
  );
  return cluster.retry(async () => {
    const request = { resourceTypes: types.map((type) => resourceTypes[type]) };
    const response = await cluster.askAny((broker) => broker.send(ListConfigResources, request));
    throwIfError(response.errorCode, 'config resources');
    const found: ConfigResource[] = [];
    for (const { resourceName, resourceType } of response.configResources) {
      const type = byNumber.get(resourceType);
      if (type !== undefined) found.push({ type, name: resourceName });
    }
    return found;
  });
}

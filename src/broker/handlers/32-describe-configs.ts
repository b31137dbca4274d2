// DescribeConfigs, versions 1 to 4.
//
// v1 sources and synonyms · v3 types and documentation (KIP-569) · v4 flexible.
//
// Resources: topics, and this broker (by its id, or by the empty name for the defaults of the
// cluster, which are then only the dynamic ones), and groups, whether there are such groups or not.
// Loggers and client metrics have no configs here and are answered with none.

import { KafkaError } from '../../base/kafka-errors.ts';
import { nextTurn } from '../../base/pause.ts';
import type { ConfigValue } from '../../engine/index.ts';
import {
  DescribeConfigs,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from '../../protocol/index.ts';
import { ResourceType, shownValue, sourceCode, typeCode } from '../config-wire.ts';
import { errorCodeOf, errorMessageOf } from '../errors.ts';
import { type Handler, handler } from '../handler.ts';
import { once } from '../once.ts';
import type { Services } from '../services.ts';
import { isTopicName } from './03-metadata.ts';

/** About 2 ms of work. */
const RESOURCES_PER_TURN = 50;

type Resource = DescribeConfigsRequest['resources'][number];
type ResourceAnswer = DescribeConfigsResponse['results'][number];
type ConfigAnswer = ResourceAnswer['configs'][number];

function topicConfigs(services: Services, name: string): readonly ConfigValue[] {
  if (services.engine.topic(name) !== undefined) return services.engine.topicConfigs(name);
  if (!isTopicName(name)) {
    throw new KafkaError('INVALID_TOPIC_EXCEPTION', `'${name}' is no name for a topic`);
  }
  throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', `there is no topic '${name}'`);
}

function brokerConfigs(services: Services, name: string): readonly ConfigValue[] {
  const { engine } = services;
  const all = engine.brokerConfigs();
  if (name === '') return all.filter((config) => config.source === 'dynamic-broker');
  if (name === String(engine.nodeId)) return all;
  throw new KafkaError(
    'INVALID_REQUEST',
    `unexpected broker id, expected ${engine.nodeId} or empty string, but received ${name}`,
  );
}

function configsOf(services: Services, resource: Resource): readonly ConfigValue[] {
  switch (resource.resourceType) {
    case ResourceType.TOPIC:
      return topicConfigs(services, resource.resourceName);
    case ResourceType.BROKER:
      return brokerConfigs(services, resource.resourceName);
    case ResourceType.BROKER_LOGGER:
    case ResourceType.CLIENT_METRICS:
      return [];
    case ResourceType.GROUP:
      return services.engine.groupConfigs(resource.resourceName);
    default:
      throw new KafkaError(
        'INVALID_REQUEST',
        `unsupported resource type: ${resource.resourceType}`,
      );
  }
}

function shown(config: ConfigValue, request: DescribeConfigsRequest): ConfigAnswer {
  return {
    name: config.name,
    value: shownValue(config),
    readOnly: config.readOnly,
    configSource: sourceCode[config.source],
    isSensitive: config.sensitive,
    synonyms: request.includeSynonyms
      ? config.synonyms.map(({ name, value, source }) => ({
          name,
          value: config.sensitive ? null : value,
          source: sourceCode[source],
        }))
      : [],
    configType: typeCode[config.type],
    documentation: request.includeDocumentation ? config.documentation : null,
  };
}

function describe(
  services: Services,
  resource: Resource,
  request: DescribeConfigsRequest,
): ResourceAnswer {
  const { resourceType, resourceName, configurationKeys } = resource;
  try {
    const wanted = configurationKeys === null ? null : new Set(configurationKeys);
    const configs = configsOf(services, resource)
      .filter((config) => wanted === null || wanted.size === 0 || wanted.has(config.name))
      .map((config) => shown(config, request));
    return { errorCode: 0, errorMessage: '', resourceType, resourceName, configs };
  } catch (error) {
    const errorMessage = errorMessageOf(error);
    const errorCode = errorCodeOf(error);
    return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
  }
}

/** What tells mentions of a resource apart: other configs of it may be asked for. */
function keyOf({ resourceType, resourceName, configurationKeys }: Resource): string {
  return JSON.stringify([resourceType, resourceName, configurationKeys]);
}

export function describeConfigsHandler(services: Services): Handler {
  return handler(DescribeConfigs, {
    handle: async (request) => {
      const results: ResourceAnswer[] = [];
      for (const resource of once(request.resources, keyOf)) {
        results.push(describe(services, resource, request));
        // Tools ask for all topics at once; others have their turn meanwhile.
        if (results.length % RESOURCES_PER_TURN === 0) await nextTurn(services.clock);
      }
      return { throttleTimeMs: 0, results };
    },
    refuse: (request, error) => ({
      throttleTimeMs: 0,
      results: request.resources.map(({ resourceType, resourceName }) => ({
        errorCode: error.errorCode,
        errorMessage: error.message,
        resourceType,
        resourceName,
        configs: [],
      })),
    }),
  });
}

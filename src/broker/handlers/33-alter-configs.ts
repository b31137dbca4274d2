// AlterConfigs, versions 0 to 2 (v2 flexible). The predecessor of IncrementalAlterConfigs: what a
// request does not name goes back to its default.

import { KafkaError } from '../../base/kafka-errors.ts';
import type { ConfigChange } from '../../engine/index.ts';
import { AlterConfigs, type AlterConfigsRequest } from '../../protocol/index.ts';
import { alterResources, refuseResources } from '../alter-resource.ts';
import { ResourceType } from '../config-wire.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

type Resource = AlterConfigsRequest['resources'][number];

function namesSet(services: Services, resource: Resource): readonly string[] {
  const { engine } = services;
  if (resource.resourceType === ResourceType.TOPIC) {
    return [...(engine.topic(resource.resourceName)?.configs.keys() ?? [])];
  }
  if (resource.resourceType === ResourceType.GROUP) {
    const configs = resource.resourceName === '' ? [] : engine.groupConfigs(resource.resourceName);
    return configs.filter(({ source }) => source === 'group').map(({ name }) => name);
  }
  return engine
    .brokerConfigs()
    .filter((config) => config.source === 'dynamic-broker')
    .map((config) => config.name);
}

function changesOf(services: Services, resource: Resource): ConfigChange[] {
  const changes: ConfigChange[] = [];
  const named = new Set<string>();
  for (const { name, value } of resource.configs) {
    if (value === null) {
      throw new KafkaError('INVALID_REQUEST', `null value not supported for: ${name}`);
    }
    if (named.has(name)) {
      throw new KafkaError('INVALID_REQUEST', `config '${name}' is named more than once`);
    }
    named.add(name);
    changes.push({ name, operation: 'set', value });
  }
  for (const name of namesSet(services, resource)) {
    if (!named.has(name)) changes.push({ name, operation: 'delete', value: null });
  }
  return changes;
}

export function alterConfigsHandler(services: Services): Handler {
  return handler(AlterConfigs, {
    handle: async ({ resources, validateOnly }) => ({
      throttleTimeMs: 0,
      responses: await alterResources(services, resources, validateOnly, (resource) =>
        changesOf(services, resource),
      ),
    }),
    refuse: (request, error) => ({
      throttleTimeMs: 0,
      responses: refuseResources(request.resources, error),
    }),
  });
}

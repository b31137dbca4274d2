// IncrementalAlterConfigs, versions 0 and 1 (v1 flexible): sets, deletes, appends to or subtracts
// from single configs of topics, groups and of this broker (KIP-339). Loggers cannot be altered.

import { KafkaError } from '../../base/kafka-errors.ts';
import type { ConfigChange } from '../../engine/index.ts';
import {
  IncrementalAlterConfigs,
  type IncrementalAlterConfigsRequest,
} from '../../protocol/index.ts';
import { alterResources, refuseResources } from '../alter-resource.ts';
import { operations } from '../config-wire.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

type Resource = IncrementalAlterConfigsRequest['resources'][number];

function changesOf(resource: Resource): ConfigChange[] {
  const named = new Set<string>();
  return resource.configs.map(({ name, configOperation, value }) => {
    const operation = operations[configOperation];
    if (operation === undefined) {
      throw new KafkaError('INVALID_REQUEST', `unknown operation ${configOperation} on '${name}'`);
    }
    if (named.has(name)) {
      throw new KafkaError('INVALID_REQUEST', `config '${name}' is named more than once`);
    }
    if (value === null && operation !== 'delete') {
      throw new KafkaError('INVALID_REQUEST', `null value not supported for: ${name}`);
    }
    named.add(name);
    return { name, operation, value };
  });
}

export function incrementalAlterConfigsHandler(services: Services): Handler {
  return handler(IncrementalAlterConfigs, {
    handle: async ({ resources, validateOnly }) => ({
      throttleTimeMs: 0,
      responses: await alterResources(services, resources, validateOnly, changesOf),
    }),
    refuse: (request, error) => ({
      throttleTimeMs: 0,
      responses: refuseResources(request.resources, error),
    }),
  });
}

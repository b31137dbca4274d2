// ListConfigResources, versions 0 and 1 (KIP-1142).
//
// v0 lists client metrics, of which there are none. v1 lists the types asked for, or all: topics,
// this broker and its loggers, and the groups that have configs of their own. An unknown type is
// UNSUPPORTED_VERSION, as in Kafka.

import { KafkaError } from '../../base/kafka-errors.ts';
import { ListConfigResources } from '../../protocol/index.ts';
import { ResourceType } from '../config-wire.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

const known: readonly number[] = Object.values(ResourceType);

function namesOf(services: Services, resourceType: number): string[] {
  const { engine } = services;
  switch (resourceType) {
    case ResourceType.TOPIC:
      return engine.topics().map((topic) => topic.name);
    case ResourceType.BROKER:
    case ResourceType.BROKER_LOGGER:
      return [String(engine.nodeId)];
    case ResourceType.GROUP:
      return [...engine.groupsWithConfigs()];
    default:
      return [];
  }
}

export function listConfigResourcesHandler(services: Services): Handler {
  return handler(ListConfigResources, {
    handle(request, context) {
      const asked = new Set(request.resourceTypes);
      for (const type of asked) {
        if (!known.includes(type)) {
          throw new KafkaError('UNSUPPORTED_VERSION', `no resources of type ${type} are listed`);
        }
      }
      const types = context.version === 0 ? [] : asked.size === 0 ? known : [...asked];
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        configResources: types.flatMap((resourceType) =>
          namesOf(services, resourceType).map((resourceName) => ({ resourceName, resourceType })),
        ),
      };
    },
    refuse: (_request, error) => ({
      throttleTimeMs: 0,
      errorCode: error.errorCode,
      configResources: [],
    }),
  });
}

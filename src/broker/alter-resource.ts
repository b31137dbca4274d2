// What AlterConfigs and IncrementalAlterConfigs have in common: to find the resource, and to change
// it.

import { KafkaError } from '../base/kafka-errors.ts';
import type { ConfigChange } from '../engine/index.ts';
import { ResourceType } from './config-wire.ts';
import { errorCodeOf, errorMessageOf } from './errors.ts';
import type { Services } from './services.ts';

/** A resource as requests name it. */
export interface ResourceName {
  readonly resourceType: number;
  readonly resourceName: string;
}

/** The answer for one resource. */
export interface ResourceOutcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

async function change(
  services: Services,
  { resourceType, resourceName }: ResourceName,
  changes: readonly ConfigChange[],
  validateOnly: boolean,
): Promise<void> {
  const { engine } = services;
  switch (resourceType) {
    case ResourceType.TOPIC:
      if (engine.topic(resourceName) === undefined) {
        const text = `there is no topic '${resourceName}'`;
        throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', text);
      }
      return engine.alterTopicConfigs(resourceName, changes, validateOnly);
    case ResourceType.BROKER:
      if (resourceName !== '' && resourceName !== String(engine.nodeId)) {
        const text = `this broker is ${engine.nodeId}, not ${resourceName}`;
        throw new KafkaError('INVALID_REQUEST', text);
      }
      return engine.alterBrokerConfigs(changes, validateOnly);
    case ResourceType.GROUP:
      return engine.alterGroupConfigs(resourceName, changes, validateOnly);
    default:
      throw new KafkaError('INVALID_REQUEST', `resource type ${resourceType} cannot be altered`);
  }
}

/**
 * Changes each resource on its own; `changesOf` may throw a KafkaError for a resource that asks for
 * nonsense.
 */
export function alterResources<R extends ResourceName>(
  services: Services,
  resources: readonly R[],
  validateOnly: boolean,
  changesOf: (resource: R) => readonly ConfigChange[],
): Promise<ResourceOutcome[]> {
  const counts = new Map<string, number>();
  const keyOf = (resource: ResourceName) => `${resource.resourceType} ${resource.resourceName}`;
  for (const resource of resources) {
    counts.set(keyOf(resource), (counts.get(keyOf(resource)) ?? 0) + 1);
  }
  return Promise.all(
    resources.map(async (resource) => {
      const { resourceType, resourceName } = resource;
      try {
        if ((counts.get(keyOf(resource)) ?? 0) > 1) {
          throw new KafkaError('INVALID_REQUEST', 'each resource must appear at most once');
        }
        await change(services, resource, changesOf(resource), validateOnly);
        return { errorCode: 0, errorMessage: null, resourceType, resourceName };
      } catch (error) {
        const errorMessage = errorMessageOf(error);
        return { errorCode: errorCodeOf(error), errorMessage, resourceType, resourceName };
      }
    }),
  );
}

/** The same refusal for every resource of a request. */
export function refuseResources(
  resources: readonly ResourceName[],
  error: KafkaError,
): ResourceOutcome[] {
  const { errorCode, message: errorMessage } = error;
  return resources.map(({ resourceType, resourceName }) => ({
    ...{ errorCode, errorMessage, resourceType, resourceName },
  }));
}

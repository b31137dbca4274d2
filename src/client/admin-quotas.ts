// Client quotas as brokers have them (KIP-546), against any Kafka cluster.

import { DescribeClientQuotas } from '../protocol/index.ts';
import { type Cluster, throwIfError } from './cluster.ts';

/** What a quota is about; null: the default of its kind. */
export interface QuotaEntity {
  readonly user?: string | null;
  readonly 'client-id'?: string | null;
  readonly ip?: string | null;
}

/** Which quotas: those with this part of the entity, the default of it (null), or any (`'any'`). */
export type QuotaFilter = {
  readonly [Kind in keyof QuotaEntity]: string | null | { readonly any: true };
};

export interface ClientQuota {
  readonly entity: QuotaEntity;
  /** By Kafka's names: `producer_byte_rate`, `consumer_byte_rate`, `request_percentage` and others. */
  readonly values: Readonly<Record<string, number>>;
}

/** `ClientQuotaFilterComponent` of Kafka: exactly this name, the default, any name. */
const MatchType = { exact: 0, default: 1, any: 2 } as const;

/** The quotas that match; `strict`: with no other part in their entity. Throws KafkaError. */
export async function describeClientQuotas(
  cluster: Cluster,
  filter: QuotaFilter,
  strict: boolean,
): Promise<ClientQuota[]> {
  const components = Object.entries(filter).map(([entityType, match]) => {
    if (match === null) return { entityType, matchType: MatchType.default, match: null };
    return typeof match === 'string'
      ? { entityType, matchType: MatchType.exact, match }
      : { entityType, matchType: MatchType.any, match: null };
  });
  const response = await cluster.retry(async () => {
    const request = { components, strict };
    const answer = await cluster.askAny((broker) => broker.send(DescribeClientQuotas, request));
    throwIfError(answer.errorCode, 'client quotas', answer.errorMessage);
    return answer;
  });
  return (response.entries ?? []).map(({ entity, values }) => ({
    entity: Object.fromEntries(entity.map((part) => [part.entityType, part.entityName])),
    values: Object.fromEntries(values.map(({ key, value }) => [key, value])),
  }));
}

// Features that the broker has (KIP-584), as ApiVersions tells of them.
//
// `group.version` 1: the consumer group protocol (KIP-848). Its lowest level is 0, which clients before ApiVersions v4
// take for an error: they are told of no feature (KAFKA-17011).

import type { ApiVersionsResponse } from '../protocol/index.ts';

type Features = Pick<
  ApiVersionsResponse,
  'supportedFeatures' | 'finalizedFeatures' | 'finalizedFeaturesEpoch'
>;

/** From this version a feature's lowest level may be 0. */
const lowestLevelZeroSince = 4;

export function featuresFor(apiVersion: number): Partial<Features> {
  // Finalized levels are told from 1 on and harm nobody; what is supported is not, below v4.
  const finalized: Partial<Features> = {
    finalizedFeaturesEpoch: 0,
    finalizedFeatures: [{ name: 'group.version', maxVersionLevel: 1, minVersionLevel: 1 }],
  };
  if (apiVersion < lowestLevelZeroSince) return finalized;
  return {
    ...finalized,
    supportedFeatures: [{ name: 'group.version', minVersion: 0, maxVersion: 1 }],
  };
}

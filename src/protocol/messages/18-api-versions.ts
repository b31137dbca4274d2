// ApiVersions: which APIs and versions the broker serves. Its response keeps header v0 in all
//   versions (KIP-511).
// v1: response: throttleTimeMs.
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: request: clientSoftwareName, clientSoftwareVersion; response: supportedFeatures,
//   finalizedFeaturesEpoch, finalizedFeatures, zkMigrationReady; flexible; names the client
//   (KIP-511); features (KIP-584).
// v4: features with lowest version 0 may be listed (KAFKA-17011).

import { api } from '../schema/api.ts';
import { array, bool, type Infer, int16, int32, int64, string, tagged } from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const ApiVersionsRequest = message(
  'ApiVersionsRequest',
  { versions: [0, 4], flexible: 3 },
  {
    clientSoftwareName: string({ since: 3, ignorable: true }),
    clientSoftwareVersion: string({ since: 3, ignorable: true }),
  },
);
export type ApiVersionsRequest = Infer<typeof ApiVersionsRequest.fields>;

export const ApiVersionsResponse = message(
  'ApiVersionsResponse',
  { versions: [0, 4], flexible: 3 },
  {
    errorCode: int16(),
    apiKeys: array({
      apiKey: int16(),
      minVersion: int16(),
      maxVersion: int16(),
    }),
    throttleTimeMs: int32({ since: 1, ignorable: true }),
    supportedFeatures: tagged(
      0,
      array(
        {
          name: string(),
          minVersion: int16(),
          maxVersion: int16(),
        },
        { since: 3, ignorable: true },
      ),
    ),
    finalizedFeaturesEpoch: tagged(1, int64({ since: 3, fallback: -1, ignorable: true })),
    finalizedFeatures: tagged(
      2,
      array(
        {
          name: string(),
          maxVersionLevel: int16(),
          minVersionLevel: int16(),
        },
        { since: 3, ignorable: true },
      ),
    ),
    zkMigrationReady: tagged(3, bool({ since: 3, fallback: false, ignorable: true })),
  },
);
export type ApiVersionsResponse = Infer<typeof ApiVersionsResponse.fields>;

export const ApiVersions = api(18, 'ApiVersions', ApiVersionsRequest, ApiVersionsResponse);

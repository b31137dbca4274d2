// DescribeConfigs: configs of topics and brokers, with where each value comes from.
// v1: sources and synonyms (KIP-226).
// v2: the client, not the broker, waits out throttling (KIP-219).
// v3: request: includeDocumentation; response: configType, documentation; types and documentation
//   (KIP-569).
// v4: flexible.

import { api } from '../schema/api.ts';
import {
  array,
  bool,
  type Infer,
  int8,
  int16,
  int32,
  nullableArray,
  nullableString,
  string,
} from '../schema/field.ts';
import { message } from '../schema/message.ts';

export const DescribeConfigsRequest = message(
  'DescribeConfigsRequest',
  { versions: [1, 4], flexible: 4 },
  {
    resources: array({
      resourceType: int8(),
      resourceName: string(),
      configurationKeys: nullableArray(string()),
    }),
    includeSynonyms: bool({ fallback: false }),
    includeDocumentation: bool({ since: 3, fallback: false }),
  },
);
export type DescribeConfigsRequest = Infer<typeof DescribeConfigsRequest.fields>;

export const DescribeConfigsResponse = message(
  'DescribeConfigsResponse',
  { versions: [1, 4], flexible: 4 },
  {
    throttleTimeMs: int32(),
    results: array({
      errorCode: int16(),
      errorMessage: nullableString(),
      resourceType: int8(),
      resourceName: string(),
      configs: array({
        name: string(),
        value: nullableString(),
        readOnly: bool(),
        configSource: int8({ fallback: -1, ignorable: true }),
        isSensitive: bool(),
        synonyms: array(
          {
            name: string(),
            value: nullableString(),
            source: int8(),
          },
          { ignorable: true },
        ),
        configType: int8({ since: 3, fallback: 0, ignorable: true }),
        documentation: nullableString({ since: 3, ignorable: true }),
      }),
    }),
  },
);
export type DescribeConfigsResponse = Infer<typeof DescribeConfigsResponse.fields>;

export const DescribeConfigs = api(
  32,
  'DescribeConfigs',
  DescribeConfigsRequest,
  DescribeConfigsResponse,
);

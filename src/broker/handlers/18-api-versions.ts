// ApiVersions, versions 0 to 4.
//
// v1 throttle time · v3 client software name and version (KIP-511), flexible · v4 features with
// minimum 0 (KAFKA-17011).
//
// What is announced is computed from the table of handlers. A version that we do not know is
// answered by the connection (connection.ts) in version 0 with UNSUPPORTED_VERSION and the versions
// of ApiVersions itself. A name or version of client software outside Kafka's pattern is
// INVALID_REQUEST. Features: features.ts.

import { ErrorCode } from '../../base/kafka-errors.ts';
import { ApiVersions } from '../../protocol/index.ts';
import { featuresFor } from '../features.ts';
import { type Handler, handler } from '../handler.ts';
import type { AnnouncedApi } from '../router.ts';

const softwareName = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

/** `announced` gives the table as it is when asked. */
export function apiVersionsHandler(announced: () => readonly AnnouncedApi[]): Handler {
  return handler(ApiVersions, {
    handle(request, context) {
      const { clientSoftwareName, clientSoftwareVersion } = request;
      if (context.version >= 3) {
        if (!softwareName.test(clientSoftwareName) || !softwareName.test(clientSoftwareVersion)) {
          return { errorCode: ErrorCode.INVALID_REQUEST, apiKeys: [] };
        }
        context.session.clientSoftwareName = clientSoftwareName;
        context.session.clientSoftwareVersion = clientSoftwareVersion;
      }
      const features = featuresFor(context.version);
      return { errorCode: 0, apiKeys: [...announced()], ...features };
    },
    refuse: (_request, error) => ({ errorCode: error.errorCode, apiKeys: [] }),
  });
}

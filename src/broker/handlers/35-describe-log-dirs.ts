// DescribeLogDirs, versions 1 to 5.
//
// v2 flexible · v3 top-level error · v4 totalBytes and usableBytes (KIP-827; the total is not
// known, -1) · v5 cordoned (never). There is one log directory.

import { DescribeLogDirs, type DescribeLogDirsRequest } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';
import type { Services } from '../services.ts';

interface Wanted {
  readonly name: string;
  readonly partitions: readonly number[];
}

function wantedOf(services: Services, request: DescribeLogDirsRequest): Wanted[] {
  if (request.topics === null) {
    return services.engine.topics().map(({ name, partitionCount }) => ({
      name,
      partitions: Array.from({ length: partitionCount }, (_, index) => index),
    }));
  }
  return request.topics.map(({ topic, partitions }) => ({ name: topic, partitions }));
}

export function describeLogDirsHandler(services: Services): Handler {
  return handler(DescribeLogDirs, {
    async handle(request) {
      const topics = [];
      for (const { name, partitions } of wantedOf(services, request)) {
        const sizes = [];
        for (const partitionIndex of partitions) {
          const partition = services.engine.partition(name, partitionIndex);
          if (partition === undefined) continue;
          const partitionSize = partition.sizeBytes();
          sizes.push({ partitionIndex, partitionSize, offsetLag: 0, isFutureKey: false });
        }
        if (sizes.length > 0) topics.push({ name, partitions: sizes });
      }
      const usableBytes = await services.freeBytes();
      const totalBytes = -1;
      return {
        throttleTimeMs: 0,
        errorCode: 0,
        results: [{ errorCode: 0, logDir: services.logDir, topics, totalBytes, usableBytes }],
      };
    },
    refuse: (_request, error) => ({
      throttleTimeMs: 0,
      errorCode: error.errorCode,
      results: [{ errorCode: error.errorCode, logDir: services.logDir, topics: [] }],
    }),
  });
}

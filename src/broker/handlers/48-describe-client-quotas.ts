// DescribeClientQuotas, versions 0 and 1 (v1 flexible). There are no quotas yet, so none matches
// any filter.

import { DescribeClientQuotas } from '../../protocol/index.ts';
import { type Handler, handler } from '../handler.ts';

export function describeClientQuotasHandler(): Handler {
  return handler(DescribeClientQuotas, {
    handle: () => ({ throttleTimeMs: 0, errorCode: 0, errorMessage: null, entries: [] }),
    refuse: (_request, error) => ({
      throttleTimeMs: 0,
      errorCode: error.errorCode,
      errorMessage: error.message,
      entries: null,
    }),
  });
}

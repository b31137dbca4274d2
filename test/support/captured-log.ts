// A logger that keeps its lines, so that tests can look for reports.

import type { Logger } from '../../src/base/ports.ts';

export interface CapturedLog {
  readonly logger: Logger;
  readonly lines: { readonly level: string; readonly message: string; readonly fields: object }[];
}

export function capturedLog(): CapturedLog {
  const lines: CapturedLog['lines'] = [];
  const at = (level: string) => (fields: object, message: string) => {
    lines.push({ level, message, fields });
  };
  return {
    lines,
    logger: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') },
  };
}

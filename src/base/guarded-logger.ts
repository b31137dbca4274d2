// A logger is the application's and may fail; what is told must not decide what is done. A log that could not say why
// it failed would otherwise leave those without an answer who wait for it.

import type { Logger, LogLevel } from './ports.ts';

/** The same logger, whose own faults go nowhere. */
export function guardedLogger(logger: Logger): Logger {
  const at = (level: LogLevel) => (fields: object, message: string) => {
    try {
      logger[level](fields, message);
    } catch {
      // There is nobody left to tell.
    }
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

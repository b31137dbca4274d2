// A small logger on standard error: one JSON object a line for machines, a readable line for a
// terminal.

import type { Logger, LogLevel } from '../base/ports.ts';

export interface ConsoleLoggerOptions {
  /** Lowest level that is written. Default `info`. */
  readonly level?: LogLevel;
  /** Default: `pretty` when standard error is a terminal, else `json`. */
  readonly form?: 'json' | 'pretty';
  /** Where lines go. Default: standard error. */
  readonly write?: (line: string) => void;
}

const rank: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

function plain(value: unknown): unknown {
  if (value instanceof Error) {
    const code = (value as { code?: unknown }).code;
    return code === undefined ? value.message : `${String(code)}: ${value.message}`;
  }
  return typeof value === 'bigint' ? value.toString() : value;
}

function jsonLine(level: LogLevel, fields: object, message: string): string {
  const line: Record<string, unknown> = { time: new Date().toISOString(), level, message };
  for (const [name, value] of Object.entries(fields)) line[name] = plain(value);
  return `${JSON.stringify(line)}\n`;
}

function prettyLine(level: LogLevel, fields: object, message: string): string {
  let line = `${new Date().toISOString().slice(11, 23)} ${level.padEnd(5)} ${message}`;
  for (const [name, value] of Object.entries(fields)) {
    const shown = plain(value);
    line += ` ${name}=${typeof shown === 'string' ? shown : JSON.stringify(shown)}`;
  }
  return `${line}\n`;
}

/**
 * Makes a logger. A line that cannot be written or turned into text is dropped: logging never fails
 * a request.
 */
export function consoleLogger(options: ConsoleLoggerOptions = {}): Logger {
  const lowest = rank[options.level ?? 'info'];
  const form = options.form ?? (process.stderr.isTTY ? 'pretty' : 'json');
  const write = options.write ?? ((line: string) => void process.stderr.write(line));
  const at = (level: LogLevel) => (fields: object, message: string) => {
    if (rank[level] < lowest) return;
    try {
      write((form === 'json' ? jsonLine : prettyLine)(level, fields, message));
    } catch {
      // Nothing sensible is left to do when the log itself cannot be written.
    }
  };
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') };
}

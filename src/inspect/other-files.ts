// Names in a partition's directory that belong to no segment: left over by an interrupted step, or nobody's.

import {
  baseOffsetOf,
  CLEANED_FILE,
  DAMAGE_FILE,
  LEADER_EPOCH_FILE,
  METADATA_FILE,
} from '../storage/index.ts';
import { type Finding, finding } from './finding.ts';

const known = new Set<string>([LEADER_EPOCH_FILE, METADATA_FILE, DAMAGE_FILE, CLEANED_FILE]);
const indexSuffixes = ['.index', '.timeindex', '.txnindex'] as const;

/** Findings about such names. */
export function otherFiles(
  directory: string,
  names: readonly string[],
  bases: readonly number[],
): Finding[] {
  const segments = new Set(bases);
  const findings: Finding[] = [];
  for (const name of names) {
    if (known.has(name) || baseOffsetOf(name, '.log') >= 0) continue;
    // A snapshot may stand alone: it is named after the offset that it was taken at.
    if (baseOffsetOf(name, '.snapshot') >= 0) continue;
    const path = `${directory}/${name}`;
    const base = indexBase(name);
    if (base >= 0 && segments.has(base)) continue;
    findings.push(base >= 0 ? orphan(path) : leftOver(path));
  }
  return findings;
}

function indexBase(name: string): number {
  return Math.max(...indexSuffixes.map((suffix) => baseOffsetOf(name, suffix)));
}

function orphan(path: string): Finding {
  const what = 'an index without its log';
  const repair = { kind: 'set-aside-file', path } as const;
  return finding({ severity: 'warning', code: 'stale_file', path, what, repair });
}

function leftOver(path: string): Finding {
  if (/\.(deleted|cleaned|rewrite|tmp)$/.test(path)) {
    const what = 'a file that an interrupted step left over';
    const repair = { kind: 'remove-file', path } as const;
    return finding({ severity: 'info', code: 'stale_file', path, what, repair });
  }
  if (path.endsWith('.swap')) {
    // Compaction was about to put it in place; the next start finishes that.
    const what = 'a compacted segment on its way; the next start finishes the swap';
    return finding({ severity: 'info', code: 'stale_file', path, what });
  }
  return finding({ severity: 'info', code: 'unknown_file', path, what: 'nothing of ours' });
}

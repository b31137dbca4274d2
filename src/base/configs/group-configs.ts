// Configs of single groups, as in Kafka 4.3 (org.apache.kafka.coordinator.group.GroupConfig): those of consumer groups.
// Share and streams groups are not served, and so are not theirs.

import { ConfigTable, defineConfig } from '../config-def.ts';

function ofGroup(name: string, minimum: number, doc: string) {
  const synonyms = [{ name: `group.${name}`, factor: 1 }];
  return defineConfig({ name, type: 'int', default: null, minimum, synonyms, doc });
}

export const groupConfigs = new ConfigTable('group', [
  ofGroup('consumer.session.timeout.ms', 1, 'Session timeout of a member.'),
  ofGroup('consumer.heartbeat.interval.ms', 1, 'Heartbeat interval told to members.'),
  ofGroup('consumer.assignment.interval.ms', 0, 'Least time between two targets.'),
]);

/** The broker configs that bound a group's config. */
export function boundsOf(name: string): { readonly minimum: string; readonly maximum: string } {
  const [kind = '', ...rest] = name.split('.');
  const bound = (which: 'min' | 'max'): string => ['group', kind, which, ...rest].join('.');
  return { minimum: bound('min'), maximum: bound('max') };
}

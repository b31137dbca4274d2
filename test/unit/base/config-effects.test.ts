// A config that is said to be in force is read somewhere: what is taken and does nothing says so.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { brokerConfigs } from '../../../src/base/configs/broker-configs.ts';
import { boundsOf, groupConfigs } from '../../../src/base/configs/group-configs.ts';
import { topicConfigs } from '../../../src/base/configs/topic-configs.ts';

const root = join(import.meta.dirname, '../../../src');

/** Folders of the broker; the client has configs of the same names. */
const folders = ['engine', 'broker', 'coordinator', 'compose', 'host', 'storage', 'cli'];

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? sources(path) : [readFileSync(path, 'utf8')];
  });
}

test('every live config of the broker is read', () => {
  const text = folders.flatMap((folder) => sources(join(root, folder))).join('\n');
  const read = new Set<string>();
  for (const { synonyms } of [...topicConfigs.all(), ...groupConfigs.all()]) {
    for (const { name } of synonyms) read.add(name);
  }
  for (const { name } of groupConfigs.all()) {
    const { minimum, maximum } = boundsOf(name);
    read.add(minimum).add(maximum);
  }
  // Their names are put together of a topic's prefix and the rest.
  for (const prefix of ['offsets.topic', 'transaction.state.log']) {
    read.add(`${prefix}.num.partitions`).add(`${prefix}.segment.bytes`);
  }
  const unread = [...brokerConfigs.all()]
    .filter(({ name, effect }) => effect === 'live' && !read.has(name))
    .filter(({ name }) => !text.includes(`'${name}'`))
    .map(({ name }) => name);
  expect(unread).toEqual([]);
});

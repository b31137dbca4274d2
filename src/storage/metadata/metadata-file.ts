// `partition.metadata`: which topic a directory belongs to, in Kafka's text format (PartitionMetadataFile):
//   version: 0
//   topic_id: 7k2X…

import type { Disk } from '../disk/disk.ts';
import { readSmallFile, replaceFile } from '../disk/small-file.ts';

export const METADATA_FILE = 'partition.metadata';

/** The topic id that a log directory names; null when the file is missing or says nothing readable. */
export async function readTopicId(disk: Disk, directory: string): Promise<string | null> {
  const bytes = await readSmallFile(disk, `${directory}/${METADATA_FILE}`);
  if (bytes === null) return null;
  const found = /^version: 0\ntopic_id: ([A-Za-z0-9_-]{1,64})\n?$/.exec(bytes.toString('latin1'));
  return found?.[1] ?? null;
}

/** Writes the topic id, durably. */
export async function writeTopicId(disk: Disk, directory: string, topicId: string): Promise<void> {
  const text = `version: 0\ntopic_id: ${topicId}\n`;
  await replaceFile(disk, `${directory}/${METADATA_FILE}`, Buffer.from(text));
}

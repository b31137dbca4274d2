// How the journal and the marks name a log: `<topic id> <directory>`. One of the same directory that was made anew is
// another.

export interface LogIdentity {
  readonly topicId: string;
  /** The log's directory. */
  readonly name: string;
}

export function logIdentity({ topicId, name }: LogIdentity): string {
  return `${topicId} ${name}`;
}

/** Ids have no spaces. What names no log has an empty one. */
export function parseLogIdentity(text: string): LogIdentity {
  const space = text.indexOf(' ');
  return { topicId: text.slice(0, Math.max(0, space)), name: text.slice(space + 1) };
}

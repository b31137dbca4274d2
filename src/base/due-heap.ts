// A binary heap of things that fall due, the earliest at index 0; ties in the order of scheduling, so that a run is
// repeatable. Over a plain array, which the owner may look through.

/** Something that falls due. */
export interface Due {
  readonly dueMs: number;
  readonly order: number;
}

/** Adds an item. */
export function pushDue<T extends Due>(heap: T[], item: T): void {
  let child = heap.push(item) - 1;
  while (child > 0) {
    const parent = (child - 1) >> 1;
    const above = heap[parent];
    if (above === undefined || before(above, item)) break;
    heap[child] = above;
    child = parent;
  }
  heap[child] = item;
}

/** Drops the earliest item, if there is one. */
export function popDue<T extends Due>(heap: T[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let parent = 0;
  for (;;) {
    let child = 2 * parent + 1;
    let smaller = heap[child];
    if (smaller === undefined) break;
    const right = heap[child + 1];
    if (right !== undefined && before(right, smaller)) {
      child += 1;
      smaller = right;
    }
    if (before(last, smaller)) break;
    heap[parent] = smaller;
    parent = child;
  }
  heap[parent] = last;
}

function before(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}

// Requests name partitions under their topics; everything else here has them one by one.

interface OfTopic {
  readonly topic: string;
}

/** Groups what belongs to topics, in the order in which each topic, and each of its own, came. */
export function byTopic<Place extends OfTopic>(places: Iterable<Place>): Map<string, Place[]> {
  const topics = new Map<string, Place[]>();
  for (const place of places) {
    const group = topics.get(place.topic);
    if (group === undefined) topics.set(place.topic, [place]);
    else group.push(place);
  }
  return topics;
}

/** Numbers of partitions by topic. */
export function partitionsByTopic(
  places: Iterable<OfTopic & { readonly partition: number }>,
): { readonly topic: string; readonly partitions: number[] }[] {
  return Array.from(byTopic(places), ([topic, group]) => ({
    topic,
    partitions: group.map(({ partition }) => partition),
  }));
}

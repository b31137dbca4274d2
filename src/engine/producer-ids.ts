// Producer ids, given out from blocks that are reserved in the catalogue before their first id
// leaves, so that no id comes twice, whatever happens (Kafka's ProducerIdManager does the same with
// the controller).

import type { Catalogue } from './catalogue.ts';

const BLOCK = 1000;

export class ProducerIds {
  readonly #catalogue: Catalogue;
  #next = 0;
  #end = 0;
  #reserving: Promise<void> | null = null;

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  /**
   * An id never given before. Throws KafkaError `KAFKA_STORAGE_ERROR` when no block can be
   * reserved.
   */
  async next(): Promise<number> {
    while (this.#next >= this.#end) {
      this.#reserving ??= this.#reserve().finally(() => {
        this.#reserving = null;
      });
      await this.#reserving;
    }
    const id = this.#next;
    this.#next += 1;
    return id;
  }

  async #reserve(): Promise<void> {
    const start = this.#catalogue.state.producerIdNext;
    await this.#catalogue.commit({ kind: 'producer-ids', next: start + BLOCK });
    this.#next = start;
    this.#end = start + BLOCK;
  }
}

// How much memory an answer is given at first: what the last one of its API took, as the next one mostly does.

const BYTES_MAX = 4096;

export class AnswerRoom {
  readonly #bytes: number[] = [];

  /** Undefined before the first answer of the API. */
  of(apiKey: number): number | undefined {
    return this.#bytes[apiKey];
  }

  /** An answer took so many bytes. Rounded up, so that a longer number or name does not need more at once. */
  took(apiKey: number, bytes: number): void {
    this.#bytes[apiKey] = Math.min(BYTES_MAX, (bytes + 127) & ~63);
  }
}

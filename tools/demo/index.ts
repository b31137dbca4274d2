// What `tidemark demo load` calls.

export { LOAD_TOPICS, LoadGenerator, type LoadOptions, type LoadProgress } from './load.ts';

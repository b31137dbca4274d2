// tidemark/dlq: dead letters, from the handler that gives up on a record to the redrive of many.

export {
  type DeadLetterOptions,
  deadLetters,
  type LetterWriter,
  type ReceivedRecord,
} from './dead-letters.ts';
export { Ledger, type LetterPlace, type LetterState, type Settlement } from './ledger.ts';
export { factsOf, type LetterFacts, LetterHeader, type Origin, ownHeaders } from './letter.ts';
export { type RedriveOptions, redrive, unfinishedRedrive } from './redrive.ts';
export {
  chooser,
  type Letter,
  type LetterChoice,
  letterSelect,
  readLetters,
  targetOf,
} from './scan.ts';

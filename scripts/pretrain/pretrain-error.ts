/** Something that the user of `npm run demo:train` can mend. One line, which says how. */
export class PretrainError extends Error {}

/** A training that was stopped: what it did is saved. */
export class PretrainStopped extends Error {}

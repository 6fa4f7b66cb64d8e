/** Something that the user of `npm run evidence` can mend. The message says how. */
export class EvidenceError extends Error {}

/** Ctrl-C: finished images are kept. */
export class EvidenceStopped extends Error {}

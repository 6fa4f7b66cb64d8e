/** The user pressed Ctrl-C. What was finished is kept. */
export class Interrupted extends Error {}

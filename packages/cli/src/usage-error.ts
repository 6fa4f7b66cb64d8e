/** Flags or arguments that fit no command. */
export class UsageError extends Error {}

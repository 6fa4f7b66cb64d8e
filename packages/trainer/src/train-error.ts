/** Something a training run was given, or came to, that it cannot go on with; the message says what would be right. */
export class TrainError extends Error {
  override readonly name: string = 'TrainError';
}

/** What a run came to though nothing that it was given is wrong: a lost process, a full disk, a loss that is no number. */
export class RunFailure extends TrainError {
  override readonly name = 'RunFailure';
}

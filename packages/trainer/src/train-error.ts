/** Something a training run was given, or came to, that it cannot go on with; the message says what would be right. */
export class TrainError extends Error {
  override readonly name: string = 'TrainError';
}

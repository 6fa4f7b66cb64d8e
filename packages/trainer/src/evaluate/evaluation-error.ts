/** Images, masks or captions that cannot be evaluated: the message says what came and what was wanted. */
export class EvaluationError extends Error {
  override readonly name = 'EvaluationError';
}

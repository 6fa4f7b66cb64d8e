/** TensorFlow's status codes (tensorflow/c/tf_status.h), by number. */
const CODES = [
  'ok',
  'cancelled',
  'unknown',
  'invalid-argument',
  'deadline-exceeded',
  'not-found',
  'already-exists',
  'permission-denied',
  'resource-exhausted',
  'failed-precondition',
  'aborted',
  'out-of-range',
  'unimplemented',
  'internal',
  'unavailable',
  'data-loss',
  'unauthenticated',
] as const;

/** What went wrong: TensorFlow's status code, or `usage` for a call that the engine itself refuses. */
export type EngineErrorCode = (typeof CODES)[number] | 'usage';

/** Details that an {@link EngineError} carries beside its message. */
export interface EngineErrorDetails {
  readonly code: EngineErrorCode;
  /** TensorFlow operation, or the name of a compiled function. */
  readonly op?: string;
  readonly device?: string;
  readonly inputShapes?: readonly (readonly number[])[];
}

/**
 * Any failure of the engine. `code` is `resource-exhausted` when memory ran out; the process stays usable then: dispose
 * what is not needed and go on.
 */
export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  readonly op: string | undefined;
  readonly device: string | undefined;
  readonly inputShapes: readonly (readonly number[])[] | undefined;

  constructor(message: string, details: EngineErrorDetails) {
    super(message);
    this.code = details.code;
    this.op = details.op;
    this.device = details.device;
    this.inputShapes = details.inputShapes;
  }
}

/** Turn a TensorFlow status into an error that names op, device and input shapes. */
export function statusError(
  code: number,
  text: string,
  context: { op?: string; device?: string; inputShapes?: readonly (readonly number[])[] } = {},
): EngineError {
  const name = CODES[code] ?? 'unknown';
  const { op, device, inputShapes } = context;
  const shapes = inputShapes?.map((shape) => `[${shape.join(',')}]`).join(' ');
  const where = [op ?? 'engine', device && `on ${device}`, shapes && `inputs ${shapes}`].filter(Boolean).join(' ');
  const advice =
    name === 'resource-exhausted'
      ? ' Memory ran out: use a smaller batch, lower precision or gradient checkpointing, or raise memoryLimitMiB.'
      : '';
  return new EngineError(`${where}: ${text || name} (${name}).${advice}`, { code: name, ...context });
}

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
  readonly op?: string | undefined;
  readonly device?: string | undefined;
  readonly inputShapes?: readonly (readonly number[])[] | undefined;
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
export function statusError(code: number, text: string, context: Omit<EngineErrorDetails, 'code'> = {}): EngineError {
  const name = CODES[code] ?? 'unknown';
  const { op, device, inputShapes } = context;
  const lost = lostProcess(text);
  if (lost !== null) return new EngineError(`${op ?? 'engine'}: ${lost} (${name}).`, { code: name, ...context });
  const shapes = inputShapes?.map((shape) => `[${shape.join(',')}]`).join(' ');
  const where = [op ?? 'engine', device && `on ${device}`, shapes && `inputs ${shapes}`].filter(Boolean).join(' ');
  const advice =
    name === 'resource-exhausted'
      ? ' Memory ran out: use a smaller batch, lower precision or gradient checkpointing, or raise memoryLimitMiB.'
      : '';
  return new EngineError(`${where}: ${text || name} (${name}).${advice}`, { code: name, ...context });
}

/** What a failed all-reduce has to say, without the remarks that TensorFlow's text adds; null for any other failure. */
function lostProcess(text: string): string | null {
  const reason = /Collective ops is aborted by: (.*)/.exec(text)?.[1];
  if (reason === undefined) return null;
  const task = /remote target \/job:\w+\/replica:\d+\/task:(\d+)/.exec(text)?.[1];
  const who = task === undefined ? '' : `process ${task} of the cluster was lost: `;
  return `the all-reduce with the other processes ended: ${who}${reason}. None of them can go on: start all of them again`;
}

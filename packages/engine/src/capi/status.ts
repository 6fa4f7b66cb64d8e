import { type EngineError, statusError } from '../errors.js';
import type { Native, Pointer } from './native.js';

type Context = Parameters<typeof statusError>[2];

/** A reusable `TF_Status`. One belongs to the main thread; a call on a worker thread takes one of its own. */
export class Status {
  readonly pointer: Pointer;

  constructor(private readonly native: Native) {
    this.pointer = native.TF_NewStatus!();
  }

  /** The error that the last call left here, or null. @param context or a function that gives it, if it takes time to find */
  error(context?: Context | (() => Context)): EngineError | null {
    const code = this.native.TF_GetCode!(this.pointer) as number;
    if (code === 0) return null;
    const where = typeof context === 'function' ? context() : context;
    return statusError(code, this.native.TF_Message!(this.pointer) as string, where);
  }

  /** @throws EngineError if the last call failed. */
  check(context?: Context): void {
    const error = this.error(context);
    if (error !== null) throw error;
  }

  dispose(): void {
    this.native.TF_DeleteStatus!(this.pointer);
  }
}

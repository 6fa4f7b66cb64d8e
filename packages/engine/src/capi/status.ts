import { type EngineError, statusError } from '../errors.js';
import type { Native, Pointer } from './native.js';

/** A reusable `TF_Status`. One belongs to the main thread; a call on a worker thread takes one of its own. */
export class Status {
  readonly pointer: Pointer;

  constructor(private readonly native: Native) {
    this.pointer = native.TF_NewStatus!();
  }

  /** The error that the last call left here, or null. */
  error(context?: Parameters<typeof statusError>[2]): EngineError | null {
    const code = this.native.TF_GetCode!(this.pointer) as number;
    return code === 0 ? null : statusError(code, this.native.TF_Message!(this.pointer) as string, context);
  }

  /** @throws EngineError if the last call failed. */
  check(context?: Parameters<typeof statusError>[2]): void {
    const error = this.error(context);
    if (error !== null) throw error;
  }

  dispose(): void {
    this.native.TF_DeleteStatus!(this.pointer);
  }
}

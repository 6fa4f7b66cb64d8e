import { Interrupted } from '../interrupted.js';

/** Ctrl-C as a signal to stop after the current step. */
export interface InterruptWatch {
  readonly signal: AbortSignal;
  /** Give Ctrl-C its usual meaning back. */
  stop(): void;
}

/**
 * Listen for Ctrl-C (and a request to end): the first one aborts the signal with {@link Interrupted}, a second one ends the process.
 * @param onFirst told once, e.g. to say that the step is being finished
 */
export function watchInterrupts(onFirst: () => void): InterruptWatch {
  const controller = new AbortController();
  const handle = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interrupted('interrupted'));
    onFirst();
  };
  process.on('SIGINT', handle);
  process.on('SIGTERM', handle);
  return {
    signal: controller.signal,
    stop() {
      process.off('SIGINT', handle);
      process.off('SIGTERM', handle);
    },
  };
}

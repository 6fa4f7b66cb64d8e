import { Interrupted } from '../interrupted.js';

/** Ctrl-C as a signal to stop after the current step. */
export interface InterruptWatch {
  readonly signal: AbortSignal;
  /** Give Ctrl-C its usual meaning back. */
  stop(): void;
}

/**
 * Milliseconds within which a second signal is the first one come by another way: what is sent to a group of processes reaches this
 * one directly, and again from the one that started it and passes its signals on.
 */
const SAME_SIGNAL = 500;

/**
 * Listen for Ctrl-C (and a request to end): the first one aborts the signal with {@link Interrupted}, a second one ends the process.
 * @param onFirst told once, e.g. to say that the step is being finished
 * @param now clock in milliseconds
 */
export function watchInterrupts(onFirst: () => void, now: () => number = () => performance.now()): InterruptWatch {
  const controller = new AbortController();
  let first = 0;
  const handle = (): void => {
    if (controller.signal.aborted) {
      if (now() - first >= SAME_SIGNAL) process.exit(130);
    } else {
      first = now();
      controller.abort(new Interrupted('interrupted'));
      onFirst();
    }
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

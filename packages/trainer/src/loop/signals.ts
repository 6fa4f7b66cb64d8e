/** What the user asked of a running training. */
export interface Requests {
  /** Aborted when training is to stop after this step and save. */
  readonly stop: AbortSignal;
  /** Whether a checkpoint was asked for since the last call. */
  takeSave(): boolean;
  /** Give the signals their usual meaning back. */
  close(): void;
}

/**
 * Listen: USR1 asks for `last.ckpt`, USR2 for a debugger; Ctrl-C and a request to end stop training, and a second one ends the
 * process at once.
 * @param onDebug called at USR2; default: nothing happens
 */
export function watchSignals(onDebug: () => void = () => undefined): Requests {
  const controller = new AbortController();
  let save = false;
  const onSave = (): void => {
    save = true;
  };
  const onStop = (): void => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort();
  };
  process.on('SIGUSR1', onSave);
  process.on('SIGUSR2', onDebug);
  process.on('SIGINT', onStop);
  process.on('SIGTERM', onStop);
  return {
    stop: controller.signal,
    takeSave: () => {
      const asked = save;
      save = false;
      return asked;
    },
    close: () => {
      process.off('SIGUSR1', onSave);
      process.off('SIGUSR2', onDebug);
      process.off('SIGINT', onStop);
      process.off('SIGTERM', onStop);
    },
  };
}

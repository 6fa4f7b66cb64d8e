/** What the user asked of a running training. */
export interface Requests {
  /** Aborted when training is to stop after this step and save. */
  readonly stop: AbortSignal;
  /** Whether a checkpoint was asked for since the last call. */
  takeSave(): boolean;
  /** Give the signals their usual meaning back. */
  close(): void;
}

/** Listen: USR1 asks for `last.ckpt`, Ctrl-C and a request to end stop training; a second one ends the process at once. */
export function watchSignals(): Requests {
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
      process.off('SIGINT', onStop);
      process.off('SIGTERM', onStop);
    },
  };
}

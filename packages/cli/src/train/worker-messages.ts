/** What a process that trains with others is told when it is started, in {@link TASK_VARIABLE}. */
export interface WorkerTask {
  readonly rank: number;
  /** Addresses of all of them. */
  readonly tasks: readonly string[];
  /** As the engine of the process names it. */
  readonly device: string;
  /** When the command was given, in milliseconds: the name of the run's folder. */
  readonly now: number;
}

/** Environment variable that makes a `codiff train` one of several. */
export const TASK_VARIABLE = 'CODIFF_TRAIN_WORKER';

/** From the process that watches. */
export type ToWorker =
  /** All are ready. */
  | { readonly kind: 'go' }
  /** Stop after this step and save; write a checkpoint. */
  | { readonly kind: 'stop' }
  | { readonly kind: 'save' }
  /** To the first process: a line to show for another one. */
  | { readonly kind: 'show'; readonly line: string }
  /** Another one is gone: waiting for it is in vain. */
  | { readonly kind: 'lost'; readonly message: string }
  /** All are done. */
  | { readonly kind: 'end' };

/** To the process that watches. */
export type FromWorker =
  | { readonly kind: 'ready' | 'done' }
  /** Something that the first process does not know of. */
  | { readonly kind: 'warning'; readonly message: string }
  /** @param given whether it is about what the command was given */
  | { readonly kind: 'failed'; readonly message: string; readonly given: boolean };

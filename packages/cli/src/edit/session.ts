import { EngineError, type EngineInfo } from '@codiff/engine';
import { watchInterrupts } from '../generate/interrupt.js';
import { Progress } from '../generate/progress.js';
import type { Request } from '../generate/request.js';
import { type Cores, startEngine } from '../generate/start-engine.js';
import { InputError } from '../input-error.js';
import { Interrupted } from '../interrupted.js';

/** How an edit is computed, and how much it says. */
export type EngineRequest = Pick<Request, 'precision' | 'device' | 'memoryLimit' | 'quiet'>;

/** What all parts of an edit share. */
export interface EditSession {
  readonly info: EngineInfo;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Tell the user a line. */
  readonly note: (text: string) => void;
  /** A progress bar of so many steps. */
  readonly progress: (total: number) => Progress;
}

/**
 * Start the engine, and run an edit that Ctrl-C can stop.
 * @param cores how they are used; one operation at a time on all of them by default
 * @throws Interrupted after Ctrl-C, InputError if memory is short, and whatever the body throws
 */
export async function inSession<T>(
  request: EngineRequest,
  body: (session: EditSession) => Promise<T>,
  cores?: Cores,
): Promise<T> {
  const { quiet } = request;
  const note = (text: string): void => {
    if (!quiet) process.stderr.write(`${text}\n`);
  };
  const watch = watchInterrupts(() => note('\nstopping after this step (Ctrl-C again: at once)'));
  try {
    const info = await startEngine(request, cores);
    const progress = (total: number) => new Progress(total, process.stderr, quiet);
    return await body({ info, signal: watch.signal, note, progress });
  } catch (error) {
    // Whatever an interruption stopped first: it is one.
    if (watch.signal.aborted) throw new Interrupted('stopped; what is finished is kept, and the same command goes on');
    if (!(error instanceof EngineError) || error.code !== 'resource-exhausted') throw error;
    throw new InputError(
      'the edit does not fit into memory; wanted a machine with more, or --precision bfloat16 on a CPU',
      { cause: error },
    );
  } finally {
    watch.stop();
  }
}

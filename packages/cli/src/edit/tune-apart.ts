import type { ChildProcess } from 'node:child_process';
import { RunFailure } from '@codiff/trainer';
import { forkModule } from '../fork-module.js';
import { InputError } from '../input-error.js';
import { Interrupted } from '../interrupted.js';
import { UsageError } from '../usage-error.js';
import type { BothRequests, TunedBoth } from './tune-both.js';

/** How tuning ended. */
export type TuneAnswer =
  | ({ readonly kind: 'tuned' } & TunedBoth)
  | {
      readonly kind: 'interrupted' | 'usage' | 'input' | 'failed';
      readonly message: string;
      readonly stack?: string | undefined;
    };

const STOPPED = 'stopped; what is finished is kept, and the same command goes on';

/**
 * Edit an image by text and by mask in a process of its own: a process has threads for one number of branches, and tuning wants
 * all of them for one model, sampling both models together some for each. Its memory is free, too, when it is done.
 * @throws what {@link import('./tune-both.js').tuneBoth} does
 */
export async function tuneApart(requests: BothRequests): Promise<TunedBoth> {
  const child = forkModule('./tune-child', import.meta.url);
  // A terminal sends Ctrl-C to both; the child takes what comes twice at once for one.
  const pass = (signal: NodeJS.Signals): void => void child.kill(signal);
  process.on('SIGINT', pass);
  process.on('SIGTERM', pass);
  try {
    const answer = await answerOf(child, requests);
    if (answer.kind === 'tuned') return answer;
    throw errorOf(answer);
  } finally {
    process.off('SIGINT', pass);
    process.off('SIGTERM', pass);
  }
}

/** What the child says, once it has ended: only then its memory is free. */
function answerOf(child: ChildProcess, requests: BothRequests): Promise<TuneAnswer> {
  return new Promise((resolve, reject) => {
    let answer: TuneAnswer | undefined;
    child.once('message', (message: TuneAnswer) => {
      answer = message;
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (answer !== undefined) resolve(answer);
      else if (code === 130 || signal === 'SIGINT' || signal === 'SIGTERM') reject(new Interrupted(STOPPED));
      else {
        const how = signal === null ? `ended with code ${code}` : `was ended by ${signal}`;
        reject(
          new RunFailure(`the process that tunes ${how}; what it has saved is kept, and the same command goes on`),
        );
      }
    });
    child.send(requests);
  });
}

function errorOf(answer: Exclude<TuneAnswer, { kind: 'tuned' }>): Error {
  if (answer.kind === 'interrupted') return new Interrupted(answer.message);
  if (answer.kind === 'usage') return new UsageError(answer.message);
  if (answer.kind === 'input') return new InputError(answer.message);
  const error = new Error(answer.message);
  // Where it came from is in that process.
  error.stack = answer.stack ?? answer.message;
  return error;
}

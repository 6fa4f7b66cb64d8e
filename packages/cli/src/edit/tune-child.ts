import { Interrupted } from '../interrupted.js';
import { isAboutInput, UsageError } from '../usage-error.js';
import type { TuneAnswer } from './tune-apart.js';
import { type BothRequests, tuneBoth } from './tune-both.js';

/** What went wrong, for the process that tells it. */
function failure(error: unknown): TuneAnswer {
  const [message, stack] = error instanceof Error ? [error.message, error.stack] : [String(error), undefined];
  if (error instanceof Interrupted) return { kind: 'interrupted', message };
  if (error instanceof UsageError) return { kind: 'usage', message };
  return isAboutInput(error) ? { kind: 'input', message } : { kind: 'failed', message, stack };
}

process.once('message', async (requests: BothRequests) => {
  // Without the process that started this one nobody would know of it: then it does what a request to end does.
  const orphaned = (): boolean => process.kill(process.pid, 'SIGTERM');
  process.once('disconnect', orphaned);
  let answer: TuneAnswer;
  try {
    answer = { kind: 'tuned', ...(await tuneBoth(requests)) };
  } catch (error) {
    answer = failure(error);
  }
  process.off('disconnect', orphaned);
  if (process.connected) process.send!(answer, () => process.disconnect());
});

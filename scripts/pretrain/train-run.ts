import { codiff } from './codiff-child.js';
import { PretrainError, PretrainStopped } from './pretrain-error.js';
import { chooseRun, type EarlierRun } from './run-to-resume.js';
import { commandLine, type PretrainStage, resumeCommand, trainCommand } from './stage-table.js';

/**
 * Bring a stage's training to its end, from where its newest run stopped.
 * @param anew begin with no regard to earlier runs @param say takes a line
 * @returns the finished run
 * @throws PretrainStopped after Ctrl-C, PretrainError where training failed
 */
export async function finishRun(
  stage: PretrainStage,
  { root, anew, say }: { readonly root: string; readonly anew: boolean; readonly say: (line: string) => void },
): Promise<EarlierRun> {
  const earlier = anew ? { run: null, why: 'asked for by --force' } : await chooseRun(stage, root);
  if (earlier.run?.finished) {
    say(`${stage.name}: ${earlier.run.folder} is finished`);
    return earlier.run;
  }
  const words = earlier.run === null ? trainCommand(stage) : resumeCommand(earlier.run.folder);
  say(
    earlier.run === null
      ? `${stage.name}: training begins (${earlier.why})`
      : `${stage.name}: training goes on from step ${earlier.run.steps} of ${stage.steps}`,
  );
  say(commandLine(words));
  const { code } = await codiff(root, words);
  const { run } = await chooseRun(stage, root);
  if (run?.finished) return run;
  const where = run === null ? 'before its first step' : `after step ${run.steps} of ${stage.steps}`;
  // `codiff train` ends with 0 where it was asked to stop.
  if (code === 0 || code === 130) throw new PretrainStopped(`${stage.name} stopped ${where}`);
  throw new PretrainError(`${stage.name}: 'codiff train' ended with ${code ?? 'a signal'} ${where}; see above`);
}

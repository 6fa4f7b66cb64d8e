/** A small training run in a folder: starts, or goes on where a checkpoint says. Arguments: folder, steps. */
import { once } from 'node:events';
import { join } from 'node:path';
import { useEngine } from '@codiff/engine';
import { initParams } from '@codiff/ldm-core';
import { BEGINNING, CheckpointKeeper, lockRun, openJsonLines, train, watchSignals } from '../../src/index.js';
import { syntheticSource } from '../synthetic-source.js';
import { tinyDiffusion } from '../tiny-models.js';

const [folder, steps] = [process.argv[2]!, Number(process.argv[3])];
await useEngine({ device: 'cpu', deterministic: true, threads: 1 });
// Started ahead of time, it waits here for its turn.
await once(process.stdin, 'data');
process.stdin.destroy();
const unlock = await lockRun(folder);
const { training, specs } = tinyDiffusion('mask', { accumulate: 2, clipNorm: 1 }, { use_ema: true });
const checkpoints = join(folder, 'checkpoints');
const ranking = { keep: 2, mode: 'min' } as const;
const keeper = new CheckpointKeeper({ folder: checkpoints, training, specs, seed: 1, config: {}, ranking });
const restored = await keeper.restoreNewest();
const progress = restored?.record.progress ?? BEGINNING;
const log = await openJsonLines(join(folder, 'log.jsonl'), { step: progress.globalStep + 1 });
const requests = watchSignals();
const end = await train({
  training,
  divided: restored?.divided ?? training.divide(initParams(specs, 1)),
  progress,
  seed: 1,
  train: syntheticSource(7),
  validation: syntheticSource(1),
  monitor: 'val/loss_simple_ema',
  accumulate: 2,
  rates: { 'lr-AdamW': 1e-3 },
  lrFactor: (step) => 1 / (1 + step / 50),
  keeper,
  log,
  folder,
  limits: { maxSteps: steps },
  logEvery: 1,
  saveEvery: 1,
  requests,
  onEvent: (event) => {
    if (event.kind === 'warning') process.stderr.write(`${event.message}\n`);
    if (event.kind === 'step') process.stdout.write(`${JSON.stringify(event.progress)}\n`);
  },
});
await log.close();
requests.close();
await unlock();
process.stdout.write(`${end.why}\n`);

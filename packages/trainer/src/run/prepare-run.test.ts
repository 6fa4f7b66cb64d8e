import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initParams } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyDiffusion } from '../../test/tiny-models.js';
import { CheckpointKeeper } from '../checkpoint/keeper.js';
import type { Progress } from '../checkpoint/progress.js';
import type { AllReduce } from '../parallel/team-place.js';
import { beginRun } from './prepare-run.js';

const folder = mkdtempSync(join(tmpdir(), 'prepare-run-'));
beforeAll(() => tf.setBackend('cpu'));
afterAll(() => rmSync(folder, { recursive: true }));

const tiny = tinyDiffusion('text');
const PLACE: Progress = { epoch: 1, batch: 2, globalStep: 12, batches: 12 };

const keeperOf = (at: string, branches?: number) =>
  new CheckpointKeeper({
    ...{ folder: at, training: tiny.training, specs: tiny.specs, seed: 3, config: {} },
    ...(branches === undefined ? {} : { branches }),
  });

/** Save with some branches (undefined: as earlier releases did), and go on with others. @returns the warnings */
async function resume(before: number | undefined, now: number, rank?: number): Promise<string[]> {
  const checkpoints = mkdtempSync(join(folder, 'run-'));
  await keeperOf(checkpoints, before).saveLast(tiny.training.divide(initParams(tiny.specs, 1)), PLACE);
  const warnings: string[] = [];
  const allReduce: AllReduce = (tensors) => [...tensors];
  const { progress } = await beginRun(
    {
      run: { folder: checkpoints, checkpoints, configs: checkpoints, testtube: checkpoints, now: '' },
      resume: { checkpoint: null },
      branches: now,
      ...(rank === undefined ? {} : { team: { rank, world: 1, allReduce } }),
      onNote: () => undefined,
      onEvent: (event) => {
        if (event.kind === 'warning') warnings.push(event.message);
      },
    },
    { training: tiny.training, specs: tiny.specs, startingPoints: [] },
    keeperOf(checkpoints, now),
    () => {
      throw new Error('nothing is measured');
    },
    { seed: 3, settings: { accumulate: 1, batchSize: 2 } },
  );
  expect(progress).toEqual(PLACE);
  return warnings;
}

describe('a resumed run', () => {
  it('warns where batches have other parts than before', async () => {
    expect(await resume(2, 1)).toEqual([
      'until here batches were computed in 2 part(s), from here on in 1 (number of cores, batch size and model decide it): the curve goes on, but not with the very bits that 2 would have given',
    ]);
    expect(await resume(1, 4)).toHaveLength(1);
    // The first process speaks for all.
    expect(await resume(2, 1, 1)).toEqual([]);
  });

  it('says nothing where they have as many, or nobody knows', async () => {
    expect(await resume(2, 2)).toEqual([]);
    expect(await resume(undefined, 2)).toEqual([]);
  });
});

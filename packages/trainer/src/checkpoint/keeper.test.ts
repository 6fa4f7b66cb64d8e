import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@codiff/engine';
import { initParams, tensorsOf } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tinyDiffusion } from '../../test/tiny-models.js';
import { CheckpointKeeper } from './keeper.js';
import type { Progress } from './progress.js';
import { readRunRecord } from './run-checkpoint.js';

beforeAll(() => useEngine({ device: 'cpu', deterministic: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'keeper-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const at = (epoch: number, batch = 0): Progress => ({
  epoch,
  batch,
  globalStep: 10 * epoch + batch,
  batches: 10 * epoch + batch,
});

function keeperOf({ training, specs } = tinyDiffusion('text'), keep = 2) {
  const config = { model: { target: 'tiny' } };
  return new CheckpointKeeper({ folder, training, specs, seed: 4, config, ranking: { keep, mode: 'min' } });
}

const weights = (tiny = tinyDiffusion('text')) => tiny.training.divide(initParams(tiny.specs, 1));

describe('CheckpointKeeper', () => {
  it('brings back every tensor to the bit, with what the run remembers', async () => {
    const tiny = tinyDiffusion('text', { accumulate: 2 }, { use_ema: true });
    const keeper = keeperOf(tiny);
    const divided = weights(tiny);
    const moments = divided.state.groups.model!.optim.m;
    for (const [i, [key, tensor]] of [...moments].entries()) {
      moments.set(key, tf.add(tensor, (i + 1) / 3));
      tensor.dispose();
    }
    await keeper.saveLast(divided, at(1, 3));
    const held = tf.memory().numTensors;
    const restored = (await keeperOf(tiny).restoreNewest())!;
    const [before, after] = [
      tensorsOf([divided.frozen, divided.state]),
      tensorsOf([restored.divided.frozen, restored.divided.state]),
    ];
    expect(after.length).toBe(before.length);
    expect(tf.memory().numTensors).toBe(held + after.length);
    for (const [i, tensor] of before.entries()) {
      expect([after[i]!.shape, after[i]!.dtype]).toEqual([tensor.shape, tensor.dtype]);
      expect(
        Buffer.from((await after[i]!.data()).slice().buffer).equals(Buffer.from((await tensor.data()).slice().buffer)),
      ).toBe(true);
    }
    expect(restored.record).toEqual({
      version: 1,
      progress: at(1, 3),
      seed: 4,
      best: [],
      config: { model: { target: 'tiny' } },
    });
    const file = await openCheckpointFile(join(folder, 'last.ckpt'));
    expect([...file.tensors.keys()].sort()).toEqual([...tiny.specs.keys()].sort());
    await file.close();
  });

  it('keeps the best epochs and the last, and finds the newest', async () => {
    const keeper = keeperOf();
    const divided = weights();
    for (const [i, score] of [3, 1, 2, 9].entries()) await keeper.saveEpoch(divided, at(i + 1), score);
    expect(readdirSync(folder).sort()).toEqual(['epoch=000001.ckpt', 'epoch=000002.ckpt', 'last.ckpt']);
    expect((await readRunRecord(join(folder, 'epoch=000001.ckpt'))).progress).toEqual(at(2));
    const restored = await keeperOf().restoreNewest();
    expect(restored!.record.progress).toEqual(at(4));
    expect(restored!.record.best.map(({ file }) => file)).toEqual(['epoch=000001.ckpt', 'epoch=000002.ckpt']);
    await keeper.saveTrainStep(divided, at(4));
    expect(readdirSync(join(folder, 'trainstep_checkpoints'))).toEqual(['epoch=000004-step=000000040.ckpt']);
    expect(await keeperOf().restoreNewest()).not.toBeNull();
  });

  it('passes over files that are cut off, and says so', async () => {
    const keeper = keeperOf();
    const divided = weights();
    await keeper.saveEpoch(divided, at(1), 1);
    await keeper.saveLast(divided, at(1, 5));
    truncateSync(join(folder, 'last.ckpt'), statSync(join(folder, 'last.ckpt')).size - 1000);
    writeFileSync(join(folder, '.last.ckpt.0.tmp'), 'half');
    const restored = (await keeperOf().restoreNewest())!;
    expect(restored.record.progress).toEqual(at(1));
    expect(restored.skipped.map(({ file }) => file)).toEqual(['last.ckpt']);
    expect(readdirSync(folder)).not.toContain('.last.ckpt.0.tmp');
    truncateSync(join(folder, 'epoch=000000.ckpt'), 100);
    await expect(keeperOf().restoreNewest()).rejects.toThrow('none of the 2 checkpoints can be resumed from');
  });

  it('passes over a file with a flipped bit', async () => {
    const keeper = keeperOf();
    const divided = weights();
    await keeper.saveEpoch(divided, at(1), 1);
    await keeper.saveLast(divided, at(1, 5));
    const bytes = readFileSync(join(folder, 'last.ckpt'));
    bytes[Math.floor(bytes.length / 2)]! ^= 1;
    writeFileSync(join(folder, 'last.ckpt'), bytes);
    const restored = (await keeperOf().restoreNewest())!;
    expect(restored.record.progress).toEqual(at(1));
    expect(restored.skipped[0]!.problem).toMatch(/checksum/i);
  });

  it("gives the last checkpoint the epoch's name if the run was killed before that", async () => {
    const keeper = keeperOf();
    await keeper.saveEpoch(weights(), at(1), 1);
    rmSync(join(folder, 'epoch=000000.ckpt'));
    await keeperOf().restoreNewest();
    expect(readdirSync(folder).sort()).toEqual(['epoch=000000.ckpt', 'last.ckpt']);
  });

  it('finds nothing in an empty folder, or in none', async () => {
    expect(await keeperOf().restoreNewest()).toBeNull();
    rmSync(folder, { recursive: true });
    expect(await keeperOf().restoreNewest()).toBeNull();
    mkdirSync(folder);
  });

  it("refuses another model's checkpoint, one without optimizers, and other optimizers", async () => {
    await keeperOf().saveLast(weights(), at(1));
    const path = join(folder, 'last.ckpt');
    const other = tinyDiffusion('mask');
    await expect(keeperOf(other).restore(path)).rejects.toThrow(/missing|unexpected/);
    const held = tf.memory().numTensors;
    await expect(keeperOf(tinyDiffusion('text', { accumulate: 2 })).restore(path)).rejects.toThrow(
      'the optimizers are not those of this run',
    );
    expect(tf.memory().numTensors).toBe(held);
    await keeperOf().saveTrainStep(weights(), at(1));
    const [name] = readdirSync(join(folder, 'trainstep_checkpoints'));
    await expect(keeperOf().restore(join(folder, 'trainstep_checkpoints', name!))).rejects.toThrow(
      'holds weights, but no state of a training run',
    );
  });

  it('leaves the old checkpoint where the new one does not fit', async () => {
    const keeper = keeperOf();
    const divided = weights();
    await keeper.saveEpoch(divided, at(1), 1);
    const before = readFileSync(join(folder, 'last.ckpt'));
    const [first] = divided.frozen.keys();
    const broken = { ...divided, frozen: divided.frozen.filter((key) => key !== first) };
    await expect(keeper.saveEpoch(broken, at(2), 0)).rejects.toThrow('paramsToWrite');
    expect(readFileSync(join(folder, 'last.ckpt')).equals(before)).toBe(true);
    expect(keeper.best.map(({ score }) => score)).toEqual([1]);
    expect(readdirSync(folder).sort()).toEqual(['epoch=000000.ckpt', 'last.ckpt']);
  });
});

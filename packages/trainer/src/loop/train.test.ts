import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compile, useEngine } from '@codiff/engine';
import { initParams } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { syntheticSource } from '../../test/synthetic-source.js';
import { tinyDiffusion } from '../../test/tiny-models.js';
import { CheckpointKeeper } from '../checkpoint/keeper.js';
import { BEGINNING } from '../checkpoint/progress.js';
import { type LogLine, openJsonLines, readLogLines } from '../log/json-lines.js';
import { train } from './train.js';
import type { ImageWriter, TrainEvent, TrainRun } from './train-run.js';

beforeAll(() => useEngine({ device: 'cpu', deterministic: true }));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'train-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Start a run in a folder, or go on there. */
async function start(change: Partial<TrainRun> = {}, at = folder) {
  const tiny = tinyDiffusion('text', { accumulate: change.accumulate ?? 1 });
  const { training, specs } = tiny;
  const keeper = new CheckpointKeeper({ folder: join(at, 'checkpoints'), training, specs, seed: 2, config: {} });
  const restored = await keeper.restoreNewest();
  const progress = restored?.record.progress ?? BEGINNING;
  const log = await openJsonLines(join(at, 'log.jsonl'), { step: progress.globalStep + 1 });
  const events: TrainEvent[] = [];
  const run: TrainRun = {
    training,
    divided: restored?.divided ?? training.divide(initParams(specs, 1)),
    progress,
    seed: 2,
    train: syntheticSource(3),
    validation: syntheticSource(2),
    monitor: 'val/loss_simple',
    rates: { 'lr-AdamW': 1e-3 },
    keeper,
    log,
    folder: at,
    logEvery: 1,
    onEvent: (event) => events.push(event),
    ...change,
  };
  try {
    const end = await train(run);
    return { end, events, lines: await readLogLines(join(at, 'log.jsonl')) };
  } finally {
    await log.close();
  }
}

const valuesOf = (line: LogLine) => ('scalars' in line ? line.scalars : {});
const files = () => readdirSync(join(folder, 'checkpoints')).sort();

describe('train', () => {
  it('takes epochs of steps, validation and checkpoints, in this order', async () => {
    const { end, events, lines } = await start({ limits: { maxEpochs: 2 }, lrFactor: (step) => 1 / (step + 1) });
    expect(end.why).toBe('epochs');
    expect(end.progress).toEqual({ epoch: 2, batch: 0, globalStep: 6, batches: 6 });
    const epoch = ['step', 'pace', 'step', 'pace', 'step', 'pace', 'epoch', 'validation', 'saved'];
    expect(events.map(({ kind }) => kind)).toEqual([...epoch, ...epoch]);
    expect(files()).toEqual(['epoch=000000.ckpt', 'epoch=000001.ckpt', 'last.ckpt']);
    expect(lines.map(({ step }) => step)).toEqual([1, 2, 3, 3, 4, 5, 6, 6]);
    expect(valuesOf(lines[2]!)['lr-AdamW']).toBeCloseTo(1e-3 / 3, 9);
    expect(Object.keys(valuesOf(lines[3]!))).toContain('val/loss_simple_ema');
    expect(valuesOf(lines[0]!)['speed/images_per_second']).toBeGreaterThan(0);
  });

  it('logs learning rates with the first step of each epoch where told to', async () => {
    const { lines } = await start({ limits: { maxEpochs: 2 }, logRates: 'epoch' });
    expect(lines.filter((line) => 'lr-AdamW' in valuesOf(line)).map(({ step }) => step)).toEqual([1, 4]);
  });

  it('updates after groups of batches, and after the shorter group that ends an epoch', async () => {
    const { end } = await start({ accumulate: 2, limits: { maxEpochs: 2 } });
    expect(end.progress).toMatchObject({ globalStep: 4, batches: 6 });
  });

  it('goes on in the middle of an epoch as if it had never stopped, compiled, to the bit', async () => {
    const [whole, parts] = [mkdtempSync(join(folder, 'a')), mkdtempSync(join(folder, 'b'))];
    const upTo = (maxSteps: number, at: string) =>
      start({ compile, monitor: null, validation: undefined, limits: { maxSteps } }, at);
    const straight = await upTo(5, whole);
    await upTo(2, parts);
    const resumed = await upTo(5, parts);
    const curve = (lines: readonly LogLine[]) =>
      lines.map((line) => [line.step, Object.entries(valuesOf(line)).filter(([name]) => !name.startsWith('speed/'))]);
    expect(curve(resumed.lines)).toEqual(curve(straight.lines));
    const last = (at: string) => readFileSync(join(at, 'checkpoints', 'last.ckpt'));
    expect(last(parts).equals(last(whole))).toBe(true);
  });

  it('stops when time is up or it is asked to, and saves', async () => {
    expect((await start({ limits: { maxSeconds: 0 } })).end).toMatchObject({ why: 'time', progress: BEGINNING });
    const controller = new AbortController();
    const { end } = await start({
      requests: { stop: controller.signal, takeSave: () => false },
      onEvent: () => controller.abort(),
    });
    expect(end).toMatchObject({ why: 'asked', progress: { batches: 1 } });
    expect(files()).toEqual(['last.ckpt']);
  });

  it('saves when asked to, every so many steps, and weights alone', async () => {
    let asked = true;
    const takeSave = () => {
      const answer = asked;
      asked = false;
      return answer;
    };
    const { events } = await start({
      train: syntheticSource(4),
      requests: { stop: new AbortController().signal, takeSave },
      saveEvery: 2,
      saveWeightsEvery: 3,
      limits: { maxEpochs: 1 },
    });
    const saved = events.flatMap((event) => (event.kind === 'saved' ? [event.progress.batches] : []));
    expect(saved).toEqual([1, 2, 3, 4]);
    expect(readdirSync(join(folder, 'checkpoints', 'trainstep_checkpoints'))).toEqual([
      'epoch=000000-step=000000003.ckpt',
    ]);
  });

  it('stops at a loss that is no number, keeps the batch, and does not save', async () => {
    const source = syntheticSource(3);
    const spoilt = {
      length: 3,
      async *epoch(epoch: number, from: number) {
        let index = from;
        for await (const batch of source.epoch(epoch, from)) {
          const image = { ...batch.image!, values: Float32Array.from(batch.image!.values).fill(Number.NaN) };
          yield index++ === 1 ? { ...batch, image } : batch;
        }
      },
    };
    await expect(start({ train: spoilt, validation: syntheticSource(1) })).rejects.toMatchObject({
      name: 'RunFailure',
      step: 1,
      names: ['train/loss_simple', 'train/loss_vlb', 'train/loss'],
    });
    expect(readdirSync(folder).sort()).toEqual(['log.jsonl', 'nonfinite-step=000000001.safetensors']);
    const batch = await openCheckpointFile(join(folder, 'nonfinite-step=000000001.safetensors'));
    expect(batch.tensors.get('image')!.shape).toEqual([2, 8, 8, 3]);
    await batch.close();
  });

  it('finds the very batch when values are read only later, and saves nothing in between', async () => {
    const source = syntheticSource(8);
    const spoilt = {
      length: 8,
      async *epoch(epoch: number, from: number) {
        let index = from;
        for await (const batch of source.epoch(epoch, from)) {
          const values = Float32Array.from(batch.image!.values).fill(Number.NaN);
          yield index++ >= 4 ? { ...batch, image: { ...batch.image!, values } } : batch;
        }
      },
    };
    const events: TrainEvent[] = [];
    const change = { train: spoilt, validation: undefined, monitor: null, logEvery: 50, saveEvery: 7 };
    const end = start({ ...change, onEvent: (event) => events.push(event) });
    await expect(end).rejects.toMatchObject({ step: 4 });
    expect(events.filter(({ kind }) => kind === 'step')).toHaveLength(4);
    expect(events.filter(({ kind }) => kind === 'saved')).toEqual([]);
    expect(readdirSync(folder).sort()).toEqual(['log.jsonl', 'nonfinite-step=000000004.safetensors']);
  });

  it('goes on when its log cannot be written, with a warning', async () => {
    const events: TrainEvent[] = [];
    const full = async () => {
      throw new Error('no space left on device');
    };
    const log = { scalars: full, image: full, text: full, close: async () => undefined };
    const { end } = await start({ log, limits: { maxSteps: 1 }, onEvent: (event) => events.push(event) });
    expect(end.progress.globalStep).toBe(1);
    expect(events).toContainEqual({ kind: 'warning', message: 'no log at step 1: no space left on device' });
  });

  it('takes pictures at its steps and of validation, and they change no bit of the run', async () => {
    const [plain, pictured] = [mkdtempSync(join(folder, 'a')), mkdtempSync(join(folder, 'b'))];
    const seen: [string, number, number, number][] = [];
    const images: ImageWriter = {
      async at({ split, globalStep, epoch, batchIndex }, divided, batch) {
        seen.push([split, globalStep, epoch, batchIndex]);
        expect(Object.keys(batch)).toContain('image');
        // Reading weights and drawing, as pictures do.
        for (const tensor of divided.state.groups.model!.params.values()) await tensor.data();
        if (globalStep === 1) throw new Error('no memory for pictures');
        return globalStep === 2 ? ['a.png'] : null;
      },
    };
    const events: TrainEvent[] = [];
    const limits = { maxEpochs: 1 };
    const without = await start({ compile, limits }, plain);
    await start({ compile, limits, images, onEvent: (event) => events.push(event) }, pictured);
    expect(seen).toEqual([
      ['train', 0, 0, 0],
      ['train', 1, 0, 0],
      ['train', 2, 0, 1],
      ['train', 3, 0, 2],
      ['val', 3, 0, 0],
      ['val', 3, 0, 1],
    ]);
    expect(events.flatMap((event) => (event.kind === 'images' ? event.files : []))).toEqual(['a.png']);
    expect(events).toContainEqual({ kind: 'warning', message: 'no images at step 1: no memory for pictures' });
    expect(without.end.progress.globalStep).toBe(3);
    const last = (at: string) => readFileSync(join(at, 'checkpoints', 'last.ckpt'));
    expect(last(pictured).equals(last(plain))).toBe(true);
  });

  it('saves what it has when the data fails, and goes on there', async () => {
    const failing = {
      length: 3,
      async *epoch(epoch: number, from: number) {
        for await (const batch of syntheticSource(3).epoch(epoch, from)) {
          yield batch;
          throw new Error('a damaged file');
        }
      },
    };
    await expect(start({ train: failing })).rejects.toThrow('a damaged file');
    const { end, lines } = await start({ limits: { maxSteps: 2 } });
    expect(end.progress.batches).toBe(2);
    expect(lines.map(({ step }) => step)).toEqual([1, 2]);
  });

  it('goes on when a checkpoint cannot be written, with a warning', async () => {
    const events: TrainEvent[] = [];
    let failures = 0;
    const tiny = tinyDiffusion('text');
    const keeper = new (class extends CheckpointKeeper {
      override async saveEpoch() {
        failures++;
        throw new Error('no space left on device');
      }
    })({ folder: join(folder, 'checkpoints'), ...tiny, seed: 2, config: {} });
    const { end } = await start({ keeper, limits: { maxEpochs: 2 }, onEvent: (event) => events.push(event) });
    expect([end.progress.epoch, failures]).toEqual([2, 2]);
    expect(events.filter(({ kind }) => kind === 'warning')).toEqual(
      [3, 6].map((step) => ({ kind: 'warning', message: `no checkpoint at step ${step}: no space left on device` })),
    );
    expect(files()).toEqual(['last.ckpt']);
  });

  it('says what is there still where the last checkpoint cannot be written', async () => {
    const keeper = new (class extends CheckpointKeeper {
      override async saveLast() {
        throw new Error('no space left on device');
      }
    })({ folder: join(folder, 'checkpoints'), ...tinyDiffusion('text'), seed: 2, config: {} });
    await expect(start({ keeper, limits: { maxSteps: 1 } })).rejects.toThrow(
      /done at step 1, but the checkpoint of it cannot be written: no space left on device\. There is none before it; make/,
    );
    const full = new (class extends CheckpointKeeper {
      override async saveLast(...[divided, progress]: Parameters<CheckpointKeeper['saveLast']>) {
        if (progress.globalStep > 1) throw new Error('no space left on device');
        await super.saveLast(divided, progress);
      }
    })({ folder: join(folder, 'checkpoints'), ...tinyDiffusion('text'), seed: 2, config: {} });
    await expect(start({ keeper: full, saveEvery: 1, limits: { maxSteps: 2 } })).rejects.toThrow(
      /done at step 2, .*The one before is still there; make room, and go on from it with --resume/,
    );
  });

  it('says before the first step that the monitor does not exist, or that there is no data', async () => {
    await expect(start({ monitor: 'val/los' })).rejects.toThrow("the monitor 'val/los' is not among");
    await expect(start({ train: syntheticSource(0) })).rejects.toThrow('has no batch');
    expect(readdirSync(folder)).toEqual(['log.jsonl']);
  });

  it('refuses data that ends before its epoch does', async () => {
    const short = { length: 5, epoch: (epoch: number, from: number) => syntheticSource(3).epoch(epoch, from) };
    await expect(start({ train: short })).rejects.toThrow('the data gave 3 batches in epoch 0, 5 were announced');
  });
});

import { makeSchedule, Rng, SamplerConfig, sampleDdim, sampleWith, seededNoise } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectFlat, expectTensors, flat, randn, useCpu } from '../test/support.js';
import { type Collaborator, collaborate } from './collaborate.js';
import { type MixEvent, mixDenoiser } from './mix-denoiser.js';
import { recordMixes } from './mix-recorder.js';

beforeAll(useCpu);

const schedule = makeSchedule({ linearStart: 0.0015, linearEnd: 0.0195 });

const constant = (name: string, eps: number, rule: Partial<Collaborator> = {}): Collaborator => ({
  name,
  eps: (x) => tf.fill(x.shape, eps),
  influence: (x) => tf.zeros([x.shape[0], x.shape[1], x.shape[2], 1]),
  ...rule,
});
const pair = [constant('seg_mask', 1, { scale: 3 }), constant('text', -1, { remainder: true })];
const at = { index: 0, total: 1, call: 0 };

describe('a mix as a denoiser', () => {
  it('gives samplers the mixed noise, and knows nothing of them', async () => {
    const xT = randn<tf.Rank.R4>([1, 2, 2, 3], 1);
    const wanted = await sampleDdim((x) => tf.fill(x.shape, 0.5), xT, { schedule, steps: 4 });
    const denoise = mixDenoiser(collaborate(pair));
    expectClose(await sampleDdim(denoise, xT, { schedule, steps: 4 }), wanted, 1e-5);
    for (const name of ['plms', 'dpmpp', 'heun'] as const) {
      const config = SamplerConfig.parse({ name, steps: 4 });
      const plain = await sampleWith(config, (x) => tf.fill(x.shape, 0.5), xT, { schedule });
      expectClose(await sampleWith(config, denoise, xT, { schedule }), plain, 1e-5);
    }
  });

  it('reports maps and branches with the step they belong to', async () => {
    const seen: [number, number, number][] = [];
    const onMix = ({ index, total, t, influence, branches }: MixEvent) => {
      seen.push([index, total, t]);
      expectFlat(influence.seg_mask, 0.75);
      expectFlat(branches.text, -1);
    };
    await sampleDdim(mixDenoiser(collaborate(pair), { onMix }), flat(0, 3), { schedule, steps: 4 });
    expect(seen).toEqual([
      [3, 4, 751],
      [2, 4, 501],
      [1, 4, 251],
      [0, 4, 1],
    ]);
  });

  it('leaves nothing behind, observed or not, and if the observer fails', async () => {
    const xT = flat(0, 3);
    const run = { schedule, steps: 3, eta: 1 };
    const noise = () => seededNoise(Rng.of(1));
    await expectTensors(1, () => sampleDdim(mixDenoiser(collaborate(pair)), xT, { ...run, noise: noise() }));
    const onMix = async ({ influence }: MixEvent) => {
      await influence.text!.data();
    };
    await expectTensors(1, () => sampleDdim(mixDenoiser(collaborate(pair), { onMix }), xT, { ...run, noise: noise() }));
    const failing = mixDenoiser(collaborate(pair), {
      onMix: () => {
        throw new Error('the disk is full');
      },
    });
    await expectTensors(0, () =>
      expect(sampleDdim(failing, xT, { ...run, noise: noise() })).rejects.toThrow('the disk is full'),
    );
  });
});

describe('manualProb', () => {
  const epsOf = async (manualProb: number, draw?: () => number) => {
    const eps = await mixDenoiser(collaborate(pair), { manualProb, draw })(flat(0, 3), 1, at);
    return eps.dataSync()[0]!;
  };

  it('applies the rules from 1 on, and never below 0', async () => {
    expect(await epsOf(1)).toBeCloseTo(0.5, 6);
    expect(await epsOf(-1)).toBeCloseTo(0, 6);
  });

  it('applies them where the draw is not above it', async () => {
    expect(await epsOf(0.4, () => 0.4)).toBeCloseTo(0.5, 6);
    expect(await epsOf(0.4, () => 0.41)).toBeCloseTo(0, 6);
  });

  it('refuses a probability without draws', () => {
    expect(() => mixDenoiser(collaborate(pair), { manualProb: 0.5 })).toThrow(/manualProb is 0.5.*pass draw/);
    expect(() => mixDenoiser(collaborate(pair), { manualProb: Number.NaN, draw: () => 0 })).toThrow(/NaN/);
  });
});

describe('a recorder', () => {
  it('keeps the first step and every n-th, and gives all back', async () => {
    const xT = flat(0, 3);
    await expectTensors(1, async () => {
      const recorder = recordMixes({ logEveryT: 2, branches: true });
      await sampleDdim(mixDenoiser(collaborate(pair), recorder), xT, { schedule, steps: 4 });
      expect(recorder.influence.text).toHaveLength(3);
      expect(recorder.branches.seg_mask).toHaveLength(3);
      expectFlat(recorder.influence.seg_mask![0], 0.75);
      recorder.dispose();
    });
  });

  it('keeps no branches unless asked to', async () => {
    const recorder = recordMixes();
    await sampleDdim(mixDenoiser(collaborate(pair), recorder), flat(0, 3), { schedule, steps: 4 });
    expect(recorder.influence.text).toHaveLength(4);
    expect(recorder.branches).toEqual({});
    expect(() => recordMixes({ logEveryT: 0 })).toThrow(/logEveryT is 0/);
  });
});

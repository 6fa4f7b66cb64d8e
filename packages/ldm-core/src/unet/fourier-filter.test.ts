import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectMaxRel, readConfig, readTensors, uploadImage } from '../../test/parity-case.js';
import { expectGradients, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { type FourierFilterOptions, fourierFilter } from './fourier-filter.js';
import { FreeU } from './freeu.js';

beforeAll(useCpu);

describe('fourierFilter', () => {
  const inputs = readTensors('freeu/inputs.safetensors');
  const outputs = readTensors('freeu/outputs.safetensors');
  const { filters } = readConfig<{ filters: Record<string, FourierFilterOptions> }>('freeu');
  const pairs = ['f_even', 'f_odd', 'f_rect'].flatMap((input) => Object.keys(filters).map((filter) => [input, filter]));

  it.each(pairs)('%s by %s equals the original', (input, filter) => {
    const y = fourierFilter(uploadImage(inputs.get(input!)!), filters[filter!]!);
    expectMaxRel(y, outputs.get(`${input}.${filter}`)!, 5e-5);
  });

  it('is linear, differentiable and leaves nothing behind', () => {
    const x = randn<tf.Rank.R4>([1, 3, 4, 2], 1);
    const filter = (x: tf.Tensor) => fourierFilter(x as tf.Tensor4D, { threshold: 1, scale: 0.3 });
    expectGradients(filter, [x]);
    expectNoLeak(() => filter(x));
    expect(fourierFilter(x, { threshold: 1, scale: 1 })).toBe(x);
  });
});

describe('FreeU', () => {
  it("changes the original's stages of 576 and 384 channels, whatever the width of the model", () => {
    const freeU = new FreeU({ modelChannels: 128, freeuRelative: false, b1: 3, b2: 5, s1: 1, s2: 1 });
    const skip = randn<tf.Rank.R4>([1, 4, 4, 3], 1);
    const factors = (channels: number) => [...freeU.apply(tf.ones([1, 1, 1, channels]), skip).h.dataSync()];
    expect(factors(576)).toEqual([...Array(288).fill(3), ...Array(288).fill(1)]);
    expect(factors(384)).toEqual([...Array(192).fill(5), ...Array(192).fill(1)]);
    expect(factors(256)).toEqual(Array(256).fill(1));
  });

  it('changes the stages three and two times the model as wide where asked to, and no other', () => {
    const freeU = new FreeU({ modelChannels: 2, freeuRelative: true, b1: 3, b2: 5, s1: 0.5, s2: 1 });
    const skip = randn<tf.Rank.R4>([1, 4, 4, 3], 1);
    const factors = (channels: number) => [...freeU.apply(tf.ones([1, 1, 1, channels]), skip).h.dataSync()];
    expect(factors(6)).toEqual([3, 3, 3, 1, 1, 1]);
    expect(factors(4)).toEqual([5, 5, 1, 1]);
    expect(factors(2)).toEqual([1, 1]);
    expect(freeU.apply(tf.ones([1, 4, 4, 4]), skip).skip).toBe(skip);
    expect(freeU.apply(tf.ones([1, 4, 4, 6]), skip).skip).not.toBe(skip);
  });
});

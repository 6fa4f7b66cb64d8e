import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectFlat, expectTensors, flat, randn, useCpu } from '../test/support.js';
import { type InfluenceOptions, type InfluenceRule, influenceMaps } from './influence.js';

beforeAll(useCpu);

const T500 = () => tf.tensor1d([500], 'int32');
const logits = (...weights: number[]) => weights.map((weight) => flat(Math.log(weight)));

const MASK = { name: 'seg_mask' };
const TEXT = { name: 'text', remainder: true };

describe('four collaborators, computed by hand', () => {
  const rules: InfluenceRule[] = [
    { name: 'text', remainder: true },
    { name: 'mask', scale: 2, schedule: 'cosine_decay' },
    { name: 'sketch', schedule: 'linear_decay' },
    { name: 'depth', scale: 0.5 },
  ];
  // Softmax of these is 0.1, 0.2, 0.3, 0.4.
  const maps = () => logits(1, 2, 3, 4);

  it('schedules, remainder, scales, division by the sum', () => {
    // At t = 500 both schedules are 1/2: mask 0.1, sketch 0.15, depth 0.4, and text gets the other 0.35.
    // Scaled: 0.35, 0.2, 0.15, 0.2, in all 0.9.
    const [text, mask, sketch, depth] = influenceMaps(maps(), rules, T500());
    expectFlat(text, 7 / 18);
    expectFlat(mask, 4 / 18);
    expectFlat(sketch, 3 / 18);
    expectFlat(depth, 4 / 18);
  });

  it('passes the rules over where asked to', () => {
    const plain = influenceMaps(maps(), rules, T500(), { ruled: false });
    for (const [i, weight] of [0.1, 0.2, 0.3, 0.4].entries()) expectFlat(plain[i], weight);
  });

  it('does either in one traced step where a scalar says which', () => {
    for (const [given, ruled] of [
      [1, true],
      [0, false],
    ] as const) {
      const wanted = influenceMaps(maps(), rules, T500(), { ruled });
      const got = influenceMaps(maps(), rules, T500(), { ruled: tf.scalar(given) });
      for (const [i, map] of got.entries()) expectClose(map, wanted[i]!, 0);
    }
  });

  it('does not depend on the order of the collaborators', () => {
    const order = [2, 0, 3, 1];
    const shuffled = influenceMaps(
      order.map((i) => maps()[i]!),
      order.map((i) => rules[i]!),
      T500(),
    );
    const straight = influenceMaps(maps(), rules, T500());
    for (const [at, i] of order.entries()) expectClose(shuffled[at], straight[i]!, 1e-7);
  });
});

describe('mask and text, as section 9 of the original says', () => {
  it('lets the mask fall to nothing, and text take over', () => {
    const [mask, text] = influenceMaps(
      logits(3, 1),
      [{ ...MASK, schedule: 'linear_decay' }, TEXT],
      tf.tensor1d([0], 'int32'),
    );
    expectFlat(mask, 0);
    expectFlat(text, 1);
  });

  it('sharpens by a second softmax', () => {
    const [mask, text] = influenceMaps(logits(3, 1), [MASK, TEXT], T500(), { softmaxTwice: true, boostFactor: 4 });
    // 0.75 and 0.25 before it.
    expectFlat(mask, Math.exp(3) / (Math.exp(3) + Math.exp(1)));
    expectFlat(text, Math.exp(1) / (Math.exp(3) + Math.exp(1)));
  });

  it('weighs three modalities: the factor on mask and sketch, the rest to text', () => {
    const both = { scale: 2, schedule: 'linear_decay' } as const;
    const maps = influenceMaps(logits(4, 5, 1), [{ ...MASK, ...both }, TEXT, { name: 'sketch', ...both }], T500());
    // Scheduled 0.2, 0.75, 0.05; scaled 0.4, 0.75, 0.1.
    for (const [i, weight] of [0.32, 0.6, 0.08].entries()) expectFlat(maps[i], weight);
  });
});

describe.each<[string, Partial<InfluenceRule>, InfluenceOptions]>([
  ['plain', {}, {}],
  ['scale', { scale: 2 }, {}],
  ['no influence', { scale: 0 }, {}],
  ['schedule', { schedule: 'cosine_decay' }, {}],
  ['all', { scale: 1.5, schedule: 'cosine_decay' }, { softmaxTwice: true, boostFactor: 2.5 }],
])('random logits, %s', (_, rule, options) => {
  it('gives weights between 0 and 1 that add up to 1 at every pixel', () => {
    const maps = [1, 2].map((seed) => tf.mul<tf.Tensor4D>(randn([2, 3, 5, 1], seed), 4));
    const weights = influenceMaps(maps, [{ ...MASK, ...rule }, TEXT], tf.tensor1d([301, 20], 'int32'), options);
    expectFlat(tf.addN(weights), 1, 3e-7);
    for (const weight of weights) {
      expect(Math.min(...weight.dataSync())).toBeGreaterThanOrEqual(0);
      expect(Math.max(...weight.dataSync())).toBeLessThanOrEqual(1);
    }
  });
});

it('leaves nothing behind but the maps', async () => {
  const maps = logits(1, 2);
  const t = T500();
  await expectTensors(2, () => influenceMaps(maps, [{ ...MASK, scale: 2, schedule: 'linear_decay' }, TEXT], t));
});

describe('refuses', () => {
  it.each<[string, InfluenceRule[], InfluenceOptions, RegExp]>([
    ['two remainders', [{ ...MASK, remainder: true }, TEXT], {}, /remainder is 'seg_mask' and 'text'.*exactly one/],
    ['no remainder', [MASK, { name: 'text' }], {}, /remainder is none of 'seg_mask', 'text'/],
    ['no collaborators', [], {}, /none of no collaborators/],
    ['one name twice', [{ name: 'text' }, TEXT], {}, /'text' is the name of two/],
    ['a remainder on a schedule', [MASK, { ...TEXT, schedule: 'linear_decay' }], {}, /'text' is the remainder/],
    ['a negative scale', [{ ...MASK, scale: -1 }, TEXT], {}, /scale of 'seg_mask' is -1/],
    ['a boost that is no number', [MASK, TEXT], { boostFactor: Number.NaN }, /boostFactor is NaN/],
    ['a second softmax over three', [MASK, TEXT, { name: 'sketch' }], { softmaxTwice: true }, /for two.*there are 3/],
  ])('%s', (_, rules, options, error) => {
    expect(() =>
      influenceMaps(
        rules.map(() => flat(0)),
        rules,
        T500(),
        options,
      ),
    ).toThrow(error);
  });

  it('another number of maps than of collaborators', () => {
    expect(() => influenceMaps([flat(0)], [MASK, TEXT], T500())).toThrow(/1 maps of logits for 2/);
  });
});

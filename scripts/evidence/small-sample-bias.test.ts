import { seededDraws } from '@codiff/trainer';
import { expect, it } from 'vitest';
import { smallSampleBias } from './small-sample-bias.js';

const draws = seededDraws(3, 'features');
const features = (n: number, width = 6) => ({
  n,
  width,
  values: Float64Array.from({ length: n * width }, () => draws.random()),
});

it('expects a higher Frechet distance of fewer images, and another mean IoU where a class is rare', () => {
  // Two classes everywhere; a third, never found, in one image of ten: it counts 0 wherever it occurs.
  const confusions = Array.from({ length: 100 }, (_, i) =>
    Int32Array.from([10, 0, 0, 0, 10, 0, i % 10 === 0 ? 1 : 0, 0, 0]),
  );
  const reference = features(200);
  const measured = { features: features(100), confusions };
  const few = smallSampleBias(measured, reference, 10, 1);
  const more = smallSampleBias(measured, reference, 50, 1);
  expect(few.frechet.bias).toBeGreaterThan(more.frechet.bias);
  expect(more.frechet.bias).toBeGreaterThan(0);
  expect(few.mask_miou.bias).toBeGreaterThan(0.05);
  expect(Math.abs(more.mask_miou.bias)).toBeLessThan(0.02);
  // Fewer images scatter more.
  expect(few.frechet.scatter).toBeGreaterThan(more.frechet.scatter);
  expect(more.frechet.scatter).toBeGreaterThan(0);
  const none = { bias: 0, scatter: 0 };
  expect(smallSampleBias(measured, reference, 100, 1)).toEqual({ frechet: none, mask_miou: none });
});

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { toFile } from './file-layout.js';
import { fnv1a, formulaParams, formulaValues } from './formula.js';
import { Scope } from './scope.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

// The check values of parity's fixtures/FORMULA.md.
const CHECKS = [
  {
    key: 'a.weight',
    salt: '',
    shape: [3],
    fnv: 0xc75581ae,
    first: [1.04224253, 1.04738533, 0.958162069],
    last: 0.958162069,
    sum: 3.04779,
  },
  {
    key: 'a.bias',
    salt: '',
    shape: [3],
    fnv: 0x4c64396b,
    first: [0.0615619831, -0.0523506068, 0.0865817666],
    last: 0.0865817666,
    sum: 0.09579314,
  },
  {
    key: 'w.weight',
    salt: '',
    shape: [2, 3],
    fnv: 0xc21e6748,
    first: [0.147264183, -0.502539039, 0.629713416],
    last: 0.483577549,
    sum: 2.332777,
  },
  {
    key: 'time_embed.0.weight',
    salt: '',
    shape: [128, 32],
    fnv: 0x6a1346be,
    first: [0.223148569, -0.10238298, 0.0134549318],
    last: 0.304988056,
    sum: -8.658263,
  },
  {
    key: 'time_embed.0.weight',
    salt: 'hidden:',
    shape: [128, 32],
    fnv: 0x142a728a,
    first: [0.21795097, -0.0534009077, -0.198510289],
    last: -0.0676856637,
    sum: 1.743258,
  },
  {
    key: 'input_blocks.0.0.weight',
    salt: '',
    shape: [32, 3, 3, 3],
    fnv: 0x23187764,
    first: [-0.00622792635, -0.0159475766, 0.315503836],
    last: 0.280046523,
    sum: -0.2854367,
  },
];

describe('formulaValues', () => {
  it.each(CHECKS)('gives the check values of $salt$key', ({ key, salt, shape, fnv, first, last, sum }) => {
    expect(fnv1a(salt + key)).toBe(fnv);
    const values = formulaValues(salt + key, shape);
    // Nine printed digits tell every float32 apart: equal after rounding means equal bits.
    expect([...values.slice(0, 3)]).toEqual(first.map(Math.fround));
    expect(values.at(-1)).toBe(Math.fround(last));
    expect(Math.abs(values.reduce((a, b) => a + b, 0) - sum)).toBeLessThan(1e-5);
  });

  it('is zero for a scalar, whatever its name', () => {
    expect([...formulaValues('loss.logvar', [])]).toEqual([0]);
  });
});

describe('formulaParams', () => {
  it('fills parameters by name without the prefix, in memory layout, and leaves buffers to the constructor', async () => {
    const scope = Scope.root();
    const layout = { shape: [4, 2, 3, 3], perm: [2, 3, 1, 0] };
    const weight = scope.param('a.conv.weight', [3, 3, 2, 4], { kind: 'constant', value: 0 }, { file: layout });
    scope.buffer('a.count', [2], { kind: 'constant', value: 5 }, { dtype: 'int32' });
    const params = formulaParams(scope.specs, 'a.');
    const values = (await params.of(weight).data()) as Float32Array;
    expect(toFile(scope.specs.get('a.conv.weight')!, values)).toEqual(formulaValues('conv.weight', layout.shape));
    expect([...(await params.get('a.count')!.data())]).toEqual([5, 5]);
    expect(params.get('a.count')!.dtype).toBe('int32');
    params.dispose();
  });
});

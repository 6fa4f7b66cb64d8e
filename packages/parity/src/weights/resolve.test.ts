import { formulaValues, Scope } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeTensors } from '../../test/temporary-case.js';
import { permute } from '../cases/host-tensor.js';
import { resolveWeights, toFileLayout } from './resolve.js';

const folder = mkdtempSync(join(tmpdir(), 'parity-'));
beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});
afterAll(() => rmSync(folder, { recursive: true }));

const FORMULA = [{ match: '*', salt: 's:', strip_prefix: 'a.' }];

function specs() {
  const scope = Scope.root();
  const uniform = { kind: 'uniform', bound: 1 } as const;
  scope.param('a.weight', [3, 3, 2, 4], uniform, { file: { shape: [4, 2, 3, 3], perm: [2, 3, 1, 0] } });
  scope.param('a.bias', [4], uniform);
  scope.param('kept', [2], { kind: 'constant', value: 7 });
  scope.buffer('count', [], { kind: 'constant', value: 0 }, { dtype: 'int32' });
  return scope.specs;
}

async function valuesOf(tensor: tf.Tensor | undefined): Promise<number[]> {
  return [...(await tensor!.data())];
}

describe('resolveWeights', () => {
  it('takes files first, then the constructor for what is kept, then the formula, in the memory layout', async () => {
    writeTensors(join(folder, 'w.safetensors'), { 'a.bias': [[4], [1, 2, 3, 4]], count: [[], [5]] });
    const weights = { files: ['w.safetensors'], formula: FORMULA, keep: ['ke*'] };
    const params = resolveWeights(specs(), { weights, folder });
    expect(await valuesOf(params.get('a.bias'))).toEqual([1, 2, 3, 4]);
    expect(await valuesOf(params.get('count'))).toEqual([5]);
    expect(params.get('count')!.dtype).toBe('int32');
    expect(await valuesOf(params.get('kept'))).toEqual([7, 7]);
    const plain = { shape: [4, 2, 3, 3], values: formulaValues('s:weight', [4, 2, 3, 3]) };
    expect(await valuesOf(params.get('a.weight'))).toEqual([...permute(plain, [2, 3, 1, 0]).values]);
    expect(await toFileLayout(specs().get('a.weight')!, params.get('a.weight')!)).toEqual(plain);
  });

  it('takes the first rule that matches', async () => {
    const formula = [{ match: 'a.b*', salt: 'first:', strip_prefix: '' }, ...FORMULA];
    const params = resolveWeights(specs(), { weights: { formula, keep: ['kept'] }, folder });
    expect(await valuesOf(params.get('a.bias'))).toEqual([...formulaValues('first:a.bias', [4])]);
  });

  it('names what has no value, another shape, or no place', () => {
    const formula = [{ match: 'a.*', salt: '', strip_prefix: '' }];
    expect(() => resolveWeights(specs(), { weights: { formula }, folder })).toThrow(/'kept' has no value/);
    writeTensors(join(folder, 'bad.safetensors'), { 'a.bias': [[2], [1, 2]] });
    const misshapen = { files: ['bad.safetensors'], formula: FORMULA };
    expect(() => resolveWeights(specs(), { weights: misshapen, folder })).toThrow(/'a.bias' has shape \[2\].*\[4\]/);
    writeTensors(join(folder, 'more.safetensors'), { b: [[1], [1]] });
    const unknown = { files: ['more.safetensors'], formula: FORMULA };
    expect(() => resolveWeights(specs(), { weights: unknown, folder })).toThrow(/model has not: b/);
    expect(() => resolveWeights(specs(), { weights: { files: ['none.safetensors'] }, folder })).toThrow(
      /names no file/,
    );
  });

  it('leaves everything to the constructor where weights are empty, unless that is random', () => {
    expect(() => resolveWeights(specs(), { weights: {}, folder })).toThrow(/draws 'a.weight' at random/);
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectMaxRel, fileShapes, readJson, readTensors, upload, weightsOf } from '../../test/parity-case.js';
import { useCpu } from '../../test/support.js';
import { Scope } from '../nn/scope.js';
import { SegMaskEncoder } from './seg-mask-encoder.js';

beforeAll(useCpu);

describe('SegMaskEncoder', () => {
  it('gives the original its tokens, from three axes or four', () => {
    const scope = Scope.root();
    const encoder = new SegMaskEncoder(scope, { maskEmbedDim: 1024, contextDim: 32 });
    const p = weightsOf(scope.specs, readTensors('seg_mask_encoder/weights.safetensors'));
    const outputs = readTensors('seg_mask_encoder/outputs.safetensors');
    const mask = upload<tf.Rank.R3>(readTensors('seg_mask_encoder/inputs.safetensors').get('x')!);
    expect(mask.dtype).toBe('int32');
    expectMaxRel(encoder.forward(p, mask), outputs.get('z')!, 2e-5);
    expectMaxRel(encoder.forward(p, tf.expandDims(mask, 1)), outputs.get('z_from_4d')!, 2e-5);
  });

  it('declares the keys and shapes of 512_mask', () => {
    const root = Scope.root();
    new SegMaskEncoder(root.at('cond_stage_model'), { maskEmbedDim: 1024, contextDim: 640 });
    const list = readJson<{ state_dict: Record<string, number[]> }>('state_dict_keys/512_mask.json').state_dict;
    expect(fileShapes(root.specs)).toEqual(Object.entries(list).filter(([key]) => key.startsWith('cond_stage_model.')));
  });

  it('refuses other shapes', () => {
    const scope = Scope.root();
    const encoder = new SegMaskEncoder(scope, { maskEmbedDim: 16, contextDim: 4 });
    const p = weightsOf(scope.specs);
    expect(() => encoder.forward(p, tf.zeros([1, 19, 9]))).toThrow(/wanted 16 pixels/);
    expect(() => encoder.forward(p, tf.zeros([1, 2, 19, 16]))).toThrow(/one-hot/);
  });
});

import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { readConfig, readTensors, upload } from '../../test/parity-case.js';
import { expectClose, useCpu } from '../../test/support.js';
import { type TimestepEmbeddingForm, timestepEmbedding } from './timestep-embedding.js';

beforeAll(useCpu);

describe('timestepEmbedding', () => {
  const inputs = readTensors('timestep_embedding/inputs.safetensors');
  const outputs = readTensors('timestep_embedding/outputs.safetensors');
  const { embeddings } = readConfig<{
    embeddings: Record<string, { form: TimestepEmbeddingForm; dim: number; input: string }>;
  }>('timestep_embedding');

  it.each(Object.keys(embeddings))('%s equals the original', (name) => {
    const { form, dim, input } = embeddings[name]!;
    const y = timestepEmbedding(upload<tf.Rank.R1>(inputs.get(input)!), dim, { form });
    const wanted = outputs.get(name)!;
    expect(y.shape).toEqual([...wanted.shape]);
    expectClose(y, wanted.values, 1e-4);
  });

  it('refuses widths without a frequency', () => {
    const t = upload<tf.Rank.R1>(inputs.get('t')!);
    expect(() => timestepEmbedding(t, 1)).toThrow(/at least 2/);
    expect(() => timestepEmbedding(t, 3, { form: 'vae' })).toThrow(/half - 1/);
  });
});

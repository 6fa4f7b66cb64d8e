import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectMaxRel,
  fileShapes,
  modelParams,
  readJson,
  readTensors,
  upload,
  weightsOf,
} from '../../test/parity-case.js';
import { expectNoLeak, useCpu } from '../../test/support.js';
import { BertEmbedderConfig } from '../config/cond-stage-config.js';
import { Rng } from '../nn/random.js';
import { Scope } from '../nn/scope.js';
import { BERTEmbedder } from './bert-embedder.js';

beforeAll(useCpu);

describe('BERTEmbedder', () => {
  const scope = Scope.root();
  const embedder = new BERTEmbedder(scope, BertEmbedderConfig.parse(modelParams('bert_embedder')));

  it('gives the original its context and sublayer outputs', () => {
    const p = weightsOf(scope.specs, readTensors('bert_embedder/weights.safetensors'));
    const outputs = readTensors('bert_embedder/outputs.safetensors');
    const ids = upload<tf.Rank.R2>(readTensors('bert_embedder/inputs.safetensors').get('tokens')!);
    let seen = 1;
    const onSublayer = (i: number, y: tf.Tensor3D) => {
      expectMaxRel(y, outputs.get(`act.sublayer${i}`)!, 2e-5);
      seen++;
    };
    expectMaxRel(embedder.forward(p, ids, { onSublayer }), outputs.get('z')!, 2e-5);
    expect(seen).toBe(outputs.size);
    expectNoLeak(() => embedder.forward(p, ids));
  });

  it('declares the keys and shapes of 512_text in order', () => {
    const root = Scope.root();
    new BERTEmbedder(root.at('cond_stage_model'), BertEmbedderConfig.parse({ nEmbed: 640, nLayer: 32 }));
    const list = readJson<{ state_dict: Record<string, number[]> }>('state_dict_keys/512_text.json').state_dict;
    const wanted = Object.entries(list).filter(([key]) => key.startsWith('cond_stage_model.'));
    expect(wanted).toHaveLength(422);
    expect(fileShapes(root.specs)).toEqual(wanted);
  });

  it('has as many rows as vocab_size and max_seq_len say', () => {
    const root = Scope.root();
    new BERTEmbedder(root, BertEmbedderConfig.parse({ nEmbed: 32, nLayer: 1, vocabSize: 200, maxSeqLen: 9 }));
    const shapes = ['token_emb.weight', 'to_logits.weight', 'to_logits.bias', 'pos_emb.emb.weight'].map(
      (key) => root.specs.get(`transformer.${key}`)!.shape,
    );
    expect(shapes.map((shape) => Math.max(...shape))).toEqual([200, 200, 200, 32]);
    expect(shapes[3]).toEqual([9, 32]);
  });

  it('drops embeddings with embedding_dropout, if it is given random numbers', () => {
    const root = Scope.root();
    const config = { nEmbed: 32, nLayer: 1, vocabSize: 200, maxSeqLen: 3, embeddingDropout: 1 };
    const dropping = new BERTEmbedder(root, BertEmbedderConfig.parse(config));
    const p = weightsOf(root.specs);
    const [one, other] = [tf.tensor2d([[1, 2, 3]], [1, 3], 'int32'), tf.tensor2d([[4, 5, 6]], [1, 3], 'int32')];
    const values = (ids: tf.Tensor2D, rng?: Rng) => dropping.forward(p, ids, { rng }).dataSync();
    expect(values(one)).not.toEqual(values(other));
    // With every element dropped nothing is left of the texts.
    expect(values(one, Rng.of(1))).toEqual(values(other, Rng.of(1)));
  });

  it('refuses texts that are too long', () => {
    const p = weightsOf(scope.specs);
    expect(() => embedder.forward(p, tf.zeros([1, 78], 'int32'))).toThrow(/L <= 77/);
    expect(embedder.forward(p, tf.zeros([1, 3], 'int32')).shape).toEqual([1, 3, 32]);
  });
});

import { createHash } from 'node:crypto';
import { LatentDiffusionCompose } from '@codiff/codiff';
import { type ConfigTree, type LatentDiffusion, type Params, tidyTree } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { FaceItem } from '../data/face-dataset.js';
import { collate } from '../data/loader/collate.js';
import { toTensors } from '../loop/batch-source.js';
import { hostBatch, type Tokenize } from '../run/face-source.js';
import type { Compile } from '../steps/consume.js';
import { CACHED, embeddingKey } from './cached-batch.js';
import type { Encoded } from './latent-cache.js';

type Diffusion = LatentDiffusion | LatentDiffusionCompose;

/** What of a model's input its frozen networks can be asked for once and for all. */
export interface FrozenEncoder {
  readonly fingerprint: string;
  readonly encode: (items: readonly FaceItem[]) => Promise<Encoded>;
}

/** Conditions whose encoders are frozen. */
function frozenConditions(model: Diffusion): readonly string[] {
  if (model instanceof LatentDiffusionCompose) return model.conditions;
  const { condStageKey, condStageTrainable } = model.config;
  return model.model.conditioning === null || condStageTrainable ? [] : [condStageKey];
}

/**
 * The frozen networks of a diffusion model as one function of samples.
 * @param config of the run: what the networks look like @param size of the images
 */
export async function frozenEncoder(
  model: Diffusion,
  p: Params,
  config: ConfigTree,
  { tokenize, compile }: { readonly tokenize: Tokenize; readonly compile: Compile },
): Promise<FrozenEncoder> {
  const conditions = frozenConditions(model);
  const run = compile(
    (weights: Params, batch: Readonly<Record<string, tf.Tensor>>) =>
      tidyTree(() => {
        const { mean, logvar } = model.firstStage.encode(weights, batch[model.config.firstStageKey] as tf.Tensor4D);
        const inputs = Object.fromEntries(conditions.map((name) => [name, batch[name]!]));
        const embeddings =
          model instanceof LatentDiffusionCompose
            ? model.encodeConditions(weights, inputs)
            : Object.fromEntries(conditions.map((name) => [name, model.condition(weights, batch[name]!)]));
        const named = Object.entries(embeddings).map(([name, tensor]) => [embeddingKey(name), tensor as tf.Tensor]);
        return { [CACHED.mean]: mean, [CACHED.logvar]: logvar, ...Object.fromEntries(named) } as Record<
          string,
          tf.Tensor
        >;
      }),
    { name: 'latents to cache' },
  );
  const frozen = p.filter((key) => key.startsWith('first_stage_model.') || key.startsWith('cond_stage_model.'));
  const used = conditions.length > 0 ? frozen : frozen.filter((key) => key.startsWith('first_stage_model.'));
  return {
    fingerprint: await fingerprintOf(used, config),
    async encode(items) {
      const { size } = { size: Math.sqrt(items[0]!.image.length / 3) };
      const batch = toTensors(hostBatch(collate(items, size, { epoch: 0, batch: 0 }), tokenize));
      const encoded = run(p, batch);
      tf.dispose(Object.values(batch));
      const fields = Object.entries(encoded).map(([name, tensor]) => ({ name, shape: tensor.shape.slice(1), tensor }));
      const each = fields.map(({ shape }) => shape.reduce((product, n) => product * n, 1));
      const total = each.reduce((sum, n) => sum + n, 0);
      const values = new Float32Array(items.length * total);
      let at = 0;
      for (const [f, { tensor }] of fields.entries()) {
        const data = (await tensor.data()) as Float32Array;
        for (let i = 0; i < items.length; i++)
          values.set(data.subarray(i * each[f]!, (i + 1) * each[f]!), i * total + at);
        at += each[f]!;
        tensor.dispose();
      }
      return { fields: fields.map(({ name, shape }) => ({ name, shape })), values };
    },
  };
}

/** Of weights and of the part of a config that says what is made of them. */
async function fingerprintOf(p: Params, { model, model_files }: ConfigTree): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([model, model_files ?? null]));
  for (const [key, tensor] of [...p].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const values = await tensor.data();
    hash.update(`${key} ${tensor.dtype} [${tensor.shape}]`);
    hash.update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

import { stat } from 'node:fs/promises';
import { type Checkpoint, CheckpointError, copyTensors, type TensorToWrite } from '@codiff/ldm-core';
import { hashFile, openCheckpointFile, saveTensors } from '@codiff/ldm-core/node';
import type { StageName } from './stage-table.js';

const AUTOENCODER = /^(encoder|decoder|quant_conv|post_quant_conv)\./;
/** Keys that a stage's artefact holds: what was trained in it and is read. The first stage and the branches lie in files of their own. */
const KEPT: Readonly<Record<StageName, RegExp>> = {
  encoder: AUTOENCODER,
  vae: AUTOENCODER,
  // The text encoder's head over the vocabulary is in the original's checkpoints, and nothing reads it.
  mask: /^(model\.|cond_stage_model\.|scale_factor$)/,
  text: /^(model\.|cond_stage_model\.(?!transformer\.to_logits\.)|scale_factor$)/,
  codiff: /^(model\.\w+_confidence_predictor\.|scale_factor$)/,
};
/** One number, by which every latent is multiplied. */
const EXACT = 'scale_factor';

/** What must be among them. */
const PARTS: Readonly<Record<StageName, readonly string[]>> = {
  encoder: ['encoder', 'decoder', 'quant_conv', 'post_quant_conv'],
  vae: ['encoder', 'decoder', 'quant_conv', 'post_quant_conv'],
  mask: ['model', 'cond_stage_model', EXACT],
  text: ['model', 'cond_stage_model', EXACT],
  codiff: ['model', EXACT],
};

/** A file of weights that ships. */
export interface ShippedWeights {
  readonly bytes: number;
  readonly sha256: string;
  readonly tensors: number;
  /** Numbers in them. */
  readonly parameters: number;
}

/**
 * The tensors of a run's checkpoint that ship, in float16; the scale of the latents stays as it is.
 * @throws CheckpointError if the checkpoint lacks a part, or holds a value beyond float16
 */
export function shippedTensors(stage: StageName, checkpoint: Checkpoint): Map<string, TensorToWrite> {
  const exact = copyTensors(checkpoint);
  const tensors = new Map<string, TensorToWrite>();
  for (const [key, half] of copyTensors(checkpoint, { dtype: 'float16' })) {
    if (KEPT[stage].test(key)) tensors.set(key, key === EXACT ? exact.get(key)! : half);
  }
  const parts = new Set([...tensors.keys()].map((key) => key.split('.')[0]!));
  const missing = PARTS[stage].filter((part) => !parts.has(part));
  if (missing.length === 0) return tensors;
  throw new CheckpointError({
    file: checkpoint.file,
    problem: `has no ${missing.join(', no ')}, so it is no checkpoint of the stage '${stage}'`,
    advice: `train it with 'npm run demo:train -- ${stage}'`,
  });
}

/**
 * Write what ships of a run's checkpoint, atomically.
 * @param from the run's checkpoint @param to a path ending in .safetensors
 */
export async function exportWeights(stage: StageName, from: string, to: string): Promise<ShippedWeights> {
  const checkpoint = await openCheckpointFile(from);
  try {
    const tensors = shippedTensors(stage, checkpoint);
    await saveTensors(to, tensors, { metadata: { stage, license: 'Apache-2.0' } });
    const parameters = [...tensors.values()].reduce((sum, { numel }) => sum + numel, 0);
    return { bytes: (await stat(to)).size, sha256: await hashFile(to), tensors: tensors.size, parameters };
  } finally {
    await checkpoint.close();
  }
}

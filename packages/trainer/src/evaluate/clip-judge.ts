import { readFile } from 'node:fs/promises';
import { Clip, ClipTokenizer, loadParams, type Params, Scope } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import type { Compile } from '../steps/consume.js';
import { NetworkFileError } from './network-files.js';
import type { TextJudge } from './networks.js';

/** Numbers of the positions, which older files hold as tensors. */
const POSITIONS = /\.position_ids$/;

/**
 * Load CLIP as a judge of texts: the cosine of an image's vector and its caption's.
 * @param weightsFile `model.safetensors` @param tokenizerFile `tokenizer.json`
 * @throws CheckpointMismatch for another model; NetworkFileError for a file that is no tokenizer
 */
export async function clipJudge(
  weightsFile: string,
  tokenizerFile: string,
  compile: Compile,
): Promise<TextJudge & { dispose(): void }> {
  const tokenizer = await readTokenizer(tokenizerFile);
  const scope = Scope.root();
  const clip = new Clip(scope);
  const checkpoint = await openCheckpointFile(weightsFile);
  let weights: Params;
  try {
    weights = (await loadParams(scope.specs, checkpoint, { drop: [POSITIONS] })).params;
  } finally {
    await checkpoint.close();
  }
  const cosine = compile(
    (p: Params, x: tf.Tensor4D, ids: tf.Tensor2D) =>
      tf.sum(tf.mul(clip.imageVectors(p, x), clip.textVectors(p, ids)), 1) as tf.Tensor1D,
    { name: 'clip' },
  );
  return {
    name: 'CLIP ViT-B/32',
    side: clip.config.image.side,
    // It reads any text.
    checkCaption: () => undefined,
    async judge(x, captions) {
      const ids = tokenizer.encode(captions);
      const result = cosine(weights, x, ids);
      const overall = Float64Array.from(await result.data());
      tf.dispose([ids, result]);
      return { overall, parts: new Map() };
    },
    dispose: () => weights.dispose(),
  };
}

async function readTokenizer(path: string): Promise<ClipTokenizer> {
  try {
    return new ClipTokenizer(JSON.parse(await readFile(path, 'utf8')) as object);
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new NetworkFileError(`${path} is no tokenizer (${problem}); wanted CLIP's tokenizer.json`, { cause });
  }
}

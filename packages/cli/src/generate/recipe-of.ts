import type { EngineInfo } from '@codiff/engine';
import type { SamplerConfig } from '@codiff/ldm-core';
import type { Sketch } from '@codiff/trainer';
import { hashMask, type Mask } from './mask.js';
import { PROGRAM, type Recipe } from './recipe.js';
import type { BatchRange, Request } from './request.js';
import { hashSketch } from './sketch.js';

/** What the images of a run have in common. */
export interface RunFacts {
  readonly request: Request;
  readonly info: EngineInfo;
  readonly mask: Mask | undefined;
  readonly sketch: Sketch | undefined;
  readonly sampler: SamplerConfig;
  readonly configHash: string;
  readonly checkpointHash: string;
}

/** The recipe of one image. @param batchIndex its place in the batch */
export function recipeOf(facts: RunFacts, range: BatchRange, batchIndex: number): Recipe {
  const { request, info, mask, sketch, sampler, configHash, checkpointHash } = facts;
  const { command, text, negativeText, guidanceScale, freeU, seed, precision, packWeights } = request;
  return {
    version: 1,
    program: PROGRAM,
    command,
    config: { path: request.config.path, sha256: configHash },
    checkpoint: { path: request.checkpoint.path, sha256: checkpointHash },
    ...(text === undefined ? {} : { text }),
    ...(negativeText === undefined ? {} : { negativeText, guidanceScale }),
    ...(mask && request.mask ? { mask: { path: request.mask.path, sha256: hashMask(mask) } } : {}),
    ...(sketch && request.sketch ? { sketch: { path: request.sketch.path, sha256: hashSketch(sketch) } } : {}),
    ...(freeU === undefined ? {} : { freeU }),
    sampler,
    seed,
    batchSize: range.size,
    firstIndex: range.first,
    batchIndex,
    precision,
    packWeights,
    device: info.device,
    threads: info.threads,
    branches: info.branches,
    tensorflow: info.libraryVersion,
  };
}

import type { ParamSpec } from '@codiff/ldm-core';
import { memoryLimitOf } from '../generate/memory.js';
import type { OpenModel } from '../generate/open-model.js';
import { InputError } from '../input-error.js';
import type { ImagicRequest } from './imagic-request.js';

const MIB = 2 ** 20;
const FLOAT = Float32Array.BYTES_PER_ELEMENT;

/** Of every weight that stage B tunes: itself, its gradient, and the two moments of Adam. */
const TUNED_COPIES = 4;

/** Memory that stage B takes, at least: what it tunes, and the first stage. @param specs of the whole model */
export function tuningBytes(specs: ReadonlyMap<string, ParamSpec>): number {
  return TUNED_COPIES * bytesUnder(specs, 'model.') + bytesUnder(specs, 'first_stage_model.');
}

/**
 * Refuse an edit that cannot fit, before anything is loaded.
 * @throws InputError saying what it takes and what is free
 */
export function checkTuningFits(request: ImagicRequest, { specs }: OpenModel): void {
  const limit = memoryLimitOf(request);
  const needed = tuningBytes(specs);
  if (limit === undefined || needed <= limit * MIB) return;
  throw new InputError(
    `editing with ${request.config.path} does not fit into memory: it takes more than ${Math.ceil(needed / MIB)} MiB, ` +
      `and ${limit} are free; wanted a machine with more memory`,
  );
}

/** Bytes that an edit may write: the tuned model, and what stage B remembers where it is stopped. */
export function savedBytes({ specs, side }: OpenModel, request: ImagicRequest, hasWeights: boolean): number {
  const images = (2 * request.alphas.length * request.images + 8) * 2 * side * side * 3;
  if (hasWeights) return images;
  const all = bytesUnder(specs, '');
  return images + (request.saveCheckpoint ? all : 0) + 3 * bytesUnder(specs, 'model.');
}

function bytesUnder(specs: ReadonlyMap<string, ParamSpec>, prefix: string): number {
  return [...specs.values()].reduce(
    (sum, { key, shape }) => (key.startsWith(prefix) ? sum + FLOAT * shape.reduce((a, b) => a * b, 1) : sum),
    0,
  );
}

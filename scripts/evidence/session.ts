import { join } from 'node:path';
import { compile } from '@codiff/engine';
import { drawingNetworks, EvaluationError, type EvaluationNetworks, NetworkFileError } from '@codiff/trainer';
import { type LineScreen, StatusLine } from '../demo/status-line.js';
import { EvidenceError } from './evidence-error.js';
import { claimFolder, type RunRecord } from './image-folder.js';
import { MethodSamplers, type Sampling } from './method-samplers.js';
import type { WeighedMethod } from './methods.js';
import { type OpenedModel, openModel } from './open-model.js';
import { ETA, type EvidenceOptions, SEED } from './options.js';
import { dividePairs, drawHeldOut, type Pairs } from './pairs.js';
import { Times } from './times.js';

/** What all tasks share. */
export interface Session {
  readonly options: EvidenceOptions;
  readonly opened: OpenedModel;
  /** Of the model, compiled as they are used. */
  readonly samplers: MethodSamplers;
  readonly networks: EvaluationNetworks;
  readonly pairs: Pairs;
  readonly sampling: Sampling;
  readonly times: Times;
  readonly line: StatusLine;
  readonly isTTY: boolean;
  readonly signal: AbortSignal;
  /** The engine's: parts of a batch that are computed side by side. */
  readonly branches: number;
  dispose(): void;
}

/** Where a task runs. */
export interface SessionPlace {
  readonly screen: LineScreen;
  readonly signal: AbortSignal;
  /** The engine's. */
  readonly branches: number;
}

/**
 * Open model, networks and held-out faces, in a folder that is this run's.
 * @throws EvidenceError for what the user can mend
 */
export async function openSession(
  options: EvidenceOptions,
  { screen, signal, branches }: SessionPlace,
): Promise<Session> {
  const { root, out, config, weights, steps, heldOut, pairs, validation, force } = options;
  const line = new StatusLine(screen);
  const opened = await openModel({ root, configs: [config], weights });
  const { precision } = options;
  const samplers = new MethodSamplers(opened, options.batchSize, { parts: branches, precision });
  let networks: EvaluationNetworks | undefined;
  const dispose = (): void => {
    networks?.dispose();
    samplers.dispose();
    opened.params.dispose();
  };
  try {
    const sampling: Sampling = { steps, eta: ETA, seed: SEED };
    networks = await drawingNetworks(options.pretrained, { parser: true, text: true }, compile);
    const record: RunRecord = {
      ...{ sampler: 'ddim', sampling, configs: [config], hashes: opened.hashes },
      ...(precision === 'float32' ? {} : { precision }),
    };
    await claimFolder(out, record, force);
    const times = Times.of(out);
    const faces = join(out, 'faces');
    await times.of('held-out faces', () => drawHeldOut(faces, heldOut, line));
    return {
      options,
      opened,
      samplers,
      networks,
      pairs: dividePairs(faces, { test: pairs, validation }),
      sampling,
      times,
      line,
      isTTY: screen.isTTY ?? false,
      signal,
      branches,
      dispose,
    };
  } catch (error) {
    dispose();
    if (error instanceof NetworkFileError || error instanceof EvaluationError)
      throw new EvidenceError(`evidence: ${error.message}`);
    throw error;
  }
}

/** Where a method's images are. The fixed mix has a folder for each weight, which the choice of the weight uses too. */
export const methodFolder = (out: string, method: WeighedMethod): string =>
  method.method === 'fixed-mix' ? join(out, method.method, method.maskWeight.toFixed(1)) : join(out, method.method);

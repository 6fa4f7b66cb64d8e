import type { BatchRange, Extras, NamedFile } from '../generate/request.js';
import type { SamplerFlags } from '../generate/sampler-settings.js';
import type { EngineRequest } from './session.js';

/** An alpha, with its place in the list that names files. */
export interface IndexedAlpha {
  readonly alpha: number;
  readonly index: number;
}

/** A collaborative edit, as the user put it: nothing is read yet. */
export interface CollaborativeRequest extends EngineRequest {
  /** Folder of the edit by text. */
  readonly text: NamedFile;
  /** Folder of the edit by mask. */
  readonly mask: NamedFile;
  readonly config: NamedFile;
  readonly checkpoint: NamedFile;
  /** Where images go. */
  readonly folder: string;
  /** Whether they go there into a folder of their seed. */
  readonly bySeed: boolean;
  readonly alphas: readonly IndexedAlpha[];
  /** undefined: that of what an earlier run has left of the same edit, else one is drawn. */
  readonly seed: number | undefined;
  /** What images steer away from. */
  readonly negativeText: string | undefined;
  /** How far beyond the conditions, where there is such a text. */
  readonly guidanceScale: number;
  readonly sampler: SamplerFlags;
  readonly batches: readonly BatchRange[];
  readonly extras: Extras;
  /** Make again what is there. */
  readonly force: boolean;
}

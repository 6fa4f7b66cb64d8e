import type { NamedFile } from '../generate/request.js';
import type { SamplerFlags } from '../generate/sampler-settings.js';
import type { EngineRequest } from './session.js';
import type { ImagicSettings } from './settings.js';

/** The conditions by which an image is edited. */
export type Modality = 'text' | 'mask';

/** An edit by text or mask, as the user put it: nothing is read yet. */
export interface ImagicRequest extends EngineRequest, Pick<ImagicSettings, 'setRandomSeed' | 'embedding' | 'weights'> {
  readonly modality: Modality;
  /** undefined: that of what an earlier run has left of the same edit, else one is drawn. */
  readonly seed: number | undefined;
  readonly config: NamedFile;
  readonly checkpoint: NamedFile;
  readonly image: NamedFile;
  /** The prompt, of an edit by text. */
  readonly text: string | undefined;
  /** The mask, of an edit by mask. */
  readonly mask: NamedFile | undefined;
  /** Parent of the edit's folder. */
  readonly folder: string;
  readonly alphas: readonly number[];
  /** Images of each alpha. */
  readonly images: number;
  /** What images steer away from, of an edit by text. */
  readonly negativeText: string | undefined;
  /** How far beyond the condition, where there is such a text. */
  readonly guidanceScale: number;
  readonly sampler: SamplerFlags;
  /** Whether the tuned weights are saved. */
  readonly saveCheckpoint: boolean;
  /** Start every image from a draw of the seed, as the original does without meaning to (quirk 3). */
  readonly legacyStartCode: boolean;
  /** Run again what is finished. */
  readonly force: boolean;
  /** Minutes between savings of an unfinished stage. */
  readonly saveMinutes: number;
  /** Names of the flags that gave files and text, for errors. */
  readonly flags: Readonly<Record<'config' | 'checkpoint' | 'image' | 'text' | 'mask', string>>;
}

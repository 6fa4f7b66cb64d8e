import { type ClassInfluence, classInfluence, type ImageBatch } from '@codiff/codiff';
import type { Mask } from '../mask.js';
import type { Recipe } from '../recipe.js';
import type { Sprite } from './sprite.js';

/** One thing that the slider shows. */
export type Pane =
  | {
      readonly kind: 'picture';
      readonly caption: string;
      readonly sprite: Sprite;
      /** Of a preview: share of the image's variance that it explains. Absent: decoded. */
      readonly explained?: number;
    }
  | {
      readonly kind: 'influence';
      /** The modality. */
      readonly caption: string;
      readonly sprite: Sprite;
      /** Least and greatest influence over all steps. */
      readonly range: readonly [number, number];
    };

/** Influence of one modality on an image. */
export interface ModalityInfluence {
  readonly name: string;
  /** Over all pixels, step by step. */
  readonly mean: readonly number[];
  readonly classes: readonly ClassInfluence[];
}

/** The way of an image from noise. */
export interface ImageSteps {
  /** Of every step, first step first. */
  readonly timesteps: readonly number[];
  /** Which of the steps the slider shows. */
  readonly shown: readonly number[];
  readonly panes: readonly Pane[];
  readonly modalities: readonly ModalityInfluence[];
  /** The mask at the size of the influence maps. */
  readonly labels: Mask | undefined;
}

/** An image as a report has it. */
export interface ReportImage {
  readonly file: string;
  readonly recipe: Recipe;
  readonly uri: string;
  readonly steps: ImageSteps | undefined;
}

/** Mean influence by the classes of a mask, at the size of the maps. */
export const classMeans = (maps: ImageBatch, { ids }: Mask): ClassInfluence[] => classInfluence(maps, ids);

import { type ByteImage, type ImageBatch, imageBytes, meanInfluence } from '@codiff/codiff';
import { type Mask, resizeMask } from '../mask.js';
import type { Recipe } from '../recipe.js';
import { fitPreview, previewFrames } from './latent-preview.js';
import { MOST_DETAILED } from './report-bytes.js';
import { classMeans, type ImageSteps, type Pane, type ReportImage } from './report-image.js';
import { pickImages, shownSteps } from './shown-steps.js';
import { influenceSprite, pictureSprite, pictureUri } from './sprite.js';

/** Side up to which images of steps are decoded for a report alone. */
export const DECODED_SIDE = 128;
/** Side of the results whose steps are not shown. */
const THUMBNAIL = 160;

/** What a report takes of a finished image. */
export interface FinishedImage {
  /** File name of the image. */
  readonly file: string;
  readonly image: ByteImage;
  /** Its latents [1,h,w,c]. */
  readonly z: ImageBatch;
  /** Timesteps from which the steps started, first step first. */
  readonly timesteps: readonly number[];
  /** x_t and predicted x_0 of the steps by their file's ending, each [T,h,w,c]. */
  readonly latents: Readonly<Record<string, ImageBatch>>;
  /** The same, decoded [T,H,W,3], where that was done. */
  readonly decoded: Readonly<Record<string, ImageBatch>>;
  /** Influence maps of the steps by modality [T,h,w,1]; empty where one model draws alone. */
  readonly influence: Readonly<Record<string, ImageBatch>>;
}

/** What a report is made of; images are kept as they will stand in it. */
export class GenerationReport {
  readonly images: ReportImage[] = [];

  constructor(
    readonly mask: Mask | undefined,
    /** Side of an image in pixels. */
    readonly side: number,
  ) {}

  /** Whether the steps of the next image will be shown. */
  get takesSteps(): boolean {
    return this.images.length < MOST_DETAILED;
  }

  /** Whether steps are decoded for the report; else it shows previews, unless they are decoded for other reasons. */
  get decodes(): boolean {
    return this.takesSteps && this.side <= DECODED_SIDE;
  }

  /** Take in an image. @param recipe the one that its file carries */
  async add(finished: FinishedImage, recipe: Recipe): Promise<void> {
    const { file, image } = finished;
    const steps = this.takesSteps ? await stepsOf(finished, this.mask) : undefined;
    this.images.push({ file, recipe, uri: await pictureUri(image, steps ? undefined : THUMBNAIL), steps });
  }
}

/** What the steps of an image are called, by the ending of their file. */
const CAPTIONS: Readonly<Record<string, string>> = { x_inter: 'x_t', pred_x0: 'predicted x_0' };

async function stepsOf(finished: FinishedImage, mask: Mask | undefined): Promise<ImageSteps> {
  const { timesteps, latents, decoded, influence, image, z } = finished;
  const shown = shownSteps(timesteps.length);
  const panes: Pane[] = [];
  for (const [ending, all] of Object.entries(latents)) {
    const caption = CAPTIONS[ending] ?? ending;
    const images = decoded[ending];
    if (images) {
      panes.push({ kind: 'picture', caption, sprite: await pictureSprite(imageBytes(pickImages(images, shown))) });
      continue;
    }
    const preview = fitPreview(z, image);
    const sprite = await pictureSprite(previewFrames(pickImages(all, shown), preview));
    panes.push({ kind: 'picture', caption, sprite, explained: preview.explained });
  }
  const labels = mask && Object.values(influence)[0] && resizeMask(mask, Object.values(influence)[0]!.shape[1]);
  const modalities: ImageSteps['modalities'][number][] = [];
  for (const [name, maps] of Object.entries(influence)) {
    const { values } = maps;
    panes.push({
      kind: 'influence',
      caption: name,
      sprite: await influenceSprite(pickImages(maps, shown)),
      range: [values.reduce((a, b) => Math.min(a, b), 1), values.reduce((a, b) => Math.max(a, b), 0)],
    });
    modalities.push({ name, mean: meanInfluence(maps), classes: labels ? classMeans(maps, labels) : [] });
  }
  return { timesteps, shown, panes, modalities, labels };
}

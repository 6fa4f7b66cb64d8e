import { basename } from 'node:path';
import type { Sketch } from '@codiff/trainer';
import type { Mask } from '../mask.js';
import type { OutputFolder } from '../output-folder.js';
import { paintMask } from '../palette.js';
import type { Recipe } from '../recipe.js';
import { paintSketch } from '../sketch.js';
import type { BatchReport } from '../write-batch.js';
import { classPixels, generationPage } from './generation-page.js';
import { GenerationReport } from './generation-report.js';
import { FRAME_SIDE } from './report-bytes.js';
import { pictureUri } from './sprite.js';

/** Name of a report, beside the images. */
export const REPORT_NAME = 'report.html';

/** What a report is about, and where it goes. */
export interface ReportPlace {
  readonly mask: Mask | undefined;
  readonly sketch: Sketch | undefined;
  /** Side of an image in pixels. */
  readonly side: number;
  readonly folder: Pick<OutputFolder, 'write' | 'path'>;
}

/** The report on a run, written when the run is over. */
export class RunReport {
  private readonly report: GenerationReport;

  constructor(private readonly place: ReportPlace) {
    this.report = new GenerationReport(place.mask, place.side);
  }

  /** What takes the images of a batch. @param recipe of an image, by its place in the batch */
  ofBatch(recipe: (batchIndex: number) => Recipe): BatchReport {
    const { report } = this;
    return {
      get takesSteps() {
        return report.takesSteps;
      },
      get decodes() {
        return report.decodes;
      },
      add: (image, batchIndex) => report.add(image, recipe(batchIndex)),
    };
  }

  /**
   * Write the page, if there is an image to report on.
   * @param stopped whether images are missing @throws InputError if the folder takes no file
   */
  async write(stopped: boolean): Promise<void> {
    const { images } = this.report;
    if (images.length === 0) return;
    const { mask, sketch, folder } = this.place;
    const shown = mask && {
      name: mask.name,
      uri: await pictureUri(paintMask(mask), FRAME_SIDE),
      pixels: classPixels(mask),
    };
    const name = `sketch ${basename(images[0]!.recipe.sketch?.path ?? '')}`;
    const pictures = sketch ? [{ name, uri: await pictureUri(paintSketch(sketch)) }] : [];
    const page = generationPage({ images, folder: folder.path, mask: shown, pictures, date: new Date(), stopped });
    await folder.write(REPORT_NAME, new TextEncoder().encode(page));
  }
}

import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ByteImage, type ImageBatch, loggerSheet } from '@codiff/codiff';
import { Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { ImageLoggerConfig } from '../config/callback-configs.js';
import { encodePng } from '../data/decode-image.js';
import type { LogSink } from '../log/log-sink.js';
import { type HostBatch, toTensors } from '../loop/batch-source.js';
import { type ImageLogState, imagesDue, startImageLog } from '../loop/image-cadence.js';
import type { ImageMoment, ImageWriter } from '../loop/train-run.js';
import type { Divided, Training } from '../steps/train-state.js';
import type { MakePictures, Picture } from './pictures.js';

/** What an {@link ImageLogger} works with. */
export interface ImageLoggerSetup {
  readonly config: ImageLoggerConfig;
  readonly make: MakePictures;
  readonly training: Pick<Training, 'weights'>;
  /** The run's; pictures have draws of their own. */
  readonly seed: number;
  /** Of the run; files go to `images/<split>/` below it. */
  readonly folder: string;
  readonly log: LogSink;
  /** Where it is remembered what was logged, so that a run that goes on logs what it would have logged. */
  readonly memory: { imageLog: ImageLogState | null };
  /** A batch with its images, where training itself works without. */
  readonly withImages?: (batch: HostBatch, moment: ImageMoment) => Promise<HostBatch>;
}

/** Pictures in a row: of a file, and in the event files. */
const ROW = { file: 4, events: 8 } as const;

/** `main.ImageLogger` of the original (sections 3 and 19.8): pictures as PNG files and in the run's log. */
export class ImageLogger implements ImageWriter {
  constructor(private readonly setup: ImageLoggerSetup) {}

  /** @inheritdoc */
  async at(moment: ImageMoment, divided: Divided, batch: HostBatch): Promise<readonly string[] | null> {
    const { config, memory, seed, make, training, withImages } = this.setup;
    const answer = imagesDue(config, memory.imageLog ?? startImageLog(config), moment);
    if (!answer.due) return null;
    // Remembered first: what fails once is not tried again at every batch.
    memory.imageLog = answer.state;
    const { split, globalStep } = moment;
    const tensors = toTensors(withImages ? await withImages(batch, moment) : batch);
    const rng = Rng.of(seed).split('images').split(split).split(globalStep);
    const { ema } = divided.state;
    const weights = training.weights(divided);
    const p = ema ? weights.merge(ema.shadow) : weights;
    const files: string[] = [];
    try {
      for (const [key, picture] of Object.entries(await make(p, tensors, rng))) {
        files.push(await this.write(key, picture, moment));
      }
    } finally {
      tf.dispose(Object.values(tensors));
    }
    return files;
  }

  private async write(key: string, { images, sheet }: Picture, moment: ImageMoment): Promise<string> {
    const { config, folder, log } = this.setup;
    const { split, globalStep, epoch, batchIndex } = moment;
    const shown = sheet ? images : firstOf(images, config.maxImages);
    const at = join(folder, 'images', split);
    await mkdir(at, { recursive: true });
    const six = (n: number): string => String(n).padStart(6, '0');
    const path = join(at, `${key}_gs-${six(globalStep)}_e-${six(epoch)}_b-${six(batchIndex)}.png`);
    const { clamp, rescale } = config;
    await writeFile(path, await pngOf(loggerSheet(shown, { nrow: ROW.file, clamp, rescale })));
    const { width, height, ...event } = loggerSheet(shown, { nrow: ROW.events, clamp });
    await log.image(globalStep, `${split}/${key}`, { width, height, png: await pngOf({ width, height, ...event }) });
    return path;
  }
}

function firstOf({ values, shape: [B, H, W, C] }: ImageBatch, most: number): ImageBatch {
  const count = Math.min(B, most);
  return { values: values.subarray(0, count * H * W * C), shape: [count, H, W, C] };
}

const pngOf = ({ values, width, height, channels }: ByteImage): Promise<Uint8Array> =>
  encodePng({ values, width, height, channels });

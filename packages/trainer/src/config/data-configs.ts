import { fields, ruleOf, withRules } from '@codiff/ldm-core';
import { z } from 'zod';

const { count, flag, ignored, note, oneOf, target, text, whole } = fields;

const dataset = () => note(target('dataset').nullable().default(null), { role: 'dataset' });

const moduleFields = z.strictObject({
  batchSize: count(),
  train: dataset(),
  validation: dataset(),
  test: dataset(),
  predict: dataset(),
  /** null: twice the batch size. No effect on values beyond the order of random draws. */
  numWorkers: whole(0).nullable().default(null),
  shuffleValDataloader: flag().default(false),
  shuffleTestLoader: flag().default(false),
  wrap: ignored('the same items in another object'),
  useWorkerInitFn: ignored('it seeds a generator that this data set does not draw from'),
});

const moduleRule = ruleOf<z.output<typeof moduleFields>>();

/** `main.DataModuleFromConfig`: the data sets of a run (original, 19.8). */
export const DataModuleConfig = withRules(
  moduleFields,
  moduleRule(['train', 'test'], function* ({ train, test }) {
    if (test === null || train !== null) return;
    yield {
      path: ['test'],
      message: 'the loader of test is made with that of train, and there is none',
      suggestion: 'give train, or name this validation',
    };
  }),
);

/** {@link DataModuleConfig} with its defaults applied. */
export type DataModuleConfig = z.output<typeof DataModuleConfig>;

const CAPTIONS = 'datasets/text/captions_hq_beard_and_age_2022-08-19.json';
const MASKS = 'datasets/mask/CelebAMask-HQ-mask-color-palette_32_nearest_downsampled_from_hq_512_one_hot_2d_tensor';

/** `ldm.data.celebahq.CelebAConditionalDataset`: faces with their conditions (original, 7 and 19.8). */
export const DatasetConfig = z.strictObject({
  imPreprocessorConfig: target('preprocessor'),
  phase: oneOf(['train', 'test']).default('train'),
  /** The last so many are the test set. 0 leaves nothing to train on. */
  testDatasetSize: whole(0).default(3000),
  /** `text`, `seg_mask`, `sketch`; other names load nothing, but count where one condition is told from several. */
  conditions: z.array(text(), { error: 'wanted a list of names' }).default(['seg_mask', 'text', 'sketch']),
  imageFolder: text().default('datasets/image/image_512_downsampled_from_hq_1024'),
  textFile: text().default(CAPTIONS),
  maskFolder: text().default(MASKS),
  sketchFolder: text().default('datasets/sketch/sketch_1x1024_tensor'),
});

/** {@link DatasetConfig} with its defaults applied. */
export type DatasetConfig = z.output<typeof DatasetConfig>;

/** `ldm.data.celebahq.DalleTransformerPreprocessor`: crop and resize (original, 7 and 19.8). */
export const PreprocessorConfig = z.strictObject({
  /** Side of the square that comes out. */
  size: count().default(256),
  /** Anything but `train` means validation. */
  phase: text().default('train'),
  additionalTargets: ignored('only the image is passed on'),
});

/** {@link PreprocessorConfig} with its defaults applied. */
export type PreprocessorConfig = z.output<typeof PreprocessorConfig>;

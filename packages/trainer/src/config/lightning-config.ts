import { type ConfigTree, fields, isTree, mergeTrees } from '@codiff/ldm-core';
import { z } from 'zod';

const { count, ignored, note, target, whole } = fields;

/** Options of the original's trainer that are taken as they are; what each means is for the training command to say. */
const PASSED = [
  'accelerator ampBackend ampLevel autoLrFind autoScaleBatchSize autoSelectGpus callbacks',
  'checkValEveryNEpoch checkpointCallback defaultRootDir deterministic devices distributedBackend fastDevRun',
  'flushLogsEveryNSteps gpus gradientClipAlgorithm gradientClipVal ipus limitPredictBatches limitTestBatches',
  'limitTrainBatches limitValBatches logEveryNSteps logGpuMemory logger maxTime minEpochs minSteps moveMetricsToCpu',
  'multipleTrainloaderMode numNodes numProcesses numSanityValSteps overfitBatches plugins precision prepareDataPerNode',
  'processPosition profiler progressBarRefreshRate reloadDataloadersEveryEpoch reloadDataloadersEveryNEpochs',
  'replaceSamplerDdp resumeFromCheckpoint stochasticWeightAvg syncBatchnorm terminateOnNan tpuCores trackGradNorm',
  'truncatedBpttSteps valCheckInterval weightsSavePath weightsSummary',
].flatMap((line) => line.split(' '));

const passed = Object.fromEntries(PASSED.map((field) => [field, z.unknown().optional()]));

/** `lightning.trainer`: the options of the training loop. */
export const TrainerConfig = z.strictObject({
  ...passed,
  benchmark: ignored('it chooses among equal kernels'),
  /** Batches whose gradients are added up before a step. */
  accumulateGradBatches: count().default(1),
  maxEpochs: count().nullable().default(null),
  maxSteps: whole(-1).nullable().default(null),
});

/** {@link TrainerConfig} with its defaults applied. */
export type TrainerConfig = z.output<typeof TrainerConfig>;

const callback = () => note(target('callback').optional(), { role: 'callback' });

/** `lightning.callbacks`, by name. Those the original always has are merged in by {@link withLightningDefaults}. */
export const CallbacksConfig = z.strictObject({
  setupCallback: callback(),
  imageLogger: callback(),
  learningRateLogger: callback(),
  cudaCallback: callback(),
  checkpointCallback: callback(),
  /** Weights every so many steps, none deleted. */
  metricsOverTrainstepsCheckpoint: callback(),
});

/** {@link CallbacksConfig}. */
export type CallbacksConfig = z.output<typeof CallbacksConfig>;

const pattern = z.string().refine(isPattern, { error: 'wanted a regular expression' });

function isPattern(text: string): boolean {
  try {
    new RegExp(text);
    return true;
  } catch {
    return false;
  }
}

/** One of `lightning.learning_rates`: the base rate of the weights whose key matches; null freezes them. */
export const RateRuleConfig = z.strictObject({
  match: pattern,
  lr: fields.number().min(0, { error: 'wanted a rate of at least 0, or null' }).nullable(),
});

/** `lightning` of a config file. */
export const LightningConfig = z.strictObject({
  callbacks: CallbacksConfig.optional(),
  /** Merged over the defaults of `checkpointCallback`. */
  modelcheckpoint: note(target('callback').optional(), { role: 'callback' }),
  logger: note(target('logger').optional(), { role: 'logger' }),
  trainer: TrainerConfig.optional(),
  /** Ours: base learning rates by group. The first that matches a weight's key counts; each trained weight needs one. */
  learningRates: z.array(RateRuleConfig, { error: 'wanted a list of {match, lr}' }).optional(),
});

/** {@link LightningConfig}. */
export type LightningConfig = z.output<typeof LightningConfig>;

const checkpoints = {
  target: 'pytorch_lightning.callbacks.ModelCheckpoint',
  params: { filename: '{epoch:06}', verbose: true, save_last: true },
};

/** Callbacks that every run of the original has; a config overrides them key by key (original, 19.8). */
export const DEFAULT_CALLBACKS: ConfigTree = {
  checkpoint_callback: checkpoints,
  setup_callback: { target: 'main.SetupCallback', params: {} },
  image_logger: { target: 'main.ImageLogger', params: { batch_frequency: 750, max_images: 4, clamp: true } },
  learning_rate_logger: { target: 'main.LearningRateMonitor', params: { logging_interval: 'step' } },
  cuda_callback: { target: 'main.CUDACallback', params: {} },
};

/** A callback that a run has if its config names it, if only by an empty mapping (original, section 3). */
const TRAINSTEPS_CHECKPOINT: ConfigTree = {
  metrics_over_trainsteps_checkpoint: {
    target: 'pytorch_lightning.callbacks.ModelCheckpoint',
    params: {
      filename: '{epoch:06}-{step:09}',
      verbose: true,
      save_top_k: -1,
      every_n_train_steps: 10000,
      save_weights_only: true,
    },
  },
};

/** What the sections beside the callbacks have where a config gives only some of their keys. */
const DEFAULT_SECTIONS: ConfigTree = {
  modelcheckpoint: checkpoints,
  logger: { target: 'pytorch_lightning.loggers.TestTubeLogger', params: { name: 'testtube' } },
};

/** A config file with the original's defaults under its `lightning` section. */
export function withLightningDefaults(tree: ConfigTree): ConfigTree {
  const lightning = tree.lightning ?? {};
  // Anything of another form is left to validation, which names it.
  if (!isTree(lightning) || !(lightning.callbacks === undefined || isTree(lightning.callbacks))) return tree;
  const given = lightning.callbacks ?? {};
  const optional = 'metrics_over_trainsteps_checkpoint' in given ? TRAINSTEPS_CHECKPOINT : {};
  const callbacks = mergeTrees({ ...DEFAULT_CALLBACKS, ...optional }, given);
  const sections = Object.entries(DEFAULT_SECTIONS).filter(([name]) => isTree(lightning[name]));
  return { ...tree, lightning: { ...mergeTrees(Object.fromEntries(sections), lightning), callbacks } };
}

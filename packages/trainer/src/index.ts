export { type BestOptions, type Ranked, rank } from './checkpoint/best.js';
export {
  CudaCallbackConfig,
  ImageLoggerConfig,
  LearningRateMonitorConfig,
  ModelCheckpointConfig,
  SetupCallbackConfig,
  TestTubeLoggerConfig,
} from './config/callback-configs.js';
export { DataModuleConfig, DatasetConfig, PreprocessorConfig } from './config/data-configs.js';
export {
  CallbacksConfig,
  DEFAULT_CALLBACKS,
  LightningConfig,
  TrainerConfig,
  withLightningDefaults,
} from './config/lightning-config.js';
export { trainerRegistry, trainerRoles } from './config/targets.js';
export { checkTrainingConfig, TrainingFile } from './config/training-file.js';
export { CAPTION_KEY, readCaptions } from './data/captions.js';
export { classIndex, FACE_CLASSES, type FaceClass, MASK_SIDE } from './data/classes.js';
export { DataError, type DataFault } from './data/data-error.js';
export { resolveDataPath } from './data/dataset-paths.js';
export { decodeImage, encodePng } from './data/decode-image.js';
export { type Draws, seededDraws } from './data/draws.js';
export {
  type ConditionName,
  conditionNames,
  FaceDataset,
  type FaceDatasetOptions,
  type FaceItem,
  type OriginalItem,
  originalItem,
} from './data/face-dataset.js';
export { readMaskPng } from './data/mask-png.js';
export { labelsOf, oneHot, readOneHot, writeOneHot } from './data/one-hot.js';
export { crop, type Pixels } from './data/pixels.js';
export { type PreprocessOptions, preprocess } from './data/preprocessor.js';
export { type ResizeFilter, resize, resizeFilters } from './data/resize.js';
export { type FileTensor, readTensorFile, writeTensorFile } from './data/tensor-file.js';
export { encodeMaskPng } from './data/write-mask-png.js';
export { type LogStart, openEventFile } from './log/event-file.js';
export { type LogLine, openJsonLines, readLogLines } from './log/json-lines.js';
export { joinSinks, type LoggedImage, type LogSink } from './log/log-sink.js';
export {
  type ImageCadence,
  type ImageLogMoment,
  type ImageLogState,
  imagesDue,
  startImageLog,
} from './loop/image-cadence.js';
export { composeTraining } from './steps/compose-training.js';
export { type Compile, eagerly } from './steps/consume.js';
export type { DiffusionTrainingOptions } from './steps/diffusion-training.js';
export { latentDiffusionTraining } from './steps/latent-diffusion-training.js';
export { describeLearningRate, type LearningRateRule, learningRate } from './steps/learning-rate.js';
export type {
  Divided,
  EvaluateControl,
  Logs,
  OptimGroup,
  StepControl,
  TensorBatch,
  Training,
  TrainState,
  UpdateOptions,
} from './steps/train-state.js';
export {
  divideVae,
  type GanAutoencoder,
  type VaeBatch,
  type VaePlans,
  type VaeTrainingOptions,
  vaePlans,
  vaeStep,
  vaeTraining,
} from './steps/vae-training.js';
